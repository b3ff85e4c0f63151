"""Every action happens whole or not at all: what fails late leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from audit.models import Chain, LedgerEntry
from consent.interface import change_grant, set_audience, withdraw_grant
from consent.models import (
    Audience,
    Grant,
    GrantVersion,
    IssuedToken,
    Lease,
    Use,
    UseLikeness,
)
from events.models import Event
from identity.models import Cameo
from tests.consent.conftest import NOW, SECOND, Cast

TABLES: list[Any] = [
    Audience,
    Cameo,
    Chain,
    Event,
    Grant,
    GrantVersion,
    IssuedToken,
    Lease,
    LedgerEntry,
    Use,
    UseLikeness,
]
PARODY = {"purposes": ["parody"]}
LATER = NOW + SECOND


class Broken(Exception):
    """What went wrong in the middle."""


def everything() -> dict[str, list[Any]]:
    return {table.__name__: sorted(table.objects.values_list(), key=str) for table in TABLES}


def grant(cast: Cast, given: Any) -> Callable[[], Any]:
    return lambda: cast.grant(to=cast.mallory)


def first_grant(cast: Cast, given: Any) -> Callable[[], Any]:
    withdraw_grant(grant=given.id, now=NOW, by=cast.alice)
    set_audience(cameo=cast.cameo, audience="only_me", now=NOW, by=cast.alice)
    return lambda: cast.grant()


def change(cast: Cast, given: Any) -> Callable[[], Any]:
    return lambda: change_grant(grant=given.id, terms=PARODY, now=LATER, by=cast.alice)


def withdraw(cast: Cast, given: Any) -> Callable[[], Any]:
    return lambda: withdraw_grant(grant=given.id, now=LATER, by=cast.alice)


def narrow(cast: Cast, given: Any) -> Callable[[], Any]:
    return lambda: set_audience(cameo=cast.cameo, audience="only_me", now=NOW, by=cast.alice)


def issue(cast: Cast, given: Any) -> Callable[[], Any]:
    return lambda: cast.issue()


def redeem(cast: Cast, given: Any) -> Callable[[], Any]:
    issued = cast.issue()
    return lambda: cast.redeem(issued)


ACTIONS = [grant, first_grant, change, withdraw, narrow, issue, redeem]
WITH_EVENT = [grant, first_grant, change, withdraw, narrow, redeem]


def check(action: Callable[[], Any], broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
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


@pytest.mark.parametrize("prepare", ACTIONS)
def test_without_its_ledger_entry_nothing_happens(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, prepare: Callable[[Cast, Any], Any]
) -> None:
    check(prepare(cast, cast.grant()), "audit.interface.append", monkeypatch)


@pytest.mark.parametrize("prepare", WITH_EVENT)
def test_without_its_event_nothing_happens(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, prepare: Callable[[Cast, Any], Any]
) -> None:
    check(prepare(cast, cast.grant()), "events.interface.emit", monkeypatch)


@pytest.mark.parametrize("broken", ["consent.issuing.mint", "consent.issuing.keyring"])
def test_a_token_that_cannot_be_signed_was_never_issued(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    check(issue(cast, cast.grant()), broken, monkeypatch)


@pytest.mark.parametrize("prepare", ACTIONS)
@pytest.mark.django_db(transaction=True)
def test_every_action_is_a_transaction_of_its_own(
    monkeypatch: pytest.MonkeyPatch, prepare: Callable[[Cast, Any], Any]
) -> None:
    """The same without a transaction around it, as it runs when it is served."""
    from tests.consent.conftest import make_cast

    cast = make_cast()
    action = prepare(cast, cast.grant())
    before = everything()

    def fail(*args: Any, **kwargs: Any) -> Any:
        raise Broken

    monkeypatch.setattr("audit.interface.append", fail)
    with pytest.raises(Broken):
        action()
    assert everything() == before
