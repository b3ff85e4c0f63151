from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import dlib
import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.alignment import dlib_five
from models.converters import dlib_resnet
from models.converters.dlib_dat import read_network
from models.digests import verify_bytes
from models.engine import FaceMesh
from models.errors import MalformedModel
from models.geometry import align
from models.manifest import load_manifest
from models.onnx_session import OnnxNetwork
from tests.models.dlib_files import random_resnet

Picture = NDArray[np.uint8]
_NAME = "dlib_face_recognition_resnet_model_v1.dat"


@pytest.fixture(scope="module")
def random_file() -> bytes:
    return random_resnet(seed=11)


def _chips(count: int) -> list[Picture]:
    rng = np.random.default_rng(5)
    return [rng.integers(0, 256, (150, 150, 3), dtype=np.uint8) for _ in range(count)]


def _converted(content: bytes, chip: Picture) -> NDArray[np.float32]:
    network = OnnxNetwork(
        dlib_resnet.convert(content), input_shape=(1, 3, 150, 150), dimensions=128, threads=1
    )
    mean = np.array([122.782, 117.001, 104.298], dtype=np.float32)
    values = ((chip.astype(np.float32) - mean) / 256).transpose(2, 0, 1)[None]
    return network.run(np.ascontiguousarray(values))


def _by_dlib(content: bytes, chip: Picture, folder: Path) -> NDArray[np.float64]:
    path = folder / "network.dat"
    path.write_bytes(content)
    network = dlib.face_recognition_model_v1(str(path))
    return np.array(network.compute_face_descriptor(chip))


def test_random_weights_give_what_dlib_gives(random_file: bytes, tmp_path: Path) -> None:
    for chip in _chips(2):
        expected = _by_dlib(random_file, chip, tmp_path)
        found = _converted(random_file, chip)

        assert np.abs(expected).max() > 0.1, "a network that says nothing proves nothing"
        assert np.abs(found - expected).max() < 2e-6 * np.linalg.norm(expected)


def test_the_real_weights_give_what_dlib_gives(
    raw_weights: Callable[[str], bytes],
    portrait: Picture,
    portrait_mesh: FaceMesh,
    tmp_path: Path,
) -> None:
    content = raw_weights(_NAME)
    face = align(portrait, dlib_five(portrait_mesh.points, 150), 150)

    for chip in [face, *_chips(1)]:
        expected = _by_dlib(content, chip, tmp_path)
        assert np.abs(_converted(content, chip) - expected).max() < 1e-6


def test_the_real_weights_become_the_file_of_the_manifest(
    raw_weights: Callable[[str], bytes],
) -> None:
    file = next(f for f in load_manifest("open").files if f.converter == "dlib_resnet")

    assert len(verify_bytes(file.name, dlib_resnet.convert(raw_weights(_NAME)), file.sha256))


def test_a_conversion_is_the_same_bytes_every_time_and_pins_what_could_change(
    random_file: bytes,
) -> None:
    first, second = dlib_resnet.convert(random_file), dlib_resnet.convert(random_file)
    model = onnx.load_model_from_string(first)

    assert first == second
    assert (model.ir_version, model.producer_name) == (8, "cameo")
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 17)]


@pytest.mark.parametrize("length", [0, 1, 340, 19_000, 60_000, 22_466_065 // 2])
def test_a_truncated_file_is_refused(random_file: bytes, length: int) -> None:
    with pytest.raises(MalformedModel):
        dlib_resnet.convert(random_file[:length])


def test_another_layer_order_is_refused(random_file: bytes) -> None:
    with pytest.raises(MalformedModel):
        dlib_resnet.convert(random_file.replace(b"affine_", b"affine?", 1))


def test_weights_that_are_not_finite_are_refused(random_file: bytes) -> None:
    at = random_file.index(b"con_4") + 40
    nan = np.full(4, np.nan, dtype="<f4").tobytes()

    with pytest.raises(MalformedModel):
        dlib_resnet.convert(random_file[:at] + nan + random_file[at + len(nan) :])


def test_a_tensor_of_impossible_size_is_refused_before_it_is_read() -> None:
    huge = bytes([1, 5]) + b"con_4" + bytes([1, 2]) + bytes([4, 255, 255, 255, 127]) * 4

    with pytest.raises(MalformedModel):
        read_network(huge, convolutions=1)


@settings(max_examples=25, deadline=None)
@given(at=st.integers(0, 60_000), value=st.integers(0, 255))
def test_a_changed_byte_is_another_network_or_a_typed_error(
    random_file: bytes, at: int, value: int
) -> None:
    changed = random_file[:at] + bytes([value]) + random_file[at + 1 :]

    try:
        network = read_network(changed, convolutions=29)
    except MalformedModel:
        return
    assert network.matrix.shape == (256, 128)
