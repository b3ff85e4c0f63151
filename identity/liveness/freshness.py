"""Whether every frame is a new one: nothing frozen, played twice, or cut together.

Frames are compared by their prints (see liveness.changes) and by where the mesh lies. Phones
and browsers show a frame up to four times when they are busy; such repetitions are left out
before anything else is looked for.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from identity.liveness.lighting import stretches
from identity.liveness.matching import TOLERANCE
from identity.prompts import Script
from identity.types import Changes, Signal, SignalOutcome, Track

MIN_FRAMES: Final = 15
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
MAX_GAP_SECONDS: Final = 0.5
REPEAT_SECONDS: Final = 1.0
"""How long a part is that is told from another."""
REPEAT_APART: Final = 0.5
MIN_LIKENESS: Final = 0.55
MIN_LIKENESS_BACKWARDS: Final = 0.57
MAX_DISTANCE: Final = 0.01
"""Of two parts that are one: their prints' mean cosine is at least this much, and the mesh's
mean distance, over that of the outer corners of the eyes, at most this."""
PATH_SECONDS: Final = 1.2
MAX_PATH: Final = 0.18
MIN_PATH: Final = 0.03
"""Of a longer part in which the mesh moves at least so far about its middle: how near, in parts
of that, another may come to it all along. Honest people: not under 0.32; loops: 0.11 at most,
whatever rate they are resampled to."""
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
MIN_MOVED: Final = 0.05
# Points that neither lids nor lips move: brow, nose, cheeks, temples.
_POINTS: Final = (
    10,
    9,
    168,
    6,
    197,
    5,
    4,
    1,
    2,
    98,
    327,
    151,
    234,
    454,
    127,
    356,
    33,
    263,
    50,
    280,
)
_OUTER_EYES: Final = (33, 263)
_FAR: Final = 1e3

Rows = NDArray[np.float64]

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
    same = _same(changes)
    still, gap = longest_still(track, same), float(np.diff(track.times).max())
    if still >= MAX_STILL_SECONDS and _is_dark(track):
        return _signal(None, None, SignalOutcome.ABSTAIN, "too_dark", n)
    if still >= MAX_STILL_SECONDS:
        return _signal(still, MAX_STILL_SECONDS, SignalOutcome.FAIL, "frozen", n)
    if gap >= MAX_GAP_SECONDS:
        return _signal(gap, MAX_GAP_SECONDS, SignalOutcome.FAIL, "gap", n)
    fresh = _Fresh.of(track, changes, same, script)
    if (likeness := likeness_again(fresh)) >= MIN_LIKENESS:
        return _signal(likeness, MIN_LIKENESS, SignalOutcome.FAIL, "loop", n)
    if (path := nearest_path(fresh)) <= MAX_PATH:
        return _signal(path, MAX_PATH, SignalOutcome.FAIL, "loop", n)
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


@dataclass(frozen=True, slots=True, eq=False)
class _Fresh:
    """The frames that aren't repetitions, N of them.

    Attributes:
        moved: shape (N,): mean change of the whole picture since the one before.
        gaps: shape (N,): seconds since the one before; nan for the first.
        places: shape (N, 2 P): mesh points over the distance of the eyes.
        prints: shape (N, 32), of unit length; 0 where next to nothing changed.
        apart: shape (N, N): root mean square distance of each two frames' places; far without
            a face.
        asked_again: shape (N,): whether the script asked for a turn there that it asks for more
            than once.
    """

    moved: NDArray[np.float64]
    gaps: NDArray[np.float64]
    places: NDArray[np.float64]
    prints: NDArray[np.float64]
    apart: NDArray[np.float64]
    asked_again: NDArray[np.bool_]

    @property
    def rate(self) -> float:
        """Frames a second."""
        return 1.0 / max(float(np.median(self.gaps[1:])), 1e-3) if self.gaps.size > 1 else 1.0

    @classmethod
    def of(
        cls, track: Track, changes: Changes, same: NDArray[np.bool_], script: Script | None
    ) -> _Fresh:
        kept = ~same
        prints = changes.prints[kept].astype(np.float64)
        moved = np.nan_to_num(changes.picture[kept].astype(np.float64))
        prints /= np.maximum(np.linalg.norm(prints, axis=1, keepdims=True), 1e-9)
        prints[moved < MIN_MOVED] = 0.0
        times = track.times[kept]
        for start, end in stretches(script) if script is not None else ():
            prints[(times >= start) & (times <= end)] = 0.0
        places = _places(track, kept)
        gaps = np.diff(times, prepend=np.nan)
        return cls(moved, gaps, places, prints, _distances(places), _asked_again(times, script))


def _asked_again(times: NDArray[np.float64], script: Script | None) -> NDArray[np.bool_]:
    """Where a person may well do the same twice: they were asked to."""
    inside = np.zeros(times.size, dtype=np.bool_)
    turns = [p for p in script.prompts if p.direction is not None] if script is not None else []
    often = Counter(prompt.direction for prompt in turns)
    for prompt in turns:
        if often[prompt.direction] > 1:
            inside |= (times >= prompt.start - TOLERANCE) & (times <= prompt.end + TOLERANCE)
    return inside


def _places(track: Track, kept: NDArray[np.bool_]) -> NDArray[np.float64]:
    points = track.meshes[kept][:, _POINTS, :2].astype(np.float64)
    eyes = track.meshes[track.present][:, _OUTER_EYES, :2].astype(np.float64)
    size = 1.0
    if eyes.size:
        size = max(float(np.median(np.linalg.norm(eyes[:, 0] - eyes[:, 1], axis=1))), 1e-6)
        points -= eyes.mean(axis=(0, 1))
    return points.reshape(points.shape[0], 2 * len(_POINTS)) / size


def _is_dark(track: Track) -> bool:
    """Whether there is too little light for a sensor's noise to show."""
    light = [look.light for look in track.passes] + [s.brightness for s in track.samples]
    return bool(light) and float(np.median(light)) < DARK


