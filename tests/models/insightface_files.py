"""ONNX files with the inputs and outputs of InsightFace's networks, made here.

The detector has SCRFD's signature (three strides, two anchors a cell; scores, then boxes,
then key points) and finds red squares; the recogniser has ArcFace's and random weights;
the liveness addon has that of InsightFace 2.1's and measures red.
"""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

_STRIDES = (8, 16, 32)
_ANCHORS = 2
# Of the input, which is (RGB - 127.5) / 128: high for red, low for anything else.
_REDNESS = np.array([10.0, -5.0, -5.0])
_NEVER = -50.0
# In strides, from the middle of the anchor's cell.
_BOX = np.array([3.0, 3.0, 3.0, 3.0])
_KEY_POINTS = np.array([-1.5, -1.5, 1.5, -1.5, 0.0, 0.0, -1.2, 1.5, 1.2, 1.5])

_BIASES = {"score": np.array([_NEVER]), "box": _BOX, "points": _KEY_POINTS}


class _Graph:
    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, values: NDArray[np.float64] | NDArray[np.int64]) -> str:
        kind = np.int64 if values.dtype == np.int64 else np.float32
        self.constants.append(numpy_helper.from_array(values.astype(kind), name))
        return name

    def add(self, operator: str, inputs: list[str], output: str, **attributes: int) -> str:
        node = helper.make_node(operator, inputs, [output])
        node.attribute.extend(helper.make_attribute(k, v) for k, v in attributes.items())
        self.nodes.append(node)
        return output

    def serialise(
        self, inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto]
    ) -> bytes:
        graph = helper.make_graph(self.nodes, "made_by_tests", inputs, outputs, self.constants)
        model = helper.make_model(graph, ir_version=6, opset_imports=[helper.make_opsetid("", 11)])
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString())


def red_square_detector() -> bytes:
    """Returns a detector of any input size that is a multiple of 32."""
    graph = _Graph()
    outputs = []
    for kind, width in (("score", 1), ("box", 4), ("points", 10)):
        for stride in _STRIDES:
            name = f"{kind}_{stride}"
            channels = width * _ANCHORS
            weights = np.zeros((channels, 3, 1, 1))
            bias = np.tile(_BIASES[kind], _ANCHORS)
            if kind == "score" and stride == 16:
                weights[:] = _REDNESS[None, :, None, None]
                bias = np.full(channels, -15.0)
            graph.nodes.append(
                helper.make_node(
                    "AveragePool",
                    ["input.1"],
                    [f"{name}_cells"],
                    kernel_shape=[stride, stride],
                    strides=[stride, stride],
                )
            )
            weights_name = graph.constant(f"{name}_weights", weights)
            bias_name = graph.constant(f"{name}_bias", bias)
            graph.add("Conv", [f"{name}_cells", weights_name, bias_name], f"{name}_map")
            graph.nodes.append(
                helper.make_node(
                    "Transpose", [f"{name}_map"], [f"{name}_turned"], perm=[0, 2, 3, 1]
                )
            )
            shape = graph.constant(f"{name}_shape", np.array([-1, width], dtype=np.int64))
            last = name if kind != "score" else f"{name}_logits"
            graph.add("Reshape", [f"{name}_turned", shape], last)
            if kind == "score":
                graph.add("Sigmoid", [last], name)
            outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, width]))
    images = helper.make_tensor_value_info("input.1", TensorProto.FLOAT, [1, 3, None, None])
    return graph.serialise([images], outputs)


def random_recogniser(dimensions: int = 512, seed: int = 4) -> bytes:
    """Returns a recogniser of 112 × 112 crops."""
    rng = np.random.default_rng(seed)
    graph = _Graph()
    graph.nodes.append(
        helper.make_node(
            "AveragePool", ["input.1"], ["cells"], kernel_shape=[16, 16], strides=[16, 16]
        )
    )
    graph.add("Flatten", ["cells"], "flat", axis=1)
    matrix = graph.constant("matrix", rng.normal(0, 1, (147, dimensions)))
    graph.add("MatMul", ["flat", matrix], "683")
    crops = helper.make_tensor_value_info("input.1", TensorProto.FLOAT, ["None", 3, 112, 112])
    vectors = helper.make_tensor_value_info("683", TensorProto.FLOAT, ["None", dimensions])
    return graph.serialise([crops], [vectors])


def mean_red_liveness(gain: float = 1.0) -> bytes:
    """Returns a liveness addon whose live score is `gain` times the mean red of its crop."""
    graph = _Graph()
    graph.add("GlobalAveragePool", ["input"], "colours")
    graph.add("Flatten", ["colours"], "flat", axis=1)
    first = graph.constant("first", np.array(0, dtype=np.int64))
    graph.add("Gather", ["flat", first], "red", axis=1)
    factor = graph.constant("gain", np.array(gain))
    graph.add("Mul", ["red", factor], "live")
    crops = helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 80, 80])
    scores = helper.make_tensor_value_info("live", TensorProto.FLOAT, [1])
    return graph.serialise([crops], [scores])
