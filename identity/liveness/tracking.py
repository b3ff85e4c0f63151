"""Follows one face through a clip, looks for others, and notes where the face jumps.

The tracker keeps meshes and numbers, never pictures.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from identity.liveness.detection import (
    SAME_FACE,
    Box,
    box_of,
    confirm,
    distinct,
    look,
    look_closer,
    overlap,
)
from identity.types import DetectionPass, Jump
from models.engine import (
    MESH_POINTS,
    DetectedFace,
    Detector,
    FaceMesh,
    MeshEngine,
    Picture,
    Region,
    region_from_points,
)
from models.errors import UnusableRegion

PRESENT: Final = 0.5
PASS_SECONDS: Final = 0.2
"""Between looks over the whole picture, so that half a second is told from less."""
CLOSER_EVERY: Final = 2
"""Each so many looks, and each while a second face is in sight, small faces are looked for."""
SEARCH_SECONDS: Final = 0.1
OTHER_MIN_SIDE: Final = 20.0
OTHER_MIN_PART: Final = 0.2
"""A second face has at least this part of the first one's size: a poster on the wall counts,
a pattern in the wallpaper doesn't."""
OTHER_MIN_SCORE: Final = 0.6

JUMP_SECONDS: Final = 0.25
JUMP_PLACE: Final = 0.5
JUMP_SIZE: Final = 1.35
JUMP_SHAPE: Final = 0.025
JUMP_LOOK: Final = 0.35
"""Limits between two frames up to 0.25 s apart: the middle's way over the face's size, the
ratio of sizes, the root mean square of the points' moves inside the face over its size, the
change of the face's grey picture over its own contrast. On real clips the largest were 0.10,
1.02, 0.026 and 0.18."""
JUMP_FREE_SECONDS: Final = 0.05
JUMP_PLACE_RATE: Final = 4.0
JUMP_SIZE_RATE: Final = 1.5
"""By how much the limits of place and size grow with each second that two frames lie further
apart than 0.05 s: where frames are few, honest people move a lot between two of them."""
_LOOK_SIDE: Final = 24


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What one frame showed.

    Attributes:
        mesh: of the face, or None.
        broken: whether something jumped since the frame before, or the face had been lost.
    """

    mesh: FaceMesh | None
    broken: bool


@dataclass(slots=True)
class Tracker:
    """Feed it every frame in order; then read what it gathered.

    Attributes:
        detector, mesh: of the pack.
        times, points, present: one entry a frame (points None where no face was).
        passes: the looks over the whole picture.
        jumps: sudden changes.
        detect_seconds, mesh_seconds: time spent.
    """

    detector: Detector
    mesh: MeshEngine
    clock: Callable[[], float] = time.perf_counter
    times: list[float] = field(default_factory=list)
    points: list[NDArray[np.float32] | None] = field(default_factory=list)
    passes: list[DetectionPass] = field(default_factory=list)
    jumps: list[Jump] = field(default_factory=list)
    detect_seconds: float = 0.0
    mesh_seconds: float = 0.0
    _region: Region | None = None
    _last: FaceMesh | None = None
    _last_time: float = -math.inf
    _last_look: NDArray[np.float32] | None = None
    _next_pass: float = -math.inf
    _next_search: float = -math.inf
    _astray: int = 0

    def follow(self, time_s: float, picture: Picture) -> Seen:
        """Takes the next frame.

        Args:
            time_s: later than the frame before.
            picture: RGB uint8, (height, width, 3); not kept.
        """
        found = self._place(picture)
        if time_s >= self._next_pass:
            found = self._look_around(time_s, picture, found)
        elif found is None and time_s >= self._next_search:
            found = self._search(time_s, picture)
        self.times.append(time_s)
        self.points.append(None if found is None else found.points)
        if found is None:
            self._region = None
            return Seen(None, broken=True)
        return Seen(found, broken=self._note_jumps(time_s, picture, found))

    def stacked(self) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Returns the meshes, shape (N, 468, 3), and where a face was, shape (N,).

        Where none was the mesh is not-a-number.
        """
        missing = np.full((MESH_POINTS, 3), np.nan, dtype=np.float32)
        present = np.array([points is not None for points in self.points], dtype=np.bool_)
        if not self.points:
            return np.empty((0, MESH_POINTS, 3), dtype=np.float32), present
        return np.stack([missing if p is None else p for p in self.points]), present

    def _place(self, picture: Picture) -> FaceMesh | None:
        """Places the mesh where the face was one frame ago."""
        if self._region is None:
            return None
        started = self.clock()
        try:
            mesh = self.mesh.landmarks(picture, self._region)
            kept = mesh if mesh.presence > PRESENT else None
            self._region = region_from_points(mesh.points) if kept is not None else None
        except UnusableRegion:
            kept, self._region = None, None
        self.mesh_seconds += self.clock() - started
        return kept

    def _look_around(
        self, time_s: float, picture: Picture, main: FaceMesh | None
    ) -> FaceMesh | None:
        """Looks over the whole picture for the face, if it is lost, and for others."""
        started = self.clock()
        faces = look(picture, self.detector)
        in_sight = bool(self.passes) and self.passes[-1].others > 0
        if in_sight or len(self.passes) % CLOSER_EVERY == 0:
            faces = distinct((*faces, *look_closer(picture, self.detector)))
        self.detect_seconds += self.clock() - started
        if main is not None:
            main = self._unless_astray(main, faces)
        if main is None:
            main = self._largest(picture, faces)
        if main is None:
            main = self._search(time_s, picture)
        others = 0 if main is None else self._count_others(picture, main, faces)
        light = float(picture[::16, ::16].mean())
        self.passes.append(DetectionPass(time_s, others, light))
        self._next_pass = time_s + PASS_SECONDS - 1e-6
        return main

    def _search(self, time_s: float, picture: Picture) -> FaceMesh | None:
        """Looks for a lost face, small ones and huge ones too."""
        self._next_search = time_s + SEARCH_SECONDS
        started = self.clock()
        faces = look(picture, self.detector) or look_closer(picture, self.detector)
        self.detect_seconds += self.clock() - started
        return self._largest(picture, faces)

    def _largest(self, picture: Picture, faces: tuple[DetectedFace, ...]) -> FaceMesh | None:
        started = self.clock()
        found = sorted(confirm(picture, faces, self.mesh), key=lambda face: -face.side)
        self.mesh_seconds += self.clock() - started
        for face in found:
            try:
                self._region = region_from_points(face.mesh.points)
            except UnusableRegion:
                continue
            return face.mesh
        return None

    def _unless_astray(self, main: FaceMesh, faces: tuple[DetectedFace, ...]) -> FaceMesh | None:
        """Drops a mesh that sits where no face is while faces are seen elsewhere, twice over."""
        box = box_of(main)
        if not faces or any(overlap(box, face.box) > 0.0 for face in faces):
            self._astray = 0
            return main
        self._astray += 1
        return main if self._astray < 2 else None

    def _count_others(
        self, picture: Picture, main: FaceMesh, faces: tuple[DetectedFace, ...]
    ) -> int:
        """How many faces there are beside the main one, by detector and mesh together."""
        own = box_of(main)
        side = max(own[2] - own[0], own[3] - own[1])
        apart = [
            face for face in faces if face.score >= OTHER_MIN_SCORE and not _is_same(face.box, own)
        ]
        if not apart:
            return 0
        started = self.clock()
        smallest = max(OTHER_MIN_SIDE, OTHER_MIN_PART * side)
        count = sum(
            1
            for other in confirm(picture, apart, self.mesh)
            if other.side >= smallest and not _is_same(other.box, own)
        )
        self.mesh_seconds += self.clock() - started
        return count

    def _note_jumps(self, time_s: float, picture: Picture, found: FaceMesh) -> bool:
        """Compares the face with the frame before; returns whether the track broke."""
        seen = _look_of(picture, found)
        last, last_look = self._last, self._last_look
        gap = time_s - self._last_time
        self._last, self._last_time, self._last_look = found, time_s, seen
        if last is None or last_look is None or gap > JUMP_SECONDS:
            return True
        noted = len(self.jumps)
        for kind, size, limit in _changes(last, found, last_look, seen, gap):
            if size > limit:
                self.jumps.append(Jump(time_s, kind, size))
        return len(self.jumps) > noted


