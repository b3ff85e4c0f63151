from __future__ import annotations

import os
import pickle
import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.converters.torch_legacy import read_state_dict
from models.errors import MalformedModel
from tests.models.torch_files import (
    FLOATS,
    ORDERED,
    REBUILD,
    Built,
    Call,
    Named,
    Persistent,
    Raw,
    file_of,
    pickled,
    stored,
    tensor,
    torch_file,
)

FOUR = np.arange(4, dtype=np.float32)
WHOLE = torch_file({"module.a": FOUR, "module.b": np.array(3, dtype=np.int64)})


def one_tensor(view: object, values: NDArray[np.float32] = FOUR) -> bytes:
    return file_of({"a": view}, ["0"], [stored(values)])


def test_a_state_dict_comes_out_as_it_went_in() -> None:
    rng = np.random.default_rng(3)
    tensors: dict[str, NDArray[np.float32] | NDArray[np.int64]] = {
        "module.matrix": rng.normal(size=(3, 2, 1, 5)).astype(np.float32),
        "module.count": np.array(1 << 40, dtype=np.int64),
        "module.slopes": rng.normal(size=7).astype(np.float32),
    }

    found = read_state_dict(torch_file(tensors))

    assert list(found) == list(tensors)
    for name, values in tensors.items():
        assert found[name].dtype == values.dtype
        assert found[name].shape == values.shape
        assert np.array_equal(found[name], values)


def test_tensors_may_share_a_storage() -> None:
    shared = {
        "a": tensor("0", (2,), count=4),
        "b": tensor("0", (2, 1), count=4, offset=2),
    }

    found = read_state_dict(file_of(shared, ["0"], [stored(FOUR)]))

    assert found["a"].tolist() == [0, 1]
    assert found["b"].tolist() == [[2], [3]]


