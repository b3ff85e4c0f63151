"""The decision: one pure function from a request and a snapshot to permit, pending or deny.

docs/decision.md says its rules one by one. Nothing here reads a clock or a database. What isn't
known denies, and so does an exception: there is no path to permit but through every condition.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from consent.facts import (
    ANYONE,
    AUDIENCES,
    GRANTED,
    MUTUALS,
    ONLY_ME,
    AccountFact,
    LikenessFact,
    Snapshot,
)
from consent.faults import own_faults
from consent.reasons import OWN_FAULTS, Reason
from consent.request import (
    DecisionRequest,
    Purpose,
)
from consent.terms import (
    NO_TERMS,
    ApprovalEachTime,
    Circumstances,
    Price,
    Purposes,
    Remix,
    Terms,
)

log = logging.getLogger(__name__)

STRICT = Terms((Purposes(frozenset({Purpose.PERSONAL.value})), Remix(False)))
"""What binds a minor themselves; anybody else needs an approval each time as well."""
STRICT_FOR_OTHERS = Terms((*STRICT.terms, ApprovalEachTime()))

OWN = "own"
GRANT = "grant"
AUDIENCE = "audience"


class Effect(StrEnum):
    """What a decision says."""

    PERMIT = "permit"
    PENDING = "pending"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Finding:
    """A reason to deny, and the cameo it is about, if it is about one."""

    reason: Reason
    cameo: str | None = None


@dataclass(frozen=True, slots=True)
class Basis:
    """What a permit rests on for one cameo.

    Attributes:
        way: `own`, `grant` or `audience`.
        grant, grant_version: of the way `grant`.
        approval: id of the one that was needed, and is spent by the redemption.
        price: what the use costs.
    """

    cameo: str
    epoch: int
    way: str
    grant: str | None = None
    grant_version: int | None = None
    approval: str | None = None
    price: Price | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided.

    Attributes:
        effect: permit, pending or deny.
        reasons: why not, the request's own faults first; empty exactly when permitted.
        obligations: what the generator must do with what it renders.
        basis: for each likeness in the request's order; empty unless permitted.
        valid_until: the first moment at which this permit ends by its own terms, if there is one.
    """

    effect: Effect
    reasons: tuple[Finding, ...]
    obligations: tuple[str, ...] = ()
    basis: tuple[Basis, ...] = ()
    valid_until: datetime | None = None

    @property
    def permitted(self) -> bool:
        return self.effect is Effect.PERMIT

    @property
    def pending(self) -> tuple[str, ...]:
        """The cameos whose owners are to be asked, where nothing but that is missing."""
        if self.effect is not Effect.PENDING:
            return ()
        return tuple(dict.fromkeys(f.cameo for f in self.reasons if f.cameo is not None))

    @property
    def epochs(self) -> dict[str, int]:
        """Each cameo's epoch that the permit was decided on."""
        return {entry.cameo: entry.epoch for entry in self.basis}

    def for_requester(self) -> tuple[Reason, ...]:
        """What the requester may know: the request's own faults, or else just `not_permitted`.

        Faults of the request hide everything else, so that nothing can be read from whether
        `not_permitted` stands beside them.
        """
        if self.permitted:
            return ()
        if self.effect is Effect.PENDING:
            return (Reason.APPROVAL_NEEDED,)
        own = tuple(dict.fromkeys(f.reason for f in self.reasons if f.reason in OWN_FAULTS))
        return own or (Reason.NOT_PERMITTED,)

    def for_owner(self, cameo: str) -> tuple[Reason, ...]:
        """What the owner of `cameo` may know: everything but what concerns other cameos.

        A request that was denied only on account of another cameo says `not_permitted`.
        """
        if self.permitted:
            return ()
        own = dict.fromkeys(f.reason for f in self.reasons if f.cameo in (None, cameo))
        return tuple(own) or (Reason.NOT_PERMITTED,)


def decide(request: DecisionRequest, snapshot: Snapshot) -> Decision:
    """Permit `request`, deny it or have it approved first, by what `snapshot` holds.

    All or nothing over the likenesses. An owner may use their own likeness without a grant;
    what is always denied stays denied to them too.

    Args:
        request: who asks, through which generator, when, and for what.
        snapshot: one consistent read. Facts about other people, generators or cameos than the
            request names count as missing.

    Returns:
        The decision; never raises.
    """
    try:
        return _decide(request, snapshot)
    except Exception:
        log.exception("a decision could not be evaluated")
        return Decision(Effect.DENY, (Finding(Reason.EVALUATION_ERROR),))


