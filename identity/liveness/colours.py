"""The mean colour of forehead, cheeks and background of every frame, in linear light."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import cv2
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
_MEAN: Final = np.full(_KEPT.stop - _KEPT.start, 1.0 / (_KEPT.stop - _KEPT.start), np.float32)
_ROWS: Final = np.arange(3)[:, None]
_GRID: Final = 16
_CLIPPED: Final = 250
_LEAST_BACKGROUND: Final = 12
_BESIDE: Final = 0.45
_ABOVE: Final = 0.75
_MOUTH: Final = 0.75
"""How far hair may reach round the mesh, and how low the background is looked at, lest it be
shoulders: in widths and heights of the mesh."""
_LINEAR: Final = linear(np.arange(256)).astype(np.float32)
_NOTHING: Final = np.full(3, np.nan, dtype=np.float32)
_NOTHING_SEEN: Final = np.full((3, 3), np.nan, dtype=np.float32)
_SKIN_S: Final = 0.023
_BACKGROUND_S: Final = 0.08

Colour = NDArray[np.float32]


@dataclass(slots=True)
class ColourMeter:
    """Feed it every frame in order; `finish` gives what `identity.types.Colours` holds."""

    _skin: list[Colour] = field(default_factory=list)
    _background: list[Colour] = field(default_factory=list)
    _next_skin: float = -math.inf
    _next_background: float = -math.inf

    def note(self, time_s: float, picture: Picture, points: NDArray[np.float32] | None) -> None:
        """Measures one frame.

        Args:
            time_s: of the frame. Every frame has its row, but of more than 40 frames a second
                some aren't measured, and the background is no more than 12 times a second.
            picture: RGB uint8, (height, width, 3); not kept.
            points: the mesh, shape (468, 2 or more), pixels; None where no face is.
        """
        skin, background = _NOTHING_SEEN, _NOTHING
        if points is not None and np.isfinite(points[:, :2]).all():
            if time_s >= self._next_skin:
                skin = skin_colours(picture, points)
                self._next_skin = time_s + _SKIN_S
            if time_s >= self._next_background:
                background = background_colour(picture, points)
                self._next_background = time_s + _BACKGROUND_S
        self._skin.append(skin)
        self._background.append(background)

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
    boxes = np.concatenate([centres - half, centres + half], axis=1).tolist()
    parts = np.empty((3, _SIDE * _SIDE, 3), dtype=np.uint8)
    outside = []
    for k, (x0, y0, x1, y1) in enumerate(boxes):
        if x0 < 0 or y0 < 0 or x1 > width - 1 or y1 > height - 1:
            outside.append(k)
            continue
        box = picture[int(y0) : int(y1) + 1, int(x0) : int(x1) + 1]
        thin = cv2.resize(box, (_SIDE, _SIDE), interpolation=cv2.INTER_NEAREST)
        parts[k] = thin.reshape(-1, 3)
    order = np.argpartition(parts[:, :, 1], (_KEPT.start, _KEPT.stop - 1), axis=1)
    colours = np.asarray(_MEAN @ _LINEAR[parts[_ROWS, order[:, _KEPT]]])
    colours[outside] = np.nan
    return colours


def background_colour(picture: Picture, points: NDArray[np.float32]) -> Colour:
    """Returns the mean linear RGB of what lies beside and over the head, shape (3,).

    A sparse grid of pixels above the mouth's height; clipped ones are left out. Not a number
    where fewer than 12 are left.

    Args:
        picture: RGB uint8, (height, width, 3).
        points: the mesh, shape (468, 2 or more), finite, pixels.
    """
    flat = np.ascontiguousarray(points[:, :2].T)
    (x0, y0), (x1, y1) = flat.min(axis=1).tolist(), flat.max(axis=1).tolist()
    beside, above = _BESIDE * (x1 - x0), _ABOVE * (y1 - y0)
    sparse = picture[_GRID // 2 :: _GRID, _GRID // 2 :: _GRID]
    rows, columns = sparse.shape[:2]
    x = np.arange(_GRID // 2, _GRID * columns, _GRID)
    y = np.arange(_GRID // 2, _GRID * rows, _GRID)
    outside = (x < x0 - beside) | (x > x1 + beside) | (y < y0 - above)[:, None]
    outside &= (y < y0 + _MOUTH * (y1 - y0))[:, None]
    found = sparse[outside]
    red, green, blue = found.T
    found = found[np.maximum(np.maximum(red, green), blue) < _CLIPPED]
    if len(found) < _LEAST_BACKGROUND:
        return _NOTHING
    mean = np.full(len(found), 1.0 / len(found), dtype=np.float32)
    return np.asarray(mean @ _LINEAR[found])
