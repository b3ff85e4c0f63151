"""Reads the layers of a network that dlib saved. Nothing in such a file is executed.

dlib's own serialisation: an integer is a control byte (its low four bits count the bytes
that follow, 0x80 means negative) and little-endian bytes; a tensor is the version 2, four
integers (samples, channels, rows, columns), then little-endian float32; a layer starts with
its name, a string behind its length. Layers stand in the order they are computed. The
format is described by dlib's serialize.h, dnn/tensor.h and dnn/layers.h.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.errors import MalformedModel

_NEGATIVE: Final = 0x80
_COUNT_MASK: Final = 0x0F
_MAX_INTEGER_BYTES: Final = 8
_TENSOR_VERSION: Final = 2
_ALIAS_VERSION: Final = 1
_MAX_TENSOR: Final = 1 << 24
# Between two layers with weights stand only flags, empty tensors and layers without: a few
# hundred bytes. A search that went further would be reading weights.
_MAX_GAP: Final = 1024


@dataclass(frozen=True, slots=True, eq=False)
class Convolution:
    """A convolution with the affine layer behind it folded in.

    Attributes:
        weights: (filters, channels, rows, columns), float32.
        bias: (filters,), float32.
        stride: rows, columns.
        padding: rows, columns; the same at both ends.
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    stride: tuple[int, int]
    padding: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """What the file holds.

    Attributes:
        convolutions: in the order they are computed.
        matrix: (inputs, outputs) of the last layer, which has no bias; float32.
    """

    convolutions: tuple[Convolution, ...]
    matrix: NDArray[np.float32]


class _Reader:
    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def _take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._content):
            raise MalformedModel("The dlib file ends in the middle of a value.")
        taken = self._content[self._at : end]
        self._at = end
        return taken

    def integer(self) -> int:
        control = self._take(1)[0]
        count = control & _COUNT_MASK
        if control & ~(_NEGATIVE | _COUNT_MASK) or not 1 <= count <= _MAX_INTEGER_BYTES:
            raise MalformedModel("The dlib file holds a malformed integer.")
        value = int.from_bytes(self._take(count), "little")
        return -value if control & _NEGATIVE else value

    def natural(self) -> int:
        value = self.integer()
        if not 0 <= value <= _MAX_TENSOR:
            raise MalformedModel("The dlib file holds a size out of range.")
        return value

    def expect(self, value: int, what: str) -> None:
        found = self.integer()
        if found != value:
            raise MalformedModel(f"The dlib file has {what} {found}, not {value}.")

    def shape(self) -> tuple[int, int, int, int]:
        return (self.natural(), self.natural(), self.natural(), self.natural())

    def alias_shape(self) -> tuple[int, int, int, int]:
        self.expect(_ALIAS_VERSION, "alias tensor version")
        return self.shape()

    def tensor(self) -> NDArray[np.float32]:
        self.expect(_TENSOR_VERSION, "tensor version")
        shape = self.shape()
        count = math.prod(shape)
        if not 0 < count <= _MAX_TENSOR:
            raise MalformedModel("The dlib file holds a tensor of impossible size.")
        values = np.frombuffer(self._take(4 * count), dtype="<f4").astype(np.float32)
        if not np.isfinite(values).all():
            raise MalformedModel("The dlib file holds weights that are not finite.")
        return values

    def layer(self, name: bytes) -> None:
        """Goes to behind the next layer's name, which must be near."""
        mark = bytes([1, len(name)]) + name
        found = self._content.find(mark, self._at, self._at + _MAX_GAP)
        if found < 0:
            raise MalformedModel(f"The dlib file has no layer {name.decode()} where one must be.")
        self._at = found + len(mark)


def read_network(content: bytes, *, convolutions: int) -> Network:
    """Returns the weights of a network of convolutions, each with an affine layer, and a matrix.

    Args:
        content: the .dat file.
        convolutions: how many there are.

    Raises:
        MalformedModel: the bytes are no such network.
    """
    reader = _Reader(content)
    layers = tuple(_read_convolution(reader) for _ in range(convolutions))
    reader.layer(b"fc_2")
    outputs, inputs = reader.natural(), reader.natural()
    matrix = reader.tensor()
    if matrix.size != inputs * outputs:
        raise MalformedModel("The dlib file's matrix has another size than it says.")
    return Network(convolutions=layers, matrix=matrix.reshape(inputs, outputs))


def _read_convolution(reader: _Reader) -> Convolution:
    reader.layer(b"con_4")
    values = reader.tensor()
    filters, rows, columns = reader.natural(), reader.natural(), reader.natural()
    stride = (reader.natural(), reader.natural())
    padding = (reader.natural(), reader.natural())
    shape = reader.alias_shape()
    bias_shape = reader.alias_shape()
    consistent = (
        shape[0] == filters
        and shape[2:] == (rows, columns)
        and bias_shape == (1, filters, 1, 1)
        and values.size == math.prod(shape) + filters
        and min(stride) > 0
    )
    if not consistent:
        raise MalformedModel("The dlib file's convolution has another shape than it says.")
    split = math.prod(shape)
    reader.layer(b"affine_")
    affine = reader.tensor()
    if affine.size != 2 * filters:
        raise MalformedModel("The dlib file's affine layer doesn't fit its convolution.")
    gamma, beta = affine[:filters], affine[filters:]
    return Convolution(
        weights=values[:split].reshape(shape) * gamma[:, None, None, None],
        bias=values[split:] * gamma + beta,
        stride=stride,
        padding=padding,
    )
