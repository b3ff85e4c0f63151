"""A minor asks, a grown-up accepts, either ends it; who reads what of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.interface import (
    GuardianshipRecord,
    NoTransaction,
    accept_guardianship,
    ask_guardian,
    end_guardianship,
    list_guardianships,
    lock_accounts,
    read_account,
    read_guardianship,
    wards_of,
)
from accounts.models import Guardianship, User
from common.errors import CameoError

NOW = datetime(2030, 5, 17, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)
NOBODY = "acc_" + "a" * 26

pytestmark = pytest.mark.django_db


def user(name: str, born: date | None = None, **extra: Any) -> str:
    return User.objects.create_user(f"{name}@example.org", birth_date=born, **extra).id


@pytest.fixture
def minor(db: None) -> str:
    return user("alice", date(2013, 8, 23))


@pytest.fixture
def carol(db: None) -> str:
    return user("carol", date(1990, 1, 1))


def code_of(action: Any) -> str:
    with pytest.raises(CameoError) as refused, transaction.atomic():
        action()
    return refused.value.code


def ask(minor: str, guardian: str, now: datetime = NOW) -> GuardianshipRecord:
    with transaction.atomic():
        return ask_guardian(minor=minor, guardian=guardian, now=now)


def accept(guardianship: str, now: datetime = NOW) -> tuple[GuardianshipRecord, bool]:
    with transaction.atomic():
        return accept_guardianship(guardianship=guardianship, now=now)


def end(guardianship: str, now: datetime = NOW) -> tuple[GuardianshipRecord, bool]:
    with transaction.atomic():
        return end_guardianship(guardianship=guardianship, now=now)


def guarded(account: str) -> bool:
    state = read_account(account)
    assert state is not None
    return state.guarded


def test_a_minor_asks_and_a_grown_up_accepts(minor: str, carol: str) -> None:
    asked = ask(minor, carol)
    assert asked.id.startswith("gua_")
    assert (asked.minor, asked.guardian, asked.state) == (minor, carol, "asked")
    assert (asked.asked, asked.accepted, asked.ended) == (NOW, None, None)
    assert not guarded(minor)
    accepted, fresh = accept(asked.id, NOW + TICK)
    assert (accepted.state, accepted.accepted, fresh) == ("accepted", NOW + TICK, True)
    assert accept(asked.id) == (accepted, False)
    assert guarded(minor)
    assert not guarded(carol)


def test_one_that_has_ended_stays_ended(minor: str, carol: str) -> None:
    first = ask(minor, carol)
    accept(first.id)
    ended, fresh = end(first.id)
    assert (ended.state, ended.ended, fresh) == ("ended", NOW, True)
    assert end(first.id, NOW + TICK) == (ended, False)
    assert not guarded(minor)
    assert code_of(lambda: accept(first.id)) == "guardianship_ended"
    assert ask(minor, carol).id != first.id


def test_what_was_only_asked_can_be_ended(minor: str, carol: str) -> None:
    asked = ask(minor, carol)
    assert end(asked.id)[0].accepted is None
    assert code_of(lambda: accept(asked.id)) == "guardianship_ended"


def test_a_minor_has_one_guardian_at_a_time(minor: str, carol: str) -> None:
    dave = user("dave", date(1985, 1, 1))
    first = ask(minor, carol)
    assert code_of(lambda: ask(minor, dave)) == "guardianship_exists"
    accept(first.id)
    assert code_of(lambda: ask(minor, dave)) == "guardianship_exists"
    with pytest.raises(IntegrityError), transaction.atomic():
        Guardianship.objects.create(minor_id=minor, guardian_id=dave, asked=NOW)


def test_who_cannot_be_asked(minor: str) -> None:
    closed = user("closed", date(1990, 1, 1), is_active=False)
    assert code_of(lambda: ask(minor, minor)) == "guardian_is_self"
    for guardian in (closed, NOBODY, "", "nul\x00", "x" * 400):
        assert code_of(lambda g=guardian: ask(minor, g)) == "guardian_unknown"


def test_who_asks_does_not_learn_how_old_somebody_is(minor: str) -> None:
    young, silent = user("young", date(2014, 1, 1)), user("silent")
    for guardian in (young, silent):
        asked = ask(minor, guardian)
        assert asked.state == "asked"
        end(asked.id)


def test_a_guardian_is_known_to_be_18(minor: str) -> None:
    mallory = user("mallory", date(2012, 5, 17))
    asked = ask(minor, mallory)
    eighteen = datetime(2030, 5, 17, 12, tzinfo=UTC)
    assert code_of(lambda: accept(asked.id, eighteen - TICK)) == "guardian_not_adult"
    User.objects.filter(id=mallory).update(birth_date=None)
    assert code_of(lambda: accept(asked.id, eighteen)) == "guardian_not_adult"
    User.objects.filter(id=mallory).update(birth_date=date(2012, 5, 17))
    assert accept(asked.id, eighteen)[1]


def test_only_a_known_minor_has_a_guardian(carol: str) -> None:
    grown, silent = user("grown", date(2012, 5, 17)), user("silent")
    assert code_of(lambda: ask(silent, carol)) == "not_a_minor"
    assert code_of(lambda: ask(grown, carol)) == "not_a_minor"
    asked = ask(grown, carol, NOW - TICK)
    assert code_of(lambda: accept(asked.id, NOW)) == "not_a_minor"


def test_a_closed_account_is_guarded_by_nobody_and_guards_nobody(minor: str, carol: str) -> None:
    asked = ask(minor, carol)
    User.objects.filter(id=minor).update(is_active=False)
    assert code_of(lambda: accept(asked.id)) == "not_found"
    User.objects.filter(id=minor).update(is_active=True)
    User.objects.filter(id=carol).update(is_active=False)
    assert code_of(lambda: accept(asked.id)) == "guardian_not_adult"
    User.objects.filter(id=carol).update(is_active=True)
    accept(asked.id)
    assert wards_of(carol, now=NOW) == (minor,)
    User.objects.filter(id=carol).update(is_active=False)
    assert not guarded(minor)
    assert wards_of(carol, now=NOW) == ()


def test_a_guardian_may_stand_by_several_until_they_are_18(minor: str, carol: str) -> None:
    other = user("other", date(2012, 5, 18))
    for one in (minor, other):
        accept(ask(one, carol).id)
    assert wards_of(carol, now=NOW) == tuple(sorted([minor, other]))
    eighteen = datetime(2030, 5, 18, 12, tzinfo=UTC)
    assert other in wards_of(carol, now=eighteen - TICK)
    assert wards_of(carol, now=eighteen) == (minor,)
    assert wards_of(NOBODY, now=NOW) == ()


def test_both_sides_read_it_and_nobody_else(minor: str, carol: str) -> None:
    mallory, asked = user("mallory"), ask(minor, carol)
    for side in (minor, carol):
        assert read_guardianship(guardianship=asked.id, by=side) == asked
        assert list_guardianships(account=side).items == (asked,)
    for stranger in (mallory, "", NOBODY):
        read: Any = {"guardianship": asked.id, "by": stranger}
        assert code_of(lambda read=read: read_guardianship(**read)) == "not_found"
    for unknown in ("gua_" + "a" * 26, "nul\x00", "", "grt_" + "a" * 26):
        read = {"guardianship": unknown, "by": minor}
        assert code_of(lambda read=read: read_guardianship(**read)) == "not_found"
    assert list_guardianships(account=mallory).items == ()


def test_they_are_listed_in_pages_newest_first(minor: str, carol: str) -> None:
    ids: list[str] = []
    for turn in range(5):
        asked = ask(minor, carol, NOW + turn * TICK)
        end(asked.id)
        ids.insert(0, asked.id)
    first = list_guardianships(account=carol, limit=2)
    assert [one.id for one in first.items] == ids[:2]
    second = list_guardianships(account=carol, limit=2, after=first.next)
    assert [one.id for one in second.items] == ids[2:4]
    back = list_guardianships(account=carol, limit=2, before=second.previous)
    assert [one.id for one in back.items] == ids[:2]
    mallory = user("mallory")
    assert code_of(lambda: list_guardianships(account=mallory, after=ids[0])) == "cursor_unknown"


def test_unknown_ones_are_not_there(db: None) -> None:
    for action in (accept, end):
        assert code_of(lambda action=action: action("gua_" + "a" * 26)) == "not_found"


@pytest.mark.django_db(transaction=True)
def test_nothing_changes_outside_of_a_transaction() -> None:
    with pytest.raises(NoTransaction):
        ask_guardian(minor=NOBODY, guardian=NOBODY, now=NOW)
    for action in (accept_guardianship, end_guardianship):
        with pytest.raises(NoTransaction):
            action(guardianship="gua_" + "a" * 26, now=NOW)
    with pytest.raises(NoTransaction):
        lock_accounts([NOBODY])


def test_accounts_are_locked_closed_or_not_and_unknown_ones_left_out(minor: str) -> None:
    closed = user("closed", is_active=False)
    with transaction.atomic():
        found = lock_accounts([closed, minor, NOBODY, minor])
    assert {name: state.is_active for name, state in found.items()} == {minor: True, closed: False}
