"""Reads a state dict in the serialisation that PyTorch wrote before version 1.6.

Such a file is a run of five pickles (a magic number, the protocol, the writer's integer
sizes, the dict, the storages' keys), then each storage as an int64 count and its raw
little-endian values (torch/serialization.py, `_legacy_save`). A pickle is a program. This
reader runs it on a machine of its own that knows the two dozen opcodes such a file needs,
imports nothing, and takes the names OrderedDict, _rebuild_tensor_v2, FloatStorage and
LongStorage for the three things they stand for; any other opcode or name is refused.
"""

from __future__ import annotations

import io
import math
import pickletools
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.errors import MalformedModel

MAGIC: Final = 0x1950A86A20F9469CFC6C
PROTOCOL: Final = 1001
_MAX_FILE: Final = 64 << 20
_MAX_OPCODES: Final = 200_000
_MAX_ELEMENTS: Final = 1 << 24
_MAX_AXES: Final = 8
_COUNT: Final = struct.Struct("<q")

_ORDERED_DICT: Final = "collections OrderedDict"
_REBUILD: Final = "torch._utils _rebuild_tensor_v2"
_STORAGES: Final[Mapping[str, str]] = {"torch FloatStorage": "<f4", "torch LongStorage": "<i8"}
_NAMES: Final = frozenset({_ORDERED_DICT, _REBUILD, *_STORAGES})
_LITERALS: Final = frozenset({"BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE"})
_CONSTANTS: Final[Mapping[str, object]] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}

Tensor = NDArray[np.float32] | NDArray[np.int64]


def read_state_dict(content: bytes) -> dict[str, Tensor]:
    """Returns the tensors by name, in the file's order: float32 and int64.

    Args:
        content: the .pth file.

    Raises:
        MalformedModel: the bytes are no such file, or hold what a state dict has no need of.
    """
    if len(content) > _MAX_FILE:
        raise MalformedModel("The torch file is too long.")
    stream = io.BytesIO(content)
    try:
        if not _is(_run(stream), MAGIC) or not _is(_run(stream), PROTOCOL):
            raise MalformedModel("The file is not of torch's old serialisation.")
        system = _run(stream)
        if not isinstance(system, dict) or system.get("little_endian") is not True:
            raise MalformedModel("The torch file is not little-endian.")
        state, keys = _run(stream), _run(stream)
        if not isinstance(state, dict) or not isinstance(keys, list):
            raise MalformedModel("The torch file holds no state dict.")
        return _tensors(state, _storages(stream, state, keys))
    # What pickletools and the machine's stack and memo raise on malformed programs.
    except (ValueError, LookupError, TypeError, OverflowError) as error:
        raise MalformedModel("The torch file can't be read.") from error


@dataclass(frozen=True, slots=True)
class _Name:
    text: str


@dataclass(frozen=True, slots=True)
class _Storage:
    kind: str
    key: str
    count: int


@dataclass(frozen=True, slots=True)
class _View:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]


@dataclass(slots=True)
class _Machine:
    """The state of one pickle's program; every method is an opcode or a group of them."""

    stack: list[object] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    memo: dict[int, object] = field(default_factory=dict)

    def step(self, opcode: str, argument: object) -> None:
        match opcode:
            case "PROTO":
                pass
            case "MARK":
                self.marks.append(len(self.stack))
            case "NONE" | "NEWTRUE" | "NEWFALSE":
                self.stack.append(_CONSTANTS[opcode])
            case "EMPTY_TUPLE":
                self.stack.append(())
            case "EMPTY_DICT":
                self.stack.append({})
            case "EMPTY_LIST":
                self.stack.append([])
            case "TUPLE":
                self.stack.append(tuple(self.since_mark()))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                self.stack.append(tuple(self.pop(int(opcode[-1]))))
            case "BINPUT" | "LONG_BINPUT" if isinstance(argument, int):
                self.memo[argument] = self.stack[-1]
            case "BINGET" | "LONG_BINGET" if isinstance(argument, int):
                self.stack.append(self.memo[argument])
            case "SETITEM":
                self.set_items(self.pop(2))
            case "SETITEMS":
                self.set_items(self.since_mark())
            case "APPENDS":
                self.append(self.since_mark())
            case "GLOBAL":
                self.stack.append(_known(argument))
            case "BINPERSID":
                self.stack.append(_storage(*self.pop(1)))
            case "REDUCE":
                self.stack.append(_reduce(*self.pop(2)))
            case "BUILD":
                self.build(*self.pop(2))
            case _ if opcode in _LITERALS:
                self.stack.append(argument)
            case _:
                raise MalformedModel(f"The torch file uses the pickle opcode {opcode}.")

    def pop(self, count: int) -> list[object]:
        floor = self.marks[-1] if self.marks else 0
        if len(self.stack) - floor < count:
            raise MalformedModel("The torch file's pickle takes more than there is.")
        taken = self.stack[-count:]
        del self.stack[-count:]
        return taken

    def since_mark(self) -> list[object]:
        floor = self.marks.pop()
        taken = self.stack[floor:]
        del self.stack[floor:]
        return taken

    def set_items(self, items: Sequence[object]) -> None:
        target = self.stack[-1]
        if not isinstance(target, dict) or len(items) % 2:
            raise MalformedModel("The torch file's pickle fills what is no dict.")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, str):
                raise MalformedModel("The torch file has a dict whose keys are no texts.")
            target[key] = value

    def append(self, items: Sequence[object]) -> None:
        target = self.stack[-1]
        if not isinstance(target, list):
            raise MalformedModel("The torch file's pickle fills what is no list.")
        target.extend(items)

    def build(self, target: object, state: object) -> None:
        # A state dict carries its modules' versions as an attribute; nothing here needs it.
        if not isinstance(target, dict) or not isinstance(state, dict):
            raise MalformedModel("The torch file's pickle sets what has no attributes.")
        self.stack.append(target)


