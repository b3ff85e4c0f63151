"""Whether the picture, or the face in it, stood still: no living person does, and no camera."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from identity.liveness.places import POINTS, places_of
from identity.types import Changes, Track

SAME: Final = 0.1
"""Mean change in the face's box, of 255, below which a frame repeats the one before."""
MAX_STILL_SECONDS: Final = 0.45
"""An encoder refines a frozen picture over its first frames: 0.6 s reads as 0.47 s."""
MIN_DRIFT: Final = 0.002
"""At low bit rates encoders leave out what changes little, for up to 0.7 s, while the person
moves on and the mesh with them: between the first and the second half of such a time its points
drift by a part of the distance of the eyes' outer corners, in a frozen one by none."""
STILL_FOR_GOOD_SECONDS: Final = 1.5
"""So long nothing may stand still, whatever the mesh says."""
DARK: Final = 32.0


def is_dark(track: Track) -> bool:
    """Whether there is too little light for a sensor's noise to show."""
    light = [look.light for look in track.passes] + [s.brightness for s in track.samples]
    return bool(light) and float(np.median(light)) < DARK


def same_frames(changes: Changes) -> NDArray[np.bool_]:
    """Which frames repeat the one before, shape (N,): the face does, or where none is, all."""
    seen = np.where(np.isnan(changes.face), changes.picture, changes.face)
    same = np.asarray(seen < SAME, dtype=np.bool_)
    same[:1] = False
    return same


def longest_still(track: Track, same: NDArray[np.bool_]) -> float:
    """Returns the longest time without a new frame, from the first of equal ones, seconds.

    Times of less than 1.5 s only count where the mesh stands still as well, or isn't there.

    Args:
        track: of the clip.
        same: which frames repeat the one before, shape (N,).
    """
    longest, times = 0.0, track.times
    starts = np.flatnonzero(~same[:-1] & same[1:])
    for start in starts.tolist():
        after = np.flatnonzero(~same[start + 1 :])
        end = start + int(after[0]) if after.size else times.size - 1
        seconds = float(times[end] - times[start])
        if seconds < longest:
            continue
        if seconds < STILL_FOR_GOOD_SECONDS and _drift(track, start, end) >= MIN_DRIFT:
            continue
        longest = seconds
    return longest


def _drift(track: Track, start: int, end: int) -> float:
    """How far the mesh moves between the halves of a time, over the eyes' distance; 0 without."""
    kept = np.zeros(track.times.size, dtype=np.bool_)
    kept[start : end + 1] = True
    places = places_of(track, kept).reshape(end + 1 - start, len(POINTS), 2)
    half = places.shape[0] // 2
    if half < 1 or not np.isfinite(places).all():
        return 0.0
    moved = places[-half:].mean(axis=0) - places[:half].mean(axis=0)
    return float(np.sqrt((moved**2).sum(axis=1).mean()))
