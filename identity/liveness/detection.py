"""Finds faces that one look of the detector misses: small, far, cut off, huge, or lying down.

The detector sees a picture at 128 × 128, so that in a wide picture a face soon is too few
pixels. Looking again at parts of it costs less than a millisecond each.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from common.errors import CameoError
from models.engine import (
    DetectedFace,
    Detector,
    FaceMesh,
    MeshEngine,
    Picture,
    region_from_detection,
    region_from_points,
)

SAME_FACE: Final = 0.3
WIDE: Final = 1.2
CONFIRMED: Final = 0.9
_PADDING: Final = 0.4
_FINE_TILE: Final = 0.5
_FINEST_TILE: Final = 0.2
SURE: Final = 0.9
"""Below this score an upright face may be one that stands on its head, and is looked at again."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class FoundFace:
    """A face that detector and mesh agree on.

    Attributes:
        mesh: its 468 points in the picture.
        box: around the points, (x0, y0, x1, y1) pixels.
        side: the longer side of the box, pixels.
    """

    mesh: FaceMesh
    box: Box
    side: float


def box_of(mesh: FaceMesh) -> Box:
    """Returns the box around the mesh, (x0, y0, x1, y1) pixels."""
    low, high = mesh.points[:, :2].min(axis=0), mesh.points[:, :2].max(axis=0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def overlap(one: Box, other: Box) -> float:
    """Returns the shared area over the smaller of the two areas, 0 to 1."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return width * height / max(min(areas), 1e-9)


def look(picture: Picture, detector: Detector) -> tuple[DetectedFace, ...]:
    """Returns the faces of the whole picture and of the squares at its two ends, best first.

    Args:
        picture: RGB uint8, (height, width, 3).
        detector: of the pack.
    """
    faces = list(detector.detect(picture))
    for x, y, side in _squares(picture):
        faces += _shifted(detector.detect(picture[y : y + side, x : x + side]), x, y)
    return distinct(faces)


def look_closer(picture: Picture, detector: Detector) -> tuple[DetectedFace, ...]:
    """Returns faces that are small in the picture, or larger than it, the best score first."""
    faces: list[DetectedFace] = []
    faces += _look_at_tiles(picture, detector, _FINE_TILE)
    height, width = picture.shape[:2]
    margin = int(_PADDING * max(height, width))
    padded = cv2.copyMakeBorder(
        picture, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=(127, 127, 127)
    )
    faces += _shifted(detector.detect(np.asarray(padded, dtype=np.uint8)), -margin, -margin)
    return distinct(faces)


def look_closest(picture: Picture, detector: Detector) -> tuple[DetectedFace, ...]:
    """Returns faces that are a small part of the picture, the best score first."""
    return distinct(_look_at_tiles(picture, detector, _FINEST_TILE))


def look_turned(picture: Picture, detector: Detector) -> tuple[DetectedFace, ...]:
    """Returns faces that lie on their side or stand on their head, the best score first."""
    height, width = picture.shape[:2]
    faces: list[DetectedFace] = []
    for quarters in (1, 3, 2):
        turned = np.ascontiguousarray(np.rot90(picture, quarters))
        faces += [_turned_back(f, quarters, width, height) for f in look(turned, detector)]
    return distinct(faces)


def confirm(
    picture: Picture, faces: Iterable[DetectedFace], mesh: MeshEngine
) -> Iterator[FoundFace]:
    """Yields those faces on which the mesh sees a face too, placed twice for a good fit."""
    for face in faces:
        try:
            first = mesh.landmarks(picture, region_from_detection(face))
            if first.presence < CONFIRMED:
                continue
            placed = mesh.landmarks(picture, region_from_points(first.points))
            if placed.presence < CONFIRMED:
                continue
        except CameoError:
            # A degenerate region is no face.
            continue
        box = box_of(placed)
        yield FoundFace(placed, box, max(box[2] - box[0], box[3] - box[1]))


def faces_of_picture(
    picture: Picture, detector: Detector, mesh: MeshEngine
) -> tuple[FoundFace, ...]:
    """Returns the faces of a still picture, the largest first; empty where there is none.

    Looks at the whole, then at parts and beyond the edges, then at the picture on its side,
    then at small parts, and stops at the first look that the mesh confirms. Where the detector
    isn't sure, the picture on its side and on its head is looked at too, and the surer wins.
    """
    for find in (look, look_closer, look_turned, look_closest):
        faces = find(picture, detector)
        found = _confirmed(picture, faces, mesh)
        if not found:
            continue
        if find is not look_turned and faces[0].score < SURE:
            turned = look_turned(picture, detector)
            if turned and turned[0].score > faces[0].score:
                found = _confirmed(picture, turned, mesh) or found
        return found
    return ()


def _confirmed(
    picture: Picture, faces: Iterable[DetectedFace], mesh: MeshEngine
) -> tuple[FoundFace, ...]:
    """The faces that the mesh sees too, each once, the largest first."""
    found: list[FoundFace] = []
    for face in confirm(picture, faces, mesh):
        if all(overlap(face.box, other.box) < SAME_FACE for other in found):
            found.append(face)
    return tuple(sorted(found, key=lambda face: -face.side))


def _squares(picture: Picture) -> list[tuple[int, int, int]]:
    """The squares (x, y, side) at both ends of a picture that is wider or higher than square."""
    height, width = picture.shape[:2]
    side, longer = min(height, width), max(height, width)
    if longer < WIDE * side:
        return []
    count = max(2, math.ceil(longer / side))
    steps = [round(k * (longer - side) / (count - 1)) for k in range(count)]
    return [(k, 0, side) if width > height else (0, k, side) for k in steps]


def _look_at_tiles(picture: Picture, detector: Detector, part: float) -> list[DetectedFace]:
    """Faces in squares of a part of the shorter side that overlap by half."""
    height, width = picture.shape[:2]
    side = max(1, int(part * min(height, width)))
    step = max(1, side // 2)
    faces: list[DetectedFace] = []
    for y in (*range(0, height - side, step), height - side):
        for x in (*range(0, width - side, step), width - side):
            faces += _shifted(detector.detect(picture[y : y + side, x : x + side]), x, y)
    return faces


def _shifted(faces: Iterable[DetectedFace], x: float, y: float) -> list[DetectedFace]:
    shift = np.array([x, y], dtype=np.float32)
    return [
        DetectedFace(
            (f.box[0] + x, f.box[1] + y, f.box[2] + x, f.box[3] + y), f.score, f.key_points + shift
        )
        for f in faces
    ]


def _turned_back(face: DetectedFace, quarters: int, width: int, height: int) -> DetectedFace:
    """From the picture turned counter-clockwise `quarters` times to the one it was made of."""

    def back(x: float, y: float) -> tuple[float, float]:
        if quarters == 1:
            return width - 1 - y, x
        if quarters == 2:
            return width - 1 - x, height - 1 - y
        return y, height - 1 - x

    corners = [back(face.box[0], face.box[1]), back(face.box[2], face.box[3])]
    xs, ys = sorted(c[0] for c in corners), sorted(c[1] for c in corners)
    points = np.array([back(float(x), float(y)) for x, y in face.key_points], dtype=np.float32)
    return DetectedFace((xs[0], ys[0], xs[1], ys[1]), face.score, points)


def distinct(faces: Iterable[DetectedFace]) -> tuple[DetectedFace, ...]:
    """Returns the faces without those that overlap a better one, the best score first."""
    kept: list[DetectedFace] = []
    for face in sorted(faces, key=lambda f: -f.score):
        if all(overlap(face.box, other.box) < SAME_FACE for other in kept):
            kept.append(face)
    return tuple(kept)
