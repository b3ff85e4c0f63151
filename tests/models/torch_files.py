"""Files in torch's old serialisation, assembled here opcode by opcode."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.converters.torch_legacy import MAGIC, PROTOCOL

SYSTEM = {
    "protocol_version": PROTOCOL,
    "little_endian": True,
    "type_sizes": {"short": 2, "int": 4, "long": 4},
}


@dataclass(frozen=True)
class Named:
    module: str
    name: str


@dataclass(frozen=True)
class Call:
    function: object
    arguments: object


@dataclass(frozen=True)
class Persistent:
    identity: object


@dataclass(frozen=True)
class Built:
    target: object
    state: object


@dataclass(frozen=True)
class Raw:
    opcodes: bytes


ORDERED = Call(Named("collections", "OrderedDict"), ())
REBUILD = Named("torch._utils", "_rebuild_tensor_v2")
FLOATS = Named("torch", "FloatStorage")
INTEGERS = Named("torch", "LongStorage")


def emit(value: object) -> bytes:
    match value:
        case Raw(opcodes):
            return opcodes
        case Named(module, name):
            return b"c" + f"{module}\n{name}\n".encode()
        case Call(function, arguments):
            return emit(function) + emit(arguments) + b"R"
        case Persistent(identity):
            return emit(identity) + b"Q"
        case Built(target, state):
            return emit(target) + emit(state) + b"b"
        case None:
            return b"N"
        case bool():
            return b"\x88" if value else b"\x89"
        case int() if -(1 << 31) <= value < 1 << 31:
            return b"J" + struct.pack("<i", value)
        case int():
            raw = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
            return b"\x8a" + bytes([len(raw)]) + raw
        case str():
            return b"X" + struct.pack("<I", len(value.encode())) + value.encode()
        case tuple():
            return b"(" + b"".join(map(emit, value)) + b"t"
        case list():
            return b"](" + b"".join(map(emit, value)) + b"e"
        case dict():
            return b"}(" + b"".join(emit(k) + emit(v) for k, v in value.items()) + b"u"
    raise TypeError(type(value))


def pickled(value: object) -> bytes:
    return b"\x80\x02" + emit(value) + b"."


def tensor(
    key: str,
    shape: tuple[int, ...],
    *,
    kind: object = FLOATS,
    count: object = None,
    offset: object = 0,
    strides: tuple[int, ...] | None = None,
) -> Call:
    """What torch pickles for a tensor that is the whole of its storage, unless told otherwise."""
    row_major = tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))
    storage = Persistent(
        ("storage", kind, key, "cuda:0", math.prod(shape) if count is None else count, None)
    )
    view = (storage, offset, shape, row_major if strides is None else strides, False, ORDERED)
    return Call(REBUILD, view)


def stored(values: NDArray[np.float32] | NDArray[np.int64]) -> bytes:
    return struct.pack("<q", values.size) + values.tobytes()


def file_of(
    state: object,
    keys: object,
    storages: Sequence[bytes],
    *,
    magic: object = MAGIC,
    protocol: object = PROTOCOL,
    system: object = SYSTEM,
) -> bytes:
    parts = (magic, protocol, system, state, keys)
    return b"".join([*map(pickled, parts), *storages])


def torch_file(tensors: Mapping[str, NDArray[np.float32] | NDArray[np.int64]]) -> bytes:
    """Returns a state dict as torch wrote it, its modules' versions included."""
    items: dict[str, object] = {}
    for number, (name, values) in enumerate(tensors.items()):
        kind = FLOATS if values.dtype == np.float32 else INTEGERS
        items[name] = tensor(str(number), values.shape, kind=kind)
    filled = Raw(emit(ORDERED) + emit(items)[1:])
    versions = Raw(emit(ORDERED) + emit({"": {"version": 1}})[1:])
    keys = [str(number) for number in range(len(tensors))]
    state = Built(filled, {"_metadata": versions})
    return file_of(state, keys, [stored(values) for values in tensors.values()])


def random_minifasnet(
    seed: int, *, squeeze_excite: bool
) -> dict[str, NDArray[np.float32] | NDArray[np.int64]]:
    """Returns a state dict with a MiniFASNet's names, and fewer channels in its blocks."""
    rng = np.random.default_rng(seed)
    state: dict[str, NDArray[np.float32] | NDArray[np.int64]] = {}

    def weights(name: str, *shape: int) -> None:
        spread = (2 / math.prod(shape[1:])) ** 0.5
        state[f"module.{name}.weight"] = rng.normal(0, spread, shape).astype(np.float32)

    def norm(name: str, size: int) -> None:
        for part, low, high in (
            ("weight", 0.5, 1.5),
            ("bias", -0.3, 0.3),
            ("running_mean", -0.3, 0.3),
            ("running_var", 0.5, 1.5),
        ):
            state[f"module.{name}.{part}"] = rng.uniform(low, high, size).astype(np.float32)
        state[f"module.{name}.num_batches_tracked"] = np.array(7, dtype=np.int64)

    def layer(name: str, *shape: int, slope: bool = True) -> None:
        weights(f"{name}.conv", *shape)
        norm(f"{name}.bn", shape[0])
        if not slope:
            # Twelve sums would grow to thousands, and every soft-max would be 0 or 1.
            state[f"module.{name}.bn.weight"] *= np.float32(0.4)
        else:
            slopes = rng.uniform(0.1, 0.4, shape[0]).astype(np.float32)
            state[f"module.{name}.prelu.weight"] = slopes

    def block(name: str, channels: int, inner: int, filters: int) -> None:
        layer(f"{name}.conv", inner, channels, 1, 1)
        layer(f"{name}.conv_dw", inner, 1, 3, 3)
        layer(f"{name}.project", filters, inner, 1, 1, slope=False)

    layer("conv1", 32, 3, 3, 3)
    # The input goes to 255; without this every gate behind it would be shut or wide open.
    state["module.conv1.bn.running_var"] *= np.float32(3e4)
    layer("conv2_dw", 32, 1, 3, 3)
    channels = 32
    for strided, wide, group, blocks in (
        ("conv_23", 64, "conv_3", 4),
        ("conv_34", 128, "conv_4", 6),
        ("conv_45", 128, "conv_5", 2),
    ):
        block(strided, channels, 11, wide)
        channels = wide
        for number in range(blocks):
            name = f"{group}.model.{number}"
            block(name, channels, 5 + number, channels)
            if squeeze_excite and number == blocks - 1:
                for part, shape in ((1, (8, channels, 1, 1)), (2, (channels, 8, 1, 1))):
                    weights(f"{name}.se_module.fc{part}", *shape)
                    norm(f"{name}.se_module.bn{part}", shape[0])
    layer("conv_6_sep", 512, channels, 1, 1)
    layer("conv_6_dw", 512, 1, 5, 5, slope=False)
    weights("linear", 128, 512)
    norm("bn", 128)
    weights("prob", 3, 128)
    return state
