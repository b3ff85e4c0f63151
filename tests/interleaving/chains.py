"""Whether the ledger tells the same: no token is issued or redeemed on what had ended before.

A history of questions and answers can't show every broken lock: what overlapped may have come
first. The ledger can, since its entries are written in the transactions themselves, in the one
order in which these took effect; there a redemption behind the withdrawal of its grant is plain.
Pure: reads entries, knows no service.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

PERMITS = frozenset({"token.issued", "token.redeemed"})


class Entry(Protocol):
    """What is read of a ledger entry."""

    @property
    def sequence(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def body(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Misplaced:
    """An entry that can't stand where it stands, and why."""

    chain: str
    sequence: int
    kind: str
    why: str


@dataclass(slots=True)
class _Cameo:
    """A cameo's consent as its chain tells it so far."""

    state: str = "active"
    audience: str = "only_me"
    epoch: int = 0
    grants: dict[str, int] = field(default_factory=dict)


def misplaced(chain: str, owner: str, entries: Iterable[Entry]) -> tuple[Misplaced, ...]:
    """The entries of a cameo's chain that permit what earlier entries had ended.

    Args:
        chain: the cameo's id.
        owner: account id.
        entries: in order. The cameo was active and `only_me` before the first.
    """
    now = _Cameo()
    found = []
    for entry in entries:
        if entry.kind in PERMITS:
            why = _why_not(now, owner, entry.body)
            if why:
                found.append(Misplaced(chain, entry.sequence, entry.kind, why))
            now.epoch = max(now.epoch, int(entry.body["epoch"]))
        else:
            _apply(now, entry)
    return tuple(found)


def _apply(now: _Cameo, entry: Entry) -> None:
    match entry.kind:
        case "grant.created" | "grant.changed":
            now.grants[entry.body["grant"]] = entry.body["version"]
        case "grant.withdrawn":
            now.grants.pop(entry.body["grant"], None)
        case "audience.changed":
            now.audience = entry.body["audience"]
        case "cameo.suspended" | "cameo.resumed" | "cameo.erased":
            now.state = entry.kind.partition(".")[2]


def _why_not(now: _Cameo, owner: str, body: Mapping[str, Any]) -> str:
    if int(body["epoch"]) < now.epoch:
        return "an epoch before the last one"
    if now.state in ("suspended", "erased"):
        return f"the cameo is {now.state}"
    if body["requester"] == owner:
        return ""
    if now.audience == "only_me":
        return "the audience is only_me"
    grant = body["grant"]
    if grant is None:
        return "" if now.audience in ("mutuals", "anyone") else "nothing covers the requester"
    if grant not in now.grants:
        return "the grant isn't live"
    if now.grants[grant] != body["grant_version"]:
        return "another version of the grant"
    return ""
