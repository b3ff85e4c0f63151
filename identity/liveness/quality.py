"""How well one frame shows the face: light, contrast, sharpness, and whether all of it is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.engine import Picture

SIDE: Final = 96
_TARGET: Final = np.array([[0.2, 0.25], [0.8, 0.25], [0.5, 0.95]], dtype=np.float32) * SIDE


@dataclass(frozen=True, slots=True)
class FrameQuality:
    """Measures of one frame's face.

    Attributes:
        brightness: mean luma, 0 to 255.
        contrast: standard deviation of luma.
        sharpness: variance of the Laplacian over that of the luma, on the face at 96 × 96: of
            no unit, and the same for a dim face as for a bright one.
        margin: part of the face's points that lie inside the picture, 0 to 1.
    """

    brightness: float
    contrast: float
    sharpness: float
    margin: float


def measure_quality(
    picture: Picture,
    points: NDArray[np.float32],
    shape: tuple[int, int],
    origin: tuple[int, int] = (0, 0),
) -> FrameQuality:
    """Returns the measures of one face.

    Args:
        picture: RGB uint8; the whole frame or a part of it.
        points: the mesh, shape (468, 3), pixels of `picture`.
        shape: (height, width) of the whole frame, pixels.
        origin: (x, y) of the part in the whole frame.
    """
    corners = points[(33, 263, 152), :2].astype(np.float32)
    matrix = cv2.getAffineTransform(corners, _TARGET)
    # Twice the size, then halved: a large face is averaged down, not thinned out.
    crop = cv2.warpAffine(picture, matrix * 2, (2 * SIDE, 2 * SIDE), flags=cv2.INTER_LINEAR)
    grey = cv2.resize(
        cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), (SIDE, SIDE), interpolation=cv2.INTER_AREA
    )
    flat = grey.astype(np.float32)
    spread = float(flat.std())
    # One pixel of blur keeps a dark sensor's noise from passing for detail.
    edges = cv2.Laplacian(cv2.GaussianBlur(flat, (0, 0), 1.0), cv2.CV_32F)
    x, y = points[:, 0] + origin[0], points[:, 1] + origin[1]
    inside = (x >= 0) & (y >= 0) & (x <= shape[1] - 1) & (y <= shape[0] - 1)
    return FrameQuality(
        brightness=float(flat.mean()),
        contrast=spread,
        sharpness=float(edges.var()) / max(spread * spread, 1.0),
        margin=float(inside.mean()),
    )