def _decide(request: DecisionRequest, snapshot: Snapshot) -> Decision:
    if request.at.tzinfo is None:
        raise ValueError("a naive time")
    facts: dict[str, LikenessFact] = {fact.cameo: fact for fact in snapshot.likenesses}
    if len(facts) != len(snapshot.likenesses):
        raise ValueError("a snapshot with two facts about one cameo")
    found = [Finding(reason) for reason in own_faults(request.render)]
    found += [Finding(reason) for reason in _party_faults(request, snapshot)]
    used: list[_Cover] = []
    for cameo in request.render.likenesses:
        cover = _cover(request, snapshot, facts, cameo)
        used.append(cover)
        found += [Finding(reason, cameo) for reason in cover.faults]
    if found:
        only_approvals = all(finding.reason is Reason.APPROVAL_NEEDED for finding in found)
        effect = Effect.PENDING if only_approvals else Effect.DENY
        return Decision(effect, tuple(dict.fromkeys(found)))
    return Decision(
        Effect.PERMIT,
        (),
        obligations=tuple(sorted({name for cover in used for name in cover.obligations})),
        basis=tuple(cover.basis for cover in used if cover.basis is not None),
        valid_until=min((end for cover in used for end in cover.ends), default=None),
    )


def _party_faults(request: DecisionRequest, snapshot: Snapshot) -> Iterator[Reason]:
    requester = snapshot.requester
    if requester is None or requester.id != request.requester:
        yield Reason.REQUESTER_UNKNOWN
    elif not requester.is_active:
        yield Reason.REQUESTER_INACTIVE
    generator = snapshot.generator
    if generator is None or generator.client_id != request.generator:
        yield Reason.GENERATOR_UNKNOWN
    else:
        # In the second of a resumption no token could be issued that is told from older ones.
        if generator.suspended or generator.has_revoked(math.floor(request.at.timestamp())):
            yield Reason.GENERATOR_SUSPENDED
        if not generator.renders:
            yield Reason.GENERATOR_RENDERS_NOTHING


_STATE_FAULTS = {
    "suspended": Reason.CAMEO_SUSPENDED,
    "expired": Reason.CAMEO_EXPIRED,
    "erased": Reason.CAMEO_ERASED,
}


_NOBODYS = LikenessFact("", AccountFact("", True), "active", None, 0, GRANTED, None)


