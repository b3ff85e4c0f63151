"""A track as bytes and back, bit for bit, so that a decision can be replayed.

The opened layout is the length of the header (4 bytes, big-endian), the header as RFC 8785 JSON,
and the arrays one after the other, little-endian. The whole is compressed with zlib. Which fields
there are follows from the dataclasses of `identity.types`: a field that is added comes along, and
a file that lacks one that has a default is read with that default.
"""

from __future__ import annotations

import math
import struct
import types
import zlib
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

import numpy as np

from common.canonical import canonical_bytes, strict_json
from common.errors import CameoError, MalformedInput
from identity.types import Track

FORMAT: Final = 1
MAX_BYTES: Final = 128 * 1024 * 1024
"""Opened; 900 frames of a clip take about 10 MB."""
MAX_HEADER: Final = 4 * 1024 * 1024
_LEVEL: Final = 1
_LENGTH: Final = struct.Struct(">I")
_DOUBLE: Final = struct.Struct("<d")
_KINDS: Final = "biuf"


class TrackBroken(CameoError):
    """The bytes are no track, or not one that this version can read whole."""

    code = "track_broken"
    message = "The stored track can't be read."


def dump_track(track: Track) -> bytes:
    """The track as bytes.

    Raises:
        TrackBroken: if it holds what a track can't.
    """
    arrays: list[np.ndarray[Any, Any]] = []
    tree = _encode(track, Track, arrays)
    described = [
        {"dtype": array.dtype.str, "order": _order(array), "shape": list(array.shape)}
        for array in arrays
    ]
    try:
        header = canonical_bytes({"arrays": described, "format": FORMAT, "track": tree})
    except MalformedInput as error:
        raise TrackBroken from error
    packer = zlib.compressobj(_LEVEL)
    pieces = [packer.compress(_LENGTH.pack(len(header)) + header)]
    pieces += [packer.compress(array.tobytes(_order(array))) for array in arrays]
    return b"".join([*pieces, packer.flush()])


def load_track(data: bytes) -> Track:
    """The track that `dump_track` wrote.

    Raises:
        TrackBroken: for any other bytes.
    """
    plain = _open(data)
    if len(plain) < _LENGTH.size:
        raise TrackBroken
    (size,) = _LENGTH.unpack_from(plain)
    end = _LENGTH.size + size
    if size > MAX_HEADER or end > len(plain):
        raise TrackBroken
    header = _header(plain[_LENGTH.size : end])
    arrays = _arrays(header["arrays"], memoryview(plain)[end:])
    unused = set(range(len(arrays)))
    track = _decode(header["track"], Track, arrays, unused)
    if unused or not isinstance(track, Track):
        raise TrackBroken
    return track


def _open(data: bytes) -> bytes:
    opener = zlib.decompressobj()
    try:
        plain = opener.decompress(data, MAX_BYTES)
    except zlib.error as error:
        raise TrackBroken from error
    if not opener.eof or opener.unused_data or opener.unconsumed_tail:
        raise TrackBroken
    return plain


def _header(data: bytes) -> dict[str, Any]:
    try:
        header = strict_json(data)
        canonical = canonical_bytes(header)
    except MalformedInput as error:
        raise TrackBroken from error
    if canonical != data or not isinstance(header, dict):
        raise TrackBroken
    if set(header) != {"arrays", "format", "track"} or repr(header["format"]) != repr(FORMAT):
        raise TrackBroken
    return header


def _order(array: np.ndarray[Any, Any]) -> Any:
    """How it lies in memory: the order in which numpy adds things up depends on it."""
    return "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"


def _arrays(described: object, data: memoryview) -> list[np.ndarray[Any, Any]]:
    if not isinstance(described, list):
        raise TrackBroken
    found, place = [], 0
    for entry in described:
        dtype, order, shape = _described(entry)
        size = math.prod(shape) * dtype.itemsize
        if size > len(data) - place:
            raise TrackBroken
        flat = np.frombuffer(data[place : place + size], dtype=dtype)
        # A copy: numbers at an odd address could be added up in another order.
        found.append(flat.reshape(shape, order=order).copy(order=order))
        place += size
    if place != len(data):
        raise TrackBroken
    return found


def _described(entry: object) -> tuple[np.dtype[Any], Any, tuple[int, ...]]:
    if not isinstance(entry, dict) or set(entry) != {"dtype", "order", "shape"}:
        raise TrackBroken
    dtype, shape = _dtype(entry["dtype"]), entry["shape"]
    if entry["order"] not in ("C", "F") or not isinstance(shape, list) or len(shape) > 8:
        raise TrackBroken
    if not all(isinstance(n, int) and not isinstance(n, bool) and 0 <= n < 2**31 for n in shape):
        raise TrackBroken
    return dtype, entry["order"], tuple(shape)


