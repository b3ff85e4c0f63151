"""Reads a TensorFlow.js graph model: the operators and their constants. Nothing is executed.

The format is that of the TensorFlow.js converter: a JSON file with the graph's nodes and a
manifest of weights, which lie one behind the other in a binary file, float32 weights here as
little-endian float16.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.errors import MalformedModel

_MAX_JSON: Final = 16 << 20
_SIZES: Final = {"float32": 4, "float16": 2, "int32": 4}


@dataclass(frozen=True, slots=True)
class Node:
    """One operator.

    Attributes:
        name: unique; other nodes name it as their input.
        operator: TensorFlow's name.
        inputs: names of nodes, in the operator's order.
        strides: (rows, columns) of a convolution, else (1, 1).
        padding: SAME, VALID, or empty where the operator has none.
    """

    name: str
    operator: str
    inputs: tuple[str, ...]
    strides: tuple[int, int]
    padding: str


@dataclass(frozen=True, slots=True, eq=False)
class TfjsGraph:
    """What the two files hold.

    Attributes:
        nodes: by name, constants left out.
        constants: by name; float32, or int32 for indices.
        input_shape: of the one placeholder, (batch, rows, columns, channels), -1 for any.
        input_name: of the one placeholder.
    """

    nodes: Mapping[str, Node]
    constants: Mapping[str, NDArray[np.float32] | NDArray[np.int32]]
    input_shape: tuple[int, ...]
    input_name: str


def read_graph(topology: bytes, weights: bytes) -> TfjsGraph:
    """Returns the graph.

    Args:
        topology: the .json file.
        weights: the .bin file.

    Raises:
        MalformedModel: the bytes are no such graph.
    """
    if len(topology) > _MAX_JSON:
        raise MalformedModel("The TensorFlow.js topology is too long.")
    try:
        document = json.loads(topology)
        constants = _constants(document["weightsManifest"], weights)
        nodes = document["modelTopology"]["node"]
        placeholders = [n for n in nodes if n["op"] == "Placeholder"]
        if len(placeholders) != 1:
            raise MalformedModel("The TensorFlow.js graph doesn't have one input.")
        shape = placeholders[0]["attr"]["shape"]["shape"]["dim"]
        return TfjsGraph(
            nodes={n["name"]: _node(n) for n in nodes if n["op"] not in ("Const", "Placeholder")},
            constants=constants,
            input_shape=tuple(int(d["size"]) for d in shape),
            input_name=str(placeholders[0]["name"]),
        )
    except (
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
        RecursionError,
        binascii.Error,
    ) as error:
        raise MalformedModel("The TensorFlow.js graph can't be read.") from error


def _node(raw: Mapping[str, Any]) -> Node:
    attributes = raw.get("attr", {})
    strides = [int(n) for n in _integers(attributes.get("strides"))] or [1, 1, 1, 1]
    dilations = [int(n) for n in _integers(attributes.get("dilations"))] or [1, 1, 1, 1]
    layout = _text(attributes.get("data_format"))
    if layout not in ("", "NHWC") or dilations != [1, 1, 1, 1] or len(strides) != 4:
        raise MalformedModel("The TensorFlow.js graph has an operator of an unknown form.")
    if strides[0] != 1 or strides[3] != 1:
        raise MalformedModel("The TensorFlow.js graph has an operator of an unknown form.")
    return Node(
        name=str(raw["name"]),
        operator=str(raw["op"]),
        inputs=tuple(str(name) for name in raw.get("input", [])),
        strides=(strides[1], strides[2]),
        padding=_text(attributes.get("padding")),
    )


def _integers(attribute: Mapping[str, Any] | None) -> Sequence[str]:
    return [] if attribute is None else list(attribute["list"].get("i", []))


def _text(attribute: Mapping[str, Any] | None) -> str:
    if attribute is None:
        return ""
    return base64.b64decode(attribute["s"], validate=True).decode("ascii")


def _constants(
    manifest: Sequence[Mapping[str, Any]], weights: bytes
) -> dict[str, NDArray[np.float32] | NDArray[np.int32]]:
    constants: dict[str, NDArray[np.float32] | NDArray[np.int32]] = {}
    at = 0
    for entry in (entry for group in manifest for entry in group["weights"]):
        shape = tuple(int(n) for n in entry["shape"])
        stored = entry.get("quantization", {}).get("dtype", entry["dtype"])
        if (
            stored not in _SIZES
            or entry["dtype"] not in ("float32", "int32")
            or min(shape, default=1) < 1
        ):
            raise MalformedModel("The TensorFlow.js weights are of an unknown form.")
        end = at + math.prod(shape) * _SIZES[stored]
        if end > len(weights):
            raise MalformedModel("The TensorFlow.js weights end in the middle of a tensor.")
        kind = np.dtype(stored).newbyteorder("<")
        raw = np.frombuffer(weights[at:end], dtype=kind).reshape(shape)
        if entry["dtype"] == "int32":
            constants[str(entry["name"])] = raw.astype(np.int32)
        else:
            values = raw.astype(np.float32)
            if not np.isfinite(values).all():
                raise MalformedModel("The TensorFlow.js weights are not finite.")
            constants[str(entry["name"])] = values
        at = end
    if at != len(weights):
        raise MalformedModel("The TensorFlow.js weights have bytes left over.")
    return constants
