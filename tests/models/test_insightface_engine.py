from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.engine import FaceMesh
from models.errors import (
    DigestMismatch,
    MalformedModel,
    NoFaceToEmbed,
    PackError,
    UnusablePicture,
    UnusableRegion,
)
from models.insightface_engine import InsightFaceEmbedder
from models.manifest import Manifest, PackFile, load_manifest
from models.runtime import load_engines
from tests.models.insightface_files import random_recogniser, red_square_detector
from tests.models.small_packs import digest

Picture = NDArray[np.uint8]

DETECTOR, RECOGNISER = red_square_detector(), random_recogniser()


def _with_content(file: PackFile, content: bytes) -> PackFile:
    ingredient = replace(file.made_from[0], sha256=digest(content), bytes=len(content))
    return replace(file, sha256=digest(content), bytes=len(content), made_from=(ingredient,))


@pytest.fixture
def manifest() -> Manifest:
    """The manifest of buffalo_sc, with the digests of the files made here."""
    real = load_manifest("buffalo_sc")
    files = tuple(
        _with_content(file, content)
        for file, content in zip(real.files, (DETECTOR, RECOGNISER), strict=True)
    )
    return replace(real, files=files)


@pytest.fixture
def folder(tmp_path: Path, manifest: Manifest) -> Path:
    pack = tmp_path / manifest.name
    pack.mkdir()
    for file, content in zip(manifest.files, (DETECTOR, RECOGNISER), strict=True):
        (pack / file.name).write_bytes(content)
    return pack


@pytest.fixture
def embedder(folder: Path, manifest: Manifest) -> InsightFaceEmbedder:
    return InsightFaceEmbedder(folder, *manifest.files)


def _faces(*centres: tuple[int, int], size: tuple[int, int] = (320, 320)) -> Picture:
    """A noisy grey picture with a red square, the detector's face, about each centre."""
    rng = np.random.default_rng(8)
    picture = rng.integers(60, 120, (*size, 3), dtype=np.uint8)
    picture[:] = picture[:, :, :1]
    for x, y in centres:
        picture[y - 12 : y + 12, x - 12 : x + 12] = (255, 0, 0)
    return picture


def _mesh(x: float, y: float, half: float = 45.0) -> NDArray[np.float32]:
    points = np.random.default_rng(1).uniform(-half, half, (468, 3)).astype(np.float32)
    points[:, 0] += x
    points[:, 1] += y
    return points


def test_the_face_under_the_mesh_becomes_a_unit_vector(embedder: InsightFaceEmbedder) -> None:
    vector = embedder.embed(_faces((152, 152)), _mesh(152, 152))

    assert (embedder.name, embedder.dimensions) == ("w600k_mbf.onnx", 512)
    assert vector.shape == (512,)
    assert vector.dtype == np.float32
    assert float(np.linalg.norm(vector)) == pytest.approx(1, abs=1e-5)


def test_of_two_faces_the_one_under_the_mesh_is_taken(embedder: InsightFaceEmbedder) -> None:
    both = _faces((88, 152), (232, 152))
    both[170:200, 70:110] = 255
    right_alone = both.copy()
    right_alone[:, :160] = 90

    expected = embedder.embed(right_alone, _mesh(232, 152))

    right = embedder.embed(both, _mesh(232, 152))
    left = embedder.embed(both, _mesh(88, 152))
    assert np.linalg.norm(right - expected) < 0.2 * np.linalg.norm(left - expected)


@pytest.mark.parametrize("centres", [(), ((232, 232),)], ids=["nobody", "elsewhere"])
def test_no_face_under_the_mesh_is_a_typed_error(
    embedder: InsightFaceEmbedder, centres: tuple[tuple[int, int], ...]
) -> None:
    with pytest.raises(NoFaceToEmbed) as caught:
        embedder.embed(_faces(*centres), _mesh(70, 70))

    assert caught.value.code == "no_face_to_embed"


