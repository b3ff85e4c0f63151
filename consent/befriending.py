"""Friendships: asked for by one, accepted by the other, ended by either.

A friendship that has ended stays as history, which both sides see. Only what decisions can see
counts epochs up and is in the ledger: an ask that was never accepted permits nothing, so making
or ending one changes neither, and a stranger can't disturb anybody's tokens by asking.

An ask of somebody who blocked who asks is made, and looks as if it were never answered.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

import events.interface as events
from consent.errors import FriendshipEnded, FriendshipOwnAsk, PersonBlocked
from consent.models import Friendship
from consent.records import FriendshipRecord
from consent.relations import (
    befriend,
    check_person,
    find_friendship,
    friendship_body,
    friendship_record,
    has_blocked,
    lock_people,
    open_friendship,
    other_side,
    record,
    tell,
)

_State = Friendship.State


def ask_friendship(*, account: str, now: datetime, by: str) -> FriendshipRecord:
    """Ask `account` to be friends, or accept where they have asked `by`.

    Where there is a friendship that hasn't ended, asked for or accepted, it is given.

    Args:
        account: account id of who is asked.
        now: when.
        by: account id of who asks.

    Raises:
        PersonIsOneself, PersonUnknown: whom nobody can ask.
        PersonBlocked: `by` has blocked them.
    """
    with transaction.atomic():
        check_person(account, by=by)
        cameos = lock_people(account, by)
        if has_blocked(by, account):
            raise PersonBlocked
        row, is_new = open_friendship(asked_by=by, of=account, now=now)
        if is_new:
            tell(events.EventKind.FRIENDSHIP_ASKED, row, cameos, now=now, only=account)
        elif row.state == _State.ASKED and row.asked_by != by:
            befriend(row, cameos, now=now, by=by)
        return friendship_record(row, by)


def accept_friendship(*, friendship: str, now: datetime, by: str) -> FriendshipRecord:
    """Accept what the other side asked for. Accepting again changes nothing.

    Raises:
        FriendshipNotFound: there is none, it is between others, or asked by who is blocked.
        FriendshipEnded: it was declined, withdrawn or ended.
        FriendshipOwnAsk: `by` asked for it.
        PersonUnknown: who asked has closed their account.
    """
    with transaction.atomic():
        row, cameos = _held(friendship, by)
        if row.state == _State.ACCEPTED:
            return friendship_record(row, by)
        if row.state == _State.ENDED:
            raise FriendshipEnded
        if row.asked_by == by:
            raise FriendshipOwnAsk
        check_person(row.asked_by, by=by)
        befriend(row, cameos, now=now, by=by)
        return friendship_record(row, by)


def end_friendship(*, friendship: str, now: datetime, by: str) -> FriendshipRecord:
    """Decline, withdraw or end a friendship. When this returns, no decision permits by it.

    Ending again changes nothing and gives the friendship as it was ended.

    Raises:
        FriendshipNotFound: there is none, it is between others, or asked by who is blocked.
    """
    with transaction.atomic():
        row, cameos = _held(friendship, by)
        if row.state == _State.ENDED:
            return friendship_record(row, by)
        was_accepted = row.state == _State.ACCEPTED
        row.state, row.ended, row.ended_by = _State.ENDED, now, by
        row.save(update_fields=["state", "ended", "ended_by"])
        if was_accepted:
            record(cameos, "friendship.ended", friendship_body(row, by), now=now)
        tell(events.EventKind.FRIENDSHIP_ENDED, row, cameos, now=now)
        return friendship_record(row, by)


def _held(friendship: str, by: str) -> tuple[Friendship, dict[str, str]]:
    """A friendship of `by` as it stands under the locks of its people's cameos and its own."""
    row = find_friendship(friendship, by)
    cameos = lock_people(by, other_side(row, by))
    Friendship.objects.select_for_update().get(id=friendship)
    return find_friendship(friendship, by), cameos
