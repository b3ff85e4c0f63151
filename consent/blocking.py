"""Blocks: one-sided, and silent.

Who blocks somebody permits them nothing any more, and doesn't appear beside them. The blocked
person gets no event and no other answer than before: what they ask is made, and hidden from who
blocked them.

A block deletes nothing. Grants to the blocked person and a friendship with them sleep under it,
and wake when it is lifted; who doesn't want that withdraws or ends them.

**Whose epoch.** An owner's block forbids uses of that owner's likeness only, alone or beside
others, so it is in every decision that it can change, and its epoch is the one that counts up.
The blocked person's own cameo keeps its epoch: they could read it in their tokens, and would see
a token for themselves alone refused as changed, in the moment in which they were blocked.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

import events.interface as events
from common.errors import Unavailable
from consent.models import Block
from consent.records import BlockRecord
from consent.relations import block_record, check_person, find_block, lock_people, record

_TRIES = 5


def block_account(*, account: str, now: datetime, by: str) -> BlockRecord:
    """Block `account`. When this returns, nothing of `by` is permitted to them.

    Blocking again gives the block that stands.

    Args:
        account: account id of who is blocked.
        now: when.
        by: account id of who blocks.

    Raises:
        PersonIsOneself, PersonUnknown: whom nobody can block.
    """
    with transaction.atomic():
        check_person(account, by=by)
        cameos = lock_people(by)
        row, is_new = _standing(account, now=now, by=by)
        if is_new:
            record(cameos, "block.made", _body(row), now=now)
            for cameo in cameos.values():
                events.emit(
                    kind=events.EventKind.CONSENT_WITHDRAWN,
                    subject=cameo,
                    data={"cameo": cameo, "block": row.id},
                    now=now,
                )
        return block_record(row)


def lift_block(*, block: str, now: datetime, by: str) -> BlockRecord:
    """Lift a block: grants and friendship that slept under it count again.

    Lifting again changes nothing and gives the block as it was lifted.

    Raises:
        BlockNotFound: there is none, or it is somebody else's.
    """
    with transaction.atomic():
        find_block(block, by)
        cameos = lock_people(by)
        row = Block.objects.select_for_update().get(id=block)
        if row.lifted is None:
            row.lifted = now
            row.save(update_fields=["lifted"])
            record(cameos, "block.lifted", _body(row), now=now)
        return block_record(row)


def _standing(account: str, *, now: datetime, by: str) -> tuple[Block, bool]:
    """The block of `account` by `by` that stands, locked, and whether it was made by this."""
    for _ in range(_TRIES):
        new = Block(blocker_id=by, blocked_id=account, since=now)
        Block.objects.bulk_create([new], ignore_conflicts=True)
        rows = Block.objects.select_for_update().filter(blocker_id=by, blocked_id=account)
        row = rows.filter(lifted=None).first()
        if row is not None:
            return row, row.id == new.id
    raise Unavailable


def _body(row: Block) -> dict[str, str | None]:
    return {"block": row.id, "blocked": row.blocked_id, "by": row.blocker_id}