def test_the_recogniser_sees_colours_in_the_order_it_was_trained_on(
    embedder: InsightFaceEmbedder,
) -> None:
    swapped = np.ascontiguousarray(_faces((152, 152))[:, :, ::-1])

    with pytest.raises(NoFaceToEmbed):
        embedder.embed(swapped, _mesh(152, 152))


def test_bad_input_is_a_typed_error(embedder: InsightFaceEmbedder) -> None:
    with pytest.raises(UnusablePicture):
        embedder.embed(_faces()[:, :, 0], _mesh(9, 9))
    for points in (np.full((468, 3), np.nan, dtype=np.float32), _mesh(9, 9)[:4]):
        with pytest.raises(UnusableRegion):
            embedder.embed(_faces(), points)


def test_a_file_that_the_manifest_does_not_name_is_never_loaded(
    folder: Path, manifest: Manifest
) -> None:
    (folder / "a_stranger.onnx").write_bytes(RECOGNISER)

    with pytest.raises(PackError, match=r"a_stranger\.onnx"):
        InsightFaceEmbedder(folder, *manifest.files)


def test_a_folder_that_is_not_there_is_not_downloaded(tmp_path: Path, manifest: Manifest) -> None:
    with pytest.raises(PackError):
        InsightFaceEmbedder(tmp_path / "buffalo_l", *manifest.files)


@pytest.mark.parametrize("content", [b"", b"no network"])
def test_files_that_are_no_networks_are_refused(
    folder: Path, manifest: Manifest, content: bytes
) -> None:
    for file in manifest.files:
        before = (folder / file.name).read_bytes()
        (folder / file.name).write_bytes(content)
        with pytest.raises(MalformedModel):
            InsightFaceEmbedder(folder, *manifest.files)
        (folder / file.name).write_bytes(before)


def test_a_pack_with_two_recognisers_and_no_detector_is_refused(
    folder: Path, manifest: Manifest
) -> None:
    (folder / manifest.files[0].name).write_bytes(RECOGNISER)

    with pytest.raises(MalformedModel):
        InsightFaceEmbedder(folder, *manifest.files)


def test_a_recogniser_of_other_dimensions_is_refused(folder: Path, manifest: Manifest) -> None:
    (folder / manifest.files[1].name).write_bytes(random_recogniser(dimensions=256))

    with pytest.raises(MalformedModel):
        InsightFaceEmbedder(folder, *manifest.files)


@pytest.mark.pack
def test_a_pack_loads_with_the_tracker_of_the_default_pack(
    models_dir: Path, folder: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(models_dir / "open", folder.parent / "open")
    known = {"open": load_manifest("open"), manifest.name: manifest}
    monkeypatch.setattr("models.runtime.load_manifest", known.__getitem__)

    engines = load_engines(manifest.name, folder.parent)

    assert engines.pack == "buffalo_sc"
    assert [e.dimensions for e in engines.embedders] == [512]
    assert engines.detector.detect(_faces()) == ()
    assert not engines.calibration.measured

    recogniser = folder / manifest.files[1].name
    recogniser.write_bytes(RECOGNISER + b"\0")
    with pytest.raises(DigestMismatch, match=recogniser.name):
        load_engines(manifest.name, folder.parent)


@pytest.mark.pack
def test_a_real_detector_aligns_a_real_face(
    real_scrfd: Path,
    manifest: Manifest,
    folder: Path,
    portrait: Picture,
    portrait_mesh: FaceMesh,
) -> None:
    shutil.copy(real_scrfd, folder / manifest.files[0].name)
    # This export of SCRFD takes 640 × 640 and nothing else.
    preparation = replace(manifest.files[0].preparation, input_size=640)
    detector = replace(manifest.files[0], preparation=preparation)
    embedder = InsightFaceEmbedder(folder, detector, manifest.files[1])

    vector = embedder.embed(portrait, portrait_mesh.points)
    moved = np.roll(portrait, 30, axis=1)
    again = embedder.embed(moved, portrait_mesh.points + np.array([30, 0, 0], dtype=np.float32))

    assert float(vector @ again) > 0.99
    with pytest.raises(NoFaceToEmbed):
        embedder.embed(portrait, portrait_mesh.points + np.float32(250))
