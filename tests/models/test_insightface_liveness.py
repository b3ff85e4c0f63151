from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from models.engine import Engines, FaceMesh, MeshEngine, PadEngine, Picture, Region
from models.errors import MalformedModel, NoPadScore, UnusablePicture, UnusableRegion
from models.insightface_liveness import InsightFaceLivenessPad
from models.minifasnet import Box
from tests.models.insightface_files import mean_red_liveness, random_recogniser

ADDON = mean_red_liveness()
BOX: Box = (60.0, 60.0, 100.0, 100.0)


@dataclass
class StillMesh:
    """Places the five points the addon aligns by, `spread` pixels about (80, 80)."""

    spread: float = 20.0
    presence: float = 0.9

    def landmarks(self, picture: Picture, region: Region) -> FaceMesh:
        points = np.random.default_rng(1).uniform(-1, 1, (468, 3)).astype(np.float32)
        for mesh, at in (
            ((33, 133), (-0.5, -0.5)),
            ((362, 263), (0.5, -0.5)),
            ((4,), (0.0, 0.0)),
            ((61,), (-0.4, 0.6)),
            ((291,), (0.4, 0.6)),
        ):
            points[list(mesh), :2] = at
        points[[33, 362], 0] -= 0.1
        points[[133, 263], 0] += 0.1
        return FaceMesh(points=points * np.float32(self.spread) + 80, presence=self.presence)


def _engine(mesh: MeshEngine | None = None, content: bytes = ADDON) -> InsightFaceLivenessPad:
    return InsightFaceLivenessPad("insightface_liveness", content, mesh or StillMesh())


def _painted(red: int, green: int = 0, blue: int = 0) -> NDArray[np.uint8]:
    picture = np.empty((160, 160, 3), dtype=np.uint8)
    picture[:] = (red, green, blue)
    return picture


def test_the_addon_sees_rgb_from_0_to_1() -> None:
    pad: PadEngine = _engine()

    assert pad.name == "insightface_liveness"
    assert pad.score(_painted(255), BOX) == pytest.approx(1.0, abs=1e-6)
    assert pad.score(_painted(51, 255, 255), BOX) == pytest.approx(0.2, abs=1e-6)


def test_the_addon_sees_the_face_and_what_is_near_it() -> None:
    picture = _painted(0)
    picture[60:100, 60:100, 0] = 255

    near, far = (_engine(StillMesh(spread)).score(picture, BOX) for spread in (10, 25))

    assert near > far > 0


def test_no_face_in_the_box_is_a_typed_error() -> None:
    with pytest.raises(NoPadScore) as caught:
        _engine(StillMesh(presence=0.5)).score(_painted(9), BOX)

    assert caught.value.code == "no_pad_score"


@pytest.mark.parametrize("spread", [0.0, 200.0, float("nan")])
def test_points_that_leave_no_crop_are_a_typed_error(spread: float) -> None:
    with pytest.raises(NoPadScore):
        _engine(StillMesh(spread)).score(_painted(9), BOX)


@pytest.mark.parametrize("gain", [-1.0, 2.0, float("nan"), float("inf")])
def test_an_output_that_is_no_probability_is_a_typed_error(gain: float) -> None:
    with pytest.raises(NoPadScore):
        _engine(content=mean_red_liveness(gain)).score(_painted(255), BOX)


@pytest.mark.parametrize(
    "box",
    [(60.0, 60.0, 60.0, 90.0), (200.0, 60.0, 240.0, 90.0), (float("nan"), 60.0, 90.0, 90.0)],
)
def test_a_box_that_is_none_is_a_typed_error(box: Box) -> None:
    with pytest.raises(UnusableRegion):
        _engine().score(_painted(9), box)


def test_a_picture_that_is_none_is_a_typed_error() -> None:
    with pytest.raises(UnusablePicture):
        _engine().score(_painted(9)[:, :, 0], BOX)


@pytest.mark.parametrize("content", [b"", b"no network", random_recogniser()])
def test_what_is_no_liveness_addon_is_refused(content: bytes) -> None:
    with pytest.raises(MalformedModel):
        _engine(content=content)


@pytest.mark.pack
def test_the_real_mesh_aligns_a_real_face(engines: Engines, portrait: Picture) -> None:
    pad = _engine(engines.mesh)
    face = engines.detector.detect(portrait)[0]
    moved = np.roll(portrait, 30, axis=1)
    x0, y0, x1, y1 = face.box

    score = pad.score(portrait, face.box)

    assert 0.3 < score < 1
    assert pad.score(moved, (x0 + 30, y0, x1 + 30, y1)) == pytest.approx(score, abs=0.01)
    with pytest.raises(NoPadScore):
        pad.score(np.zeros_like(portrait), face.box)
