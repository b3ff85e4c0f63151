"""The detector and the mesh of pack `open` on a picture that everybody has."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models.blazeface import BlazeFaceDetector
from models.engine import Engines, FaceMesh, Region, region_from_detection, region_from_points
from models.errors import MalformedModel, UnusablePicture, UnusableRegion
from models.face_mesh import FaceMeshEngine

pytestmark = pytest.mark.pack

Picture = NDArray[np.uint8]


def test_one_face_is_found_with_its_key_points_in_place(
    engines: Engines, portrait: Picture
) -> None:
    faces = engines.detector.detect(portrait)

    assert len(faces) == 1
    x0, y0, x1, y1 = faces[0].box
    assert 160 < x0 < 200 < 250 < x1 < 290
    assert 60 < y0 < 100 < 160 < y1 < 190
    right_eye, left_eye, nose, mouth = faces[0].key_points[:4]
    assert right_eye[0] < nose[0] < left_eye[0]
    assert max(right_eye[1], left_eye[1]) < nose[1] < mouth[1]


def test_two_people_are_two_faces_the_best_first(engines: Engines, portrait: Picture) -> None:
    face = portrait[:256, 100:356]
    faces = engines.detector.detect(np.concatenate([face, face], axis=1))

    assert len(faces) == 2
    assert faces[0].score >= faces[1].score
    assert abs(faces[0].box[0] - faces[1].box[0]) == pytest.approx(256, abs=8)


@pytest.mark.parametrize("shape", [(360, 640), (960, 540), (31, 900), (1, 1)])
def test_a_picture_without_a_face_has_none(engines: Engines, shape: tuple[int, int]) -> None:
    assert engines.detector.detect(np.full((*shape, 3), 90, dtype=np.uint8)) == ()


@pytest.mark.parametrize("wide", [False, True])
def test_letter_boxing_moves_nothing(engines: Engines, portrait: Picture, wide: bool) -> None:
    part = portrait[20:300] if wide else portrait[:, 90:380]
    shift = np.array([0, 20] if wide else [90, 0])

    before = engines.detector.detect(portrait)[0].key_points[:4]
    after = engines.detector.detect(part)[0].key_points[:4] + shift

    assert after == pytest.approx(before, abs=6)


def test_the_mesh_lies_on_the_face(portrait_mesh: FaceMesh) -> None:
    points = portrait_mesh.points

    assert portrait_mesh.presence > 0.9
    assert points.shape == (468, 3)
    assert points.dtype == np.float32
    assert points[33, 0] < points[133, 0] < points[362, 0] < points[263, 0]
    assert points[10, 1] < points[159, 1] < points[4, 1] < points[13, 1] < points[152, 1]
    assert points[4, 2] < points[234, 2], "the nose is nearer to the camera than the cheek"


def test_the_mesh_finds_the_key_points_of_the_detector(
    engines: Engines, portrait: Picture, portrait_mesh: FaceMesh
) -> None:
    key_points = engines.detector.detect(portrait)[0].key_points
    right_eye = portrait_mesh.points[[33, 133], :2].mean(axis=0)

    assert key_points[0] == pytest.approx(right_eye, abs=10)


@pytest.mark.parametrize("degrees", [-35, 25, 90])
def test_the_mesh_turns_with_the_picture(
    engines: Engines, portrait: Picture, portrait_mesh: FaceMesh, degrees: int
) -> None:
    matrix = cv2.getRotationMatrix2D((225, 125), degrees, 1.0)
    turned = np.asarray(cv2.warpAffine(portrait, matrix, (512, 512)), dtype=np.uint8)
    expected = portrait_mesh.points[:, :2] @ matrix[:, :2].T + matrix[:, 2]

    mesh = engines.mesh.landmarks(
        turned, region_from_points(np.asarray(expected, dtype=np.float32))
    )

    distance = np.linalg.norm(mesh.points[:, :2] - expected, axis=1)
    assert float(np.median(distance)) < 3.0


def test_depth_is_on_the_scale_of_the_picture(
    engines: Engines, portrait: Picture, portrait_mesh: FaceMesh
) -> None:
    double = np.asarray(cv2.resize(portrait, None, fx=2, fy=2), dtype=np.uint8)
    mesh = engines.mesh.landmarks(double, region_from_points(portrait_mesh.points * 2))

    def depth(points: NDArray[np.float32]) -> float:
        return float(points[234, 2] - points[4, 2])

    assert depth(mesh.points) == pytest.approx(2 * depth(portrait_mesh.points), rel=0.1)


def test_where_there_is_no_face_presence_is_low(engines: Engines) -> None:
    grey = np.full((300, 300, 3), 90, dtype=np.uint8)

    assert engines.mesh.landmarks(grey, Region(150, 150, 120, 0.0)).presence < 0.5


def test_a_view_of_a_larger_picture_gives_the_same(engines: Engines, portrait: Picture) -> None:
    view = np.pad(portrait, ((0, 0), (7, 9), (0, 0)))[:, 7:-9]
    region = region_from_detection(engines.detector.detect(view)[0])

    assert not view.flags.c_contiguous
    assert (
        engines.mesh.landmarks(view, region).points
        == engines.mesh.landmarks(portrait, region).points
    ).all()


def test_bad_pictures_and_regions_are_refused(engines: Engines, portrait: Picture) -> None:
    with pytest.raises(UnusablePicture):
        engines.detector.detect(portrait[:, :, 0])
    with pytest.raises(UnusablePicture):
        engines.mesh.landmarks(portrait[:, :, :2], Region(9, 9, 9, 0))
    with pytest.raises(UnusableRegion):
        engines.mesh.landmarks(portrait, Region(9, math.nan, 9, 0))


@pytest.mark.parametrize("content", [b"", b"not a graph", b"\x1c\x00\x00\x00TFL3" + bytes(64)])
def test_bytes_that_are_no_graph_are_refused(content: bytes) -> None:
    with pytest.raises(MalformedModel):
        BlazeFaceDetector(content)
    with pytest.raises(MalformedModel):
        FaceMeshEngine(content)
