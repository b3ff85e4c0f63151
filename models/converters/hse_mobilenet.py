"""HSE's MobileNet for faces (A. Savchenko, HSE_FaceRec_tf) from TensorFlow.js to ONNX.

Only the way from the input to `global_pooling/Mean` is taken; age and gender are left out.
TensorFlow lays tensors out as (batch, rows, columns, channels), ONNX as (batch, channels,
rows, columns). A Mul or Add with one number a channel behind a convolution is folded into
it, and Relu, Minimum and Maximum in a row become one Clip.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.converters.onnx_graph import GraphBuilder
from models.converters.tfjs_graph import Node, TfjsGraph, read_graph
from models.errors import MalformedModel

INPUT: Final = "chip"
OUTPUT: Final = "global_pooling"
SOURCE_OUTPUT: Final = "global_pooling/Mean"
SIZE: Final = 224
DIMENSIONS: Final = 1024
_MAX_NODES: Final = 1000


def convert(topology: bytes, weights: bytes) -> bytes:
    """Returns the ONNX model of the graph.

    Its input `chip` is (1, 3, 224, 224) float32, BGR less (103.939, 116.779, 123.68); its
    output `global_pooling` (1, 1024).

    Args:
        topology: faceres.json.
        weights: faceres.bin.

    Raises:
        MalformedModel: the bytes are no such graph.
    """
    graph = read_graph(topology, weights)
    if graph.input_shape[1:] != (SIZE, SIZE, 3):
        raise MalformedModel("The TensorFlow.js graph has another input.")
    builder = _Builder(graph)
    try:
        return builder.build()
    except (KeyError, IndexError, ValueError) as error:
        raise MalformedModel("The TensorFlow.js graph's shapes don't fit.") from error


@dataclass(frozen=True, slots=True, eq=False)
class _Convolution:
    """A convolution not yet written, since what follows may be folded into it."""

    value: str
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    strides: tuple[int, int]
    pads: tuple[int, int, int, int]
    group: int


@dataclass(frozen=True, slots=True)
class _Bounds:
    low: float
    high: float


class _Builder:
    def __init__(self, graph: TfjsGraph) -> None:
        self._source = graph
        self._graph = GraphBuilder()
        self._value = INPUT
        self._size = SIZE
        self._pending: _Convolution | None = None
        self._bounds: _Bounds | None = None

    def build(self) -> bytes:
        for node in self._path():
            self._translate(node)
        return self._graph.build(
            name="hse_facerec_mobilenet",
            input_name=INPUT,
            input_shape=(1, 3, SIZE, SIZE),
            output_name=OUTPUT,
            output_shape=(1, DIMENSIONS),
        )

    def _path(self) -> list[Node]:
        """The chain of operators from the input to the output, each fed by the one before."""
        path: list[Node] = []
        name = SOURCE_OUTPUT
        while name != self._source.input_name:
            node = self._source.nodes.get(name)
            if node is None or len(path) > _MAX_NODES or len(node.inputs) not in (1, 2):
                raise MalformedModel("The TensorFlow.js graph is not the chain it must be.")
            if any(n not in self._source.constants for n in node.inputs[1:]):
                raise MalformedModel("The TensorFlow.js graph is not the chain it must be.")
            path.append(node)
            name = node.inputs[0]
        return path[::-1]

    def _translate(self, node: Node) -> None:
        match node.operator:
            case "Conv2D" | "DepthwiseConv2dNative":
                self._write()
                self._convolve(node)
            case "Mul":
                factor, pending = self._per_channel(node)
                self._pending = replace(
                    pending,
                    weights=pending.weights * factor[:, None, None, None],
                    bias=pending.bias * factor,
                )
            case "Add":
                shift, pending = self._per_channel(node)
                self._pending = replace(pending, bias=pending.bias + shift)
            case "Relu":
                self._bound(low=0.0)
            case "Maximum":
                self._bound(low=self._number(node))
            case "Minimum":
                self._bound(high=self._number(node))
            case "Mean":
                self._mean(node)
            case _:
                raise MalformedModel("The TensorFlow.js graph has an unknown operator.")

    def _constant(self, node: Node) -> NDArray[np.float32]:
        return np.asarray(self._source.constants[node.inputs[1]], dtype=np.float32)

    def _number(self, node: Node) -> float:
        return float(self._constant(node).reshape(()))

    def _per_channel(self, node: Node) -> tuple[NDArray[np.float32], _Convolution]:
        if self._pending is None or self._bounds is not None:
            raise MalformedModel("The TensorFlow.js graph scales what is no convolution.")
        values = self._constant(node).reshape(-1)
        return np.broadcast_to(values, self._pending.bias.shape), self._pending

    def _bound(self, *, low: float = -np.inf, high: float = np.inf) -> None:
        before = self._bounds or _Bounds(-np.inf, np.inf)
        # max(min(x, high), low), one after the other, as the graph has them.
        self._bounds = _Bounds(max(min(before.low, high), low), max(min(before.high, high), low))

    def _convolve(self, node: Node) -> None:
        # (rows, columns, in, out), or (rows, columns, in, 1) in a depthwise one.
        kernel = self._constant(node)
        depthwise = node.operator == "DepthwiseConv2dNative"
        if depthwise and kernel.shape[3] != 1:
            raise MalformedModel("The TensorFlow.js graph has an operator of an unknown form.")
        weights = kernel.transpose((2, 3, 0, 1) if depthwise else (3, 2, 0, 1))
        filters = int(weights.shape[0])
        self._pending = _Convolution(
            value=self._value,
            weights=np.ascontiguousarray(weights),
            bias=np.zeros(filters, dtype=np.float32),
            strides=node.strides,
            pads=self._pads(node, int(kernel.shape[0]), int(kernel.shape[1])),
            group=filters if depthwise else 1,
        )

    def _pads(self, node: Node, rows: int, columns: int) -> tuple[int, int, int, int]:
        """TensorFlow's SAME: what is odd goes to the end. Pictures are square here."""
        if node.padding != "SAME" or rows != columns or node.strides[0] != node.strides[1]:
            raise MalformedModel("The TensorFlow.js graph has an operator of an unknown form.")
        result = -(-self._size // node.strides[0])
        total = max((result - 1) * node.strides[0] + rows - self._size, 0)
        self._size = result
        return (total // 2, total // 2, total - total // 2, total - total // 2)

    def _write(self) -> None:
        if self._pending is not None:
            c = self._pending
            self._value = self._graph.conv(
                c.value, c.weights, c.bias, stride=c.strides, pads=c.pads, group=c.group
            )
            self._pending = None
        if self._bounds is not None:
            limits = [
                self._graph.constant("limit", np.array(n, dtype=np.float32))
                for n in (self._bounds.low, self._bounds.high)
            ]
            self._value = self._graph.add("Clip", [self._value, *limits])
            self._bounds = None

    def _mean(self, node: Node) -> None:
        self._write()
        if sorted(int(n) for n in self._constant(node).reshape(-1)) != [1, 2]:
            raise MalformedModel("The TensorFlow.js graph has a mean over other axes.")
        pooled = self._graph.add("GlobalAveragePool", [self._value])
        self._value = self._graph.add("Flatten", [pooled], output=OUTPUT, axis=1)
