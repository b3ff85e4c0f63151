"""The mean colour of forehead, cheeks and background of every frame, in linear light."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from identity.capture.screen import linear
from identity.types import Colours
from models.engine import Picture

REGIONS: Final = ("forehead", "right_cheek", "left_cheek")
"""In the order of `Colours.skin`; right and left are the subject's own."""
_CENTRES: Final = np.array([[151, 151, 9], [50, 205, 101], [280, 425, 330]])
_HALF: Final = np.array([[0.30, 0.09], [0.12, 0.12], [0.12, 0.12]])
"""Half of each box's width and height, in distances between the eyes' outer corners."""
_SIDE: Final = 20
_KEPT: Final = slice(_SIDE * _SIDE // 4, _SIDE * _SIDE - _SIDE * _SIDE // 4)
"""Of the pixels of a box in the order of their green: highlights, brows and hair are at the
ends, and which pixels these are doesn't change with exposure."""
_SPREAD: Final = (np.arange(_SIDE) / _SIDE)[:, None, None]
_ROWS: Final = np.arange(3)[:, None]
_GRID: Final = 16
_CLIPPED: Final = 250
_LEAST_BACKGROUND: Final = 12
_BESIDE: Final = 0.45
_ABOVE: Final = 0.75
"""How far hair may reach round the mesh, in widths and heights of the mesh."""
_LINEAR: Final = linear(np.arange(256)).astype(np.float32)
_NOTHING: Final = np.full(3, np.nan, dtype=np.float32)

Colour = NDArray[np.float32]


@dataclass(slots=True)
class ColourMeter:
    """Feed it every frame in order; `finish` gives what `identity.types.Colours` holds."""

    _skin: list[Colour] = field(default_factory=list)
    _background: list[Colour] = field(default_factory=list)

    def note(self, time_s: float, picture: Picture, points: NDArray[np.float32] | None) -> None:
        """Measures one frame.

        Args:
            time_s: of the frame; not used, every frame has its row.
            picture: RGB uint8, (height, width, 3); not kept.
            points: the mesh, shape (468, 2 or more), pixels; None where no face is.
        """
        if points is None or not np.isfinite(points[:, :2]).all():
            self._skin.append(np.full((3, 3), np.nan, dtype=np.float32))
            self._background.append(_NOTHING)
            return
        self._skin.append(skin_colours(picture, points))
        self._background.append(background_colour(picture, points))

    def finish(self) -> Colours:
        """Returns the colours of all frames."""
        if not self._skin:
            return Colours(np.empty((0, 3, 3), np.float32), np.empty((0, 3), np.float32))
        return Colours(np.stack(self._skin), np.stack(self._background))


def skin_colours(picture: Picture, points: NDArray[np.float32]) -> Colour:
    """Returns the mean linear RGB of forehead and cheeks, shape (3, 3), by region and channel.

    Of each box the middle half of the pixels by brightness counts. Not a number for a region
    that isn't wholly inside the picture.

    Args:
        picture: RGB uint8, (height, width, 3).
        points: the mesh, shape (468, 2 or more), finite, pixels.
    """
    height, width = picture.shape[:2]
    centres = points[_CENTRES, :2].mean(axis=1)
    across = points[263, :2] - points[33, :2]
    half = _HALF * max(float(np.hypot(across[0], across[1])), 1.0)
    low, high = np.floor(centres - half), np.ceil(centres + half) + 1
    spread = low + (high - low) * _SPREAD
    x = np.clip(spread[..., 0], 0, width - 1).astype(np.intp).T
    y = np.clip(spread[..., 1], 0, height - 1).astype(np.intp).T
    pixels = picture[y[:, :, None], x[:, None, :]].reshape(3, -1, 3)
    order = np.argpartition(pixels[:, :, 1], (_KEPT.start, _KEPT.stop - 1), axis=1)
    colours = _LINEAR[pixels[_ROWS, order[:, _KEPT]]].mean(axis=1)
    whole = (low >= 0).all(axis=1) & (high <= (width, height)).all(axis=1)
    colours[~whole] = np.nan
    return np.asarray(colours, dtype=np.float32)


def background_colour(picture: Picture, points: NDArray[np.float32]) -> Colour:
    """Returns the mean linear RGB of what lies beside and over the head, shape (3,).

    A sparse grid of pixels above the mouth's height; clipped ones are left out. Not a number
    where fewer than 12 are left.

    Args:
        picture: RGB uint8, (height, width, 3).
        points: the mesh, shape (468, 2 or more), finite, pixels.
    """
    (x0, y0), (x1, y1) = points[:, :2].min(axis=0).tolist(), points[:, :2].max(axis=0).tolist()
    beside, above = _BESIDE * (x1 - x0), _ABOVE * (y1 - y0)
    mouth = y0 + 0.75 * (y1 - y0)
    sparse = picture[_GRID // 2 :: _GRID, _GRID // 2 :: _GRID]
    rows, columns = sparse.shape[:2]
    x = np.arange(columns) * _GRID + _GRID // 2
    y = np.arange(rows) * _GRID + _GRID // 2
    outside = ((x < x0 - beside) | (x > x1 + beside)) | (y < y0 - above)[:, None]
    found = sparse[outside & (y < mouth)[:, None]]
    found = found[found.max(axis=1, initial=0) < _CLIPPED]
    if len(found) < _LEAST_BACKGROUND:
        return _NOTHING
    return np.asarray(_LINEAR[found].mean(axis=0), dtype=np.float32)
