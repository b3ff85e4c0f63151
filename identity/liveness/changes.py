"""How much each frame differs from the one before: numbers, never a picture.

A camera's sensor never gives the same frame twice, so what doesn't change at all was not seen
by one; and what changes in the same way a second time was played a second time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from identity.types import Changes
from models.engine import Picture

GRID_SIDE: Final = 80
"""Pixels looked at along the longer side: single ones, since averages would lose the noise."""
PRINTS: Final = 32
_SEED: Final = 20_260


@dataclass(slots=True)
class ChangeMeter:
    """Feed it every frame in order, then `finish`. It keeps one frame's grid of green values."""

    _picture: list[float] = field(default_factory=list)
    _face: list[float] = field(default_factory=list)
    _prints: list[NDArray[np.float32]] = field(default_factory=list)
    _last: NDArray[np.float32] | None = None
    _signs: NDArray[np.float32] | None = None

    def note(self, time_s: float, picture: Picture, points: NDArray[np.float32] | None) -> None:
        """Takes the next frame.

        Args:
            time_s: of the frame.
            picture: RGB uint8, (height, width, 3); not kept.
            points: the mesh on it, shape (468, 3), pixels; None where no face is.
        """
        step = max(1, math.ceil(max(picture.shape[:2]) / GRID_SIDE))
        grid = picture[::step, ::step, 1].astype(np.float32)
        last, self._last = self._last, grid
        if last is None or last.shape != grid.shape:
            self._picture.append(math.nan)
            self._face.append(math.nan)
            self._prints.append(np.zeros(PRINTS, dtype=np.float32))
            return
        change = grid - last
        size = np.abs(change)
        self._picture.append(float(size.mean()))
        self._face.append(_mean_inside(size, points, step))
        if self._signs is None or self._signs.shape[0] != change.size:
            self._signs = _signs(change.size)
        prints = change.reshape(-1) @ self._signs
        self._prints.append(prints.astype(np.float32))

    def finish(self) -> Changes:
        """Returns what was measured."""
        prints = np.stack(self._prints) if self._prints else np.empty((0, PRINTS))
        return Changes(
            picture=np.array(self._picture, dtype=np.float32),
            face=np.array(self._face, dtype=np.float32),
            prints=prints.astype(np.float32),
        )


def _mean_inside(size: NDArray[np.float32], points: NDArray[np.float32] | None, step: int) -> float:
    """Mean over the grid points inside the face's box; not a number where there are none."""
    if points is None or not np.isfinite(points[:, :2]).all():
        return math.nan
    low = np.clip(points[:, :2].min(axis=0) / step, 0, GRID_SIDE)
    high = np.clip(points[:, :2].max(axis=0) / step + 1, 0, GRID_SIDE)
    part = size[int(low[1]) : int(high[1]), int(low[0]) : int(high[0])]
    return float(part.mean()) if part.size else math.nan


def _signs(count: int) -> NDArray[np.float32]:
    """Random signs, shape (count, PRINTS), each column with mean 0.

    With mean 0, so that light that goes up or down everywhere leaves no trace.
    """
    signs = 2.0 * np.random.default_rng(_SEED).integers(0, 2, (count, PRINTS)) - 1.0
    signs -= signs.mean(axis=0)
    return np.asarray(signs / math.sqrt(count), dtype=np.float32)
