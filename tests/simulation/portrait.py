"""The picture that is animated, enlarged to a canvas that a frame of any shape fits on.

The source is `skimage.data.astronaut()`: a photograph of the astronaut Eileen Collins by NASA,
in the public domain, shipped with scikit-image. It shows a real person. Neither she nor NASA
has anything to do with this project, and no endorsement is implied.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.simulation import landmarks as lm

Picture = NDArray[np.uint8]


def as_picture(array: NDArray[Any]) -> Picture:
    """What OpenCV or NumPy gave, with values in 0..255, as uint8."""
    return np.ascontiguousarray(array, dtype=np.uint8)


def source_picture() -> Picture:
    """The portrait as scikit-image ships it: (512, 512, 3) uint8, RGB."""
    from skimage import data

    return np.ascontiguousarray(data.astronaut(), dtype=np.uint8)  # type: ignore[no-untyped-call]


def enlarge(picture: Picture, scale: float) -> Picture:
    """`picture` (h, w, 3) `scale` times as large, with the lost edge contrast made up for."""
    big = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_LANCZOS4)
    soft = cv2.GaussianBlur(big, (0, 0), 0.8 * scale)
    return as_picture(cv2.addWeighted(big, 1.7, soft, -0.7, 0.0))


def frame_canvas(
    big: Picture, centre: tuple[float, float], size: tuple[int, int], margin: int
) -> tuple[Picture, tuple[int, int]]:
    """Cut out (or make up) the surroundings that a frame of `size` needs.

    Args:
        big: the enlarged portrait, RGB.
        centre: where in it (x, y) the middle of the frame lies.
        size: width and height of the frame.
        margin: pixels more on every side, for a hand that shakes.

    Returns:
        The canvas and the place (x, y) of its corner in `big`.
    """
    width, height = size[0] + 2 * margin, size[1] + 2 * margin
    left, top = round(centre[0] - width / 2), round(centre[1] - height / 2)
    rows, cols = big.shape[:2]
    above, below = max(0, -top), max(0, top + height - rows)
    before, after = max(0, -left), max(0, left + width - cols)
    padded = as_picture(cv2.copyMakeBorder(big, 0, below, before, after, cv2.BORDER_REFLECT_101))
    if above:
        padded = _sky_above(padded, above)
    x, y = left + before, top + above
    return np.ascontiguousarray(padded[y : y + height, x : x + width]), (left, top)


def without_eyes(canvas: Picture, mesh: NDArray[np.float64]) -> Picture:
    """`canvas` with the eyes of a mesh (468, 3) painted over by the skin round them."""
    eyes, width = np.zeros(canvas.shape[:2], dtype=np.uint8), 0.0
    for upper, lower, fold, corners in lm.EYES:
        ring = mesh[[corners[0], *fold, corners[1], *reversed(lower)], :2]
        cv2.fillPoly(eyes, [np.rint(ring).astype(np.int32)], 255)
        width = max(width, float(np.ptp(mesh[[*corners, *upper], 0])))
    eyes = as_picture(cv2.dilate(eyes, _disc(0.15 * width)))
    # Brows too, or their dark would run down into the lids; they are put back afterwards.
    brows = np.zeros_like(eyes)
    for side in (lm.BROWS[:10], lm.BROWS[10:]):
        cv2.fillPoly(brows, [cv2.convexHull(np.rint(mesh[list(side), :2]).astype(np.int32))], 255)
    hidden = cv2.bitwise_or(eyes, as_picture(cv2.dilate(brows, _disc(0.08 * width))))
    bare = cv2.GaussianBlur(cv2.inpaint(canvas, hidden, 5, cv2.INPAINT_TELEA), (0, 0), 0.15 * width)
    # A soft rim: the mesh takes any line above the lashes for a lid that is still open.
    wider = cv2.dilate(eyes, _disc(0.1 * width))
    weight = cv2.GaussianBlur(wider, (0, 0), 0.1 * width).astype(np.float32) / 255.0
    weight *= 1.0 - cv2.GaussianBlur(brows, (0, 0), 0.04 * width).astype(np.float32) / 255.0
    cover = weight[:, :, None]
    return as_picture(np.rint(bare * cover + canvas * (1.0 - cover)))


def _disc(radius: float) -> NDArray[np.uint8]:
    size = 2 * round(radius) + 1
    return as_picture(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))


def _sky_above(picture: Picture, rows: int) -> Picture:
    """The studio's backdrop carried on upward: mirroring it would mirror the hair."""
    extended = cv2.copyMakeBorder(picture, rows, 0, 0, 0, cv2.BORDER_REPLICATE)
    soft = cv2.GaussianBlur(extended, (0, 0), 24.0)
    ramp = np.clip((rows + 2 - np.arange(len(extended))) / 12.0, 0.0, 1.0)[:, None, None]
    mixed = ramp * soft + (1.0 - ramp) * extended
    return as_picture(np.rint(mixed))
