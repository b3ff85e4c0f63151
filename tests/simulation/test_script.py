from __future__ import annotations

import pytest

from tests.simulation.script import Prompt, mirrored, read_script, reordered

SCRIPT = [
    {"kind": "hold", "start": 0.0, "end": 1.0},
    {"kind": "turn", "direction": "left", "start": 1.0, "end": 2.6, "min_degrees": 18},
    {"kind": "blink", "start": 2.6, "end": 4.0, "count": 2},
    {"kind": "turn", "direction": "up", "start": 4.0, "end": 5.6},
]


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
    ],
)
def test_what_the_person_cannot_do_is_refused(item: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"person|prompt"):
        read_script([item])
