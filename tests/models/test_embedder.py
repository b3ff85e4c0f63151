from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models.alignment import ALIGNMENTS, arcface_five_wider, dlib_five
from models.embedder import unit
from models.engine import Embedder, Engines, FaceMesh
from models.errors import MalformedModel, UnusablePicture, UnusableRegion
from models.onnx_session import OnnxNetwork

Picture = NDArray[np.uint8]


def _cosine(embedder: Embedder, a: tuple[Picture, FaceMesh], b: tuple[Picture, FaceMesh]) -> float:
    first = embedder.embed(a[0], a[1].points)
    return float(first @ embedder.embed(b[0], b[1].points))


@pytest.mark.pack
def test_vectors_have_unit_length_and_the_dimensions_of_the_manifest(
    engines: Engines, portrait: Picture, portrait_mesh: FaceMesh
) -> None:
    assert [embedder.dimensions for embedder in engines.embedders] == [128, 1024]
    for embedder in engines.embedders:
        vector = embedder.embed(portrait, portrait_mesh.points)
        assert vector.shape == (embedder.dimensions,)
        assert vector.dtype == np.float32
        assert float(np.linalg.norm(vector)) == pytest.approx(1, abs=1e-5)


@pytest.mark.pack
def test_the_same_face_turned_and_scaled_gives_nearly_the_same_vector(
    engines: Engines, portrait: Picture, portrait_mesh: FaceMesh
) -> None:
    matrix = cv2.getRotationMatrix2D((225, 125), 20, 1.3)
    turned = np.asarray(cv2.warpAffine(portrait, matrix, (512, 512)), dtype=np.uint8)
    points = portrait_mesh.points.copy()
    points[:, :2] = points[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    other = FaceMesh(points=points, presence=1.0)

    dlib, hse = (
        _cosine(embedder, (portrait, portrait_mesh), (turned, other))
        for embedder in engines.embedders
    )

    assert dlib > 0.98
    assert hse > 0.9


@pytest.mark.pack
def test_a_face_that_is_cut_out_wrongly_gives_another_vector(
    engines: Engines, portrait: Picture, portrait_mesh: FaceMesh
) -> None:
    moved = FaceMesh(points=portrait_mesh.points + np.float32(60), presence=1.0)

    for embedder in engines.embedders:
        right = _cosine(embedder, (portrait, portrait_mesh), (portrait, portrait_mesh))
        assert _cosine(embedder, (portrait, portrait_mesh), (portrait, moved)) < right - 0.05


@pytest.mark.pack
def test_the_order_of_colours_matters(
    engines: Engines, portrait: Picture, portrait_mesh: FaceMesh
) -> None:
    swapped = np.ascontiguousarray(portrait[:, :, ::-1])

    for embedder in engines.embedders:
        same = _cosine(embedder, (portrait, portrait_mesh), (swapped, portrait_mesh))
        assert same < 0.995


@pytest.mark.pack
def test_bad_input_is_a_typed_error(
    engines: Engines, portrait: Picture, portrait_mesh: FaceMesh
) -> None:
    together = np.zeros((468, 3), dtype=np.float32)
    infinite = portrait_mesh.points.copy()
    infinite[[33, 61]] = math.nan

    for embedder in engines.embedders:
        for points in (together, infinite, portrait_mesh.points[:5]):
            with pytest.raises(UnusableRegion):
                embedder.embed(portrait, points)
        with pytest.raises(UnusablePicture):
            embedder.embed(portrait[:, :, 0], portrait_mesh.points)


@pytest.mark.pack
def test_the_aligned_points_lie_where_the_networks_were_trained_to_see_them(
    portrait_mesh: FaceMesh,
) -> None:
    eyes = portrait_mesh.points[[33, 263], :2]
    for alignment, size, expected in (
        (dlib_five, 150, ((37.1, 46.4), (111.0, 46.3))),
        (arcface_five_wider, 224, ((66.5, 103.9), (158.5, 103.5))),
    ):
        matrix = alignment(portrait_mesh.points, size)
        placed = eyes @ matrix[:, :2].T + matrix[:, 2]
        assert placed == pytest.approx(np.array(expected), abs=12)


def test_alignments_are_known_by_the_names_in_manifests() -> None:
    assert set(ALIGNMENTS) == {"dlib_five", "arcface_five_wider"}


@pytest.mark.parametrize("value", [0.0, math.nan, math.inf])
def test_a_vector_without_a_direction_is_refused(value: float) -> None:
    with pytest.raises(UnusableRegion):
        unit(np.full(8, value, dtype=np.float32))


@pytest.mark.parametrize("content", [b"", b"no network", bytes(100)])
def test_bytes_that_are_no_network_are_refused(content: bytes) -> None:
    with pytest.raises(MalformedModel):
        OnnxNetwork(content, input_shape=(1, 3, 8, 8), dimensions=4, threads=1)
