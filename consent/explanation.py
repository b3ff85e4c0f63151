"""The smallest change by which an owner would have permitted what was denied. No database here.

Every reason has a cure or none. All cures together are tried on the facts; then each that isn't
needed is taken back. What is left can't be made smaller: without any one of it the answer stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from consent.decision import Effect, decide
from consent.facts import ANYONE, GRANTED, MUTUALS, ApprovalFact, GrantFact, LikenessFact, Snapshot
from consent.reasons import Reason
from consent.request import DecisionRequest
from consent.terms import (
    ApprovalEachTime,
    CoAppear,
    ForbidLabels,
    Generators,
    MaxDuration,
    MaxOutputs,
    MaxUses,
    MaxUsesPerDay,
    NotAfter,
    NotBefore,
    Purposes,
    Remix,
    Term,
    Terms,
    Unknown,
)

_TERM_OF: Final[Mapping[Reason, str]] = {
    Reason.GRANT_NOT_YET_VALID: NotBefore.tag,
    Reason.GRANT_ENDED: NotAfter.tag,
    Reason.USES_SPENT: MaxUses.tag,
    Reason.USES_OF_TODAY_SPENT: MaxUsesPerDay.tag,
    Reason.GENERATOR_NOT_ALLOWED: Generators.tag,
    Reason.TOO_LONG: MaxDuration.tag,
    Reason.TOO_MANY_OUTPUTS: MaxOutputs.tag,
    Reason.LABEL_FORBIDDEN: ForbidLabels.tag,
    Reason.CO_APPEARANCE_NOT_ALLOWED: CoAppear.tag,
    Reason.REMIX_NOT_ALLOWED: Remix.tag,
    Reason.TERM_UNKNOWN: Unknown.tag,
    Reason.PURPOSE_NOT_GRANTED: Purposes.tag,
    Reason.TERMS_EMPTY: Purposes.tag,
}


@dataclass(frozen=True, slots=True)
class Step:
    """One change an owner could make.

    Attributes:
        what: `approve`, `lift_block`, `grant`, `befriend`, `set_audience`, `grant_terms`,
            `restrictions`, `resume`, `re_enrol`, `guardian`, `co_approve`,
            `lift_co_appearance_block`.
        value: what to change it to: an audience, or the term's name; None where `what` says all.
    """

    what: str
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why, and what would change it, to the owner of one cameo.

    Attributes:
        effect: what was decided.
        reasons: the owner's view.
        steps: the smallest change after which nothing of this cameo stands in the way; None
            where the owner can't bring that about, empty where nothing does.
        enough: whether the whole request would then be permitted.
    """

    effect: Effect
    reasons: tuple[Reason, ...]
    steps: tuple[Step, ...] | None
    enough: bool


def explain(request: DecisionRequest, snapshot: Snapshot, cameo: str) -> Explanation:
    """What the owner of `cameo` is told of a decision.

    Args:
        request, snapshot: what is decided.
        cameo: one of the request's likenesses.
    """
    decision = decide(request, snapshot)
    reasons = decision.for_owner(cameo)
    fact = next((one for one in snapshot.likenesses if one.cameo == cameo), None)
    if decision.permitted or fact is None:
        return Explanation(decision.effect, reasons, () if decision.permitted else None, False)
    candidates = tuple(_cures(_faults(request, snapshot, cameo), fact))
    steps = _smallest(request, snapshot, cameo, candidates)
    after = snapshot if steps is None else apply(request, snapshot, cameo, steps)
    return Explanation(decision.effect, reasons, steps, decide(request, after).permitted)


def _faults(request: DecisionRequest, snapshot: Snapshot, cameo: str) -> tuple[Reason, ...]:
    found = decide(request, snapshot).reasons
    return tuple(finding.reason for finding in found if finding.cameo == cameo)


def _cures(faults: Iterable[Reason], fact: LikenessFact) -> Iterator[Step]:
    """Every step that may help, the ways that take more of an owner last."""
    found = tuple(faults)
    simple = {
        Reason.APPROVAL_NEEDED: Step("approve"),
        Reason.BLOCKED: Step("lift_block"),
        Reason.CO_APPEARANCE_BLOCKED: Step("lift_co_appearance_block"),
        Reason.CAMEO_SUSPENDED: Step("resume"),
        Reason.CAMEO_EXPIRED: Step("re_enrol"),
        Reason.GUARDIAN_MISSING: Step("guardian"),
        Reason.NO_GRANT: Step("grant"),
        Reason.CO_APPROVAL_MISSING: Step("co_approve"),
        Reason.NOT_FRIENDS: Step("befriend"),
        Reason.AUDIENCE_ONLY_ME: Step("set_audience", GRANTED),
        Reason.AUDIENCE_UNKNOWN: Step("set_audience", GRANTED),
    }
    for reason in found:
        if reason in simple:
            yield simple[reason]
        elif reason in _TERM_OF:
            yield Step("restrictions", _TERM_OF[reason])
            yield Step("grant_terms", _TERM_OF[reason])
    # Who may not by a wide audience lacks one cure more: an approval that only shows when the
    # rest is cured.
    if Reason.APPROVAL_NEEDED not in found and _asks(fact):
        yield simple[Reason.APPROVAL_NEEDED]


