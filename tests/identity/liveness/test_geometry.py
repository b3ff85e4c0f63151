from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.liveness.geometry import (
    eye_distance,
    eye_opening,
    motion_of,
    mouth_opening,
    pose,
)
from tests.identity.liveness.build import a_track, mesh_at

angles = st.floats(-45, 45)


@given(yaw=angles)
def test_yaw_is_read_as_it_was_turned(yaw: float) -> None:
    assert pose(mesh_at(yaw)[None])[0][0] == pytest.approx(yaw, abs=0.1)


@given(pitch=angles)
def test_pitch_is_read_as_it_was_tipped(pitch: float) -> None:
    assert pose(mesh_at(pitch=pitch)[None])[1][0] == pytest.approx(pitch, abs=0.1)


def test_a_face_toward_the_right_edge_of_the_picture_has_positive_yaw() -> None:
    # Turned to the picture's right, the face's right half (the subject's left) is farther away.
    mesh = mesh_at(20)
    assert mesh[454, 2] > mesh[234, 2]
    assert pose(mesh[None])[0][0] > 0


def test_looking_up_brings_the_chin_to_the_camera() -> None:
    mesh = mesh_at(pitch=20)
    assert mesh[152, 2] < mesh[10, 2]


@given(eyes=st.floats(0.05, 0.5), mouth=st.floats(0, 1))
def test_openings_are_read_as_they_were_made(eyes: float, mouth: float) -> None:
    mesh = mesh_at(eyes=eyes, mouth=mouth)[None]
    assert eye_opening(mesh)[0] == pytest.approx(eyes, abs=0.01)
    assert mouth_opening(mesh)[0] == pytest.approx(mouth, abs=0.01)


def test_turning_the_head_does_not_shorten_the_eye_distance() -> None:
    distances = eye_distance(np.stack([mesh_at(0), mesh_at(35), mesh_at(-35)]))
    assert distances == pytest.approx(np.full(3, distances[0]), rel=0.01)


def test_degenerate_points_give_finite_numbers() -> None:
    flat = np.zeros((1, 468, 3), dtype=np.float32)
    for values in (*pose(flat), eye_opening(flat), mouth_opening(flat), eye_distance(flat)):
        assert np.isfinite(values).all()


def test_motion_leaves_out_frames_without_a_face() -> None:
    motion = motion_of(a_track(2.0, missing=lambda t: t < 1.0))
    assert motion.times[0] == pytest.approx(1.0)
    assert np.isfinite(motion.yaw).all()