def _dtype(text: object) -> np.dtype[Any]:
    if not isinstance(text, str) or len(text) > 4:
        raise TrackBroken
    try:
        dtype = np.dtype(text)
    except TypeError as error:
        raise TrackBroken from error
    if dtype.kind not in _KINDS or dtype.str != text or text.startswith(">"):
        raise TrackBroken
    return dtype


def _encode(value: Any, hint: Any, arrays: list[np.ndarray[Any, Any]]) -> Any:
    """A JSON value for `value`; its arrays go to `arrays`, and stand in it by number."""
    if is_dataclass(hint) and isinstance(hint, type):
        if type(value) is not hint:
            raise TrackBroken
        hints = _hints(hint)
        return {
            field.name: _encode(getattr(value, field.name), hints[field.name], arrays)
            for field in fields(hint)
        }
    if get_origin(hint) in (Union, types.UnionType):
        return None if value is None else _encode(value, _present(hint), arrays)
    if get_origin(hint) is tuple:
        if not isinstance(value, tuple):
            raise TrackBroken
        return [
            _encode(one, kind, arrays)
            for one, kind in zip(value, _members(hint, len(value)), strict=True)
        ]
    if get_origin(hint) is np.ndarray:
        if not isinstance(value, np.ndarray) or value.dtype != _dtype_of(hint):
            raise TrackBroken
        little = value.astype(value.dtype.newbyteorder("<"), copy=False)
        arrays.append(little)
        return len(arrays) - 1
    return _scalar(value, hint)


def _scalar(value: Any, hint: Any) -> Any:
    if hint is float and isinstance(value, np.floating):
        # numpy's own floats compute in another precision than Python's, so they stay what they are.
        return f"{value.dtype.newbyteorder('<').str} {value.tobytes().hex()}"
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return f"float {_DOUBLE.pack(value).hex()}" if isinstance(value, float) else value
    if hint is int and isinstance(value, int | np.integer) and not isinstance(value, bool):
        return int(value)
    if hint is bool and isinstance(value, bool | np.bool_):
        return bool(value)
    if hint is str and isinstance(value, str):
        return str(value)
    raise TrackBroken


def _decode(value: Any, hint: Any, arrays: list[np.ndarray[Any, Any]], unused: set[int]) -> Any:
    if is_dataclass(hint) and isinstance(hint, type):
        return _decode_object(value, hint, arrays, unused)
    if get_origin(hint) in (Union, types.UnionType):
        return None if value is None else _decode(value, _present(hint), arrays, unused)
    if get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise TrackBroken
        return tuple(
            _decode(one, kind, arrays, unused)
            for one, kind in zip(value, _members(hint, len(value)), strict=True)
        )
    if get_origin(hint) is np.ndarray:
        if isinstance(value, bool) or not isinstance(value, int) or value not in unused:
            raise TrackBroken
        unused.remove(value)
        if arrays[value].dtype != _dtype_of(hint):
            raise TrackBroken
        return arrays[value]
    return _read_scalar(value, hint)


def _decode_object(
    value: Any, hint: type[Any], arrays: list[np.ndarray[Any, Any]], unused: set[int]
) -> Any:
    known = {field.name: field for field in fields(hint)}
    if not isinstance(value, dict) or not set(value) <= set(known):
        raise TrackBroken
    if any(_is_required(field) for name, field in known.items() if name not in value):
        raise TrackBroken
    hints = _hints(hint)
    # In the order of the fields, in which they were written.
    return hint(
        **{
            name: _decode(value[name], hints[name], arrays, unused)
            for name in known
            if name in value
        }
    )


def _read_scalar(value: Any, hint: Any) -> Any:
    if hint is float and isinstance(value, str):
        kind, _, text = value.partition(" ")
        try:
            data = bytes.fromhex(text)
        except ValueError as error:
            raise TrackBroken from error
        if data.hex() != text:
            raise TrackBroken
        if kind == "float" and len(data) == _DOUBLE.size:
            return _DOUBLE.unpack(data)[0]
        dtype = _dtype(kind)
        if dtype.kind != "f" or len(data) != dtype.itemsize:
            raise TrackBroken
        return np.frombuffer(data, dtype=dtype)[0]
    if hint in (int, float) and isinstance(value, int) and not isinstance(value, bool):
        return value
    if hint is bool and isinstance(value, bool):
        return value
    if hint is str and isinstance(value, str):
        return value
    raise TrackBroken


def _hints(kind: type[Any]) -> dict[str, Any]:
    return get_type_hints(kind)


def _present(hint: Any) -> Any:
    """What an optional field holds where it holds anything."""
    (found,) = (one for one in get_args(hint) if one is not type(None))
    return found


def _members(hint: Any, count: int) -> tuple[Any, ...]:
    """The kind of each member of a tuple."""
    kinds = get_args(hint)
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return (kinds[0],) * count
    if len(kinds) != count:
        raise TrackBroken
    return kinds


def _dtype_of(hint: Any) -> np.dtype[Any]:
    (scalar,) = get_args(get_args(hint)[1])
    found: np.dtype[Any] = np.dtype(scalar)
    return found


def _is_required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING
