"""What the frames' times tell of how the clip was recorded. Soft: it never vetoes.

Cameras and browsers stamp frames unevenly; software that makes clips stamps them on a raster.
So does every tool that converts an honest clip, hence a raster tells nothing either way.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from identity.types import Signal, SignalOutcome, Track

MIN_FRAMES: Final = 15
RASTER_SECONDS: Final = 0.0011
"""WebM rounds times to a millisecond: 33, 33, 34 is a raster too."""
MAX_UNEVEN: Final = 1.0
GAP_SECONDS: Final = 0.25
GAP_FACTOR: Final = 4.0

WHY: Final = ("ok", "too_few_frames", "constant_rate", "uneven", "gap")


def timing(track: Track) -> Signal:
    """Frames come evenly enough, without gaps, and not on a raster.

    Value: the spread of the intervals between frames (90th less 10th percentile) over their
    median, at most 1; for a gap the longest interval, seconds. It abstains with
    `constant_rate` where every interval is the same.
    """
    n = int(track.times.size)
    if n < MIN_FRAMES:
        return _signal(None, None, SignalOutcome.ABSTAIN, "too_few_frames", n)
    intervals = np.diff(track.times)
    usual, longest = float(np.median(intervals)), float(intervals.max())
    low, high = np.percentile(intervals, (10, 90))
    spread = float(high - low) / max(usual, 1e-6)
    allowed = max(GAP_SECONDS, GAP_FACTOR * usual)
    if longest > allowed:
        return _signal(longest, allowed, SignalOutcome.FAIL, "gap", n)
    if spread > MAX_UNEVEN:
        return _signal(spread, MAX_UNEVEN, SignalOutcome.FAIL, "uneven", n)
    if float(np.abs(intervals - usual).max()) <= RASTER_SECONDS:
        return _signal(spread, None, SignalOutcome.ABSTAIN, "constant_rate", n)
    return _signal(spread, MAX_UNEVEN, SignalOutcome.PASS, "ok", n)


def _signal(
    value: float | None, threshold: float | None, outcome: SignalOutcome, why: str, n: int
) -> Signal:
    return Signal("timing", value, threshold, outcome, why, n)
