"""Pictures of one moment: no holes, nothing left of the old pose, one face."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from models.engine import Engines
from tests.simulation.geometry import pose_head, rotation
from tests.simulation.motion import Moment
from tests.simulation.person import SimulatedPerson
from tests.simulation.reading import find_mesh, read

pytestmark = pytest.mark.pack


def eye_distance(points: np.ndarray) -> float:
    right, left = points[[33, 133], :2].mean(axis=0), points[[362, 263], :2].mean(axis=0)
    return float(np.linalg.norm(left - right))


def test_at_rest_with_its_own_smile_the_person_is_the_portrait(alice: SimulatedPerson) -> None:
    stage = alice.stage((640, 640))
    margin = (stage.canvas.shape[1] - 640) // 2
    portrait = stage.canvas[margin : margin + 640, margin : margin + 640].astype(int)
    away = np.abs(alice.picture(Moment(smile=1.0)).astype(int) - portrait)
    assert away.mean() < 0.5
    assert np.percentile(away, 99.9) < 12


def test_the_neutral_pose_leaves_every_vertex_in_place(alice: SimulatedPerson) -> None:
    head = alice.stage((640, 640)).head
    assert np.allclose(pose_head(head, rotation(0, 0, 0), smile=1.0), head.vertices)


def test_a_turned_head_carries_the_nose_along_and_leaves_the_corners(
    alice: SimulatedPerson,
) -> None:
    head = alice.stage((640, 640)).head
    turned = pose_head(head, rotation(25, 0, 0))
    nose, rest = turned[1] - head.vertices[1], turned - head.vertices
    assert nose[0] > 15.0
    edge = (head.vertices[:, 0] < 40) | (head.vertices[:, 1] > 560)
    assert np.abs(rest[edge]).max() < 1e-9


@pytest.mark.parametrize("size", [(640, 640), (1280, 720), (480, 640), (640, 360)])
def test_the_eyes_are_far_enough_apart_in_every_shape_of_frame(
    engines: Engines, alice: SimulatedPerson, size: tuple[int, int]
) -> None:
    mesh = find_mesh(engines, alice.picture(size=size))
    assert mesh is not None
    assert eye_distance(mesh.points) >= 64


@pytest.mark.parametrize(
    "moment",
    [
        Moment(),
        Moment(yaw=28),
        Moment(yaw=-28),
        Moment(pitch=16),
        Moment(pitch=-16),
        Moment(lids=1),
        Moment(mouth=1),
        Moment(yaw=20, pitch=10, lids=0.5, mouth=0.5, shake_roll=2, shake_x=9, zoom=1.01),
    ],
)
def test_there_is_exactly_one_face_whatever_it_does(
    engines: Engines, alice: SimulatedPerson, moment: Moment
) -> None:
    picture = alice.picture(moment)
    assert len(engines.detector.detect(picture)) == 1
    assert find_mesh(engines, picture) is not None


@pytest.mark.parametrize("yaw", [-28, 28])
def test_a_turned_head_has_no_holes_or_tears(alice: SimulatedPerson, yaw: int) -> None:
    """A hole would be a sharp spot that neither the portrait nor the backdrop has."""
    rest, turned = alice.picture(), alice.picture(Moment(yaw=yaw))
    sharp = [
        np.percentile(np.abs(cv2.Laplacian(cv2.cvtColor(p, cv2.COLOR_RGB2GRAY), cv2.CV_32F)), 99.9)
        for p in (rest, turned)
    ]
    assert sharp[1] < 1.3 * sharp[0]


def test_shut_lids_and_an_open_mouth_are_read_as_such(
    engines: Engines, alice: SimulatedPerson
) -> None:
    rest, shut, opened = (
        find_mesh(engines, alice.picture(moment))
        for moment in (Moment(), Moment(lids=1, pitch=5), Moment(mouth=1))
    )
    assert rest is not None
    assert shut is not None
    assert opened is not None
    assert read(shut.points).eyes < 0.6 * read(rest.points).eyes
    assert read(rest.points).mouth < 0.1
    assert read(opened.points).mouth > 0.4