def _same(changes: Changes) -> NDArray[np.bool_]:
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
    places = _places(track, kept).reshape(end + 1 - start, len(_POINTS), 2)
    half = places.shape[0] // 2
    if half < 1 or not np.isfinite(places).all():
        return 0.0
    moved = places[-half:].mean(axis=0) - places[:half].mean(axis=0)
    return float(np.sqrt((moved**2).sum(axis=1).mean()))


def likeness_again(fresh: _Fresh) -> float:
    """Returns the largest mean cosine of a second's prints with a later second's, from 0.5 s on.

    Only of parts that have the mesh in the same places all along; 0 where there are none.
    """
    alike, far = fresh.prints @ fresh.prints.T, fresh.apart
    n = fresh.moved.size
    lags = np.arange(max(2, round(REPEAT_APART * fresh.rate)), n)
    return _best_run(_along(alike, lags, 0.0), _along(far, lags, _FAR), _window(fresh))


def likeness_backwards(fresh: _Fresh) -> float:
    """Returns the same for a second's prints and those of a part that is its mirror in time.

    Played backwards, the change to a frame is the opposite of the change to the next one.
    """
    n = fresh.moved.size
    alike = -(fresh.prints @ fresh.prints.T)
    far = np.full((n, n), _FAR)
    far[:, 1:] = fresh.apart[:, :-1]
    far[np.tri(n, n, 1, dtype=np.bool_)] = _FAR
    # With the columns from last to first, i + j is the same all along a diagonal.
    sums = np.arange(1 - n, n)
    again, away = _along(alike[:, ::-1], sums, 0.0), _along(far[:, ::-1], sums, _FAR)
    return _best_run(again, away, _window(fresh))