class Mallory:
    """Pickles as a call of os.system."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch mallory-was-here",)


@pytest.mark.parametrize(
    "place", ["magic", "protocol", "system", "state", "keys", "tensor", "value"]
)
def test_a_pickle_that_runs_a_command_is_refused_and_runs_nothing(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    program = pickle.dumps(Mallory(), protocol=2)
    call = Raw(program[2:-1])
    match place:
        case "tensor":
            content = one_tensor(Call(REBUILD, (call, 0, (4,), (1,), False, ORDERED)))
        case "value":
            content = one_tensor(call)
        case "state" | "keys":
            state = call if place == "state" else {"a": tensor("0", (4,))}
            content = file_of(state, call if place == "keys" else ["0"], [stored(FOUR)])
        case _:
            parts: dict[str, object] = {place: call}
            content = file_of({}, [], [], **parts)

    with pytest.raises(MalformedModel):
        read_state_dict(content)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name",
    [
        Named("os", "system"),
        Named("builtins", "eval"),
        Named("__builtin__", "getattr"),
        Named("torch", "load"),
        Named("torch._utils", "_rebuild_tensor"),
        Named("torch", "DoubleStorage"),
        Named("torch.storage", "FloatStorage"),
        Named("collections", "OrderedDict.__init__"),
        Named("collections", "defaultdict"),
    ],
    ids=lambda name: name.name,
)
def test_a_name_that_a_state_dict_has_no_need_of_is_refused(name: Named) -> None:
    for value in (name, Call(name, ()), Call(name, ("true",))):
        with pytest.raises(MalformedModel):
            read_state_dict(one_tensor(value))


@pytest.mark.parametrize(
    "view",
    [
        Call(Named("collections", "OrderedDict"), ([("a", 1)],)),
        Call(REBUILD, ()),
        Call(FLOATS, ()),
        Call(ORDERED, ()),
        Call("text", ()),
        Built(REBUILD, {"__code__": 1}),
        Built(Named("collections", "OrderedDict"), {"clear": None}),
        Built(ORDERED, (None, {"keys": 1})),
        Persistent("0"),
        Persistent(("storage", FLOATS, "0", "cpu", 4)),
        Persistent(("module", FLOATS, "0", "cpu", 4, None)),
        Persistent(("storage", REBUILD, "0", "cpu", 4, None)),
        Persistent(("storage", FLOATS, 0, "cpu", 4, None)),
        Persistent(("storage", FLOATS, "0", "cpu", 4, ("view", 0, 4))),
        tensor("0", (4,), count=True),
        tensor("0", (4,), count=-1),
        tensor("0", (4,), count=1 << 40),
        tensor("0", (5,), count=4),
        tensor("0", (4,), offset=1),
        tensor("0", (4,), offset=-1),
        tensor("0", (4,), offset=True),
        tensor("0", (-4,), count=4),
        tensor("0", (2, 2), strides=(1, 2)),
        tensor("0", (4,), strides=(0,)),
        tensor("0", (1,) * 9, count=4),
        tensor("0", (1 << 20, 1 << 20), count=4),
        FLOATS,
        7,
        "text",
    ],
)
def test_what_is_no_tensor_of_its_storage_is_refused(view: object) -> None:
    with pytest.raises(MalformedModel):
        read_state_dict(one_tensor(view))


@pytest.mark.parametrize(
    "program",
    [
        b"\x8c\x02ab",  # SHORT_BINUNICODE
        b"cos\nsystem\n(X\x04\x00\x00\x00truetR",
        b"(X\x04\x00\x00\x00trueios\nsystem\n",  # INST
        b"}\x93",  # STACK_GLOBAL
        b"\x81",  # NEWOBJ
        b"\x82\x01",  # EXT1
        b"Pname\n",  # PERSID
        b"I1\n",
        b"2",  # DUP of nothing
        b"0",
        b"t",  # no mark
        b"R",
        b"h\x09",  # a memo that isn't there
        b"q\x00",  # memo of nothing
        b"r\xff\xff\xff\x7f",
        b"(((",
        b"}(Nu",
        b"}(NNu",
        b"](N(e",
        b"NN",
        b"}(NtR",
        b"\x8a\x04ab",
        b"\xff",
    ],
)
def test_a_program_that_no_state_dict_needs_is_refused(program: bytes) -> None:
    for content in (
        file_of(Raw(program), ["0"], [stored(FOUR)]),
        file_of({"a": Raw(program)}, ["0"], [stored(FOUR)]),
    ):
        with pytest.raises(MalformedModel):
            read_state_dict(content)


@pytest.mark.parametrize(
    "content",
    [
        file_of({"a": tensor("0", (4,))}, ["0"], [stored(FOUR)], magic=1),
        file_of({"a": tensor("0", (4,))}, ["0"], [stored(FOUR)], protocol=1002),
        file_of({"a": tensor("0", (4,))}, ["0"], [stored(FOUR)], system={"little_endian": False}),
        file_of({"a": tensor("0", (4,))}, ["0"], [stored(FOUR)], system=[]),
        file_of([tensor("0", (4,))], ["0"], [stored(FOUR)]),
        file_of({"a": tensor("0", (4,))}, {"0": 1}, [stored(FOUR)]),
        file_of({"a": tensor("0", (4,))}, [], [stored(FOUR)]),
        file_of({"a": tensor("0", (4,))}, ["0", "0"], [stored(FOUR)] * 2),
        file_of({"a": tensor("0", (4,))}, ["0", "1"], [stored(FOUR)] * 2),
        file_of({"a": tensor("0", (4,))}, [["0"]], [stored(FOUR)]),
        file_of({"a": tensor("0", (4,))}, ["0"], [stored(FOUR[:3])]),
        file_of({"a": tensor("0", (4,))}, ["0"], [stored(FOUR)[:-1]]),
        file_of({"a": tensor("0", (4,))}, ["0"], [stored(FOUR), b"more"]),
        file_of({"a": tensor("0", (4,))}, ["0"], [struct.pack("<q", -1)]),
        file_of({"a": tensor("0", (4,))}, ["0"], [stored(np.full(4, np.nan, dtype=np.float32))]),
        file_of({"a": tensor("0", (4,)), "b": tensor("0", (2,), count=2)}, ["0"], [stored(FOUR)]),
        file_of(
            {"a": tensor("0", (4,)), "b": tensor("0", (2,), count=2)}, ["0"], [stored(FOUR[:2])]
        ),
        file_of({1: tensor("0", (4,))}, ["0"], [stored(FOUR)]),
        b"",
        b"PK\x03\x04",
        pickled({"a": 1}),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(content: bytes) -> None:
    with pytest.raises(MalformedModel):
        read_state_dict(content)


def test_many_views_of_one_storage_can_not_fill_the_memory() -> None:
    size = 1 << 16
    views = {str(number): tensor("0", (size,)) for number in range(300)}

    with pytest.raises(MalformedModel, match="too many values"):
        read_state_dict(file_of(views, ["0"], [stored(np.zeros(size, dtype=np.float32))]))


def test_a_file_that_is_too_long_is_refused_before_it_is_read() -> None:
    with pytest.raises(MalformedModel, match="too long"):
        read_state_dict(bytes((64 << 20) + 1))


def test_a_program_that_never_seems_to_end_is_refused() -> None:
    with pytest.raises(MalformedModel, match="too long"):
        read_state_dict(b"\x80\x02" + b"N" * 300_000 + b".")


@settings(max_examples=300, deadline=None)
@given(
    at=st.integers(0, len(WHOLE) - 1), value=st.integers(0, 255), length=st.integers(0, len(WHOLE))
)
def test_damage_gives_a_state_dict_or_a_typed_error(at: int, value: int, length: int) -> None:
    damaged = bytearray(WHOLE)
    damaged[at] = value
    for content in (bytes(damaged), bytes(damaged[:length])):
        with suppress(MalformedModel):
            read_state_dict(content)


def test_every_truncation_is_refused() -> None:
    for length in range(len(WHOLE)):
        with pytest.raises(MalformedModel):
            read_state_dict(WHOLE[:length])
