"""Faces in pictures as people take them: small, cut off, turned, several, none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from identity.comparison import score
from identity.liveness.detection import faces_of_picture
from models.engine import Engines, Picture, Vector
from tests.simulation.person import SimulatedPerson

pytestmark = [pytest.mark.pack, pytest.mark.slow]


def described(picture: Picture, engines: Engines) -> tuple[Vector, ...]:
    picture = np.ascontiguousarray(picture)
    face = faces_of_picture(picture, engines.detector, engines.mesh)[0]
    return tuple(e.embed(picture, face.mesh.points) for e in engines.embedders)


def shrunk_into(picture: Picture, side: int, width: int, height: int) -> Picture:
    """The picture at `side` pixels in the corner of a grey one."""
    canvas = np.full((height, width, 3), 110, dtype=np.uint8)
    small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
    canvas[40 : 40 + side, width - side - 30 : width - 30] = small
    return canvas


def cut_close(picture: Picture, engines: Engines) -> Picture:
    (face,) = faces_of_picture(picture, engines.detector, engines.mesh)
    x0, y0, x1, y1 = (max(0, int(v)) for v in face.box)
    return picture[y0:y1, x0:x1]


@pytest.mark.parametrize(
    "way", ["as it is", "on its side", "other side", "on its head", "grey", "small", "smallest"]
)
def test_the_same_face_is_found_however_the_picture_lies(
    way: str, alice: SimulatedPerson, engines: Engines
) -> None:
    picture = alice.picture()
    grey = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    changed = {
        "as it is": picture,
        "on its side": np.rot90(picture),
        "other side": np.rot90(picture, 3),
        "on its head": np.rot90(picture, 2),
        "grey": np.asarray(grey, dtype=np.uint8),
        "small": shrunk_into(picture, 300, 1920, 1080),
        "smallest": shrunk_into(picture, 150, 1280, 960),
    }[way]
    one, other = described(picture, engines), described(changed, engines)
    assert score(one, other, engines.calibration) > engines.calibration.picture_threshold


def test_a_face_that_fills_the_picture_is_found(alice: SimulatedPerson, engines: Engines) -> None:
    picture = alice.picture()
    one, other = described(picture, engines), described(cut_close(picture, engines), engines)
    assert score(one, other, engines.calibration) > engines.calibration.picture_threshold


def test_of_several_faces_the_largest_comes_first(
    alice: SimulatedPerson, mallory: SimulatedPerson, engines: Engines
) -> None:
    small = cv2.resize(mallory.picture(), (320, 320), interpolation=cv2.INTER_AREA)
    picture = np.full((640, 1000, 3), 110, dtype=np.uint8)
    picture[:, 360:] = alice.picture()
    picture[:320, :320] = small
    first, second = faces_of_picture(picture, engines.detector, engines.mesh)
    assert first.side > second.side
    assert first.box[0] > 360


def test_noise_and_walls_have_no_face(engines: Engines) -> None:
    chance = np.random.default_rng(1)
    for picture in (
        chance.integers(0, 256, (480, 640, 3), dtype=np.uint8),
        np.zeros((480, 640, 3), dtype=np.uint8),
        np.full((2, 2, 3), 255, dtype=np.uint8),
        np.full((1, 900, 3), 99, dtype=np.uint8),
    ):
        assert faces_of_picture(picture, engines.detector, engines.mesh) == ()
