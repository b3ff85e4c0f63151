"""The ledger's door: append within a transaction, verify what is there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from audit.entries import GENESIS, SERVICE_CHAIN, ChainBroken, Entry, verify_chain
from audit.models import Chain, LedgerEntry
from audit.paging import CursorUnknown, Page, page
from audit.transactions import NoTransaction, require_transaction
from common.clock import rfc3339

__all__ = [
    "SERVICE_CHAIN",
    "ChainBroken",
    "CursorUnknown",
    "Entry",
    "NoTransaction",
    "Page",
    "append",
    "page",
    "read_chain",
    "require_transaction",
    "verify_all",
]


def append(*, chain: str, kind: str, body: dict[str, Any], now: datetime) -> str:
    """Append an entry to `chain` in the caller's transaction; gives the entry's hash.

    A cameo's chain is appended to under that cameo's lock, so its head is not waited for;
    the head's row is locked all the same, for chains that have no such lock.

    Args:
        chain: a cameo's id or `SERVICE_CHAIN`.
        kind: such as `grant.withdrawn`.
        body: ids and digests; nothing personal, and nothing that must be forgotten.
        now: when it happened.

    Raises:
        NoTransaction: outside a transaction.
    """
    require_transaction("A ledger entry was appended")
    Chain.objects.bulk_create([Chain(name=chain, head=GENESIS)], ignore_conflicts=True)
    head = Chain.objects.select_for_update().get(name=chain)
    entry = Entry(
        chain=chain,
        sequence=head.sequence + 1,
        at=rfc3339(now),
        kind=kind,
        body=body,
        previous=head.head,
    )
    digest = entry.hash()
    LedgerEntry.objects.create(
        chain=head,
        sequence=entry.sequence,
        at=entry.at,
        kind=kind,
        body=body,
        previous=entry.previous,
        hash=digest,
    )
    head.sequence, head.head = entry.sequence, digest
    head.save(update_fields=["sequence", "head"])
    return digest


def _entries(chain: str) -> Iterator[tuple[Entry, str]]:
    rows = LedgerEntry.objects.filter(chain_id=chain).order_by("sequence")
    for row in rows.iterator(chunk_size=1000):
        yield row.entry(), row.hash


def read_chain(chain: str) -> tuple[Entry, ...]:
    """A chain's entries in order, checked; none if there is no such chain.

    Raises:
        ChainBroken: at the first entry that doesn't hold.
    """
    head = Chain.objects.filter(name=chain).first()
    if head is None:
        return ()
    found = list(_entries(chain))
    verify_chain(chain, iter(found), (head.sequence, head.head))
    return tuple(entry for entry, _ in found)


def verify_all() -> dict[str, int]:
    """Check every chain; gives each chain's name with how many entries it has.

    Raises:
        ChainBroken: at the first entry that doesn't hold.
    """
    found: dict[str, int] = {}
    for head in Chain.objects.order_by("name"):
        found[head.name] = verify_chain(head.name, _entries(head.name), (head.sequence, head.head))
    return found
