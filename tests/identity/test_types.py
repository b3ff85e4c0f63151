from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.prompts import MAX_PROMPTS, Direction, Kind, Prompt, Script, ScriptInvalid

TURN = {"kind": "turn", "direction": "left", "start": 4.6, "end": 6.6}


def refused(body: object) -> dict[str, str]:
    with pytest.raises(ScriptInvalid) as caught:
        Script.from_json(body)
    assert caught.value.code == "script_invalid"
    return {field.pointer: field.code for field in caught.value.fields}


def test_a_turn_has_fifteen_degrees_of_yaw_or_ten_of_pitch_by_default() -> None:
    script = Script.from_json([TURN, {**TURN, "direction": "up"}])
    assert [prompt.min_degrees for prompt in script.prompts] == [15.0, 10.0]


def test_a_script_goes_to_json_and_back() -> None:
    body = [
        {"kind": "hold", "start": 0.0, "end": 1.0},
        {"kind": "blink", "start": 1.0, "end": 2.0, "count": 2},
        {"kind": "turn", "start": 2.0, "end": 4.0, "direction": "down", "min_degrees": 12.5},
        {"kind": "open_mouth", "start": 4.0, "end": 5.0},
    ]
    script = Script.from_json(body)
    assert script.to_json() == body
    assert Script.from_json(json.loads(json.dumps(script.to_json()))) == script
    assert script.seconds == 5.0


def test_prompts_are_sorted_by_their_start() -> None:
    script = Script.from_json([TURN, {"kind": "hold", "start": 0, "end": 1}])
    assert script.prompts[0] == Prompt(Kind.HOLD, 0.0, 1.0)
    assert script.prompts[1].direction is Direction.LEFT


@pytest.mark.parametrize("body", [None, {}, "hold", 3, True])
def test_what_is_not_a_list_is_refused(body: object) -> None:
    assert refused(body) == {"": "not_a_list"}


def test_an_empty_and_an_endless_list_are_refused() -> None:
    assert refused([]) == {"": "out_of_range"}
    assert refused([TURN] * (MAX_PROMPTS + 1)) == {"": "out_of_range"}


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"kind": "dance"}, "/0/kind", "unknown_kind"),
        ({"kind": ["turn"]}, "/0/kind", "unknown_kind"),
        ({"colour": "red"}, "/0/colour", "unknown_key"),
        ({"a/b~": 1}, "/0/a~1b~0", "unknown_key"),
        ({"count": 1}, "/0/count", "unknown_key"),
        ({"start": "4.6"}, "/0/start", "not_a_number"),
        ({"start": True}, "/0/start", "not_a_number"),
        ({"end": float("nan")}, "/0/end", "not_a_number"),
        ({"end": float("inf")}, "/0/end", "not_a_number"),
        ({"start": -0.1}, "/0/start", "out_of_range"),
        ({"end": 4.6}, "/0/end", "not_after_start"),
        ({"end": 1e9}, "/0/end", "out_of_range"),
        ({"direction": "forward"}, "/0/direction", "unknown_direction"),
        ({"direction": None}, "/0/direction", "unknown_direction"),
        ({"min_degrees": 0}, "/0/min_degrees", "out_of_range"),
        ({"min_degrees": 90}, "/0/min_degrees", "out_of_range"),
    ],
)
def test_each_mistake_is_pointed_at(change: dict[str, Any], pointer: str, code: str) -> None:
    assert refused([{**TURN, **change}]) == {pointer: code}


@pytest.mark.parametrize("count", [0, 6, 1.0, "2", None, False])
def test_a_blink_is_counted_in_small_whole_numbers(count: object) -> None:
    prompt = {"kind": "blink", "start": 0, "end": 1, "count": count}
    assert refused([prompt]) == {"/0/count": "out_of_range"}


def test_all_mistakes_are_told_at_once() -> None:
    found = refused([5, {"kind": "hold"}, TURN])
    assert found == {"/0": "not_an_object", "/1/start": "not_a_number", "/1/end": "not_a_number"}


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(
            st.sampled_from(["kind", "start", "end", "direction", "count", "x"]), children
        )
    ),
    max_leaves=10,
)


@given(st.lists(anything, max_size=4) | anything)
def test_no_body_gives_another_error(body: object) -> None:
    with suppress(ScriptInvalid):
        Script.from_json(body)
