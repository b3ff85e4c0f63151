"""Guardianships under threads, and every action about minors whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

import pytest

import audit.interface as audit
from accounts.models import Guardianship, User
from audit.models import Chain, LedgerEntry
from consent.interface import (
    ask_guardian,
    co_approve_grant,
    declare_birth_date,
    mend_birth_date,
)
from consent.models import Grant
from events.models import Event
from identity.models import Cameo
from tests.consent.conftest import NOW, Cast, make_cast, user
from tests.consent.test_guarding import MINOR, Family, grown_up, make_family
from tests.consent.test_races import Action, together, violations


def codes(*threads: list[Action]) -> list[str]:
    return sorted(entry.code for entry in together(*threads))


def accepted() -> int:
    return LedgerEntry.objects.filter(kind="guardian.accepted").count()


@pytest.mark.django_db(transaction=True)
def test_of_two_grown_ups_asked_at_once_one_is() -> None:
    cast = make_cast()
    declare_birth_date(birth_date=MINOR, now=NOW, by=cast.alice)
    asked: list[list[Action]] = [
        [("ask", partial(ask_guardian, guardian=grown_up(f"g{turn}"), now=NOW, by=cast.alice))]
        for turn in range(6)
    ]
    assert codes(*asked) == ["guardianship_exists"] * 5 + ["ok"]
    assert Guardianship.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_accepting_many_times_at_once_is_accepting_once() -> None:
    cast = make_cast()
    family = make_family(cast, accepted=False)
    before = Cameo.objects.get(id=cast.cameo).epoch
    accept: Action = ("accept", family.accept)
    assert codes(*[[accept]] * 6) == ["ok"] * 6
    assert (accepted(), Cameo.objects.get(id=cast.cameo).epoch) == (1, before + 1)


@pytest.mark.django_db(transaction=True)
def test_two_guardians_who_accept_at_once_are_one() -> None:
    cast = make_cast()
    first = make_family(cast, accepted=False)
    for turn in range(4):
        other = grown_up(f"other{turn}")

        def switch(first: Family = first, other: str = other) -> None:
            first.end(by=cast.alice)
            made = ask_guardian(guardian=other, now=NOW, by=cast.alice)
            Family(cast, other, made.id).accept()

        found = codes([("accept", first.accept)], [("switch", switch)])
        assert found in (["ok", "ok"], ["guardianship_ended", "ok"])
        live = Guardianship.objects.get(minor_id=cast.alice, state="accepted")
        assert live.guardian_id == other
        first = again(cast, Family(cast, other, live.id))
    audit.verify_all()


def again(cast: Cast, last: Family) -> Family:
    last.end()
    asked = ask_guardian(guardian=last.carol, now=NOW, by=cast.alice)
    return Family(cast, last.carol, asked.id)


@pytest.mark.django_db(transaction=True)
def test_a_guardian_is_not_made_a_minor_while_they_accept() -> None:
    cast = make_cast()
    sam = user("sam")
    User.objects.filter(id=sam.id).update(is_staff=True)
    family = make_family(cast, accepted=False)
    for _ in range(4):
        mend = partial(mend_birth_date, account=family.carol, now=NOW, by=sam.id)
        found = codes([("accept", family.accept)], [("mend", partial(mend, birth_date=MINOR))])
        born = User.objects.get(id=family.carol).birth_date
        guards = Guardianship.objects.filter(state="accepted").exists()
        assert found in (["guardian_not_adult", "ok"], ["ok", "still_guards"])
        assert guards == (born == date(1990, 1, 1))
        if guards:
            family.end()
        mend(birth_date="1990-01-01")
        family = again(cast, family)


@pytest.mark.django_db(transaction=True)
def test_after_a_guardianship_ended_nothing_permits_and_nothing_is_approved() -> None:
    cast = make_cast()
    family = make_family(cast)
    own = cast.request()
    for _ in range(4):
        grant = cast.grant()
        tokens = [cast.issue(requester=cast.alice, request=own) for _ in range(8)]
        redeem: list[Action] = [
            ("redeem", partial(cast.redeem, issued, request=own)) for issued in tokens
        ]
        history = together(
            redeem[::2],
            redeem[1::2],
            [("issue", partial(cast.issue, requester=cast.alice, request=own))] * 6,
            [("approve", partial(family.approve, grant.id))] * 6,
            [("end", family.end)],
        )
        assert violations(history, "end") == []
        assert {entry.code for entry in history} <= {
            "ok",
            "consent_changed",
            "not_permitted",
            "not_found",
        }
        family = again(cast, family)
        family.accept()
        family.decline(grant.id)
    audit.verify_all()


class Broken(Exception):
    """What went wrong in the middle."""


TABLES: list[Any] = [Cameo, Chain, Event, Grant, Guardianship, LedgerEntry, User]


def everything() -> dict[str, list[Any]]:
    return {table.__name__: sorted(table.objects.values_list(), key=str) for table in TABLES}


def declare(cast: Cast) -> Callable[[], Any]:
    return lambda: declare_birth_date(birth_date=MINOR, now=NOW, by=cast.alice)


def mend(cast: Cast) -> Callable[[], Any]:
    make_family(cast)
    sam = user("sam")
    User.objects.filter(id=sam.id).update(is_staff=True)
    return lambda: mend_birth_date(account=cast.alice, birth_date=None, now=NOW, by=sam.id)


def ask(cast: Cast) -> Callable[[], Any]:
    declare(cast)()
    carol = grown_up("carol")
    return lambda: ask_guardian(guardian=carol, now=NOW, by=cast.alice)


def accept(cast: Cast) -> Callable[[], Any]:
    return make_family(cast, accepted=False).accept


def end(cast: Cast) -> Callable[[], Any]:
    return make_family(cast).end


def approve(cast: Cast) -> Callable[[], Any]:
    family, grant = make_family(cast), cast.grant()
    return lambda: family.approve(grant.id)


def decline(cast: Cast) -> Callable[[], Any]:
    family, grant = make_family(cast), cast.grant()
    return lambda: co_approve_grant(grant=grant.id, decision="decline", now=NOW, by=family.carol)


ACTIONS = [declare, mend, ask, accept, end, approve, decline]
BROKEN = [
    *((action, "append") for action in ACTIONS),
    *((action, "emit") for action in ACTIONS[2:]),
]


@pytest.mark.parametrize(("prepare", "broken"), BROKEN)
@pytest.mark.django_db(transaction=True)
def test_what_fails_late_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, prepare: Callable[[Cast], Callable[[], Any]], broken: str
) -> None:
    action = prepare(make_cast())
    before = everything()

    def fail(*args: Any, **kwargs: Any) -> Any:
        raise Broken

    with monkeypatch.context() as patch:
        if broken == "emit":
            patch.setattr("events.interface.emit", fail)
        else:
            patch.setattr("audit.interface.append", fail)
            patch.setattr("accounts.minors.append", fail)
        with pytest.raises(Broken):
            action()
    assert everything() == before
    action()
    assert everything() != before
