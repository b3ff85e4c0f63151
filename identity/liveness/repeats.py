"""Whether a part of a clip comes again, as it was or backwards."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from identity.liveness.lighting import stretches
from identity.liveness.matching import TOLERANCE
from identity.liveness.places import POINTS, places_of
from identity.prompts import Script
from identity.types import Changes, Track

REPEAT_SECONDS: Final = 0.75
"""How long a part is that is told from another."""
REPEAT_APART: Final = 0.5
MAX_DISTANCE: Final = 0.01
"""Of two parts that are one: their prints' mean cosine is at least this much, and the mesh's
mean distance, over that of the outer corners of the eyes, at most this."""
PATH_SECONDS: Final = 1.2
MIN_PATH: Final = 0.03
"""Of a longer part in which the mesh moves at least so far about its middle: how near, in parts
of that, another may come to it all along. Honest people: not under 0.32; loops: 0.11 at most,
whatever rate they are resampled to."""
MIN_SHAPE: Final = 0.008
_FAR: Final = 1e3
MIN_MOVED: Final = 0.05

Rows = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Fresh:
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
    ) -> Fresh:
        kept = ~same
        prints = changes.prints[kept].astype(np.float64)
        moved = np.nan_to_num(changes.picture[kept].astype(np.float64))
        prints /= np.maximum(np.linalg.norm(prints, axis=1, keepdims=True), 1e-9)
        prints[moved < MIN_MOVED] = 0.0
        times = track.times[kept]
        for start, end in stretches(script) if script is not None else ():
            prints[(times >= start) & (times <= end)] = 0.0
        places = places_of(track, kept)
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


def likeness_again(fresh: Fresh) -> float:
    """Returns the largest mean cosine of a second's prints with a later second's, from 0.5 s on.

    Only of parts that have the mesh in the same places all along; 0 where there are none.
    """
    alike, far = fresh.prints @ fresh.prints.T, fresh.apart
    n = fresh.moved.size
    lags = np.arange(max(2, round(REPEAT_APART * fresh.rate)), n)
    return _best_run(_along(alike, lags, 0.0), _along(far, lags, _FAR), _window(fresh))


def likeness_backwards(fresh: Fresh) -> float:
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


def nearest_path(fresh: Fresh) -> float:
    """Returns how near two parts of the mesh's path come to each other, over how far they reach.

    Parts of 1.2 s, half a second or more apart, in which the head moves, but for turns that the
    script asks for twice. A loop is found by it whatever became of its pictures. Infinite where
    there are no such parts.
    """
    return _nearest(fresh, MIN_PATH)


def nearest_shape(fresh: Fresh) -> float:
    """Returns the same of the mesh about its own middle, which no shaking of the picture moves."""
    points = fresh.places.reshape(-1, len(POINTS), 2)
    about = (points - points.mean(axis=1, keepdims=True)).reshape(fresh.places.shape)
    return _nearest(replace(fresh, places=about, apart=_distances(about)), MIN_SHAPE)


def _nearest(fresh: Fresh, least: float) -> float:
    """The smallest distance of two parts over their reach, of those that reach so far."""
    n, window = fresh.moved.size, max(5, round(PATH_SECONDS * fresh.rate))
    lags = np.arange(max(2, round(REPEAT_APART * fresh.rate)), n)
    if n < window or not lags.size:
        return float("inf")
    far = _means(_along(fresh.apart, lags, _FAR), window)
    places = np.nan_to_num(fresh.places).T
    spread = _means(places**2, window) - _means(places, window) ** 2
    reach = np.sqrt(np.maximum(spread, 0.0).sum(axis=0) / len(POINTS))
    asked = _means(fresh.asked_again[None].astype(np.float64), window)[0] > 0.0
    moving = (reach >= least) & ~asked
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


def _window(fresh: Fresh) -> int:
    return max(5, round(REPEAT_SECONDS * fresh.rate))


def _distances(shown: NDArray[np.float64]) -> NDArray[np.float64]:
    """Root mean square distance of each two frames' places, (N, N), far where one is missing."""
    places = np.nan_to_num(shown)
    squares = (places**2).sum(axis=1)
    apart = squares[:, None] + squares[None, :] - 2.0 * (places @ places.T)
    apart = np.sqrt(np.maximum(apart, 0.0) / len(POINTS))
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
