"""Puts the signals together: which stand in the way, what the soft ones add up to, the outcome.

Signals that veto decide alone, whatever the others say. The soft ones can't refuse anybody: each
gives a log-likelihood ratio by a table, and where their sum is too low a person looks at the clip.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from identity.liveness import matching
from identity.prompts import Kind, Script
from identity.types import (
    NOT_APPLICABLE,
    NOT_MEASURED,
    Assurance,
    MeasuredPrompt,
    Outcome,
    Signal,
    SignalOutcome,
)

MISSING: Final = ("no_face", "too_dark", "face_missing")
MISHAPS: Final = (
    ("compliance", "clip_ends_early"),
    ("freshness", "gap"),
)
"""Failures of busy phones and hasty people, not of attackers only."""
_CONTRADICTED: Final = (matching.WRONG_DIRECTION, matching.OUT_OF_ORDER)

KNOTS: Final[dict[str, tuple[tuple[float, float], ...]]] = {
    "timing": ((0.0, 0.0), (1.0, 0.0)),
    "recapture": ((0.6, 0.2), (1.0, -0.5), (1.5, -1.5)),
    "pulse": ((5.0, 0.0), (8.0, 0.2)),
    "pad_model": ((0.1, -1.5), (0.3, -0.5), (0.6, 0.0), (0.9, 0.5)),
}
"""Of each soft signal: (value, log-likelihood ratio) pairs, straight lines between them."""
FAILED: Final[dict[str, float]] = {"timing": -0.5}
"""The ratio of a failed signal whose value has another unit then."""
PASS_SUM: Final = -1.5
"""The least sum of the soft signals that needs no second look."""


def is_soft(signal: Signal) -> bool:
    """Whether a signal only adds to the sum, and vetoes nothing."""
    return signal.name in KNOTS


def stands_in_the_way(signal: Signal) -> bool:
    """Whether a signal that vetoes keeps the clip from a pass."""
    if is_soft(signal) or signal.outcome is SignalOutcome.PASS:
        return False
    return signal.why not in (NOT_APPLICABLE, "no_script")


def ratio_of(signal: Signal) -> float:
    """Returns a soft signal's log-likelihood ratio; 0 where it abstains."""
    if signal.value is None or signal.outcome is SignalOutcome.ABSTAIN:
        return 0.0
    if signal.outcome is SignalOutcome.FAIL and signal.name in FAILED:
        return FAILED[signal.name]
    values, ratios = zip(*KNOTS[signal.name], strict=True)
    return float(np.interp(signal.value, values, ratios))


def reasons_of(signals: Iterable[Signal]) -> tuple[str, ...]:
    """Returns "signal:why" of each signal that stands in the way of a pass.

    Where none vetoes and only the sum is too low: of the soft signals that speak against.
    """
    signals = tuple(signals)
    against = [s for s in signals if stands_in_the_way(s) or s.why == "no_script"]
    if not against and soft_sum(signals) < PASS_SUM:
        against = [s for s in signals if is_soft(s) and ratio_of(s) < 0.0]
    return tuple(f"{signal.name}:{signal.why}" for signal in against)


def assurance_of(script: Script | None) -> Assurance:
    """Returns what a pass of a script is worth: standard where it asks for motion and light."""
    kinds = {prompt.kind for prompt in script.prompts} if script is not None else set()
    return Assurance.STANDARD if {Kind.TURN, Kind.LIGHT} <= kinds else Assurance.BASIC


def soft_sum(signals: Iterable[Signal]) -> float:
    """Returns the sum of the soft signals' log-likelihood ratios, bona fide over attack."""
    return sum(ratio_of(signal) for signal in signals if is_soft(signal))


def fuse(signals: tuple[Signal, ...], prompts: tuple[MeasuredPrompt, ...] | None) -> Outcome:
    """Returns the outcome of the clip.

    A veto comes first, then what this deployment can't measure, then what an honest person would
    better try again, then the soft signals. Without a script nothing shows that the person was
    there when asked: `review` at best.

    Args:
        signals: all of them.
        prompts: how each prompt was answered; None without a script.
    """
    against = [signal for signal in signals if stands_in_the_way(signal)]
    unmeasured = [signal for signal in against if signal.why == NOT_MEASURED]
    if any(_is_veto(signal, prompts) for signal in against):
        return Outcome.FAIL
    if unmeasured:
        return Outcome.UNSUPPORTED
    if against:
        return Outcome.RETRY
    if prompts is None or soft_sum(signals) < PASS_SUM:
        return Outcome.REVIEW
    return Outcome.PASS


def _is_veto(signal: Signal, prompts: tuple[MeasuredPrompt, ...] | None) -> bool:
    """Whether a signal refuses the clip, rather than asking for a better one."""
    return signal.outcome is SignalOutcome.FAIL and not _is_mishap(signal, prompts)


def _is_mishap(signal: Signal, prompts: tuple[MeasuredPrompt, ...] | None) -> bool:
    """Whether a failed signal is what happens to an honest person, who may try again."""
    if signal.name == "quality" or (signal.name, signal.why) in MISHAPS:
        return True
    if signal.name == "single_face":
        return signal.why in MISSING
    if signal.name != "compliance" or not prompts:
        return False
    missed = [measured for measured in prompts if not measured.found]
    if any(measured.why in _CONTRADICTED for measured in missed):
        return False
    undone = [measured for measured in missed if measured.why == matching.NOT_DONE]
    return len(undone) <= 1 and signal.why != "no_response"
