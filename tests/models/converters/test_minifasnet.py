from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from models.converters import minifasnet
from models.converters.torch_legacy import read_state_dict
from models.digests import verify_bytes
from models.errors import MalformedModel
from models.manifest import load_manifest
from models.onnx_session import OnnxNetwork
from tests.models.plain_minifasnet import InNumpy, InTorch, logits
from tests.models.torch_files import random_minifasnet, torch_file

State = dict[str, NDArray[np.float32] | NDArray[np.int64]]
FILES = load_manifest("minifasnet").files
REAL = [file.made_from[0].name for file in FILES]


def _crops() -> list[NDArray[np.float32]]:
    rng = np.random.default_rng(6)
    noise = rng.integers(0, 256, (1, 3, 80, 80)).astype(np.float32)
    slope = np.broadcast_to(np.linspace(0, 255, 80, dtype=np.float32), (1, 3, 80, 80))
    return [noise, np.ascontiguousarray(slope), np.zeros_like(noise)]


def _converted(content: bytes, crop: NDArray[np.float32]) -> NDArray[np.float32]:
    network = OnnxNetwork(
        minifasnet.convert(content), input_shape=(1, 3, 80, 80), dimensions=3, threads=1
    )
    return network.run(crop)


def _check(content: bytes) -> None:
    state = read_state_dict(content)
    for crop in _crops():
        expected = logits(state, crop.astype(np.float64), InNumpy())[0]

        assert np.abs(expected).max() > 0.1, "a network that says nothing proves nothing"
        found = _converted(content, crop)
        assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("squeeze_excite", [False, True], ids=["V2", "V1SE"])
def test_random_weights_give_what_the_description_gives(squeeze_excite: bool) -> None:
    _check(torch_file(random_minifasnet(2, squeeze_excite=squeeze_excite)))


@pytest.mark.parametrize("name", REAL)
def test_the_real_weights_give_what_the_description_gives(
    name: str, pad_weights: Callable[[str], bytes]
) -> None:
    _check(pad_weights(name))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_real_weights_become_the_file_of_the_manifest(
    file: Any, pad_weights: Callable[[str], bytes]
) -> None:
    content = minifasnet.convert(pad_weights(file.made_from[0].name))

    assert len(verify_bytes(file.name, content, file.sha256)) == file.bytes


@pytest.mark.parametrize("name", ["random", *REAL])
def test_torch_gives_the_same(name: str, pad_weights: Callable[[str], bytes]) -> None:
    torch: Any = pytest.importorskip("torch", reason="torch 2.13 is not installed")
    if not torch.__version__.startswith("2.13."):
        pytest.skip("another torch than 2.13 is installed")
    random = name == "random"
    content = torch_file(random_minifasnet(9, squeeze_excite=True)) if random else pad_weights(name)
    state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    own = read_state_dict(content)

    assert list(state) == list(own)
    assert all(np.array_equal(state[key].numpy(), own[key]) for key in own)
    with torch.inference_mode():
        for crop in _crops():
            expected = logits(state, torch.from_numpy(crop), InTorch(torch))[0].numpy()
            found = _converted(content, crop)
            assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()


def test_a_conversion_is_the_same_bytes_every_time_and_pins_what_could_change() -> None:
    content = torch_file(random_minifasnet(1, squeeze_excite=True))
    first, second = minifasnet.convert(content), minifasnet.convert(content)
    model = onnx.load_model_from_string(first)

    assert first == second
    assert (model.ir_version, model.producer_name) == (8, "cameo")
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 17)]


def _without(name: str) -> Callable[[State], None]:
    def change(state: State) -> None:
        del state[name]

    return change


def _with(name: str, values: NDArray[np.float32] | NDArray[np.int64]) -> Callable[[State], None]:
    return lambda state: state.update({name: values})


@pytest.mark.parametrize(
    "change",
    [
        _without("module.conv1.conv.weight"),
        _without("module.conv1.bn.running_var"),
        _without("module.conv_4.model.5.conv.conv.weight"),
        _without("module.conv_6_sep.prelu.weight"),
        _without("module.conv_5.model.1.se_module.fc2.weight"),
        _with("module.more.weight", np.zeros(3, dtype=np.float32)),
        _with("conv1.conv.weight", np.zeros((32, 3, 3, 3), dtype=np.float32)),
        _with("module.conv_3.model.0.se_module.fc1.weight", np.zeros(3, dtype=np.float32)),
        _with("module.conv1.bn.weight", np.zeros(31, dtype=np.float32)),
        _with("module.conv1.bn.weight", np.zeros(32, dtype=np.int64)),
        _with("module.conv1.bn.running_var", np.full(32, -1, dtype=np.float32)),
        _with("module.conv2_dw.bn.weight", np.full(32, 3e38, dtype=np.float32)),
        _with("module.conv_23.conv.conv.weight", np.zeros((1, 32, 1, 1), dtype=np.float32)),
        _with("module.conv_23.conv.conv.weight", np.zeros((0, 32, 1, 1), dtype=np.float32)),
        _with("module.conv_23.conv.conv.weight", np.zeros((11, 32), dtype=np.float32)),
        _with("module.conv_23.conv.conv.weight", np.zeros((11, 31, 1, 1), dtype=np.float32)),
        _with("module.prob.weight", np.zeros((2, 128), dtype=np.float32)),
        lambda state: state.clear(),
    ],
)
def test_another_network_is_refused(change: Callable[[State], None]) -> None:
    state = random_minifasnet(1, squeeze_excite=True)
    change(state)

    with pytest.raises(MalformedModel):
        minifasnet.convert(torch_file(state))
