"""What a ledger entry is, how it is hashed, and when a chain of them holds. No database here.

An entry's hash is the RFC 6962 leaf hash, SHA-256(0x00 ‖ canonical bytes), so that a Merkle tree
over all entries can be built behind the chains without touching them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from common.canonical import canonical_bytes
from common.errors import CameoError

GENESIS = "0" * 64
SERVICE_CHAIN = "service"


class ChainBroken(CameoError):
    """A chain doesn't hold. `chain` and `sequence` say where."""

    code = "ledger_broken"

    def __init__(self, chain: str, sequence: int, why: str) -> None:
        super().__init__(f"Chain {chain}, entry {sequence}: {why}.")
        self.chain = chain
        self.sequence = sequence
        self.why = why


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a chain.

    Attributes:
        chain: a cameo's id, or `SERVICE_CHAIN` for what concerns no cameo.
        sequence: 1, 2, 3 … without a gap.
        at: RFC 3339 with microseconds.
        kind: what happened, such as `grant.withdrawn`.
        body: a JSON object of ids and digests, nothing personal.
        previous: hash of the entry before it, or `GENESIS`.
    """

    chain: str
    sequence: int
    at: str
    kind: str
    body: dict[str, Any]
    previous: str

    def leaf_bytes(self) -> bytes:
        """RFC 8785 bytes of the whole entry."""
        return canonical_bytes(
            {
                "at": self.at,
                "body": self.body,
                "chain": self.chain,
                "kind": self.kind,
                "previous": self.previous,
                "sequence": self.sequence,
            }
        )

    def hash(self) -> str:
        """RFC 6962 leaf hash in hexadecimal."""
        return hashlib.sha256(b"\x00" + self.leaf_bytes()).hexdigest()


def verify_chain(chain: str, entries: Iterable[tuple[Entry, str]], head: tuple[int, str]) -> int:
    """Check one chain from its first entry to its head.

    Args:
        chain: its name.
        entries: (entry, stored hash) in order of sequence.
        head: sequence and hash that the chain is said to end with.

    Returns:
        How many entries there are.

    Raises:
        ChainBroken: at the first entry that is missing, changed, moved, or not reached.
    """
    sequence, last = 0, GENESIS
    for entry, stored in entries:
        if entry.sequence != sequence + 1:
            raise ChainBroken(chain, sequence + 1, "the entry is missing")
        if entry.previous != last:
            raise ChainBroken(chain, entry.sequence, "it doesn't follow the entry before it")
        if entry.chain != chain or entry.hash() != stored:
            raise ChainBroken(chain, entry.sequence, "its bytes were changed")
        sequence, last = entry.sequence, stored
    if (sequence, last) != head:
        raise ChainBroken(chain, sequence + 1, "the chain ends before its head")
    return sequence
