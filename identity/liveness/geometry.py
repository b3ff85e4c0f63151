"""What the mesh says of the head: its pose, how far the eyes and the mouth are open.

Point numbers are those of MediaPipe's face mesh. The axes are those of the design: x from 234
to 454 (across the face, to the subject's left), y from 10 to 152 (down the face).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from identity.types import Track

Series = NDArray[np.float64]
Meshes = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """The head over time, only where a face was seen. Every array has shape (N,), float64.

    Attributes:
        times: seconds.
        yaw: degrees, positive toward the picture's right edge, the subject's own left.
        pitch: degrees, positive up.
        roll: degrees, clockwise as seen.
        eyes: lid gap over eye width, mean of both eyes; 0.24 to 0.38 open.
        mouth: lip gap over mouth width; below 0.1 shut.
    """

    times: Series
    yaw: Series
    pitch: Series
    roll: Series
    eyes: Series
    mouth: Series


def pose(meshes: Meshes) -> tuple[Series, Series, Series]:
    """Returns yaw, pitch and roll in degrees, each of shape (N,).

    The mesh reads about 0.85 of the true angle of yaw.

    Args:
        meshes: shape (N, 468, 3), pixels, z negative toward the camera.
    """
    points = meshes[:, (234, 454, 10, 152)].astype(np.float64)
    x = _unit(points[:, 1] - points[:, 0])
    y = points[:, 3] - points[:, 2]
    y = _unit(y - np.sum(y * x, axis=1, keepdims=True) * x)
    yaw = np.degrees(np.arctan2(x[:, 2], np.hypot(x[:, 0], x[:, 1])))
    # Looking up brings the chin, the far end of y, toward the camera: to negative z.
    pitch = -np.degrees(np.arctan2(y[:, 2], np.hypot(y[:, 0], y[:, 1])))
    roll = np.degrees(np.arctan2(x[:, 1], x[:, 0]))
    return yaw, pitch, roll


def _unit(vectors: Series) -> Series:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-9), dtype=np.float64)


def _gap(meshes: Meshes, upper: int, lower: int, one: int, other: int) -> Series:
    """Distance of two points over that of two others, in the plane of the picture."""
    flat = meshes[:, (upper, lower, one, other), :2].astype(np.float64)
    height = np.linalg.norm(flat[:, 0] - flat[:, 1], axis=1)
    width = np.linalg.norm(flat[:, 2] - flat[:, 3], axis=1)
    return np.asarray(height / np.maximum(width, 1e-9), dtype=np.float64)


def eye_opening(meshes: Meshes) -> Series:
    """Returns lid gap over eye width, mean of both eyes, shape (N,)."""
    right = _gap(meshes, 159, 145, 33, 133)
    left = _gap(meshes, 386, 374, 362, 263)
    return np.asarray((right + left) / 2, dtype=np.float64)


def mouth_opening(meshes: Meshes) -> Series:
    """Returns the gap between the lips over the mouth's width, shape (N,)."""
    return _gap(meshes, 13, 14, 61, 291)


def eye_distance(meshes: Meshes) -> Series:
    """Returns the distance between the eyes' centres, pixels, shape (N,), 3-D.

    In 3-D, so that turning the head doesn't shorten it.
    """
    right = (meshes[:, 33] + meshes[:, 133]).astype(np.float64) / 2
    left = (meshes[:, 362] + meshes[:, 263]).astype(np.float64) / 2
    return np.asarray(np.linalg.norm(left - right, axis=1), dtype=np.float64)


def motion_of(track: Track) -> Motion:
    """Returns the head's motion over the frames that have a face."""
    meshes = track.meshes[track.present]
    yaw, pitch, roll = pose(meshes)
    return Motion(
        times=track.times[track.present],
        yaw=yaw,
        pitch=pitch,
        roll=roll,
        eyes=eye_opening(meshes),
        mouth=mouth_opening(meshes),
    )