def _is_same(box: Box, own: Box) -> bool:
    """Whether a box is but another one of the same face."""
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    inside = own[0] <= x <= own[2] and own[1] <= y <= own[3]
    return inside or overlap(box, own) >= SAME_FACE


def _look_of(picture: Picture, mesh: FaceMesh) -> NDArray[np.float32]:
    """A 24 × 24 grey picture of the face, upright, with mean 0; shape (24, 24), float32."""
    points = mesh.points
    right, left = points[33, :2], points[263, :2]
    chin = points[152, :2]
    source = np.array([right, left, chin], dtype=np.float32)
    size = float(_LOOK_SIDE)
    target = np.array([[0.2, 0.25], [0.8, 0.25], [0.5, 0.95]], dtype=np.float32) * size
    matrix = cv2.getAffineTransform(source, target)
    crop = cv2.warpAffine(picture, matrix, (_LOOK_SIDE, _LOOK_SIDE), flags=cv2.INTER_LINEAR)
    grey = cv2.blur(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), (3, 3)).astype(np.float32)
    return np.asarray(grey - grey.mean(), dtype=np.float32)


def _changes(
    before: FaceMesh,
    after: FaceMesh,
    look_before: NDArray[np.float32],
    look_after: NDArray[np.float32],
    gap: float,
) -> tuple[tuple[str, float, float], ...]:
    """(kind, how much, limit) of each change between two frames."""
    one = before.points[:, 0] + 1j * before.points[:, 1]
    two = after.points[:, 0] + 1j * after.points[:, 1]
    size_one, size_two = (
        float(np.abs(one - one.mean()).max()),
        float(np.abs(two - two.mean()).max()),
    )
    size_one, size_two = max(2 * size_one, 1e-6), max(2 * size_two, 1e-6)
    place = float(abs(two.mean() - one.mean())) / min(size_one, size_two)
    ratio = max(size_one, size_two) / min(size_one, size_two)
    one, two = one - one.mean(), two - two.mean()
    turn = complex(np.vdot(one, two)) / max(float(np.vdot(one, one).real), 1e-9)
    shape = float(np.sqrt(np.mean(np.abs(two - turn * one) ** 2))) / size_two
    contrast = max(float(look_before.std()), float(look_after.std()), 4.0)
    changed = float(np.abs(look_after - look_before).mean()) / contrast
    late = max(0.0, gap - JUMP_FREE_SECONDS)
    return (
        ("place", place, JUMP_PLACE + JUMP_PLACE_RATE * late),
        ("size", ratio, JUMP_SIZE + JUMP_SIZE_RATE * late),
        ("shape", shape, JUMP_SHAPE),
        ("look", changed, JUMP_LOOK),
    )
