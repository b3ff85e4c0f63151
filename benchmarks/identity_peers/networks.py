"""Networks of buffalo_l's architecture with random weights, for measuring time where the real
ones are absent.

The detector follows SCRFD-10GF (J. Guo et al., "Sample and Computation Redistribution for
Efficient Face Detection", 2021; widths and depths of InsightFace's `scrfd_10g_bnkps.py`), the
recogniser IResNet-50 (J. Deng et al., "ArcFace", 2019). Batch normalisation is folded into the
convolution before it, as an exporter does, and stays where it stands before one. Both are an
approximation of the real files' compute; `multiply_accumulates` says how much it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

RECOGNISER_SIDE: Final = 112
RECOGNISER_DIMENSIONS: Final = 512
DETECTOR_STRIDES: Final = (8, 16, 32)
_ANCHORS: Final = 2
_STEM: Final = 56
_STAGES: Final = ((3, 56), (4, 88), (2, 88), (3, 224))
_NECK: Final = 56
_HEAD: Final = 80
_HEAD_DEPTH: Final = 3
_RECOGNISER_STAGES: Final = ((3, 64), (4, 128), (14, 256), (3, 512))
# A logit that no random activation overcomes: the detector finds nothing, ever.
_NEVER: Final = -50.0
_SMALL: Final = 1e-4
_OPSET: Final = 11


class _Net:
    """Nodes and weights, one layer after the other."""

    def __init__(self, seed: int) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self._rng = np.random.default_rng(seed)

    def constant(self, values: NDArray[np.float32] | NDArray[np.int64]) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def add(
        self, operator: str, inputs: Sequence[str], **attributes: int | str | Sequence[int]
    ) -> str:
        name = f"t{len(self.nodes)}"
        node = helper.make_node(operator, list(inputs), [name])
        node.attribute.extend(helper.make_attribute(k, v) for k, v in attributes.items())
        self.nodes.append(node)
        return name

    def random(self, *shape: int, size: float) -> str:
        values = self._rng.standard_normal(shape, dtype=np.float32) * np.float32(size)
        return self.constant(values)

    def conv(
        self,
        x: str,
        channels: tuple[int, int],
        kernel: int = 3,
        stride: int = 1,
        *,
        size: float | None = None,
        bias: float = 0.0,
    ) -> str:
        """A convolution of (in, out) channels with a bias; it keeps the activations' size."""
        inside, outside = channels
        spread = (1.0 / (inside * kernel * kernel)) ** 0.5 if size is None else size
        weights = self.random(outside, inside, kernel, kernel, size=spread)
        biases = self.constant(np.full(outside, bias, dtype=np.float32))
        edge = kernel // 2
        return self.add(
            "Conv",
            [x, weights, biases],
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            pads=[edge] * 4,
        )

    def norm(self, x: str, channels: int) -> str:
        ones, zeros = np.ones(channels, dtype=np.float32), np.zeros(channels, dtype=np.float32)
        names = [self.constant(values) for values in (ones, zeros, zeros, ones)]
        return self.add("BatchNormalization", [x, *names])

    def prelu(self, x: str, channels: int) -> str:
        return self.add("PRelu", [x, self.constant(np.full((channels, 1, 1), 0.25, np.float32))])

    def relu(self, x: str) -> str:
        return self.add("Relu", [x])

    def serialise(
        self, name: str, inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto]
    ) -> bytes:
        graph = helper.make_graph(self.nodes, name, inputs, outputs, self.weights)
        opsets = [helper.make_opsetid("", _OPSET)]
        model = helper.make_model(graph, ir_version=6, opset_imports=opsets)
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString())


def random_detector(seed: int = 1) -> bytes:
    """Returns an ONNX detector with SCRFD-10GF's layers and signature; it finds no face.

    Input 1×3×rows×columns float32 (multiples of 32); outputs: for the strides 8, 16, 32 the
    scores (n, 1), then the boxes (n, 4), then the key points (n, 10).
    """
    net = _Net(seed)
    half = _STEM // 2
    x = net.relu(net.conv("input.1", (3, half), stride=2))
    x = net.relu(net.conv(x, (half, half)))
    x = net.relu(net.conv(x, (half, _STEM)))
    x = net.add("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    levels, width = [], _STEM
    for stage, (depth, planes) in enumerate(_STAGES):
        for block in range(depth):
            x = _basic_block(net, x, (width, planes), 2 if stage and not block else 1)
            width = planes
        levels.append(x)
    maps = _neck(net, levels[1:], [planes for _, planes in _STAGES[1:]])
    heads = [_head(net, level) for level in maps]
    # In the library's order: all scores, all boxes, all key points.
    names = [heads[level][kind] for kind in range(3) for level in range(len(heads))]
    widths = [width for width in (1, 4, 10) for _ in heads]
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, columns])
        for name, columns in zip(names, widths, strict=True)
    ]
    shape: list[str | int | None] = [1, 3, None, None]
    images = helper.make_tensor_value_info("input.1", TensorProto.FLOAT, shape)
    return net.serialise("random_scrfd_10g", [images], outputs)


