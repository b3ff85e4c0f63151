"""Friendships, blocks and invites happen whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from consent.interface import (
    accept_friendship,
    ask_friendship,
    block_account,
    end_friendship,
    lift_block,
    list_invites,
    redeem_invite,
)
from consent.models import Block, Friendship, Invite
from tests.consent import test_rollback
from tests.consent.between import LATER, befriended
from tests.consent.conftest import NOW, Cast, make_cast

Prepare = Callable[[Cast], Callable[[], Any]]


def ask(cast: Cast) -> Callable[[], Any]:
    return partial(ask_friendship, account=cast.alice, now=NOW, by=cast.bob)


def ask_back(cast: Cast) -> Callable[[], Any]:
    ask_friendship(account=cast.bob, now=NOW, by=cast.alice)
    return ask(cast)


def accept(cast: Cast) -> Callable[[], Any]:
    asked = ask(cast)()
    return partial(accept_friendship, friendship=asked.id, now=LATER, by=cast.alice)


def end(cast: Cast) -> Callable[[], Any]:
    asked = befriended(cast.bob, cast.alice)
    return partial(end_friendship, friendship=asked.id, now=LATER, by=cast.alice)


def block(cast: Cast) -> Callable[[], Any]:
    return partial(block_account, account=cast.bob, now=NOW, by=cast.alice)


def lift(cast: Cast) -> Callable[[], Any]:
    return partial(lift_block, block=block(cast)().id, now=LATER, by=cast.alice)


def redeem(cast: Cast) -> Callable[[], Any]:
    code = list_invites(inviter=cast.alice, now=NOW)[0].code or ""
    return partial(redeem_invite, code=code, now=LATER, by=cast.bob)


IN_LEDGER: list[Prepare] = [ask_back, accept, end, block, lift, redeem]
WITH_EVENT: list[Prepare] = [ask, ask_back, accept, end, block, redeem]


@pytest.fixture(autouse=True)
def tables(monkeypatch: pytest.MonkeyPatch) -> None:
    more = [*test_rollback.TABLES, Block, Friendship, Invite]
    monkeypatch.setattr(test_rollback, "TABLES", more)


@pytest.mark.parametrize("prepare", IN_LEDGER)
def test_without_its_ledger_entry_nothing_happens(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, prepare: Prepare
) -> None:
    test_rollback.check(prepare(cast), "audit.interface.append", monkeypatch)


@pytest.mark.parametrize("prepare", WITH_EVENT)
def test_without_its_event_nothing_happens(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, prepare: Prepare
) -> None:
    test_rollback.check(prepare(cast), "events.interface.emit", monkeypatch)


@pytest.mark.parametrize("prepare", IN_LEDGER)
@pytest.mark.django_db(transaction=True)
def test_every_action_is_a_transaction_of_its_own(
    monkeypatch: pytest.MonkeyPatch, prepare: Prepare
) -> None:
    """The same without a transaction around it, as it runs when it is served."""
    test_rollback.check(prepare(make_cast()), "audit.interface.append", monkeypatch)


@pytest.mark.django_db(transaction=True)
def test_four_codes_are_made_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    cast = make_cast()

    def fail(key: bytes, invite: str) -> str:
        raise test_rollback.Broken

    with monkeypatch.context() as patch:
        patch.setattr("consent.inviting._code", fail)
        with pytest.raises(test_rollback.Broken):
            list_invites(inviter=cast.alice, now=NOW)
    assert not Invite.objects.exists()
    assert len(list_invites(inviter=cast.alice, now=NOW)) == 4
