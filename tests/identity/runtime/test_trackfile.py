"""A track as bytes: bit for bit, and nothing else is read."""

from __future__ import annotations

import struct
import zlib
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.canonical import canonical_bytes, strict_json
from identity.runtime import trackfile
from identity.runtime.trackfile import TrackBroken, dump_track, load_track
from identity.types import (
    Changes,
    Colours,
    DetectionPass,
    Jump,
    PadScore,
    Sample,
    Trace,
    Track,
)


def full_track(frames: int = 7, seed: int = 1) -> Track:
    """Every field filled, with the numbers that are easily lost."""
    rng = np.random.default_rng(seed)
    meshes = rng.normal(size=(frames, 468, 3)).astype(np.float32)
    meshes[1] = np.nan
    meshes[2, 0] = (-0.0, np.inf, np.float32(1e-45))
    vector = rng.normal(size=8).astype(np.float32)
    return Track(
        times=np.arange(frames, dtype=np.float64) / 29.97,
        meshes=meshes,
        present=rng.random(frames) > 0.2,
        passes=(DetectionPass(0.1, 2, 101.3), DetectionPass(-0.0, 0, float("nan"))),
        jumps=(Jump(0.2, "place", 1e-320),),
        samples=(Sample(0.1, (vector, vector[:3]), 1.0, 2.0, 3.0, 0.1 + 0.2, -7.5, 1.0),),
        width=1280,
        height=720,
        scale=0.5,
        changes=Changes(
            rng.random(frames).astype(np.float32),
            rng.random(frames).astype(np.float32),
            rng.normal(size=(frames, 32)).astype(np.float32),
        ),
        colours=Colours(
            np.asfortranarray(rng.random((frames, 3, 3)).astype(np.float32)),
            rng.random((frames, 3)).astype(np.float32),
        ),
        traces=(Trace(0.1, 1.0, 2.0, 3.0),),
        pad=(PadScore(0.1, 0.97),),
    )


def bits(value: Any) -> Any:
    """All of a value that could be told apart, in a form that compares."""
    if is_dataclass(value) and not isinstance(value, type):
        return [type(value).__name__, *(bits(getattr(value, f.name)) for f in fields(value))]
    if isinstance(value, tuple):
        return [bits(one) for one in value]
    if isinstance(value, np.ndarray):
        order = "F" if value.flags.f_contiguous and not value.flags.c_contiguous else "C"
        return [value.dtype.str, value.shape, order, value.tobytes()]
    if isinstance(value, np.generic):
        return [value.dtype.str, value.tobytes()]
    if isinstance(value, float):
        return struct.pack("<d", value)
    return [type(value).__name__, value]


def rewritten(data: bytes, change: Any) -> bytes:
    """The file with its header changed by `change`, everything else as it must be."""
    plain = zlib.decompress(data)
    (size,) = struct.unpack_from(">I", plain)
    header = strict_json(plain[4 : 4 + size])
    header = change(header) or header
    text = canonical_bytes(header)
    return zlib.compress(struct.pack(">I", len(text)) + text + plain[4 + size :])


@pytest.mark.parametrize("frames", [0, 3, 7])
def test_a_track_comes_back_bit_for_bit(frames: int) -> None:
    track = full_track(max(frames, 3))
    if not frames:
        track = replace(track, times=track.times[:0], meshes=track.meshes[:0], samples=())
    found = load_track(dump_track(track))
    assert bits(found) == bits(track)
    assert dump_track(found) == dump_track(track)


def test_what_was_not_measured_stays_unmeasured() -> None:
    track = replace(full_track(), changes=None, colours=None, traces=(), pad=())
    found = load_track(dump_track(track))
    assert (found.changes, found.colours, found.traces, found.pad) == (None, None, (), ())


@given(st.floats(allow_nan=True, allow_infinity=True), st.integers(0, 2**31))
def test_every_float_and_integer_comes_back(number: float, count: int) -> None:
    track = replace(full_track(3), scale=number, width=count)
    assert bits(load_track(dump_track(track))) == bits(track)


