"""Whether every frame is a new one: nothing frozen, played twice, or cut together.

Frames are compared by their prints (see liveness.changes) and by where the mesh lies. Phones
and browsers show a frame up to four times when they are busy; such repetitions are left out
before anything else is looked for.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from identity.liveness.places import POINTS
from identity.liveness.repeats import (
    Fresh,
    likeness_again,
    likeness_backwards,
    nearest_path,
    nearest_shape,
)
from identity.liveness.stillness import (
    MAX_STILL_SECONDS,
    is_dark,
    longest_still,
    same_frames,
)
from identity.prompts import Script
from identity.types import Signal, SignalOutcome, Track

MIN_FRAMES: Final = 15
MAX_GAP_SECONDS: Final = 0.5
MIN_LIKENESS: Final = 0.57
MIN_LIKENESS_BACKWARDS: Final = 0.64
MAX_PATH: Final = 0.18
MAX_SHAPE: Final = 0.35
"""Honest people: not under 0.94 on 30 clips of five people, who moved little, and not under 0.42
where simulated ones answered; a loop of 0.8 s that shook as if held in a hand: 0.27."""
MAX_SWAPPED: Final = 0.01
SWAPPED_COSINE: Final = 0.5
MIN_SWAPPED: Final = 3
MAX_CUT: Final = 4.5
"""How many times larger than any of the six around it one change may be."""
CUT_REACH: Final = 3
CUT_FLOOR: Final = 0.3
MIN_CUT_STEP: Final = 0.06
CUT_STEP: Final = 5.0
CUT_STEP_FLOOR: Final = 0.004
"""A key frame at a low bit rate changes the picture at once as well, but leaves the mesh where
it was: it steps by less than this part of the distance of the eyes' outer corners, or than so
many times any of the three steps before."""

WHY: Final = (
    "ok",
    "no_face",
    "too_dark",
    "not_measured",
    "too_few_frames",
    "frozen",
    "gap",
    "loop",
    "backwards",
    "reordered",
    "cut",
)


def freshness(track: Track, script: Script | None = None) -> Signal:
    """No part of the clip is frozen, missing, played twice or backwards, reordered, cut.

    Value and threshold: those of the first measure that doesn't hold; of a pass, the longest
    time in which nothing changed, seconds.

    What a screen's light changes, it changes alike whenever two colours follow one another; so
    prints made while the script had light are left out.

    Args:
        track: of the clip.
        script: what was asked, or None.
    """
    n = int(track.times.size)
    changes = track.changes
    if changes is None or changes.picture.size != n:
        return _signal(None, None, SignalOutcome.ABSTAIN, "not_measured", n)
    if n and not track.present.any():
        return _signal(None, None, SignalOutcome.ABSTAIN, "no_face", n)
    if n < MIN_FRAMES:
        return _signal(float(n), float(MIN_FRAMES), SignalOutcome.ABSTAIN, "too_few_frames", n)
    same = same_frames(changes)
    still, gap = longest_still(track, same), float(np.diff(track.times).max())
    if still >= MAX_STILL_SECONDS and is_dark(track):
        return _signal(None, None, SignalOutcome.ABSTAIN, "too_dark", n)
    if still >= MAX_STILL_SECONDS:
        return _signal(still, MAX_STILL_SECONDS, SignalOutcome.FAIL, "frozen", n)
    if gap >= MAX_GAP_SECONDS:
        return _signal(gap, MAX_GAP_SECONDS, SignalOutcome.FAIL, "gap", n)
    fresh = Fresh.of(track, changes, same, script)
    if (likeness := likeness_again(fresh)) >= MIN_LIKENESS:
        return _signal(likeness, MIN_LIKENESS, SignalOutcome.FAIL, "loop", n)
    if (path := nearest_path(fresh)) <= MAX_PATH:
        return _signal(path, MAX_PATH, SignalOutcome.FAIL, "loop", n)
    if (path := nearest_shape(fresh)) <= MAX_SHAPE:
        return _signal(path, MAX_SHAPE, SignalOutcome.FAIL, "loop", n)
    if (likeness := likeness_backwards(fresh)) >= MIN_LIKENESS_BACKWARDS:
        return _signal(likeness, MIN_LIKENESS_BACKWARDS, SignalOutcome.FAIL, "backwards", n)
    swapped = swapped_frames(fresh)
    if swapped >= MIN_SWAPPED and swapped / n > MAX_SWAPPED:
        return _signal(swapped / n, MAX_SWAPPED, SignalOutcome.FAIL, "reordered", n)
    if (cut := largest_cut(fresh)) > MAX_CUT:
        return _signal(cut, MAX_CUT, SignalOutcome.FAIL, "cut", n)
    return _signal(still, MAX_STILL_SECONDS, SignalOutcome.PASS, "ok", n)


def _signal(
    value: float | None, threshold: float | None, outcome: SignalOutcome, why: str, n: int
) -> Signal:
    return Signal("freshness", value, threshold, outcome, why, n)


def swapped_frames(fresh: Fresh) -> int:
    """Returns how many frames go against both of their neighbours, which go the same way."""
    one, two, three = fresh.prints[:-2], fresh.prints[1:-1], fresh.prints[2:]
    against = (np.sum(one * two, axis=1) < -SWAPPED_COSINE) & (
        np.sum(two * three, axis=1) < -SWAPPED_COSINE
    )
    return int(np.count_nonzero(against & (np.sum(one * three, axis=1) > SWAPPED_COSINE)))


def largest_cut(fresh: Fresh) -> float:
    """Returns how many times larger the largest change is than all of the six around it.

    A change over a longer time than usual, as after dropped frames, counts for less by that.
    """
    moved, n = fresh.moved, fresh.moved.size
    if n < 2 * CUT_REACH + 2:
        return 0.0
    late = np.maximum(1.0, np.nan_to_num(fresh.gaps, nan=1.0) * fresh.rate)
    around = np.zeros(n)
    for offset in range(1, CUT_REACH + 1):
        around[offset:] = np.maximum(around[offset:], moved[:-offset])
        around[:-offset] = np.maximum(around[:-offset], moved[offset:])
    ratios = moved / late / np.maximum(around, CUT_FLOOR)
    leaps = _leaps(fresh, late)
    return float(np.where(leaps, ratios, 0.0)[2:-1].max())


def _leaps(fresh: Fresh, late: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where the mesh leaps too, shape (N,); where it is missing before or after it may have."""
    n = fresh.moved.size
    steps = np.diff(fresh.places.reshape(n, len(POINTS), 2), axis=0, prepend=np.nan)
    size = np.sqrt((steps**2).sum(axis=2).mean(axis=1)) / late
    known = np.nan_to_num(size)
    # A tracker takes two frames to arrive where the face is now, so only those before count.
    step = np.maximum(known, np.append(known[1:], 0.0))
    before = np.zeros(n)
    for offset in range(1, CUT_REACH + 1):
        before[offset:] = np.maximum(before[offset:], known[:-offset])
    far = step >= np.maximum(MIN_CUT_STEP, CUT_STEP * np.maximum(before, CUT_STEP_FLOOR))
    return np.asarray(far | np.isnan(size), dtype=np.bool_)