def nearest_path(fresh: _Fresh) -> float:
    """Returns how near two parts of the mesh's path come to each other, over how far they reach.

    Parts of 1.2 s, half a second or more apart, in which the head moves, but for turns that the
    script asks for twice. A loop is found by it whatever became of its pictures. Infinite where
    there are no such parts.
    """
    n, window = fresh.moved.size, max(5, round(PATH_SECONDS * fresh.rate))
    lags = np.arange(max(2, round(REPEAT_APART * fresh.rate)), n)
    if n < window or not lags.size:
        return float("inf")
    far = _means(_along(fresh.apart, lags, _FAR), window)
    places = np.nan_to_num(fresh.places).T
    spread = _means(places**2, window) - _means(places, window) ** 2
    reach = np.sqrt(np.maximum(spread, 0.0).sum(axis=0) / len(_POINTS))
    asked = _means(fresh.asked_again[None].astype(np.float64), window)[0] > 0.0
    moving = (reach >= MIN_PATH) & ~asked
    if not moving.any():
        return float("inf")
    return float((far[:, moving] / reach[moving]).min())


def _along(square: NDArray[np.float64], offsets: NDArray[np.intp], beyond: float) -> Rows:
    """The diagonals of a square as rows, shape (number of offsets, N); `beyond` its edges."""
    n = square.shape[0]
    wide = np.full((n, 3 * n), beyond)
    wide[:, n : 2 * n] = square
    # One row down is one column on.
    sheared = np.lib.stride_tricks.as_strided(
        wide, (2 * n, n), (wide.strides[1], wide.strides[0] + wide.strides[1]), writeable=False
    )
    return np.asarray(sheared[offsets + n], dtype=np.float64)


def _window(fresh: _Fresh) -> int:
    return max(5, round(REPEAT_SECONDS * fresh.rate))


def _distances(shown: NDArray[np.float64]) -> NDArray[np.float64]:
    """Root mean square distance of each two frames' places, (N, N), far where one is missing."""
    places = np.nan_to_num(shown)
    squares = (places**2).sum(axis=1)
    apart = squares[:, None] + squares[None, :] - 2.0 * (places @ places.T)
    apart = np.sqrt(np.maximum(apart, 0.0) / len(_POINTS))
    missing = np.isnan(shown).any(axis=1)
    apart[missing, :] = _FAR
    apart[:, missing] = _FAR
    return np.asarray(apart, dtype=np.float64)


def _best_run(alike: Rows, far: Rows, window: int) -> float:
    """The largest mean of `alike` over a window of a row in which `far` is small on average."""
    if alike.shape[0] == 0 or alike.shape[1] < window:
        return 0.0
    near = _means(far, window) <= MAX_DISTANCE
    return float(_means(alike, window)[near].max(initial=0.0))


def _means(rows: Rows, window: int) -> Rows:
    total = np.cumsum(np.pad(rows, ((0, 0), (1, 0))), axis=1)
    return np.asarray((total[:, window:] - total[:, :-window]) / window, dtype=np.float64)


def swapped_frames(fresh: _Fresh) -> int:
    """Returns how many frames go against both of their neighbours, which go the same way."""
    one, two, three = fresh.prints[:-2], fresh.prints[1:-1], fresh.prints[2:]
    against = (np.sum(one * two, axis=1) < -SWAPPED_COSINE) & (
        np.sum(two * three, axis=1) < -SWAPPED_COSINE
    )
    return int(np.count_nonzero(against & (np.sum(one * three, axis=1) > SWAPPED_COSINE)))


def largest_cut(fresh: _Fresh) -> float:
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


def _leaps(fresh: _Fresh, late: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where the mesh leaps too, shape (N,); where it is missing before or after it may have."""
    n = fresh.moved.size
    steps = np.diff(fresh.places.reshape(n, len(_POINTS), 2), axis=0, prepend=np.nan)
    size = np.sqrt((steps**2).sum(axis=2).mean(axis=1)) / late
    known = np.nan_to_num(size)
    # A tracker takes two frames to arrive where the face is now, so only those before count.
    step = np.maximum(known, np.append(known[1:], 0.0))
    before = np.zeros(n)
    for offset in range(1, CUT_REACH + 1):
        before[offset:] = np.maximum(before[offset:], known[:-offset])
    far = step >= np.maximum(MIN_CUT_STEP, CUT_STEP * np.maximum(before, CUT_STEP_FLOOR))
    return np.asarray(far | np.isnan(size), dtype=np.bool_)
