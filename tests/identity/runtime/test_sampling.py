from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from identity.runtime.sampling import MAX_SAMPLES, Sampler
from models.engine import Picture, Vector
from models.errors import NoFaceToEmbed
from tests.identity.liveness.build import mesh_at

PICTURE = np.full((480, 640, 3), 120, dtype=np.uint8)


class Recorder:
    """An embedder that remembers what it was shown."""

    name = "recorder"
    dimensions = 2

    def __init__(self, *, sees: bool = True) -> None:
        self.shown: list[tuple[Picture, NDArray[np.float32]]] = []
        self._sees = sees

    def embed(self, picture: Picture, mesh_points: NDArray[np.float32]) -> Vector:
        if not self._sees:
            raise NoFaceToEmbed
        self.shown.append((picture, mesh_points))
        return np.array([1.0, 0.0], dtype=np.float32)


def test_a_sample_is_taken_from_every_interval() -> None:
    sampler = Sampler([Recorder()])
    for k in range(360):
        sampler.take(k / 30, PICTURE, mesh_at(), broken=k == 0)
    times = [sample.time_s for sample in sampler.finish()]
    # Ten of 0.25 s, then one for each 0.4 s of what is left of 12 s.
    assert len(times) == pytest.approx(10 + (12 - 2.6) / 0.4, abs=2)
    assert np.diff(times).max() < 0.9


def test_the_straightest_frame_of_an_interval_is_taken() -> None:
    sampler = Sampler([Recorder()])
    for k, yaw in enumerate([30.0, 20.0, 2.0, 25.0]):
        sampler.take(k / 30, PICTURE, mesh_at(yaw), broken=k == 0)
    (sample,) = sampler.finish()
    assert sample.time_s == pytest.approx(2 / 30)
    assert sample.yaw == pytest.approx(2.0, abs=0.1)


def test_shut_eyes_an_open_mouth_and_moving_are_avoided() -> None:
    for worse in (
        mesh_at(eyes=0.05),
        mesh_at(mouth=0.6),
        mesh_at(centre=(380.0, 240.0)),
    ):
        sampler = Sampler([Recorder()])
        sampler.take(0.0, PICTURE, worse, broken=True)
        sampler.take(0.03, PICTURE, mesh_at(5.0, centre=(380.0, 240.0)), broken=False)
        (sample,) = sampler.finish()
        assert sample.time_s in (0.0, 0.03)
    sampler = Sampler([Recorder()])
    sampler.take(0.0, PICTURE, mesh_at(eyes=0.05), broken=True)
    sampler.take(0.03, PICTURE, mesh_at(5.0), broken=False)
    assert sampler.finish()[0].time_s == 0.03


def test_a_break_in_the_track_starts_a_new_sample() -> None:
    """Half a second of another face can't hide behind a better frame of the first."""
    sampler = Sampler([Recorder()])
    for k in range(12):
        sampler.take(k / 30, PICTURE, mesh_at(0.0 if k < 5 else 20.0), broken=k in (0, 5))
    assert [round(s.yaw) for s in sampler.finish()][:2] == [0, 20]


def test_a_tenth_of_a_second_of_another_face_has_its_own_sample() -> None:
    """However soon after the first face's sample it comes."""
    for start in range(2, 20):
        sampler = Sampler([Recorder()])
        for k in range(30):
            other = start <= k < start + 3
            broken = k in (0, start, start + 3)
            sampler.take(k / 30, PICTURE, mesh_at(25.0 if other else 0.0), broken=broken)
        assert 25 in [round(sample.yaw) for sample in sampler.finish()], start


def test_a_track_that_breaks_at_every_frame_costs_no_embedding_for_each() -> None:
    sampler = Sampler([Recorder()])
    for k in range(300):
        sampler.take(k / 30, PICTURE, mesh_at(), broken=True)
    assert len(sampler.finish()) <= min(MAX_SAMPLES, 10 / 0.09)


def test_what_is_embedded_is_a_copy_with_its_own_coordinates() -> None:
    recorder = Recorder()
    sampler = Sampler([recorder])
    picture = PICTURE.copy()
    points = mesh_at(centre=(500.0, 300.0))
    sampler.take(0.0, picture, points, broken=True)
    picture[:] = 0
    sampler.finish()
    crop, moved = recorder.shown[0]
    assert crop.mean() == 120
    assert crop.shape[0] < 480
    assert np.ptp(moved[:, 0]) == pytest.approx(np.ptp(points[:, 0]), abs=1e-3)
    assert moved[:, 0].min() > 0


def test_a_face_outside_the_picture_gives_no_sample() -> None:
    sampler = Sampler([Recorder()])
    sampler.take(0.0, PICTURE, mesh_at(centre=(-900.0, 240.0)), broken=True)
    assert sampler.finish() == ()


def test_a_face_half_outside_says_so() -> None:
    sampler = Sampler([Recorder()])
    sampler.take(0.0, PICTURE, mesh_at(centre=(0.0, 240.0)), broken=True)
    assert sampler.finish()[0].margin == pytest.approx(0.5, abs=0.05)


def test_what_no_embedder_can_describe_is_no_sample() -> None:
    sampler = Sampler([Recorder(sees=False)])
    sampler.take(0.0, PICTURE, mesh_at(), broken=True)
    sampler.lost()
    assert sampler.finish() == ()
