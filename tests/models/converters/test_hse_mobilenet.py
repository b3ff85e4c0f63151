from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from models.converters import hse_mobilenet
from models.digests import verify_bytes
from models.errors import MalformedModel
from models.manifest import load_manifest
from models.onnx_session import OnnxNetwork

Array = NDArray[np.float64]
Graph = dict[str, Any]


class PlainEvaluation:
    """Evaluates a TensorFlow.js graph as TensorFlow defines its operators, in float64.

    It reads the files by itself and knows nothing of the converter: tensors stay
    (batch, rows, columns, channels), and every node is computed on its own.
    """

    def __init__(self, topology: bytes, weights: bytes) -> None:
        document = json.loads(topology)
        self._nodes = {node["name"]: node for node in document["modelTopology"]["node"]}
        self._values: dict[str, Array] = {}
        at = 0
        for entry in document["weightsManifest"][0]["weights"]:
            stored = entry.get("quantization", {"dtype": entry["dtype"]})["dtype"]
            count = int(np.prod(entry["shape"], dtype=int))
            flat = np.frombuffer(weights, np.dtype(stored).newbyteorder("<"), count, at)
            self._values[entry["name"]] = flat.reshape(entry["shape"]).astype(np.float64)
            at += flat.nbytes

    def run(self, name: str, picture: Array) -> Array:
        if name not in self._values:
            node = self._nodes[name]
            if node["op"] == "Placeholder":
                self._values[name] = picture
            else:
                inputs = [self.run(source, picture) for source in node["input"]]
                self._values[name] = self._apply(node, inputs)
        return self._values[name]

    def _apply(self, node: Graph, inputs: list[Array]) -> Array:
        match node["op"]:
            case "Conv2D":
                windows = self._windows(node, *inputs)
                return np.asarray(np.einsum("nyxcij,ijco->nyxo", windows, inputs[1], optimize=True))
            case "DepthwiseConv2dNative":
                windows = self._windows(node, *inputs)
                return np.asarray(
                    np.einsum("nyxcij,ijc->nyxc", windows, inputs[1][..., 0], optimize=True)
                )
            case "Add":
                return inputs[0] + inputs[1]
            case "Mul":
                return inputs[0] * inputs[1]
            case "Relu":
                return np.maximum(inputs[0], 0)
            case "Minimum":
                return np.minimum(inputs[0], inputs[1])
            case "Maximum":
                return np.maximum(inputs[0], inputs[1])
            case "Mean":
                axes = tuple(int(a) for a in inputs[1].reshape(-1))
                return np.asarray(inputs[0].mean(axis=axes))
            case other:
                raise AssertionError(other)

    @staticmethod
    def _windows(node: Graph, value: Array, kernel: Array) -> Array:
        stride = int(node["attr"]["strides"]["list"]["i"][1])
        rows, columns = kernel.shape[:2]
        padding = [(0, 0)]
        for size, extent in ((value.shape[1], rows), (value.shape[2], columns)):
            total = max((int(np.ceil(size / stride)) - 1) * stride + extent - size, 0)
            padding.append((total // 2, total - total // 2))
        padded = np.pad(value, [*padding, (0, 0)])
        windows = sliding_window_view(padded, (rows, columns), axis=(1, 2))
        return np.asarray(windows[:, ::stride, ::stride])


def _text(value: str) -> dict[str, str]:
    return {"s": base64.b64encode(value.encode()).decode()}


def _numbers(values: list[int]) -> Graph:
    return {"list": {"i": [str(value) for value in values]}}


class GraphFile:
    """Writes a small TensorFlow.js graph in the form of the real one."""

    def __init__(self) -> None:
        self._rng = np.random.default_rng(2)
        dims = [{"size": str(n)} for n in (-1, 224, 224, 3)]
        self.nodes: list[Graph] = [
            {"name": "input_1", "op": "Placeholder", "attr": {"shape": {"shape": {"dim": dims}}}}
        ]
        self.entries: list[Graph] = []
        self.blob = b""
        self.last = "input_1"

    def constant(self, values: NDArray[Any]) -> str:
        name = f"constant_{len(self.entries)}"
        entry: Graph = {"name": name, "shape": list(values.shape), "dtype": "float32"}
        if values.dtype == np.int32:
            entry["dtype"] = "int32"
            self.blob += values.astype("<i4").tobytes()
        else:
            entry["quantization"] = {"dtype": "float16", "original_dtype": "float32"}
            self.blob += values.astype("<f2").tobytes()
        self.entries.append(entry)
        self.nodes.append({"name": name, "op": "Const", "attr": {}})
        return name

    def node(self, operator: str, constant: NDArray[Any] | None, **attributes: Graph) -> None:
        inputs = [self.last] if constant is None else [self.last, self.constant(constant)]
        name = f"{operator}_{len(self.nodes)}" if operator != "Mean" else "global_pooling/Mean"
        self.nodes.append({"name": name, "op": operator, "input": inputs, "attr": attributes})
        self.last = name

    def convolution(self, operator: str, kernel: tuple[int, int, int, int], stride: int) -> None:
        fan_in = kernel[0] * kernel[1] * (1 if operator.startswith("Depth") else kernel[2])
        values = self._rng.normal(0, fan_in**-0.5, kernel).astype(np.float32)
        self.node(
            operator,
            values,
            strides=_numbers([1, stride, stride, 1]),
            dilations=_numbers([1, 1, 1, 1]),
            padding=_text("SAME"),
            data_format=_text("NHWC"),
        )

    def per_channel(self, operator: str, channels: int) -> None:
        self.node(operator, self._rng.uniform(0.5, 1.5, channels).astype(np.float32))

    def activation(self) -> None:
        self.node("Relu", None)
        self.node("Minimum", np.array(6, dtype=np.float32))
        self.node("Maximum", np.array(0, dtype=np.float32))

    def topology(self) -> bytes:
        manifest = [{"paths": ["x.bin"], "weights": self.entries}]
        return json.dumps(
            {"modelTopology": {"node": self.nodes}, "weightsManifest": manifest}
        ).encode()


@pytest.fixture
def small() -> GraphFile:
    graph = GraphFile()
    graph.convolution("Conv2D", (3, 3, 3, 8), stride=2)
    graph.per_channel("Add", 8)
    graph.activation()
    graph.convolution("DepthwiseConv2dNative", (3, 3, 8, 1), stride=2)
    graph.per_channel("Mul", 8)
    graph.per_channel("Add", 8)
    graph.activation()
    graph.convolution("DepthwiseConv2dNative", (3, 3, 8, 1), stride=1)
    graph.convolution("Conv2D", (1, 1, 8, 1024), stride=2)
    graph.per_channel("Add", 1024)
    graph.activation()
    graph.node("Mean", np.array([1, 2], dtype=np.int32))
    return graph


def _picture() -> NDArray[np.float32]:
    rng = np.random.default_rng(9)
    return rng.uniform(-120, 140, (1, 224, 224, 3)).astype(np.float32)


def _difference(topology: bytes, weights: bytes) -> tuple[float, float]:
    """Largest difference between both evaluations, and the largest value."""
    picture = _picture()
    network = OnnxNetwork(
        hse_mobilenet.convert(topology, weights),
        input_shape=(1, 3, 224, 224),
        dimensions=1024,
        threads=1,
    )
    found = network.run(np.ascontiguousarray(picture.transpose(0, 3, 1, 2)))
    plain = PlainEvaluation(topology, weights)
    expected = plain.run("global_pooling/Mean", picture.astype(np.float64))[0]
    return float(np.abs(found - expected).max()), float(np.abs(expected).max())


def test_a_small_graph_gives_what_tensorflow_defines(small: GraphFile) -> None:
    difference, largest = _difference(small.topology(), small.blob)

    assert largest > 0.1
    assert difference < 1e-5


@pytest.mark.slow
def test_the_real_graph_gives_what_tensorflow_defines(
    raw_weights: Callable[[str], bytes],
) -> None:
    difference, largest = _difference(raw_weights("faceres.json"), raw_weights("faceres.bin"))

    assert largest > 0.1
    assert difference < 2e-5


def test_the_real_graph_becomes_the_file_of_the_manifest(
    raw_weights: Callable[[str], bytes],
) -> None:
    file = next(f for f in load_manifest("open").files if f.converter == "hse_mobilenet")
    content = hse_mobilenet.convert(raw_weights("faceres.json"), raw_weights("faceres.bin"))

    assert verify_bytes(file.name, content, file.sha256)


def test_a_conversion_is_the_same_bytes_every_time(small: GraphFile) -> None:
    first = hse_mobilenet.convert(small.topology(), small.blob)

    assert first == hse_mobilenet.convert(small.topology(), small.blob)


@pytest.mark.parametrize(
    "topology",
    [b"", b"\xff", b"[]", b"{}", b"null", b"[" * 100_000, b'{"weightsManifest": 3}'],
)
def test_what_is_no_graph_is_refused(topology: bytes) -> None:
    with pytest.raises(MalformedModel):
        hse_mobilenet.convert(topology, b"")


def test_weights_that_are_too_short_or_too_long_are_refused(small: GraphFile) -> None:
    for blob in (small.blob[:-1], small.blob + b"\0", b""):
        with pytest.raises(MalformedModel):
            hse_mobilenet.convert(small.topology(), blob)


def test_weights_that_are_not_finite_are_refused(small: GraphFile) -> None:
    blob = np.array([np.inf], dtype="<f2").tobytes() + small.blob[2:]

    with pytest.raises(MalformedModel):
        hse_mobilenet.convert(small.topology(), blob)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("data_format", _text("NCHW")),
        ("padding", _text("VALID")),
        ("dilations", _numbers([1, 2, 2, 1])),
        ("strides", _numbers([2, 2, 2, 1])),
        ("strides", _numbers([1, 2])),
    ],
)
def test_an_operator_of_another_form_is_refused(small: GraphFile, key: str, value: Graph) -> None:
    convolution = next(node for node in small.nodes if node["op"] == "Conv2D")
    convolution["attr"][key] = value

    with pytest.raises(MalformedModel):
        hse_mobilenet.convert(small.topology(), small.blob)


@pytest.mark.parametrize("operator", ["Softmax", "Mul"])
def test_an_operator_where_it_can_not_be_is_refused(small: GraphFile, operator: str) -> None:
    relu = next(node for node in small.nodes if node["op"] == "Relu")
    relu["op"] = operator

    with pytest.raises(MalformedModel):
        hse_mobilenet.convert(small.topology(), small.blob)


def test_a_graph_that_feeds_itself_is_refused(small: GraphFile) -> None:
    convolution = next(node for node in small.nodes if node["op"] == "Conv2D")
    convolution["input"][0] = small.last

    with pytest.raises(MalformedModel):
        hse_mobilenet.convert(small.topology(), small.blob)


def test_a_kernel_of_another_rank_is_refused(small: GraphFile) -> None:
    small.entries[0]["shape"] = [int(np.prod(small.entries[0]["shape"]))]

    with pytest.raises(MalformedModel):
        hse_mobilenet.convert(small.topology(), small.blob)
