"""What a run found about a capture, and what of it the person is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from django.conf import settings

from identity.prompts import Script
from identity.protection.clips import SealedClip
from identity.runtime.analysis import Analysis
from identity.summaries import Advice
from identity.types import Assurance, Outcome, SignalOutcome, Verdict
from identity.verification import advice as words

COMPARISON: Final = "comparison:other_person"
DUPLICATE: Final = "duplicate:match"
LIVENESS_REVIEW: Final = "liveness"
DUPLICATE_REVIEW: Final = "duplicate"

# A person who stumbled over these can do better next time, and learns nothing of a detector.
PLAIN: Final = frozenset({"single_face", "quality", "compliance"})

_RANKS: Final = tuple(Assurance)


@dataclass(frozen=True, slots=True)
class Claim:
    """A session that a run has taken, and the run's number."""

    session_id: str
    cameo_id: str
    attempt: int
    script: Script
    clip: SealedClip
    chose_less: bool
    attested: bool


@dataclass(frozen=True, slots=True)
class Compared:
    """A comparison of a capture with its owner's own template."""

    score: float
    threshold: float

    @property
    def matches(self) -> bool:
        """Whether the two are of one person."""
        return self.score >= self.threshold


@dataclass(frozen=True, slots=True)
class Finding:
    """What a run found.

    Attributes:
        outcome: of the capture.
        advice: what the person is told.
        error: what took the place of an analysis, or went beyond it.
        analysis: of the clip.
        assurance: what a pass is worth.
        compared: with the owner's template, where the purpose asks for that.
        matched: cameo of another account that it matches, if one was found; the nearest.
        against: reasons of this deployment's beside the verdict's own.
    """

    outcome: Outcome
    advice: tuple[Advice, ...]
    error: str = ""
    analysis: Analysis | None = None
    assurance: Assurance = Assurance.BASIC
    compared: Compared | None = None
    matched: str | None = None
    against: tuple[str, ...] = field(default=())


def assurance_of(reached: Assurance, *, attested: bool) -> Assurance:
    """What a pass is worth: one with light and an attestation that holds is `attested`."""
    return Assurance.ATTESTED if attested and reached is Assurance.STANDARD else reached


def is_enough(reached: Assurance, *, chose_less: bool) -> bool:
    """Whether policy lets a pass of this assurance count.

    Args:
        reached: by the capture.
        chose_less: whether the person chose a capture without light or without motion.
    """
    required: str = (
        settings.CAMEO_REQUIRED_ASSURANCE_WITHOUT
        if chose_less
        else settings.CAMEO_REQUIRED_ASSURANCE
    )
    return _RANKS.index(reached) >= _RANKS.index(Assurance(required))


def told(verdict: Verdict) -> tuple[Outcome, tuple[Advice, ...]]:
    """The outcome and advice that a person sees of a verdict that isn't a pass or a review.

    Whatever objected to who or what was before the camera, the answer is one and the same, so
    that failures teach nobody which signal to work on. Only what an honest person can mend is
    told apart.
    """
    objecting = {s.name for s in verdict.signals if s.outcome is SignalOutcome.FAIL}
    named = {reason.partition(":")[0] for reason in verdict.reasons}
    hidden = (objecting & named) - PLAIN
    if verdict.outcome is Outcome.FAIL and (hidden or not named & PLAIN):
        return Outcome.FAIL, (words.TRY_AGAIN,)
    if verdict.outcome is Outcome.FAIL:
        plain = [reason for reason in verdict.reasons if reason.partition(":")[0] in PLAIN]
        return Outcome.FAIL, words.advise(plain)
    if verdict.outcome is Outcome.UNSUPPORTED:
        return Outcome.UNSUPPORTED, (words.NOT_REACHABLE,)
    return verdict.outcome, words.advise(verdict.reasons)


def conclude(analysis: Analysis, *, chose_less: bool, attested: bool) -> Finding:
    """What an analysis comes to, before anybody's template is looked at."""
    verdict = analysis.verdict
    reached = assurance_of(verdict.assurance, attested=attested)
    if verdict.outcome not in (Outcome.PASS, Outcome.REVIEW):
        outcome, advice = told(verdict)
        return Finding(outcome, advice, "", analysis)
    if analysis.template is None:
        return Finding(Outcome.RETRY, (words.TRY_AGAIN,), "no_template", analysis)
    if not is_enough(reached, chose_less=chose_less):
        return Finding(Outcome.UNSUPPORTED, (words.NOT_REACHABLE,), "", analysis)
    advice = (words.WAIT,) if verdict.outcome is Outcome.REVIEW else ()
    return Finding(verdict.outcome, advice, "", analysis, assurance=reached)