@dataclass(frozen=True, slots=True)
class _Cover:
    """What stands against one likeness, or else what its permit rests on."""

    faults: tuple[Reason, ...]
    basis: Basis | None = None
    obligations: tuple[str, ...] = ()
    ends: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to be covered: what it lacks, and what it would rest on."""

    kind: str
    faults: tuple[Reason, ...]
    terms: Terms = NO_TERMS
    end: datetime | None = None

    @property
    def rank(self) -> int:
        """0 is open, 1 lacks an approval alone, 2 is closed."""
        if not self.faults:
            return 0
        return 1 if set(self.faults) == {Reason.APPROVAL_NEEDED} else 2


def _cover(
    request: DecisionRequest, snapshot: Snapshot, facts: Mapping[str, LikenessFact], cameo: str
) -> _Cover:
    fact = facts.get(cameo)
    if fact is None:
        # What isn't there takes as long as what isn't granted; whatever comes of it is dropped.
        _judge(request, snapshot, facts, _NOBODYS)
        return _Cover((Reason.CAMEO_UNKNOWN,))
    return _judge(request, snapshot, facts, fact)


def _judge(
    request: DecisionRequest,
    snapshot: Snapshot,
    facts: Mapping[str, LikenessFact],
    fact: LikenessFact,
) -> _Cover:
    company = _company(request, facts, fact)
    faults = [*_state_faults(request, fact), *_block_faults(request, snapshot, fact, company)]
    approval = fact.approval if fact.approval and request.at < fact.approval.until else None
    friends = snapshot.friends_of(fact.owner.id)
    around = Circumstances(
        fact.count.uses, fact.count.today, company, friends, approval is not None
    )
    minor = fact.owner.is_minor(request.at)
    ends = [fact.expires] if fact.expires is not None else []
    if request.requester == fact.owner.id:
        if minor:
            faults += _reasons(STRICT, request, around)
        return _Cover(tuple(faults), Basis(fact.cameo, fact.epoch, OWN), (), tuple(ends))
    faults += _reasons(fact.restrictions, request, around)
    if minor:
        faults += _reasons(STRICT_FOR_OTHERS, request, around)
    ways = [_by_grant(request, fact, around), *_by_audience(request, snapshot, fact)]
    way = min(ways, key=lambda one: one.rank)
    faults += way.faults if way.rank < 2 else [r for one in ways for r in one.faults]
    ends += [end for end in (fact.restrictions.not_after, way.terms.not_after, way.end) if end]
    asked = _asks(fact.restrictions) or _asks(way.terms) or minor
    if asked and approval is not None:
        ends.append(approval.until)
    by_grant = fact.grant if way.kind == GRANT else None
    basis = Basis(
        fact.cameo,
        fact.epoch,
        way.kind,
        grant=by_grant.id if by_grant else None,
        grant_version=by_grant.version if by_grant else None,
        approval=approval.id if asked and approval is not None else None,
        price=way.terms.price or fact.restrictions.price,
    )
    obligations = (*fact.restrictions.obligations, *way.terms.obligations)
    return _Cover(tuple(faults), basis, obligations, tuple(ends))


def _company(
    request: DecisionRequest, facts: Mapping[str, LikenessFact], fact: LikenessFact
) -> frozenset[str]:
    """The owners of the request's other likenesses; unknown ones by the cameo's own id."""
    others = [name for name in request.render.likenesses if name != fact.cameo]
    owners = {facts[name].owner.id if name in facts else name for name in others}
    return frozenset(owners - {fact.owner.id})


def _state_faults(request: DecisionRequest, fact: LikenessFact) -> Iterator[Reason]:
    if fact.state != "active":
        yield _STATE_FAULTS.get(fact.state, Reason.CAMEO_NOT_ENROLLED)
    elif fact.expires is not None and request.at >= fact.expires:
        yield Reason.CAMEO_EXPIRED
    if not fact.owner.is_active:
        yield Reason.OWNER_INACTIVE
    minor = fact.owner.minor
    if minor is not None and request.at < minor.adult_on:
        if request.at < minor.of_age_on:
            yield Reason.OWNER_TOO_YOUNG
        if not minor.guarded:
            yield Reason.GUARDIAN_MISSING


def _block_faults(
    request: DecisionRequest, snapshot: Snapshot, fact: LikenessFact, company: frozenset[str]
) -> Iterator[Reason]:
    if (fact.owner.id, request.requester) in snapshot.blocks:
        yield Reason.BLOCKED
    if any((fact.owner.id, other) in snapshot.blocks for other in company):
        yield Reason.CO_APPEARANCE_BLOCKED


def _by_grant(request: DecisionRequest, fact: LikenessFact, around: Circumstances) -> _Way:
    """A grant that names the requester, awake under its cameo's audience."""
    faults: list[Reason] = []
    if fact.audience == ONLY_ME:
        faults.append(Reason.AUDIENCE_ONLY_ME)
    elif fact.audience not in AUDIENCES:
        faults.append(Reason.AUDIENCE_UNKNOWN)
    grant = fact.grant
    if grant is None or grant.grantee != request.requester:
        return _Way(GRANT, (*faults, Reason.NO_GRANT))
    end = None
    if grant.while_minor:
        # Without a birth date nobody can say when it ends: it has.
        end = fact.owner.minor.adult_on if fact.owner.minor is not None else request.at
        if request.at >= end:
            faults.append(Reason.GRANT_ENDED)
    if (grant.while_minor or fact.owner.is_minor(request.at)) and not grant.co_approved:
        faults.append(Reason.CO_APPROVAL_MISSING)
    own = Circumstances(
        grant.count.uses, grant.count.today, around.company, around.friends, around.approved
    )
    if grant.terms.allow_nothing:
        faults.append(Reason.TERMS_EMPTY)
    faults += _reasons(grant.terms, request, own)
    return _Way(GRANT, tuple(faults), grant.terms, end)


def _by_audience(
    request: DecisionRequest, snapshot: Snapshot, fact: LikenessFact
) -> Iterator[_Way]:
    """An audience that lets in more than who is named, of somebody who is no minor."""
    if fact.owner.is_minor(request.at):
        return
    if fact.audience == ANYONE:
        yield _Way(AUDIENCE, ())
    if fact.audience == MUTUALS:
        friends = (fact.owner.id, request.requester) in snapshot.friendships
        yield _Way(AUDIENCE, () if friends else (Reason.NOT_FRIENDS,))


def _reasons(terms: Terms, request: DecisionRequest, around: Circumstances) -> list[Reason]:
    return [unmet.reason for unmet in terms.verify(request, around)]


def _asks(terms: Terms) -> bool:
    return any(isinstance(term, ApprovalEachTime) and term.asked for term in terms.terms)