def _asks(fact: LikenessFact) -> bool:
    terms = fact.restrictions.terms + (fact.grant.terms.terms if fact.grant else ())
    asked = any(isinstance(term, ApprovalEachTime) and term.asked for term in terms)
    return asked or fact.owner.minor is not None


def _smallest(
    request: DecisionRequest, snapshot: Snapshot, cameo: str, candidates: tuple[Step, ...]
) -> tuple[Step, ...] | None:
    """The smaller of what is left when steps are taken back from either end; None without."""

    def helps(steps: tuple[Step, ...]) -> bool:
        return not _faults(request, apply(request, snapshot, cameo, steps), cameo)

    if not helps(candidates):
        return None
    found = []
    for order in (candidates, candidates[::-1]):
        kept = candidates
        for step in order:
            fewer = tuple(one for one in kept if one != step)
            kept = fewer if helps(fewer) else kept
        found.append(kept)
    return min(found, key=len)


def apply(
    request: DecisionRequest, snapshot: Snapshot, cameo: str, steps: Iterable[Step]
) -> Snapshot:
    """The snapshot as it would be after the steps, for the likeness `cameo`."""
    for step in steps:
        snapshot = _applied(request, snapshot, cameo, step)
    return snapshot


def _applied(request: DecisionRequest, snapshot: Snapshot, cameo: str, step: Step) -> Snapshot:
    fact = next(one for one in snapshot.likenesses if one.cameo == cameo)
    owner, asker = fact.owner.id, request.requester
    if step.what == "lift_block":
        return replace(snapshot, blocks=snapshot.blocks - {(owner, asker)})
    if step.what == "lift_co_appearance_block":
        kept = {pair for pair in snapshot.blocks if pair[0] != owner or pair[1] == asker}
        return replace(snapshot, blocks=frozenset(kept))
    if step.what == "befriend":
        pairs = {(owner, asker), (asker, owner)}
        return replace(snapshot, friendships=snapshot.friendships | pairs)
    after = _CHANGES[step.what](fact, request, step)
    others = (after if one.cameo == cameo else one for one in snapshot.likenesses)
    return replace(snapshot, likenesses=tuple(others))


def _granted(fact: LikenessFact, request: DecisionRequest, step: Step) -> LikenessFact:
    terms = Terms((Purposes(frozenset({request.render.purpose})),))
    minor = fact.owner.is_minor(request.at)
    grant = GrantFact("", 1, request.requester, terms, while_minor=minor, co_approved=minor)
    wide = fact.audience in (GRANTED, MUTUALS, ANYONE)
    return replace(fact, grant=grant, audience=fact.audience if wide else GRANTED)


def _grant_changed(fact: LikenessFact, request: DecisionRequest, step: Step) -> LikenessFact:
    if fact.grant is None:
        return fact
    terms = _without(fact.grant.terms, step.value, request, purposes_needed=True)
    return replace(fact, grant=replace(fact.grant, terms=terms))


def _restricted(fact: LikenessFact, request: DecisionRequest, step: Step) -> LikenessFact:
    terms = _without(fact.restrictions, step.value, request, purposes_needed=False)
    return replace(fact, restrictions=terms)


def _co_approved(fact: LikenessFact, request: DecisionRequest, step: Step) -> LikenessFact:
    return (
        fact if fact.grant is None else replace(fact, grant=replace(fact.grant, co_approved=True))
    )


def _guarded(fact: LikenessFact, request: DecisionRequest, step: Step) -> LikenessFact:
    minor = fact.owner.minor
    if minor is None:
        return fact
    return replace(fact, owner=replace(fact.owner, minor=replace(minor, guarded=True)))


def _approved(fact: LikenessFact, request: DecisionRequest, step: Step) -> LikenessFact:
    # Good for as long as anything is: the decision looks at this one moment alone.
    return replace(fact, approval=ApprovalFact("", request.at.replace(year=9999)))


_CHANGES: Final[Mapping[str, Callable[[LikenessFact, DecisionRequest, Step], LikenessFact]]] = {
    "approve": _approved,
    "resume": lambda fact, request, step: replace(fact, state="active"),
    "re_enrol": lambda fact, request, step: replace(fact, state="active", expires=None),
    "guardian": _guarded,
    "grant": _granted,
    "co_approve": _co_approved,
    "set_audience": lambda fact, request, step: replace(fact, audience=step.value or GRANTED),
    "grant_terms": _grant_changed,
    "restrictions": _restricted,
}


def _without(
    terms: Terms, tag: str | None, request: DecisionRequest, *, purposes_needed: bool
) -> Terms:
    """Terms without the one called `tag`; of purposes, with the request's among them."""
    found: list[Term] = [term for term in terms.terms if term.tag != tag]
    named = [term for term in terms.terms if isinstance(term, Purposes)]
    if tag == Purposes.tag and (named or purposes_needed):
        allowed: frozenset[Any] = frozenset().union(*(term.allowed for term in named))
        found.append(Purposes(allowed | {request.render.purpose}))
    return Terms(tuple(found))
