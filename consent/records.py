"""What this room hands out: frozen records, never rows of its tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class AudienceRecord:
    """Whom a cameo is for; `since` is None where it was never changed."""

    cameo: str
    audience: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class RestrictionsRecord:
    """The terms over every use of a cameo; version 0 where none were ever set."""

    cameo: str
    version: int
    terms: dict[str, Any]
    since: datetime | None


@dataclass(frozen=True, slots=True)
class GrantRecord:
    """A grant as it stands. `terms` is the JSON object of its present version."""

    id: str
    cameo: str
    owner: str
    grantee: str
    version: int
    terms: dict[str, Any]
    created: datetime
    withdrawn: datetime | None

    @property
    def state(self) -> str:
        """`live` or `withdrawn`."""
        return "live" if self.withdrawn is None else "withdrawn"


@dataclass(frozen=True, slots=True)
class GrantVersionRecord:
    """The terms a grant had from `since` on."""

    version: int
    terms: dict[str, Any]
    since: datetime


@dataclass(frozen=True, slots=True)
class GuardedGrant:
    """A minor's grant as their guardian sees it; `co_approved` is None while it waits."""

    grant: GrantRecord
    co_approved: datetime | None


@dataclass(frozen=True, slots=True)
class UseRecord:
    """One use of one likeness, as its owner sees it.

    No grant means that none was needed: their own use, or their audience covered it.
    """

    id: str
    cameo: str
    generator: str
    requester: str
    grant: str | None
    grant_version: int | None
    purpose: str
    labels: tuple[str, ...]
    prompt_digest: str
    inputs_digest: str | None
    count: int
    seconds: float
    state: str
    started: datetime


@dataclass(frozen=True, slots=True)
class Issued:
    """A signed token, given out once and kept nowhere. `repr` doesn't show it."""

    token: str
    jti: str
    expires: datetime
    obligations: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Issued({self.jti!r})"


@dataclass(frozen=True, slots=True)
class Pending:
    """What a token request waits for.

    Attributes:
        approvals: ids of the approvals that were asked for, one for each cameo.
        expires: when the first of them lapses.
        latest: the one of them that was asked for last.
    """

    approvals: tuple[str, ...]
    expires: datetime
    latest: str


@dataclass(frozen=True, slots=True)
class ApprovalRecord:
    """An owner asked about one request, as it stands at the moment it was read for.

    Attributes:
        request: the JSON object of what is to be rendered: digests, no prompt.
        state: asked, approved, declined, spent or lapsed.
        expires: until when the owner may decide, or the approval may be used.
    """

    id: str
    cameo: str
    requester: str
    generator: str
    request: dict[str, Any]
    state: str
    asked: datetime
    expires: datetime
    decided: datetime | None


@dataclass(frozen=True, slots=True)
class StatementTotal:
    """What the uses through one generator come to, in minor units of one currency."""

    generator: str
    currency: str
    amount: int
    uses: int


@dataclass(frozen=True, slots=True)
class StatementRecord:
    """What one's likeness earned in a calendar month of UTC, from `since` to before `until`."""

    month: str
    since: datetime
    until: datetime
    totals: tuple[StatementTotal, ...]


@dataclass(frozen=True, slots=True)
class StatementLine:
    """What one use cost, in minor units; no grant means that the audience allowed it."""

    use: str
    cameo: str
    generator: str
    requester: str
    grant: str | None
    amount: int
    currency: str
    at: datetime


class LeaseState(StrEnum):
    """Whether a lease still permits."""

    LIVE = "live"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """A lease as it stands at the moment it was read for."""

    id: str
    use: str
    generator: str
    state: LeaseState
    expires: datetime
    obligations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FriendshipRecord:
    """A friendship as one side, `account`, sees it; `friend` is the other side."""

    id: str
    account: str
    friend: str
    asked_by: str
    state: str
    asked: datetime
    accepted: datetime | None
    ended: datetime | None


@dataclass(frozen=True, slots=True)
class BlockRecord:
    """A block as who made it sees it; nobody else does."""

    id: str
    blocked: str
    since: datetime
    lifted: datetime | None

    @property
    def state(self) -> str:
        """`live` or `lifted`."""
        return "live" if self.lifted is None else "lifted"


@dataclass(frozen=True, slots=True)
class InviteRecord:
    """An invite as its owner sees it; the code only while it can be used. `repr` hides it."""

    id: str
    code: str | None
    created: datetime
    used: datetime | None
    used_by: str | None
    revoked: datetime | None

    @property
    def state(self) -> str:
        """`open`, `used` or `revoked`."""
        if self.used is not None:
            return "used"
        return "open" if self.revoked is None else "revoked"

    def __repr__(self) -> str:
        return f"InviteRecord({self.id!r}, {self.state!r})"
