"""Puts the signals together: what becomes of the clip."""

from __future__ import annotations

from typing import Final

from identity.liveness import matching
from identity.liveness.continuity import continuity
from identity.liveness.events import find_events
from identity.liveness.geometry import motion_of
from identity.liveness.signals import compliance, quality, single_face
from identity.prompts import Script
from identity.types import MeasuredPrompt, Outcome, Signal, SignalOutcome, Track, Verdict
from models.engine import Calibration

MISSING: Final = ("no_face", "too_dark", "face_missing")
_CONTRADICTED: Final = (matching.WRONG_DIRECTION, matching.OUT_OF_ORDER)


def judge(track: Track, script: Script | None, calibration: Calibration) -> Verdict:
    """Returns what all signals say of a clip.

    Args:
        track: what was measured; may be without any face, or without a frame.
        script: what was asked; None where nothing was.
        calibration: of the pack that made the samples.
    """
    prompts = measured_prompts(track, script)
    signals = (
        single_face(track),
        quality(track),
        compliance(track, prompts),
        continuity(track, calibration),
    )
    return Verdict(
        outcome=fuse(signals, prompts),
        signals=signals,
        prompts=prompts or (),
        reasons=tuple(f"{s.name}:{s.why}" for s in signals if s.outcome is not SignalOutcome.PASS),
    )


def measured_prompts(track: Track, script: Script | None) -> tuple[MeasuredPrompt, ...] | None:
    """Returns how each prompt was answered; None without a script."""
    if script is None:
        return None
    if not track.present.any():
        return tuple(
            MeasuredPrompt(prompt, False, (), None, matching.NOT_SEEN) for prompt in script.prompts
        )
    return matching.measure_prompts(script, find_events(motion_of(track), script))


def fuse(signals: tuple[Signal, ...], prompts: tuple[MeasuredPrompt, ...] | None) -> Outcome:
    """Returns the outcome of the clip.

    Without a script nothing shows that the person was there when asked: `review` at best.

    Args:
        signals: all of them.
        prompts: how each prompt was answered; None without a script.
    """
    retry = False
    for signal in signals:
        if signal.outcome is SignalOutcome.PASS:
            continue
        if signal.why == "no_script":
            continue
        if signal.outcome is SignalOutcome.ABSTAIN or _is_mishap(signal, prompts):
            retry = True
            continue
        return Outcome.FAIL
    if retry:
        return Outcome.RETRY
    return Outcome.REVIEW if prompts is None else Outcome.PASS


def _is_mishap(signal: Signal, prompts: tuple[MeasuredPrompt, ...] | None) -> bool:
    """Whether a failed signal is what happens to an honest person, who may try again."""
    if signal.name == "quality":
        return True
    if signal.name == "single_face":
        return signal.why in MISSING
    if signal.name != "compliance" or not prompts:
        return False
    if signal.why == "clip_ends_early":
        return True
    missed = [measured for measured in prompts if not measured.found]
    if any(measured.why in _CONTRADICTED for measured in missed):
        return False
    undone = [measured for measured in missed if measured.why == matching.NOT_DONE]
    return len(undone) <= 1 and signal.why != "no_response"
