"""What stands between people: their friendships and blocks, read; and what changing them shares.

Who has blocked somebody doesn't see what that person asks of them while the block stands: such
an ask is made all the same, and to who asked it looks like one that was never answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from django.db.models import Q, QuerySet

import audit.interface as audit
import events.interface as events
from accounts.interface import read_account
from audit.interface import Page, page
from common.errors import Unavailable
from common.ids import is_id
from consent.errors import BlockNotFound, FriendshipNotFound, PersonIsOneself, PersonUnknown
from consent.models import Block, Friendship
from consent.records import BlockRecord, FriendshipRecord
from consent.selectors import DEFAULT_LIMIT
from identity.interface import bump_epochs, lock_cameos, own_cameo

# How often a row may be ended by somebody else between being found and being locked.
_TRIES: Final = 5


def check_person(account: str, *, by: str) -> None:
    """Raise unless `account` is somebody other than `by`, and their account is open.

    Raises:
        PersonIsOneself: they are the same.
        PersonUnknown: there is no such account, or it is closed.
    """
    if account == by:
        raise PersonIsOneself
    found = read_account(account) if is_id("acc", account) else None
    if found is None or not found.is_active:
        raise PersonUnknown


def lock_people(*accounts: str) -> dict[str, str]:
    """Lock the people's cameos in id order; gives account id to cameo id, for those who have one.

    Raises:
        NoTransaction: outside a transaction.
    """
    found = (own_cameo(account) for account in sorted(set(accounts)))
    locked = lock_cameos([view.id for view in found if view is not None])
    return {cameo.owner_id: cameo.id for cameo in locked.values() if cameo.state != "erased"}


def has_blocked(blocker: str, blocked: str) -> bool:
    """Whether a block of the one by the other stands."""
    return Block.objects.filter(blocker_id=blocker, blocked_id=blocked, lifted=None).exists()


def record(
    cameos: Mapping[str, str], kind: str, body: dict[str, str | None], *, now: datetime
) -> None:
    """Count the epochs of the cameos (account id to cameo id, locked) up, and append an entry to
    each one's chain, or to the service's where there is none.
    """
    ids = sorted(cameos.values())
    bump_epochs(ids)
    for chain in ids or [audit.SERVICE_CHAIN]:
        audit.append(chain=chain, kind=kind, body=body, now=now)


def open_friendship(*, asked_by: str, of: str, now: datetime) -> tuple[Friendship, bool]:
    """The pair's one friendship that hasn't ended, locked, and whether it was made by this."""
    low, high = sorted((asked_by, of))
    for _ in range(_TRIES):
        new = Friendship(low_id=low, high_id=high, asked_by=asked_by, asked=now)
        Friendship.objects.bulk_create([new], ignore_conflicts=True)
        rows = Friendship.objects.select_for_update().filter(low_id=low, high_id=high)
        row = rows.exclude(state=Friendship.State.ENDED).first()
        if row is not None:
            return row, row.id == new.id
    raise Unavailable


def befriend(
    row: Friendship,
    cameos: Mapping[str, str],
    *,
    now: datetime,
    by: str,
    invite: str | None = None,
) -> None:
    """Accept a friendship that is asked for. Its row and the people's cameos are locked.

    Args:
        row: the friendship.
        cameos: account id to cameo id.
        now: when.
        by: account id of who accepts.
        invite: id of the invite that brought it about.
    """
    row.state, row.accepted = Friendship.State.ACCEPTED, now
    row.save(update_fields=["state", "accepted"])
    body = friendship_body(row, by) | ({"invite": invite} if invite else {})
    record(cameos, "friendship.accepted", body, now=now)
    tell(events.EventKind.FRIENDSHIP_ACCEPTED, row, cameos, now=now)


def friendship_body(row: Friendship, by: str) -> dict[str, str | None]:
    """What the ledger says of a friendship."""
    return {"by": by, "friendship": row.id, "high": row.high_id, "low": row.low_id}


def tell(
    kind: events.EventKind,
    row: Friendship,
    cameos: Mapping[str, str],
    *,
    now: datetime,
    only: str | None = None,
) -> None:
    """Emit an event to each side of a friendship, or to the side `only`.

    To a side that doesn't see it, it is emitted for nobody: without an account, and with the
    friendship itself as subject. Left out, it would show in how long an ask takes.
    """
    for account in (row.low_id, row.high_id):
        if only not in (None, account):
            continue
        data, subject = {"friendship": row.id}, row.id
        cameo = cameos.get(account)
        if not _is_hidden(row, account):
            data |= {"account": account} | ({"cameo": cameo} if cameo else {})
            subject = cameo or account
        events.emit(kind=kind, subject=subject, data=data, now=now)


def other_side(row: Friendship, account: str) -> str:
    """Account id of the friend of `account`."""
    other: str = row.high_id if account == row.low_id else row.low_id
    return other


def _is_hidden(row: Friendship, account: str) -> bool:
    """Whether a friendship is an ask by somebody whom the account has blocked."""
    if row.accepted is not None or row.asked_by == account:
        return False
    return has_blocked(account, row.asked_by)


def find_friendship(friendship: str, by: str) -> Friendship:
    """The row of a friendship of `by`, as far as they see it.

    Raises:
        FriendshipNotFound: there is none, it is between others, or it is hidden by a block.
    """
    row = Friendship.objects.filter(id=friendship).first() if is_id("fri", friendship) else None
    if row is None or by not in (row.low_id, row.high_id) or _is_hidden(row, by):
        raise FriendshipNotFound
    return row


def friendship_record(row: Friendship, account: str) -> FriendshipRecord:
    """A row as the record that goes out to one of its sides."""
    return FriendshipRecord(
        id=row.id,
        account=account,
        friend=other_side(row, account),
        asked_by=row.asked_by,
        state=str(row.state),
        asked=row.asked,
        accepted=row.accepted,
        ended=row.ended,
    )


def read_friendship(*, friendship: str, by: str) -> FriendshipRecord:
    """One friendship, to one of its sides `by` (account id).

    Raises:
        FriendshipNotFound: there is none, it is between others, or asked by who is blocked.
    """
    return friendship_record(find_friendship(friendship, by), by)


def list_friendships(
    *,
    account: str,
    state: str | None = None,
    after: str | None = None,
    before: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Page[FriendshipRecord]:
    """Friendships of an account, newest ask first, ended ones too; cursors are friendship ids.

    Args:
        account: account id of who asks.
        state: only those that are `asked`, `accepted` or `ended`.
        after, before, limit: which part of the list.

    Raises:
        CursorUnknown: for a cursor that isn't one of theirs.
    """
    own = Friendship.objects.filter(Q(low_id=account) | Q(high_id=account))
    rows = own if state is None else own.filter(state=state)
    return page(
        rows.exclude(accepted=None, asked_by__in=_blocked_by(account)),
        lambda row: friendship_record(row, account),
        moment="asked",
        name="id",
        prefix="fri",
        after=after,
        before=before,
        limit=limit,
        places=own,
    )


def _blocked_by(account: str) -> QuerySet[Block, str]:
    return Block.objects.filter(blocker_id=account, lifted=None).values_list(
        "blocked_id", flat=True
    )


def block_record(row: Block) -> BlockRecord:
    """A row as the record that goes out."""
    return BlockRecord(id=row.id, blocked=row.blocked_id, since=row.since, lifted=row.lifted)


def find_block(block: str, by: str) -> Block:
    """The row of a block that `by` made.

    Raises:
        BlockNotFound: there is none, or it is somebody else's.
    """
    row = Block.objects.filter(id=block).first() if is_id("blk", block) else None
    if row is None or row.blocker_id != by:
        raise BlockNotFound
    return row


def read_block(*, block: str, by: str) -> BlockRecord:
    """One block, to who made it, `by` (account id).

    Raises:
        BlockNotFound: there is none, or it is somebody else's.
    """
    return block_record(find_block(block, by))


def list_blocks(
    *,
    blocker: str,
    after: str | None = None,
    before: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Page[BlockRecord]:
    """Blocks that the account `blocker` made, newest first, lifted ones too; cursors are ids.

    Raises:
        CursorUnknown: for a cursor that isn't one of them.
    """
    return page(
        Block.objects.filter(blocker_id=blocker),
        block_record,
        moment="since",
        name="id",
        prefix="blk",
        after=after,
        before=before,
        limit=limit,
    )
