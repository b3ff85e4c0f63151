"""Where the steady points of the face lie, frame by frame."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from identity.types import Track

# Points that neither lids nor lips move: brow, nose, cheeks, temples.
POINTS: Final = (
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


def places_of(track: Track, kept: NDArray[np.bool_]) -> NDArray[np.float64]:
    points = track.meshes[kept][:, POINTS, :2].astype(np.float64)
    eyes = track.meshes[track.present][:, _OUTER_EYES, :2].astype(np.float64)
    size = 1.0
    if eyes.size:
        size = max(float(np.median(np.linalg.norm(eyes[:, 0] - eyes[:, 1], axis=1))), 1e-6)
        points -= eyes.mean(axis=(0, 1))
    return points.reshape(points.shape[0], 2 * len(POINTS)) / size
