"""dlib's face recognition ResNet (29 convolutions, 128 numbers) as ONNX.

The layout is that of dlib's dnn_face_recognition_ex: a stem, then residual blocks in five
groups. dlib adds tensors of different shapes by filling the smaller with zeros at the end of
each axis; with an input of 150 × 150 all shapes are known, so the zeros become Pad nodes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from models.converters.dlib_dat import Convolution, Network, read_network
from models.converters.onnx_graph import GraphBuilder
from models.errors import MalformedModel

INPUT: Final = "chip"
OUTPUT: Final = "descriptor"
SIZE: Final = 150
DIMENSIONS: Final = 128
CONVOLUTIONS: Final = 29
# Filters of a group, whether its first block goes down to half the size, blocks.
_GROUPS: Final = ((32, False, 3), (64, True, 4), (128, True, 3), (256, True, 3), (256, True, 1))

_Shape = tuple[int, int, int]


def convert(content: bytes) -> bytes:
    """Returns the ONNX model of the network in `content`.

    Its input `chip` is (1, 3, 150, 150) float32, RGB less (122.782, 117.001, 104.298), over
    256; its output `descriptor` (1, 128), dlib's face descriptor before any scaling.

    Args:
        content: dlib_face_recognition_resnet_model_v1.dat.

    Raises:
        MalformedModel: the bytes are no such network.
    """
    network = read_network(content, convolutions=CONVOLUTIONS)
    return _Builder(network).build()


class _Builder:
    def __init__(self, network: Network) -> None:
        self._graph = GraphBuilder()
        self._layers: Iterator[Convolution] = iter(network.convolutions)
        self._matrix = network.matrix

    def build(self) -> bytes:
        value, shape = self._conv(INPUT, (3, SIZE, SIZE), 32)
        value = self._graph.add("Relu", [value])
        value = self._graph.add("MaxPool", [value], kernel_shape=[3, 3], strides=[2, 2])
        shape = (shape[0], (shape[1] - 3) // 2 + 1, (shape[2] - 3) // 2 + 1)
        for filters, down, blocks in _GROUPS:
            for block in range(blocks):
                value, shape = self._block(value, shape, filters, down=down and block == 0)
        if self._matrix.shape != (shape[0], DIMENSIONS):
            raise MalformedModel("The dlib file's last layer is not that of this network.")
        value = self._graph.add("GlobalAveragePool", [value])
        value = self._graph.add("Flatten", [value], axis=1)
        matrix = self._graph.constant("matrix", self._matrix)
        self._graph.add("MatMul", [value, matrix], output=OUTPUT)
        return self._graph.build(
            name="dlib_face_recognition_resnet_v1",
            input_name=INPUT,
            input_shape=(1, 3, SIZE, SIZE),
            output_name=OUTPUT,
            output_shape=(1, DIMENSIONS),
        )

    def _conv(self, value: str, shape: _Shape, filters: int) -> tuple[str, _Shape]:
        layer = next(self._layers)
        rows, columns = layer.weights.shape[2:]
        if layer.weights.shape[:2] != (filters, shape[0]):
            raise MalformedModel("The dlib file's layers are not those of this network.")
        pad_y, pad_x = layer.padding
        height = (shape[1] + 2 * pad_y - rows) // layer.stride[0] + 1
        width = (shape[2] + 2 * pad_x - columns) // layer.stride[1] + 1
        if min(height, width) < 1:
            raise MalformedModel("The dlib file's layers leave nothing of the picture.")
        result = self._graph.conv(
            value,
            layer.weights,
            layer.bias,
            stride=layer.stride,
            pads=(pad_y, pad_x, pad_y, pad_x),
        )
        return result, (filters, height, width)

    def _block(self, value: str, shape: _Shape, filters: int, *, down: bool) -> tuple[str, _Shape]:
        inner, inner_shape = self._conv(value, shape, filters)
        inner = self._graph.add("Relu", [inner])
        inner, inner_shape = self._conv(inner, inner_shape, filters)
        if down:
            value = self._graph.add("AveragePool", [value], kernel_shape=[2, 2], strides=[2, 2])
            shape = (shape[0], shape[1] // 2, shape[2] // 2)
        both = (
            max(shape[0], inner_shape[0]),
            max(shape[1], inner_shape[1]),
            max(shape[2], inner_shape[2]),
        )
        total = self._graph.add(
            "Add", [self._padded(inner, inner_shape, both), self._padded(value, shape, both)]
        )
        return self._graph.add("Relu", [total]), both

    def _padded(self, value: str, shape: _Shape, target: _Shape) -> str:
        if shape == target:
            return value
        ends = [0, *(t - s for s, t in zip(shape, target, strict=True))]
        pads = self._graph.constant("pads", np.array([0, 0, 0, 0, *ends], dtype=np.int64))
        return self._graph.add("Pad", [value, pads])
