from __future__ import annotations

import pytest

from identity import prompts
from tests.simulation.script import (
    COLOUR_SECONDS,
    NEUTRAL,
    PALETTE,
    RAMP_SECONDS,
    Prompt,
    mirrored,
    read_script,
    recoloured,
    reordered,
)

SCRIPT = [
    {"kind": "hold", "start": 0.0, "end": 1.0},
    {"kind": "turn", "direction": "left", "start": 1.0, "end": 2.6, "min_degrees": 18},
    {"kind": "blink", "start": 2.6, "end": 4.0, "count": 2},
    {"kind": "turn", "direction": "up", "start": 4.0, "end": 5.6},
]
COLOURS = ["red", "cyan", "red"]
LIGHT = {"kind": "light", "start": 5.6, "end": 8.0, "colours": COLOURS}


def test_a_script_is_read_with_the_defaults_of_the_prompts() -> None:
    assert read_script(SCRIPT) == (
        Prompt("hold", 0.0, 1.0),
        Prompt("turn", 1.0, 2.6, direction="left", degrees=18.0),
        Prompt("blink", 2.6, 4.0, count=2),
        Prompt("turn", 4.0, 5.6, direction="up", degrees=10.0),
    )


def test_a_mirrored_script_turns_to_the_other_side_and_changes_nothing_else() -> None:
    directions = [item.get("direction") for item in mirrored(SCRIPT)]
    assert directions == [None, "right", None, "down"]
    assert mirrored(mirrored(SCRIPT)) == SCRIPT


def test_a_reordered_script_keeps_windows_and_holds() -> None:
    wrong = reordered(SCRIPT)
    assert [item["kind"] for item in wrong] == ["hold", "turn", "blink", "turn"]
    assert [item.get("direction") for item in wrong] == [None, "up", None, "left"]
    assert [(item["start"], item["end"]) for item in wrong] == [
        (item["start"], item["end"]) for item in SCRIPT
    ]


@pytest.mark.parametrize(
    "item",
    [
        {"kind": "whistle", "start": 0.0, "end": 1.0},
        {"kind": "turn", "direction": "north", "start": 0.0, "end": 1.0},
        {"kind": "hold", "start": 1.0, "end": 1.0},
        {"kind": "light", "start": 0.0, "end": 1.6},
        {**LIGHT, "colours": []},
        {**LIGHT, "colours": "red"},
        {**LIGHT, "colours": ["red", "mauve", "red"]},
        {**LIGHT, "colours": ["red", "red", "cyan"]},
        {**LIGHT, "end": 7.9},
    ],
)
def test_what_the_person_cannot_do_is_refused(item: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"person|prompt"):
        read_script([item])


def test_the_screens_colours_and_times_are_those_of_the_service() -> None:
    assert dict(prompts.PALETTE) == dict(PALETTE)
    assert prompts.NEUTRAL == NEUTRAL
    assert (prompts.COLOUR_SECONDS, prompts.RAMP_SECONDS) == (COLOUR_SECONDS, RAMP_SECONDS)


def test_a_script_with_light_is_read_and_written_as_the_service_does() -> None:
    script = prompts.Script.from_json([*SCRIPT, LIGHT])
    assert read_script(script.to_json())[-1] == Prompt(
        "light", 5.6, 8.0, colours=("red", "cyan", "red")
    )


def test_light_stays_in_its_window_when_a_script_is_reordered_or_mirrored() -> None:
    for wrong in (reordered([*SCRIPT, LIGHT]), mirrored([*SCRIPT, LIGHT])):
        assert wrong[-1] == LIGHT
        read_script(wrong)


@pytest.mark.parametrize("seed", range(20))
def test_other_colours_are_other_ones_in_every_slot_and_a_script_still(seed: int) -> None:
    wrong = recoloured([*SCRIPT, LIGHT], seed)
    assert wrong[:-1] == SCRIPT
    assert all(a != b for a, b in zip(wrong[-1]["colours"], COLOURS, strict=True))
    prompts.Script.from_json(wrong)