def test_a_float_of_numpys_stays_one() -> None:
    track = replace(full_track(3), scale=np.float32(0.1))  # type: ignore[arg-type]
    found = load_track(dump_track(track))
    assert isinstance(found.scale, np.float32)
    assert bits(found) == bits(track)


def test_what_is_read_may_be_written_to_and_owns_its_bytes() -> None:
    found = load_track(dump_track(full_track()))
    assert found.meshes.flags.owndata or found.meshes.base is None or found.meshes.flags.writeable
    assert found.meshes.flags.aligned


@pytest.mark.parametrize(
    "changes",
    [
        {"scale": "0.5"},
        {"width": True},
        {"samples": []},
        {"times": np.zeros(7, np.float32)},
        {"times": [0.0]},
        {"passes": (Jump(0.1, "place", 1.0),)},
        {"width": 2**60},
    ],
)
def test_what_is_no_track_is_not_written(changes: dict[str, Any]) -> None:
    with pytest.raises(TrackBroken):
        dump_track(replace(full_track(), **changes))


@pytest.mark.parametrize("data", [b"", b"x" * 100, zlib.compress(b""), zlib.compress(b"\xff" * 9)])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(TrackBroken):
        load_track(data)


def test_a_cut_or_lengthened_file_is_refused() -> None:
    data = dump_track(full_track(3))
    for broken in (data[:-1], data[: len(data) // 2], data + b"x", data + data):
        with pytest.raises(TrackBroken):
            load_track(broken)


def test_a_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trackfile, "MAX_BYTES", 10_000)
    with pytest.raises(TrackBroken):
        load_track(zlib.compress(bytes(1_000_000)))


def _set(*path: Any) -> Any:
    *names, last, value = path

    def change(header: Any) -> None:
        holder = header
        for name in names:
            holder = holder[name]
        holder[last] = value

    return change


def _drop(*path: Any) -> Any:
    *names, last = path

    def change(header: Any) -> None:
        holder = header
        for name in names:
            holder = holder[name]
        del holder[last]

    return change


@pytest.mark.parametrize(
    "change",
    [
        _set("format", 2),
        _set("format", True),
        _set("extra", 1),
        _set("track", None),
        _set("track", "extra", 1),
        _drop("track", "times"),
        _drop("track", "scale"),
        _set("track", "times", 1),
        _set("track", "times", -1),
        _set("track", "times", True),
        _set("track", "times", 99),
        _set("track", "times", None),
        _set("track", "scale", "float 00"),
        _set("track", "scale", "float zz"),
        _set("track", "scale", "float 0000000000000040 "),
        _set("track", "scale", "<i4 00000000"),
        _set("track", "scale", "O 00"),
        _set("track", "scale", None),
        _set("track", "width", "1"),
        _set("track", "width", 1.5),
        _set("track", "passes", {}),
        _set("track", "passes", 0, "others", False),
        _set("arrays", {}),
        _set("arrays", 0, None),
        _set("arrays", 0, "dtype", "<f4"),
        _set("arrays", 0, "dtype", ">f8"),
        _set("arrays", 0, "dtype", "|O"),
        _set("arrays", 0, "dtype", 8),
        _set("arrays", 0, "order", "K"),
        _set("arrays", 0, "shape", [6]),
        _set("arrays", 0, "shape", [8]),
        _set("arrays", 0, "shape", [-7]),
        _set("arrays", 0, "shape", [2**31]),
        _set("arrays", 0, "shape", "7"),
        _set("arrays", 0, "extra", 1),
        lambda header: [header],
    ],
)
def test_a_header_that_says_something_else_is_refused(change: Any) -> None:
    with pytest.raises(TrackBroken):
        load_track(rewritten(dump_track(full_track()), change))


def test_a_file_of_before_a_field_was_added_is_read_with_its_default() -> None:
    track = replace(full_track(), pad=())
    found = load_track(rewritten(dump_track(track), _drop("track", "pad")))
    assert bits(found) == bits(track)


@given(st.binary(max_size=300))
def test_no_bytes_give_an_unhandled_error(data: bytes) -> None:
    for broken in (data, zlib.compress(data)):
        with pytest.raises(TrackBroken):
            load_track(broken)
