"""The tracker on engines made by hand: a face is a bright square, its mesh lies on it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from identity.liveness.signals import MAX_OTHER_SECONDS
from identity.liveness.tracking import Tracker
from models.engine import DetectedFace, FaceMesh, Picture, Region
from tests.identity.liveness.build import mesh_at

HEIGHT, WIDTH = 360, 640
Face = tuple[float, float, float]


class Scene:
    """Faces (centre x, centre y, width) that a hand-made detector and mesh engine can see."""

    def __init__(self) -> None:
        self.faces: list[Face] = []
        self.offset = (0, 0)
        self.mesh_calls = 0

    def picture(self, *faces: Face) -> NDArray[np.uint8]:
        """A picture; where in it a face is, is written into its pixels for both engines."""
        picture = np.full((HEIGHT, WIDTH, 3), 40, dtype=np.uint8)
        self.faces = list(faces)
        return picture

    def detect(self, picture: Picture) -> tuple[DetectedFace, ...]:
        if picture.shape[:2] != (HEIGHT, WIDTH):
            return ()
        found = []
        for x, y, size in self.faces:
            half = size / 2
            eyes = [(x - 0.2 * size, y - 0.2 * size), (x + 0.2 * size, y - 0.2 * size)]
            points = np.array([*eyes, *[(x, y)] * 4], dtype=np.float32)
            found.append(DetectedFace((x - half, y - half, x + half, y + half), 0.9, points))
        return tuple(found)

    def landmarks(self, picture: Picture, region: Region) -> FaceMesh:
        self.mesh_calls += 1
        for x, y, size in self.faces:
            if abs(region.cx - x) < 0.5 * size and abs(region.cy - y) < 0.5 * size:
                return FaceMesh(mesh_at(size=size, centre=(x, y)), 0.99)
        points = mesh_at(size=region.side / 1.5, centre=(region.cx, region.cy))
        return FaceMesh(points, 0.01)


ALICE: Face = (200.0, 180.0, 120.0)
MALLORY: Face = (480.0, 180.0, 110.0)


def run(*parts: tuple[float, tuple[Face, ...]]) -> Tracker:
    """Follows a clip of parts: for so many seconds, these faces, at 30 frames a second."""
    scene = Scene()
    tracker = Tracker(scene, scene)
    index = 0
    for seconds, faces in parts:
        for _ in range(round(seconds * 30)):
            tracker.follow(index / 30, scene.picture(*faces))
            index += 1
    return tracker


def seconds_with_others(tracker: Tracker) -> float:
    seen = [look.time_s for look in tracker.passes if look.others]
    return seen[-1] - seen[0] if seen else 0.0


def test_a_still_face_is_followed_in_every_frame() -> None:
    tracker = run((2.0, (ALICE,)))
    meshes, present = tracker.stacked()
    assert present.all()
    assert meshes.shape == (60, 468, 3)
    assert not tracker.jumps
    assert seconds_with_others(tracker) == 0.0


def test_nobody_gives_empty_meshes() -> None:
    meshes, present = run((1.0, ())).stacked()
    assert not present.any()
    assert np.isnan(meshes).all()


def test_no_frame_gives_an_empty_stack() -> None:
    meshes, present = run().stacked()
    assert meshes.shape == (0, 468, 3)
    assert present.shape == (0,)


def test_a_second_face_is_seen_for_as_long_as_it_stays() -> None:
    tracker = run((1.0, (ALICE,)), (1.0, (ALICE, MALLORY)), (1.0, (ALICE,)))
    assert MAX_OTHER_SECONDS < seconds_with_others(tracker) <= 1.0
    assert tracker.stacked()[1].all()


def test_a_tiny_second_face_and_one_inside_the_first_do_not_count() -> None:
    tiny, inside = (500.0, 180.0, 15.0), (205.0, 190.0, 60.0)
    assert seconds_with_others(run((2.0, (ALICE, tiny)))) == 0.0
    assert seconds_with_others(run((2.0, (ALICE, inside)))) == 0.0


def test_the_largest_face_is_followed() -> None:
    tracker = run((1.0, (MALLORY, ALICE)))
    mesh = tracker.stacked()[0][0]
    assert mesh[:, 0].mean() == pytest.approx(ALICE[0], abs=5)


def test_a_lost_face_is_found_again() -> None:
    _, present = run((1.0, (ALICE,)), (1.0, ()), (1.0, (ALICE,))).stacked()
    assert present[:30].all()
    assert not present[31:59].any()
    assert present[-20:].all()


def test_a_face_that_leaps_across_the_picture_is_a_jump() -> None:
    """One face gone and another come between two frames: the track doesn't hide it."""
    tracker = run((1.0, (ALICE,)), (1.0, (MALLORY,)))
    meshes, present = tracker.stacked()
    assert present[-1]
    assert meshes[-1][:, 0].mean() == pytest.approx(MALLORY[0], abs=5)
    assert any(jump.kind == "place" for jump in tracker.jumps)


def test_a_face_that_doubles_its_size_at_once_is_a_jump() -> None:
    tracker = run((1.0, (ALICE,)), (1.0, ((200.0, 180.0, 200.0),)))
    assert any(jump.kind == "size" for jump in tracker.jumps)


def test_the_track_is_broken_after_a_gap() -> None:
    scene = Scene()
    tracker = Tracker(scene, scene)
    assert tracker.follow(0.0, scene.picture(ALICE)).broken
    assert not tracker.follow(0.03, scene.picture(ALICE)).broken
    assert tracker.follow(0.06, scene.picture()).mesh is None
    assert tracker.follow(0.5, scene.picture(ALICE)).broken


class Stubborn:
    """A mesh engine that takes anything for a face."""

    def landmarks(self, picture: Picture, region: Region) -> FaceMesh:
        # The mesh is 1.2 times as high as wide, and the next region 1.5 times that.
        points = mesh_at(size=region.side / 1.8, centre=(region.cx, region.cy))
        return FaceMesh(points, 0.95)


def test_a_mesh_that_went_astray_comes_back_to_the_face() -> None:
    scene = Scene()
    tracker = Tracker(scene, Stubborn())
    tracker.follow(0.0, scene.picture(ALICE))
    for k in range(1, 40):
        tracker.follow(k / 30, scene.picture(MALLORY))
    assert tracker.points[-1] is not None
    assert tracker.points[-1][:, 0].mean() == pytest.approx(MALLORY[0], abs=5)


def test_a_quick_honest_move_between_few_frames_is_no_jump() -> None:
    scene = Scene()
    tracker = Tracker(scene, scene)
    for k in range(10):
        tracker.follow(k / 8, scene.picture((200.0 + 55.0 * (k % 2), 180.0, 120.0)))
    assert all(jump.kind != "place" for jump in tracker.jumps)