def random_recogniser(seed: int = 2) -> bytes:
    """Returns an ONNX recogniser: IResNet-50, n×3×112×112 to n×512, float32."""
    net = _Net(seed)
    width = _RECOGNISER_STAGES[0][1]
    x = net.prelu(net.conv("input.1", (3, width)), width)
    side = RECOGNISER_SIDE
    for depth, planes in _RECOGNISER_STAGES:
        for block in range(depth):
            stride = 1 if block else 2
            inner = net.prelu(net.conv(net.norm(x, width), (width, planes)), planes)
            inner = net.conv(inner, (planes, planes), stride=stride)
            beside = x if block else net.conv(x, (width, planes), 1, stride)
            x, width = net.add("Add", [inner, beside]), planes
        side //= 2
    x = net.add("Flatten", [net.norm(x, width)], axis=1)
    length = width * side * side
    matrix = net.random(RECOGNISER_DIMENSIONS, length, size=length**-0.5)
    bias = net.constant(np.zeros(RECOGNISER_DIMENSIONS, dtype=np.float32))
    vector = net.add("Gemm", [x, matrix, bias], transB=1)
    shape: list[str | int | None] = ["None", 3, RECOGNISER_SIDE, RECOGNISER_SIDE]
    crops = helper.make_tensor_value_info("input.1", TensorProto.FLOAT, shape)
    out = helper.make_tensor_value_info(vector, TensorProto.FLOAT, ["None", RECOGNISER_DIMENSIONS])
    return net.serialise("random_iresnet50", [crops], [out])


def multiply_accumulates(content: bytes, height: int, width: int) -> float:
    """Returns the multiply-accumulates, in thousand millions, that one picture costs.

    Convolutions and matrices are counted, from the shapes that ONNX infers.

    Args:
        content: bytes of the ONNX file.
        height, width: of its input.
    """
    model = onnx.load_from_string(content)
    for dimension, value in zip(
        model.graph.input[0].type.tensor_type.shape.dim, (1, 3, height, width), strict=True
    ):
        dimension.dim_value = value
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    described = [*inferred.graph.value_info, *inferred.graph.output]
    shapes = {
        value.name: [d.dim_value for d in value.type.tensor_type.shape.dim] for value in described
    }
    weights = {weight.name: list(weight.dims) for weight in model.graph.initializer}
    total = 0
    for node in model.graph.node:
        if node.op_type == "Conv":
            rows, columns = shapes[node.output[0]][2:]
            total += rows * columns * int(np.prod(weights[node.input[1]]))
        elif node.op_type in ("Gemm", "MatMul"):
            total += int(np.prod(weights[node.input[1]]))
    return total / 1e9


def _basic_block(net: _Net, x: str, channels: tuple[int, int], stride: int) -> str:
    width, planes = channels
    inner = net.relu(net.conv(x, channels, stride=stride))
    inner = net.conv(inner, (planes, planes))
    beside = x
    if stride > 1:
        beside = net.add("AveragePool", [x], kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
    if stride > 1 or width != planes:
        beside = net.conv(beside, channels, 1)
    return net.relu(net.add("Add", [inner, beside]))


def _neck(net: _Net, levels: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Top down, then bottom up (a path aggregation network), all levels of one width."""
    same = (_NECK, _NECK)
    maps = [net.conv(x, (width, _NECK), 1) for x, width in zip(levels, widths, strict=True)]
    for level in range(len(maps) - 1, 0, -1):
        everywhere = net.constant(np.zeros(0, dtype=np.float32))
        scales = net.constant(np.array([1, 1, 2, 2], dtype=np.float32))
        grown = net.add(
            "Resize",
            [maps[level], everywhere, scales],
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )
        maps[level - 1] = net.add("Add", [maps[level - 1], grown])
    maps = [net.conv(x, same) for x in maps]
    for level in range(1, len(maps)):
        shrunk = net.conv(maps[level - 1], same, stride=2)
        maps[level] = net.add("Add", [maps[level], shrunk])
    return [maps[0], *(net.conv(x, same) for x in maps[1:])]


def _head(net: _Net, x: str) -> tuple[str, str, str]:
    for layer in range(_HEAD_DEPTH):
        x = net.relu(net.conv(x, (_HEAD if layer else _NECK, _HEAD)))
    rows = []
    for columns, bias in ((1, _NEVER), (4, 1.0), (10, 0.0)):
        out = net.conv(x, (_HEAD, columns * _ANCHORS), size=_SMALL, bias=bias)
        turned = net.add("Transpose", [out], perm=[0, 2, 3, 1])
        shape = net.constant(np.array([-1, columns], dtype=np.int64))
        rows.append(net.add("Reshape", [turned, shape]))
    return net.add("Sigmoid", [rows[0]]), rows[1], rows[2]
