"""Approvals and last units against each other in threads, and whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

import audit.interface as audit
from audit.models import Chain, LedgerEntry
from consent.interface import decide_approval, issue, withdraw_grant
from consent.models import (
    Accrual,
    Approval,
    IssuedToken,
    Lease,
    Tally,
    Use,
    UseLikeness,
)
from events.models import Event
from tests.consent.conftest import NOW, SECOND, Cast, make_cast
from tests.consent.test_races import Action, together
from tests.consent.test_waiting import one_after_the_other

ASKING = {"purposes": ["personal"], "approval_each_time": True}
PRICED = ASKING | {"price": {"amount": 250, "currency": "EUR"}, "max_uses": 9}
LATER = NOW + SECOND
concurrent = pytest.mark.django_db(transaction=True)


def deciding(cast: Cast, approval: str, approve: bool = True) -> Callable[[], Any]:
    return partial(decide_approval, approval=approval, approve=approve, now=NOW, by=cast.alice)


def withdrawing(cast: Cast, grant: str) -> Callable[[], Any]:
    return partial(withdraw_grant, grant=grant, now=NOW, by=cast.alice)


def codes(*actions: Callable[[], Any]) -> list[str]:
    threads: list[list[Action]] = [[("action", action)] for action in actions]
    return sorted(entry.code for entry in together(*threads))


@concurrent
@pytest.mark.parametrize("of", ["grant", "restrictions"])
def test_of_twenty_that_race_for_the_last_unit_one_wins(of: str) -> None:
    from consent.models import Restrictions

    cast = make_cast()
    terms: dict[str, Any] = {"purposes": ["personal"], "price": {"amount": 5, "currency": "EUR"}}
    if of == "restrictions":
        Restrictions.objects.create(cameo_id=cast.cameo, terms={"max_uses": 2}, since=NOW)
    grant = cast.grant(terms=terms | ({"max_uses": 2} if of == "grant" else {}))
    cast.redeem(cast.issue())
    tokens = [cast.issue() for _ in range(20)]
    found = codes(*(partial(cast.redeem, issued) for issued in tokens))
    assert found == ["consent_changed"] * 19 + ["ok"]
    assert Lease.objects.count() == Use.objects.count() == Accrual.objects.count() == 2
    assert UseLikeness.objects.count() == 2
    assert IssuedToken.objects.exclude(redeemed=None).count() == 2
    assert dict(Tally.objects.values_list("subject", "uses")) == {cast.cameo: 2, grant.id: 2}
    audit.verify_all()


@concurrent
def test_of_many_tokens_on_one_approval_one_is_redeemed() -> None:
    cast = make_cast()
    cast.grant(terms=ASKING)
    deciding(cast, cast.ask().latest)()
    tokens = [cast.issue() for _ in range(6)]
    found = codes(*(partial(cast.redeem, issued) for issued in tokens))
    assert found == ["consent_changed"] * 5 + ["ok"]
    (spent,) = Approval.objects.values_list("spent_by", flat=True)
    assert IssuedToken.objects.exclude(redeemed=None).get().jti == spent


@concurrent
def test_many_that_ask_at_once_ask_once() -> None:
    cast = make_cast()
    cast.grant(terms=ASKING)
    assert codes(*[cast.ask] * 6) == ["ok"] * 6
    assert Approval.objects.count() == Event.objects.filter(kind="approval.requested").count() == 1


@concurrent
def test_an_owner_who_says_both_at_once_has_said_one() -> None:
    cast = make_cast()
    cast.grant(terms=ASKING)
    for round_ in range(4):
        approval = cast.ask(request=cast.request(prompt_digest=str(round_) * 64)).latest
        both = [deciding(cast, approval, approve) for approve in (True, False)]
        assert codes(*both) == ["approval_decided", "ok"]
    approval = cast.ask().latest
    assert codes(*[deciding(cast, approval)] * 4) == ["ok"] * 4
    assert (
        LedgerEntry.objects.filter(kind="approval.approved", body__approval=approval).count() == 1
    )


@concurrent
def test_an_approval_waits_for_a_withdrawal_and_then_lapses() -> None:
    cast = make_cast()
    grant = cast.grant(terms=ASKING)
    approve = deciding(cast, cast.ask().latest)
    assert one_after_the_other(withdrawing(cast, grant.id), approve) == (False, "approval_lapsed")
    assert Approval.objects.get().state == "lapsed"


@concurrent
def test_a_withdrawal_waits_for_an_approval_which_then_permits_nothing() -> None:
    cast = make_cast()
    grant = cast.grant(terms=ASKING)
    approve = deciding(cast, cast.ask().latest)
    assert one_after_the_other(approve, withdrawing(cast, grant.id)) == (False, "ok")
    assert codes(cast.issue) == ["not_permitted"]


@concurrent
def test_approving_waits_for_a_redemption_and_ends_nothing_of_it() -> None:
    cast = make_cast()
    cast.grant(terms=ASKING)
    first, other = cast.request(), cast.request(prompt_digest="1" * 64)
    deciding(cast, cast.ask(request=first).latest)()
    issued = cast.issue(request=first)
    approve = deciding(cast, cast.ask(request=other).latest)
    assert one_after_the_other(partial(cast.redeem, issued), approve) == (False, "ok")
    # And the other way round: an approval doesn't end live tokens.
    deciding(cast, cast.ask(request=first).latest)()
    issued = cast.issue(request=first)
    third = deciding(cast, cast.ask(request=cast.request(prompt_digest="2" * 64)).latest)
    assert one_after_the_other(third, partial(cast.redeem, issued)) == (False, "ok")


TABLES: list[Any] = [
    Accrual,
    Approval,
    Chain,
    Event,
    IssuedToken,
    Lease,
    LedgerEntry,
    Tally,
    Use,
    UseLikeness,
]


class Broken(Exception):
    """What went wrong in the middle."""


def everything() -> dict[str, list[Any]]:
    return {table.__name__: sorted(table.objects.values_list(), key=str) for table in TABLES}


def asking(cast: Cast) -> Callable[[], Any]:
    given: dict[str, Any] = {"request": cast.request(), "now": NOW, "by": cast.gen}
    return partial(issue, generator=cast.gen, requester=cast.bob, **given)


def asking_anew(cast: Cast) -> Callable[[], Any]:
    row = Approval.objects.get(id=cast.ask().latest)
    row.expires = NOW
    row.save()
    return asking(cast)


def approving(cast: Cast) -> Callable[[], Any]:
    return deciding(cast, cast.ask().latest)


def declining(cast: Cast) -> Callable[[], Any]:
    return deciding(cast, cast.ask().latest, False)


def redeeming(cast: Cast) -> Callable[[], Any]:
    approving(cast)()
    return partial(cast.redeem, cast.issue())


@pytest.mark.parametrize("broken", ["audit.interface.append", "events.interface.emit"])
@pytest.mark.parametrize("prepare", [asking, asking_anew, approving, declining, redeeming])
def test_without_its_ledger_entry_or_its_event_nothing_happens(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, prepare: Callable[[Cast], Any], broken: str
) -> None:
    cast.grant(terms=PRICED)
    action = prepare(cast)
    before = everything()

    def fail(*args: Any, **kwargs: Any) -> Any:
        raise Broken

    with monkeypatch.context() as patch:
        patch.setattr(broken, fail)
        with pytest.raises(Broken):
            action()
    assert everything() == before
    action()
    assert everything() != before


@pytest.mark.parametrize("step", ["_count", "_begin_use", "_accrue", "_lend"])
def test_a_redemption_that_fails_late_spends_and_counts_nothing(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    cast.grant(terms=PRICED)
    action = redeeming(cast)
    before = everything()

    def fail(*args: Any, **kwargs: Any) -> Any:
        raise Broken

    with monkeypatch.context() as patch:
        patch.setattr(f"consent.redemption.{step}", fail)
        with pytest.raises(Broken):
            action()
    assert everything() == before
    action()


@concurrent
def test_that_it_lapsed_stays_written_though_it_is_refused() -> None:
    cast = make_cast()
    grant = cast.grant(terms=ASKING)
    approve = deciding(cast, cast.ask().latest)
    withdrawing(cast, grant.id)()
    assert codes(approve) == ["approval_lapsed"]
    assert Approval.objects.get().state == "lapsed"
    assert LedgerEntry.objects.latest("id").kind == "approval.lapsed"
