"""Plane geometry between a picture and the crops that the networks want."""

from __future__ import annotations

import math
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.engine import Picture, Region
from models.errors import UnusablePicture, UnusableRegion

Affine = NDArray[np.float64]

_MIN_SPREAD: Final = 1e-6


def checked_picture(picture: Picture) -> Picture:
    """Returns the picture as it is.

    Raises:
        UnusablePicture: it is not a non-empty (height, width, 3) array of uint8.
    """
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
        raise UnusablePicture
    return picture


def region_to_picture(region: Region, size: int) -> Affine:
    """Returns the (2, 3) matrix that takes pixels of a `size` × `size` crop to the picture's."""
    scale = region.side / size
    a, b = scale * math.cos(region.angle), scale * math.sin(region.angle)
    half = size / 2
    return np.array(
        [[a, -b, region.cx - half * (a - b)], [b, a, region.cy - half * (a + b)]],
        dtype=np.float64,
    )


def similarity(source: NDArray[np.floating], target: NDArray[np.floating]) -> Affine:
    """Returns the (2, 3) matrix of the similarity that takes `source` nearest to `target`.

    The least-squares rotation, scale and shift without reflection (S. Umeyama,
    "Least-squares estimation of transformation parameters between two point patterns",
    IEEE TPAMI 13(4), 1991). In the plane, with points as complex numbers, it is one
    quotient: Σ conj(s)·t / Σ |s|², s and t being taken from their means.

    Args:
        source: shape (n, 2).
        target: shape (n, 2).

    Raises:
        UnusableRegion: the source points fall together or are not finite.
    """
    if not np.isfinite(source).all():
        raise UnusableRegion
    s = source[:, 0].astype(np.float64) + 1j * source[:, 1].astype(np.float64)
    t = target[:, 0].astype(np.float64) + 1j * target[:, 1].astype(np.float64)
    s_mean, t_mean = complex(s.mean()), complex(t.mean())
    s = s - s_mean
    spread = float(np.vdot(s, s).real)
    if spread < _MIN_SPREAD:
        raise UnusableRegion
    factor = complex(np.vdot(s, t - t_mean)) / spread
    if abs(factor) < _MIN_SPREAD:
        raise UnusableRegion
    shift = t_mean - factor * s_mean
    return np.array(
        [[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]],
        dtype=np.float64,
    )


def crop_region(picture: Picture, matrix: Affine, size: int) -> Picture:
    """Returns the `size` × `size` crop, given the matrix that takes its pixels to the picture's.

    Beyond the picture its edge is repeated.
    """
    return np.asarray(
        cv2.warpAffine(
            picture,
            matrix,
            (size, size),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        ),
        dtype=np.uint8,
    )


def align(picture: Picture, matrix: Affine, size: int) -> Picture:
    """Returns the `size` × `size` crop, given the matrix that takes the picture's pixels to its.

    Beyond the picture it is black.
    """
    return np.asarray(
        cv2.warpAffine(picture, matrix, (size, size), flags=cv2.INTER_LINEAR), dtype=np.uint8
    )
