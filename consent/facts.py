"""What a decision is made from: frozen facts, read at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from consent.terms import NO_TERMS, Terms

ONLY_ME = "only_me"
GRANTED = "granted"
MUTUALS = "mutuals"
ANYONE = "anyone"
AUDIENCES = (ONLY_ME, GRANTED, MUTUALS, ANYONE)
"""Whom a cameo may be for, from the narrowest on."""


@dataclass(frozen=True, slots=True)
class MinorFact:
    """Somebody with a birth date who is under age, or was when they granted.

    Attributes:
        of_age_on: from when on they may have a likeness here at all.
        adult_on: from when on they decide alone.
        guarded: whether a guardian's open account stands by them.
    """

    of_age_on: datetime
    adult_on: datetime
    guarded: bool


@dataclass(frozen=True, slots=True)
class AccountFact:
    """An account as it was read; `minor` where a birth date is known."""

    id: str
    is_active: bool
    minor: MinorFact | None = None

    def is_minor(self, at: datetime) -> bool:
        """Whether they are under age at `at`."""
        return self.minor is not None and at < self.minor.adult_on


@dataclass(frozen=True, slots=True)
class GeneratorFact:
    """A generator as it was read.

    Attributes:
        client_id: what OAuth knows it by.
        audience: what tokens for it name as `aud`.
        suspended: it is refused everywhere.
        renders: it may ask for likenesses at all.
        tokens_not_before: when it was last suspended or resumed.
    """

    client_id: str
    audience: str
    suspended: bool
    renders: bool
    tokens_not_before: datetime | None = None

    def has_revoked(self, issued: int) -> bool:
        """Whether a token with the `iat` of `issued` may be from before the last suspension.

        In whole seconds one that is older can't be told from one of the same second.
        """
        since = self.tokens_not_before
        return since is not None and issued <= since.timestamp()


@dataclass(frozen=True, slots=True)
class Count:
    """Uses so far, and those of the request's UTC day."""

    uses: int = 0
    today: int = 0


@dataclass(frozen=True, slots=True)
class GrantFact:
    """The live grant from a cameo's owner to the requester.

    Attributes:
        while_minor: it was given while its owner was a minor: it needs the guardian, and ends
            at 18.
        co_approved: the guardian approved this version.
    """

    id: str
    version: int
    grantee: str
    terms: Terms
    count: Count = Count()
    while_minor: bool = False
    co_approved: bool = False


@dataclass(frozen=True, slots=True)
class ApprovalFact:
    """The owner's approval of this very request, good before `until`."""

    id: str
    until: datetime


@dataclass(frozen=True, slots=True)
class LikenessFact:
    """A cameo as it was read, with what its owner allows the requester."""

    cameo: str
    owner: AccountFact
    state: str
    expires: datetime | None
    epoch: int
    audience: str
    grant: GrantFact | None
    restrictions: Terms = NO_TERMS
    count: Count = Count()
    approval: ApprovalFact | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One consistent read of everything a decision uses; what wasn't found is left out.

    Attributes:
        friendships: pairs of account ids, in both orders, among requester and owners.
        blocks: (who blocks, who is blocked) among the same.
    """

    requester: AccountFact | None
    generator: GeneratorFact | None
    likenesses: tuple[LikenessFact, ...]
    friendships: frozenset[tuple[str, str]] = frozenset()
    blocks: frozenset[tuple[str, str]] = frozenset()

    def friends_of(self, account: str) -> frozenset[str]:
        """The friends of `account` among the people that were read."""
        return frozenset(two for one, two in self.friendships if one == account)
