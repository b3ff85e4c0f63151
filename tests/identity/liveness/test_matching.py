from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest

from identity.capture.script import Without, generate_script
from identity.liveness.events import find_events
from identity.liveness.geometry import Motion
from identity.liveness.matching import measure_prompts
from identity.prompts import Script
from identity.types import MeasuredPrompt
from tests.identity.liveness.build import (
    OPEN_EYES,
    a_motion,
    answering,
    bump,
    motion_answering,
    total,
)

MIRROR = {"left": "right", "right": "left", "up": "down", "down": "up"}


def measured(script: Script, motion: Motion) -> tuple[MeasuredPrompt, ...]:
    return measure_prompts(script, find_events(motion, script))


def turns(*prompts: tuple[str, float, float]) -> Script:
    return Script.from_json(
        [{"kind": "turn", "direction": d, "start": s, "end": e} for d, s, e in prompts]
    )


def a_script(seed: int) -> Script:
    return generate_script(bytes([seed]) * 32, Without.LIGHT)


@pytest.mark.parametrize("seed", range(12))
def test_somebody_who_follows_the_script_is_found_to(seed: int) -> None:
    script = a_script(seed)
    for answer in measured(script, motion_answering(script)):
        assert answer.found
        assert answer.why == "ok"


@pytest.mark.parametrize("late", [-0.5, 0.5, 0.9])
def test_somebody_early_or_late_within_the_tolerance_is_found_to(late: float) -> None:
    script = a_script(3)
    curves = answering(script)
    moved: dict[str, Any] = {
        name: (lambda t, c=curve: c(t - late)) for name, curve in curves.items()
    }
    assert all(m.found for m in measured(script, a_motion(script.seconds + 2, **moved)))


def test_the_peak_of_a_turn_is_told_with_time_and_degrees() -> None:
    (answer,) = measured(turns(("left", 1, 3)), a_motion(5, yaw=bump(2.2, 19)))
    assert answer.times == pytest.approx((2.2,), abs=0.05)
    assert answer.measured == pytest.approx(19, abs=0.3)


@pytest.mark.parametrize("seed", range(8))
def test_a_mirrored_script_is_not_answered(seed: int) -> None:
    script = a_script(seed)
    body = script.to_json()
    for prompt in body:
        if prompt["kind"] == "turn":
            prompt["direction"] = MIRROR[prompt["direction"]]
    answers = measured(Script.from_json(body), motion_answering(script))
    wrong = [a for a in answers if a.prompt.direction is not None]
    assert all(a.why == "wrong_direction" for a in wrong)


def test_turns_in_another_order_are_not_answered() -> None:
    motion = a_motion(12, yaw=total([bump(2, 20), bump(8, -20)]), pitch=bump(5, 20))
    windows = [(1.0, 3.0), (4.0, 6.0), (7.0, 9.0)]
    for order in permutations(("left", "up", "right")):
        script = turns(*((side, *window) for side, window in zip(order, windows, strict=True)))
        passed = all(answer.found for answer in measured(script, motion))
        assert passed == (order == ("left", "up", "right"))


def test_order_is_kept_where_windows_overlap() -> None:
    motion = a_motion(6, yaw=total([bump(2.0, 20, 0.2), bump(2.6, -20, 0.2)]))
    assert all(m.found for m in measured(turns(("left", 1, 3), ("right", 1.6, 3.6)), motion))
    swapped = measured(turns(("right", 1, 3), ("left", 1.6, 3.6)), motion)
    assert not all(m.found for m in swapped)


def test_one_turn_does_not_answer_two_prompts() -> None:
    answers = measured(turns(("left", 1, 3), ("left", 1.2, 3.2)), a_motion(5, yaw=bump(2, 20)))
    assert [a.found for a in answers].count(True) == 1


@pytest.mark.parametrize(
    ("height", "why"), [(4.5, "not_done"), (11.0, "too_small"), (-20.0, "wrong_direction")]
)
def test_a_turn_that_is_missing_says_what_was_wrong(height: float, why: str) -> None:
    (answer,) = measured(turns(("left", 1, 3)), a_motion(5, yaw=bump(2, height)))
    assert not answer.found
    assert answer.why == why


def test_a_turn_beside_a_larger_one_the_other_way_is_wrong() -> None:
    motion = a_motion(6, yaw=total([bump(1.6, 16, 0.3), bump(2.6, -35, 0.3)]))
    (answer,) = measured(turns(("left", 1, 3.2)), motion)
    assert answer.why == "wrong_direction"


def test_a_turn_outside_its_window_is_not_found() -> None:
    (answer,) = measured(turns(("left", 1, 3)), a_motion(8, yaw=bump(5, 20)))
    assert not answer.found


def test_an_extra_blink_is_nobodys_fault() -> None:
    script = a_script(4)
    curves = answering(script)
    curves["eyes"] = total([curves["eyes"], *(bump(t, -0.15, 0.06) for t in (0.5, 4.1, 9.3))])
    assert all(m.found for m in measured(script, a_motion(script.seconds + 0.5, **curves)))


@pytest.mark.parametrize(("done", "found"), [(0, False), (1, False), (2, True), (3, True)])
def test_two_blinks_asked_for_are_two_blinks_at_least(done: int, found: bool) -> None:
    script = Script.from_json([{"kind": "blink", "start": 1, "end": 3, "count": 2}])
    blinks = [bump(1.2 + 0.5 * k, -0.2, 0.06) for k in range(done)]
    (answer,) = measured(script, a_motion(5, eyes=total(blinks, OPEN_EYES)))
    assert answer.found == found


def test_a_hold_during_which_the_head_moves_is_not_still() -> None:
    script = Script.from_json([{"kind": "hold", "start": 0, "end": 1}])
    (still,) = measured(script, a_motion(3, yaw=lambda t: 0.5 * t))
    (moving,) = measured(script, a_motion(3, yaw=lambda t: 20 * t))
    assert still.found
    assert moving.why == "not_still"


def test_a_still_picture_answers_nothing() -> None:
    script = a_script(5)
    answers = measured(script, a_motion(script.seconds + 0.5))
    assert [a.why for a in answers if a.prompt.kind != "hold"] == ["not_done"] * 6


@pytest.mark.slow
def test_another_sessions_clip_passes_at_most_once_in_a_thousand() -> None:
    """4,000 pairs of a clip and another session's script, drawn at random."""
    chance = np.random.default_rng(7)
    motions = [
        motion_answering(generate_script(chance.bytes(32), Without.LIGHT)) for _ in range(40)
    ]
    passed = 0
    for motion in motions:
        for _ in range(100):
            passed += all(
                m.found for m in measured(generate_script(chance.bytes(32), Without.LIGHT), motion)
            )
    assert passed <= 4
