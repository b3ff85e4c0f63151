"""Where the points of a face must lie in an embedder's input.

The embedders were trained on pictures aligned by five points each; the same points are
taken from the mesh here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.engine import MESH_POINTS
from models.errors import UnusableRegion
from models.geometry import Affine, similarity

_MESH_LEFT_EYE: Final = (263, 362)
_MESH_RIGHT_EYE: Final = (33, 133)
_MESH_NOSE_BASE: Final = 2
_MESH_NOSE_TIP: Final = 4
_MESH_MOUTH_RIGHT: Final = 61
_MESH_MOUTH_LEFT: Final = 291

# Mean positions of dlib's five-point model in a unit square (get_face_chip_details in
# dlib/image_transforms/interpolation.h): left eye's outer and inner corner, right eye's
# outer and inner corner, base of the nose.
_DLIB_MEAN_SHAPE: Final = np.array(
    [
        [0.8595674595992, 0.2134981538014],
        [0.6460604764104, 0.2289674387677],
        [0.1205750620789, 0.2137274526848],
        [0.3340850613712, 0.2290642403242],
        [0.4901123135679, 0.6277975316475],
    ]
)
_DLIB_PADDING: Final = 0.25
# ArcFace's five points at 112 × 112 (J. Deng et al., "ArcFace", 2019; arcface_dst in
# InsightFace's face_align.py): right eye, left eye, nose tip, mouth's right and left corner.
_ARCFACE_POINTS: Final = np.array(
    [
        [38.2946, 51.6963],
        [73.5318, 51.5014],
        [56.0252, 71.7366],
        [41.5493, 92.3655],
        [70.7299, 92.2041],
    ]
)
_ARCFACE_SIZE: Final = 112.0
# A crop a little wider than ArcFace's is nearer to what HSE's network was trained on
# (measured on our pairs, docs/models.md).
_WIDER: Final = 0.87

Alignment = Callable[[NDArray[np.float32], int], Affine]


def dlib_five(mesh_points: NDArray[np.float32], size: int) -> Affine:
    """Returns the (2, 3) matrix from the picture to dlib's face chip of `size` pixels.

    Args:
        mesh_points: (468, 3), pixels of the picture.
        size: side of the chip.

    Raises:
        UnusableRegion: the points are degenerate or not finite.
    """
    points = _checked(mesh_points)
    source = points[[*_MESH_LEFT_EYE, *_MESH_RIGHT_EYE, _MESH_NOSE_BASE], :2]
    target = (_DLIB_MEAN_SHAPE + _DLIB_PADDING) / (1 + 2 * _DLIB_PADDING) * size
    return similarity(source, target)


def five_points(mesh_points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns ArcFace's five points, (5, 2), pixels of the picture.

    The subject's right eye and left eye (the middle between their corners), the nose's tip,
    the mouth's right and left corner.

    Args:
        mesh_points: (468, 3), pixels of the picture.

    Raises:
        UnusableRegion: they are not 468 points.
    """
    points = _checked(mesh_points)[:, :2]
    return np.stack(
        [
            points[list(_MESH_RIGHT_EYE)].mean(axis=0),
            points[list(_MESH_LEFT_EYE)].mean(axis=0),
            points[_MESH_NOSE_TIP],
            points[_MESH_MOUTH_RIGHT],
            points[_MESH_MOUTH_LEFT],
        ]
    )


def arcface_five_wider(mesh_points: NDArray[np.float32], size: int) -> Affine:
    """Returns the (2, 3) matrix from the picture to ArcFace's crop, shrunk about its centre.

    Args:
        mesh_points: (468, 3), pixels of the picture.
        size: side of the crop.

    Raises:
        UnusableRegion: the points are degenerate or not finite.
    """
    source = five_points(mesh_points)
    centre = _ARCFACE_SIZE / 2
    target = ((_ARCFACE_POINTS - centre) * _WIDER + centre) * (size / _ARCFACE_SIZE)
    return similarity(source, target)


ALIGNMENTS: Final[Mapping[str, Alignment]] = {
    "dlib_five": dlib_five,
    "arcface_five_wider": arcface_five_wider,
}


def _checked(mesh_points: NDArray[np.float32]) -> NDArray[np.float32]:
    if mesh_points.ndim != 2 or mesh_points.shape[0] < MESH_POINTS or mesh_points.shape[1] < 2:
        raise UnusableRegion("The mesh doesn't have 468 points.")
    return mesh_points
