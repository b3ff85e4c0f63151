"""What an engine is: the types that pass between a picture and a vector, and the protocols.

Pictures are arrays of shape (height, width, 3), dtype uint8, RGB. Coordinates are pixels of
the picture given: x to the right, y down, the centre of the first pixel at (0, 0). Engines
keep buffers and are not safe to share between threads.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from models.errors import UnusableRegion

MESH_POINTS: Final = 468
REGION_MARGIN: Final = 1.5
_RIGHT_EYE_OUTER: Final = 33
_LEFT_EYE_OUTER: Final = 263
_KEY_RIGHT_EYE: Final = 0
_KEY_LEFT_EYE: Final = 1

Picture = NDArray[np.uint8]
Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class DetectedFace:
    """A face that the detector found.

    Attributes:
        box: (x0, y0, x1, y1), pixels of the picture; may reach beyond its edges.
        score: 0 to 1.
        key_points: shape (6, 2), float32, pixels: the subject's right eye, left eye, nose
            tip, mouth centre, right ear, left ear.
    """

    box: tuple[float, float, float, float]
    score: float
    key_points: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Region:
    """A square part of a picture, turned so that the eyes are level in it.

    Attributes:
        cx: centre, pixels.
        cy: centre, pixels.
        side: length of a side, pixels.
        angle: radians from the picture's x axis to the square's, clockwise as seen.
    """

    cx: float
    cy: float
    side: float
    angle: float


@dataclass(frozen=True, slots=True, eq=False)
class FaceMesh:
    """The 468 points of MediaPipe's face mesh.

    Attributes:
        points: shape (468, 3), float32: x and y in pixels of the picture, z on the same
            scale, negative toward the camera.
        presence: 0 to 1, whether there is a face in the region at all; above 0.5 keeps a track.
    """

    points: NDArray[np.float32]
    presence: float


class Detector(Protocol):
    """Finds faces."""

    def detect(self, picture: Picture) -> tuple[DetectedFace, ...]:
        """Returns the faces in an RGB picture (height, width, 3), the best score first.

        Raises:
            UnusablePicture: the array is not such a picture.
        """


class MeshEngine(Protocol):
    """Places the mesh on one face."""

    def landmarks(self, picture: Picture, region: Region) -> FaceMesh:
        """Returns the mesh of the face in `region` of an RGB picture (height, width, 3).

        Raises:
            UnusablePicture: the array is not such a picture.
            UnusableRegion: the region is empty or not finite.
        """


class Embedder(Protocol):
    """Turns one face into a vector."""

    @property
    def name(self) -> str:
        """The embedder's name in its manifest."""

    @property
    def dimensions(self) -> int:
        """Length of the vector."""

    def embed(self, picture: Picture, mesh_points: NDArray[np.float32]) -> Vector:
        """Returns a vector of unit length, shape (dimensions,), float32.

        Args:
            picture: RGB, shape (height, width, 3).
            mesh_points: shape (468, 3), pixels of that picture.

        Raises:
            UnusablePicture: the array is not such a picture.
            UnusableRegion: the points are degenerate or not finite.
            NoFaceToEmbed: the embedder aligns with a detector of its own, which sees no face.
        """


class PadEngine(Protocol):
    """Says of one face in one frame how likely it is bona fide, no presentation attack.

    One signal among several, never a decision: what the numbers mean differs between engines
    and with the light, the camera and the background.
    """

    @property
    def name(self) -> str:
        """The engine's name for records: that of its pack."""

    def score(self, picture: Picture, box: tuple[float, float, float, float]) -> float:
        """Returns the live probability that the engine gives, 0 to 1.

        Args:
            picture: RGB, shape (height, width, 3).
            box: (x0, y0, x1, y1) as the detector gives it, pixels of that picture; may reach
                beyond its edges.

        Raises:
            UnusablePicture: the array is not such a picture.
            UnusableRegion: the box is empty, not finite, or outside the picture.
            NoPadScore: the engine can't judge the face there.
        """


@dataclass(frozen=True, slots=True)
class Calibration:
    """Turns the embedders' cosines c into one comparison score, weights · c + bias.

    Attributes:
        weights: one for each embedder, in the order of `Engines.embedders`.
        bias: added to the weighted sum.
        picture_threshold: from this score on, two single pictures match.
        template_threshold: from this score on, two templates match.
        continuity_threshold: from this score on, a sample belongs to its clip's template.
        measured: whether the figures were fitted on pairs of pictures with this pack. Where
            they were not, docs/models.md says where they come from, and the score is no
            log-likelihood ratio.
    """

    weights: tuple[float, ...]
    bias: float
    picture_threshold: float
    template_threshold: float
    continuity_threshold: float
    measured: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Engines:
    """A loaded pack.

    Attributes:
        pack: its name.
        template_format: short hash of all that a template depends on; templates of
            different formats never compare.
        detector: for the tracker.
        mesh: for the tracker.
        embedders: in the manifest's order.
        calibration: of the comparison score.
    """

    pack: str
    template_format: str
    detector: Detector
    mesh: MeshEngine
    embedders: tuple[Embedder, ...]
    calibration: Calibration


def region_from_detection(face: DetectedFace) -> Region:
    """Returns the square around a detected face in which to look for its mesh.

    Its side is 1.5 × the longer side of the box, its angle that of the line between the eyes.

    Raises:
        UnusableRegion: the box is empty or not finite.
    """
    x0, y0, x1, y1 = face.box
    right, left = face.key_points[_KEY_RIGHT_EYE], face.key_points[_KEY_LEFT_EYE]
    angle = math.atan2(float(left[1] - right[1]), float(left[0] - right[0]))
    return checked_region(
        Region((x0 + x1) / 2, (y0 + y1) / 2, REGION_MARGIN * max(x1 - x0, y1 - y0), angle)
    )


def region_from_points(points: NDArray[np.float32]) -> Region:
    """Returns the square in which to look for the mesh in the next frame.

    Args:
        points: the last frame's mesh, shape (468, 2) or (468, 3), pixels. The box around
            them is taken along the line between the eyes, so that a tilted head doesn't
            grow it.

    Raises:
        UnusableRegion: the points are degenerate or not finite.
    """
    if not np.isfinite(points).all():
        raise UnusableRegion
    right, left = points[_RIGHT_EYE_OUTER], points[_LEFT_EYE_OUTER]
    angle = math.atan2(float(left[1] - right[1]), float(left[0] - right[0]))
    cos, sin = math.cos(angle), math.sin(angle)
    along = points[:, 0] * cos + points[:, 1] * sin
    across = points[:, 1] * cos - points[:, 0] * sin
    low_u, high_u = float(along.min()), float(along.max())
    low_v, high_v = float(across.min()), float(across.max())
    u, v = (low_u + high_u) / 2, (low_v + high_v) / 2
    side = REGION_MARGIN * max(high_u - low_u, high_v - low_v)
    return checked_region(Region(u * cos - v * sin, u * sin + v * cos, side, angle))


def checked_region(region: Region) -> Region:
    """Returns the region as it is.

    Raises:
        UnusableRegion: it is under one pixel wide, or not finite.
    """
    finite = all(map(math.isfinite, (region.cx, region.cy, region.side, region.angle)))
    if not finite or region.side < 1.0:
        raise UnusableRegion
    return region
