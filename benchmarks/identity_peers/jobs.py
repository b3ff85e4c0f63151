"""What a contender is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.alignment import five_points

# dlib's five-point model in its own order: the left eye's outer and inner corner, the right
# eye's, the base of the nose; as points of the mesh (models/alignment.py).
_DLIB_FIVE = (263, 362, 33, 133, 2)

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """Where the face is in one frame, in pixels of the upright original.

    Attributes:
        dlib_five: dlib's five points in dlib's order.
        arcface_five: ArcFace's, right eye first (models.alignment.five_points).
    """

    dlib_five: Points
    arcface_five: Points


@dataclass(frozen=True, slots=True)
class Job:
    """One clip for a peer.

    Attributes:
        data: the file's bytes.
        rotation: clockwise degrees that make its pictures upright.
        chosen: indices of the frames to work on.
        marks: by index of the frame; a frame where no face was tracked has none.
    """

    data: bytes
    rotation: int = 0
    chosen: tuple[int, ...] = ()
    marks: Mapping[int, Mark] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Measured:
    """What one run took.

    Attributes:
        seconds: that passed, scaled to the whole clip.
        cpu_s: processor seconds of all its threads and processes, scaled alike.
        frames: of the clip.
        frames_measured: that it worked on.
        peak_mb: the process's largest resident size so far, MiB.
        facts: what else the contender says.
    """

    seconds: float
    cpu_s: float
    frames: int
    frames_measured: int
    peak_mb: float
    facts: Mapping[str, float | int | str] = field(default_factory=dict)


def evenly(frames: int, count: int) -> tuple[int, ...]:
    """Returns `count` indices spread evenly over a clip's frames, all where it has no more."""
    if count >= frames:
        return tuple(range(frames))
    middles = (np.arange(count) + 0.5) * frames / count
    return tuple(int(index) for index in middles)


def mark_of(mesh: NDArray[np.float32], scale: float) -> Mark | None:
    """Returns the mark of a mesh; None where there is none.

    Args:
        mesh: (468, 3), working pixels; not a number where no face was.
        scale: working pixels per original pixel.
    """
    if not np.isfinite(mesh).all():
        return None
    return Mark(
        dlib_five=_points(mesh[list(_DLIB_FIVE), :2] / scale),
        arcface_five=_points(five_points(mesh) / scale),
    )


def _points(values: NDArray[np.float32]) -> Points:
    return tuple((float(x), float(y)) for x, y in values)