def _run(stream: io.BytesIO) -> object:
    """Runs one pickle; leaves the stream behind it."""
    machine = _Machine()
    for count, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
        if count > _MAX_OPCODES:
            raise MalformedModel("The torch file's pickle is too long.")
        if opcode.name == "STOP":
            break
        machine.step(opcode.name, argument)
    if len(machine.stack) != 1 or machine.marks:
        raise MalformedModel("The torch file's pickle leaves more or less than one value.")
    return machine.stack[0]


def _is(value: object, expected: int) -> bool:
    return type(value) is int and value == expected


def _known(name: object) -> _Name:
    if not isinstance(name, str) or name not in _NAMES:
        raise MalformedModel("The torch file's pickle names what a state dict has no need of.")
    return _Name(name)


def _natural(value: object) -> int:
    if type(value) is not int or not 0 <= value <= _MAX_ELEMENTS:
        raise MalformedModel("The torch file holds a size out of range.")
    return value


def _naturals(values: object) -> tuple[int, ...]:
    if not isinstance(values, tuple) or len(values) > _MAX_AXES:
        raise MalformedModel("The torch file holds a tensor of impossible shape.")
    return tuple(_natural(value) for value in values)


def _storage(identity: object) -> _Storage:
    match identity:
        case ("storage", _Name(text=kind), str() as key, str(), count, None) if kind in _STORAGES:
            return _Storage(kind, key, _natural(count))
    raise MalformedModel("The torch file holds a storage of an unknown form.")


def _reduce(function: object, arguments: object) -> object:
    match function, arguments:
        case _Name(text="collections OrderedDict"), ():
            return {}
        case (
            _Name(text="torch._utils _rebuild_tensor_v2"),
            (_Storage() as storage, offset, shape, strides, bool(), dict() as hooks),
        ) if not hooks:
            view = _View(storage, _natural(offset), _naturals(shape))
            if _naturals(strides) != _row_major(view.shape):
                raise MalformedModel("The torch file holds a tensor that doesn't lie in a row.")
            if view.offset + math.prod(view.shape) > storage.count:
                raise MalformedModel("The torch file holds a tensor beyond its storage.")
            return view
    raise MalformedModel("The torch file's pickle calls what a state dict has no need of.")


def _row_major(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


def _storages(
    stream: io.BytesIO, state: Mapping[str, object], keys: Sequence[object]
) -> dict[_Storage, Tensor]:
    """The values of each storage, which lie in the order of their keys."""
    wanted = {view.storage.key: view.storage for view in state.values() if isinstance(view, _View)}
    if len(set(keys)) != len(keys) or set(keys) != set(wanted):
        raise MalformedModel("The torch file's storages are not those of its tensors.")
    storages: dict[_Storage, Tensor] = {}
    for storage in (wanted[str(key)] for key in keys):
        kind = np.dtype(_STORAGES[storage.kind])
        raw_count = stream.read(_COUNT.size)
        raw = stream.read(storage.count * kind.itemsize)
        if raw_count != _COUNT.pack(storage.count) or len(raw) != storage.count * kind.itemsize:
            raise MalformedModel("The torch file's storage has another length than it says.")
        storages[storage] = _native(np.frombuffer(raw, dtype=kind))
    if stream.read(1):
        raise MalformedModel("The torch file has bytes left over.")
    return storages


def _tensors(state: Mapping[str, object], storages: Mapping[_Storage, Tensor]) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    elements = 0
    for name, view in state.items():
        # A key that two storages of different kinds or lengths claim has but one of them.
        if not isinstance(view, _View) or view.storage not in storages:
            raise MalformedModel("The torch file's state dict holds what is no tensor.")
        count = math.prod(view.shape)
        elements += count
        if elements > _MAX_ELEMENTS:
            raise MalformedModel("The torch file holds too many values.")
        values = storages[view.storage][view.offset : view.offset + count]
        if not np.isfinite(values).all():
            raise MalformedModel("The torch file holds weights that are not finite.")
        tensors[name] = values.reshape(view.shape)
    return tensors


def _native(values: NDArray[Any]) -> Tensor:
    return values.astype(np.float32) if values.dtype.kind == "f" else values.astype(np.int64)
