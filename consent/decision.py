"""The decision: one pure function from a request and a snapshot to permit or deny.

Nothing here reads a clock or a database. What isn't known denies, and so does an exception:
there is no path to permit but through every condition.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from consent.reasons import OWN_FAULTS, Reason
from consent.request import (
    MAX_LIKENESSES,
    DecisionRequest,
    Label,
    Purpose,
    RenderRequest,
    is_count,
    is_digest,
    is_seconds,
)
from consent.terms import Terms

log = logging.getLogger(__name__)

ONLY_ME = "only_me"
GRANTED = "granted"


class Effect(StrEnum):
    """What a decision says."""

    PERMIT = "permit"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class AccountFact:
    """An account as it was read."""

    id: str
    is_active: bool


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
class GrantFact:
    """The live grant from a cameo's owner to the requester."""

    id: str
    version: int
    grantee: str
    terms: Terms


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


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One consistent read of everything a decision uses; what wasn't found is left out."""

    requester: AccountFact | None
    generator: GeneratorFact | None
    likenesses: tuple[LikenessFact, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """A reason to deny, and the cameo it is about, if it is about one."""

    reason: Reason
    cameo: str | None = None


@dataclass(frozen=True, slots=True)
class Basis:
    """What a permit rests on for one cameo; no grant means that the requester owns it."""

    cameo: str
    epoch: int
    grant: str | None
    grant_version: int | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided.

    Attributes:
        effect: permit or deny.
        reasons: why not, the request's own faults first; empty exactly when permitted.
        obligations: what the generator must do with what it renders.
        basis: for each likeness in the request's order; empty when denied.
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
    """Permit or deny `request` by what `snapshot` holds.

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
    found = [Finding(reason) for reason in _own_faults(request.render)]
    found += [Finding(reason) for reason in _party_faults(request, snapshot)]
    for cameo in request.render.likenesses:
        found += [Finding(r, cameo) for r in _likeness_faults(request, facts.get(cameo))]
    if found:
        return Decision(Effect.DENY, tuple(dict.fromkeys(found)))
    used = [facts[cameo] for cameo in request.render.likenesses]
    return Decision(
        Effect.PERMIT,
        (),
        basis=tuple(_basis(request, fact) for fact in used),
        valid_until=min(_ends(request, used), default=None),
    )


def _own_faults(render: RenderRequest) -> Iterator[Reason]:
    if not render.likenesses:
        yield Reason.NO_LIKENESS
    if len(render.likenesses) > MAX_LIKENESSES:
        yield Reason.TOO_MANY_LIKENESSES
    if len(set(render.likenesses)) != len(render.likenesses):
        yield Reason.LIKENESS_REPEATED
    if render.purpose not in set(Purpose):
        yield Reason.PURPOSE_UNKNOWN
    if render.labels is None:
        yield Reason.LABELS_UNDECLARED
    else:
        if not render.labels <= set(Label):
            yield Reason.LABEL_UNKNOWN
        if _is_always_denied(render.labels):
            yield Reason.LABEL_ALWAYS_DENIED
    if not is_digest(render.prompt_digest) or not (
        render.inputs_digest is None or is_digest(render.inputs_digest)
    ):
        yield Reason.DIGEST_INVALID
    if not (is_count(render.outputs.count) and is_seconds(render.outputs.seconds)):
        yield Reason.OUTPUTS_INVALID


def _is_always_denied(labels: frozenset[str]) -> bool:
    minors_unclothed = Label.MINORS_PRESENT in labels and Label.NUDITY in labels
    return Label.SEXUAL in labels or minors_unclothed


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


def _likeness_faults(request: DecisionRequest, fact: LikenessFact | None) -> Iterator[Reason]:
    if fact is None:
        yield Reason.CAMEO_UNKNOWN
        return
    if fact.state != "active":
        yield _STATE_FAULTS.get(fact.state, Reason.CAMEO_NOT_ENROLLED)
    elif fact.expires is not None and request.at >= fact.expires:
        yield Reason.CAMEO_EXPIRED
    if not fact.owner.is_active:
        yield Reason.OWNER_INACTIVE
    if request.requester == fact.owner.id:
        return
    if fact.audience == ONLY_ME:
        yield Reason.AUDIENCE_ONLY_ME
    elif fact.audience != GRANTED:
        yield Reason.AUDIENCE_UNKNOWN
    if fact.grant is None or fact.grant.grantee != request.requester:
        yield Reason.NO_GRANT
    else:
        for unmet in fact.grant.terms.verify(request):
            yield unmet.reason


def _basis(request: DecisionRequest, fact: LikenessFact) -> Basis:
    if request.requester == fact.owner.id or fact.grant is None:
        return Basis(fact.cameo, fact.epoch, None, None)
    return Basis(fact.cameo, fact.epoch, fact.grant.id, fact.grant.version)


def _ends(request: DecisionRequest, used: list[LikenessFact]) -> Iterator[datetime]:
    for fact in used:
        if fact.expires is not None:
            yield fact.expires
        if request.requester != fact.owner.id and fact.grant is not None:
            end = fact.grant.terms.not_after
            if end is not None:
                yield end
