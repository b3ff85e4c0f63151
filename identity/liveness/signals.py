"""The signals: each a pure function from what was measured to pass, fail or abstain.

Every `why` is listed in `WHY` and explained in docs/liveness.md.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from identity.liveness import matching
from identity.liveness.geometry import eye_distance
from identity.liveness.tracking import PASS_SECONDS
from identity.prompts import Kind
from identity.types import MeasuredPrompt, Sample, Signal, SignalOutcome, Track

MIN_FACE_SHARE: Final = 0.95
MAX_OTHER_SECONDS: Final = 0.5
MIN_EYE_DISTANCE: Final = 60.0
MIN_BRIGHTNESS: Final = 32.0
MAX_BRIGHTNESS: Final = 240.0
MIN_CONTRAST: Final = 3.0
MIN_SHARPNESS: Final = 0.002
MIN_MARGIN: Final = 0.97
DARK_PICTURE: Final = 30.0
MAX_YAW: Final = 30.0
MAX_PITCH: Final = 30.0
MIN_GOOD_SAMPLES: Final = 8


WHY: Final = {
    "single_face": ("ok", "no_face", "too_dark", "face_missing", "second_face"),
    "quality": (
        "ok",
        "no_face",
        "too_dark",
        "too_bright",
        "low_contrast",
        "too_small",
        "outside_frame",
        "blurred",
        "too_few_samples",
    ),
    "compliance": (
        "ok",
        "no_script",
        "no_face",
        matching.NOT_DONE,
        matching.TOO_SMALL,
        matching.WRONG_DIRECTION,
        matching.OUT_OF_ORDER,
        matching.NOT_STILL,
        matching.NOT_SEEN,
        "no_response",
        "clip_ends_early",
    ),
    "continuity": ("ok", "too_few_samples", "too_small", "other_person", "two_people", "jump"),
}


def single_face(track: Track) -> Signal:
    """One face in at least 95 % of frames, a second one in none for over 0.5 s.

    Value and threshold: the share of frames; where a second face is the reason, the seconds
    it was in sight without a break.
    """
    n = int(track.times.size)
    share = float(track.present.mean()) if n else 0.0
    if not track.present.any():
        why = "too_dark" if _is_dark(track) else "no_face"
        return Signal("single_face", share, MIN_FACE_SHARE, SignalOutcome.FAIL, why, n)
    seconds = seconds_of_others(track)
    if seconds > MAX_OTHER_SECONDS:
        return Signal(
            "single_face",
            seconds,
            MAX_OTHER_SECONDS,
            SignalOutcome.FAIL,
            "second_face",
            len(track.passes),
        )
    if share < MIN_FACE_SHARE:
        return Signal("single_face", share, MIN_FACE_SHARE, SignalOutcome.FAIL, "face_missing", n)
    return Signal("single_face", share, MIN_FACE_SHARE, SignalOutcome.PASS, "ok", n)


def seconds_of_others(track: Track) -> float:
    """Returns how long a second face was in sight without a break, seconds.

    From the first look of the longest run that saw it to the last, and the time of one look more:
    it was there before the first and after the last. One look that misses it between two that
    see it doesn't end the run.
    """
    longest, start, last, missed = 0.0, None, 0.0, 0
    for look in track.passes:
        if look.others:
            start = look.time_s if start is None else start
            last, missed = look.time_s, 0
            longest = max(longest, last - start + PASS_SECONDS)
        elif start is not None:
            missed += 1
            start = None if missed > 1 else start
    return longest


def _is_dark(track: Track) -> bool:
    light = [look.light for look in track.passes]
    return bool(light) and float(np.median(light)) < DARK_PICTURE


def good_samples(track: Track) -> tuple[Sample, ...]:
    """Returns the samples that are good enough for a template, the straightest look first."""
    good = [sample for sample in track.samples if is_good(sample)]
    return tuple(sorted(good, key=lambda s: float(np.hypot(s.yaw, s.pitch))))


def is_good(sample: Sample) -> bool:
    """Whether a sample shows the face frontal, lit, sharp and whole."""
    return (
        abs(sample.yaw) <= MAX_YAW
        and abs(sample.pitch) <= MAX_PITCH
        and MIN_BRIGHTNESS <= sample.brightness <= MAX_BRIGHTNESS
        and sample.contrast >= MIN_CONTRAST
        and sample.sharpness >= MIN_SHARPNESS
        and sample.margin >= MIN_MARGIN
    )


def quality(track: Track) -> Signal:
    """The face is large, lit, sharp and whole for long enough.

    Value and threshold are those of the first measure that falls short; of a pass, the good
    samples and how many are needed. The usual measure is the median over the samples.
    """
    n = len(track.samples)
    if not track.present.any():
        why = "too_dark" if _is_dark(track) else "no_face"
        return Signal("quality", None, None, SignalOutcome.FAIL, why, n)
    distance = usual_eye_distance(track)
    if distance < MIN_EYE_DISTANCE:
        return _poor(distance, MIN_EYE_DISTANCE, "too_small", int(track.present.sum()))
    if n:
        usual = {
            name: float(np.median([getattr(sample, name) for sample in track.samples]))
            for name in ("brightness", "contrast", "sharpness", "margin")
        }
        if usual["brightness"] < MIN_BRIGHTNESS:
            return _poor(usual["brightness"], MIN_BRIGHTNESS, "too_dark", n)
        if usual["brightness"] > MAX_BRIGHTNESS:
            return _poor(usual["brightness"], MAX_BRIGHTNESS, "too_bright", n)
        if usual["contrast"] < MIN_CONTRAST:
            return _poor(usual["contrast"], MIN_CONTRAST, "low_contrast", n)
        if usual["margin"] < MIN_MARGIN:
            return _poor(usual["margin"], MIN_MARGIN, "outside_frame", n)
        if usual["sharpness"] < MIN_SHARPNESS:
            return _poor(usual["sharpness"], MIN_SHARPNESS, "blurred", n)
    good = len(good_samples(track))
    if good < MIN_GOOD_SAMPLES:
        return _poor(float(good), float(MIN_GOOD_SAMPLES), "too_few_samples", n)
    return Signal("quality", float(good), float(MIN_GOOD_SAMPLES), SignalOutcome.PASS, "ok", n)


def usual_eye_distance(track: Track) -> float:
    """Returns the median distance between the eyes, pixels of the original; needs a face."""
    return float(np.median(eye_distance(track.meshes[track.present]))) / track.scale


def _poor(value: float, threshold: float, why: str, n: int) -> Signal:
    return Signal("quality", value, threshold, SignalOutcome.FAIL, why, n)


def compliance(track: Track, prompts: tuple[MeasuredPrompt, ...] | None) -> Signal:
    """Every prompt was answered: inside its window, in order, in the right direction.

    Value: the share of prompts that were; threshold 1. Without a script it abstains with
    `no_script`: it isn't applicable.

    Args:
        track: of the clip.
        prompts: as `matching.measure_prompts` gives them; None without a script.
    """
    if prompts is None:
        return Signal("compliance", None, None, SignalOutcome.ABSTAIN, "no_script", 0)
    n = len(prompts)
    if not track.present.any():
        return Signal("compliance", None, 1.0, SignalOutcome.ABSTAIN, "no_face", n)
    missed = [measured for measured in prompts if not measured.found]
    share = 1.0 - len(missed) / n
    if not missed:
        return Signal("compliance", share, 1.0, SignalOutcome.PASS, "ok", n)
    moves = [m for m in prompts if m.prompt.kind is not Kind.HOLD]
    last = float(track.times[-1])
    if any(m.prompt.end > last + matching.TOLERANCE for m in missed):
        why = "clip_ends_early"
    elif moves and all(m.why == matching.NOT_DONE for m in moves):
        why = "no_response"
    else:
        order = (
            matching.WRONG_DIRECTION,
            matching.OUT_OF_ORDER,
            matching.NOT_DONE,
            matching.TOO_SMALL,
            matching.NOT_STILL,
            matching.NOT_SEEN,
        )
        why = next(code for code in order if any(m.why == code for m in missed))
    return Signal("compliance", share, 1.0, SignalOutcome.FAIL, why, n)
