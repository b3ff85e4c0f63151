from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.liveness.events import find_events, find_neutral, prominent_peaks
from identity.prompts import Direction, Kind, Prompt, Script
from tests.identity.liveness.build import OPEN_EYES, a_motion, bump, total

HOLD = Script((Prompt(Kind.HOLD, 0.0, 1.0),))


def test_turns_are_found_with_their_peaks_times_and_degrees() -> None:
    motion = a_motion(6, yaw=total([bump(1.5, 20), bump(4, -14)]), pitch=bump(2.8, 12))
    turns = find_events(motion).turns
    (left,), (right,), (up,) = (
        turns[side] for side in (Direction.LEFT, Direction.RIGHT, Direction.UP)
    )
    assert (left.time_s, left.size) == pytest.approx((1.5, 20), abs=0.3)
    assert (right.time_s, right.size) == pytest.approx((4, 14), abs=0.3)
    assert (up.time_s, up.size) == pytest.approx((2.8, 12), abs=0.3)
    assert turns[Direction.DOWN] == ()


def test_a_turn_held_to_the_end_of_the_clip_is_found() -> None:
    motion = a_motion(4, yaw=lambda t: -20.0 * min(1.0, max(0.0, t - 2.5)))
    (right,) = find_events(motion).turns[Direction.RIGHT]
    assert right.size == pytest.approx(20, abs=0.5)


def test_a_movement_too_short_to_be_sampled_is_none() -> None:
    """Two frames of somebody else's turned head or open mouth, put in among one's own."""

    def spliced(value: float) -> Callable[[float], float]:
        return lambda t: value if 1.99 < t < 2.05 else 0.0

    found = find_events(a_motion(4, yaw=spliced(25.0), mouth=spliced(0.6)))
    assert all(not turns for turns in found.turns.values())
    assert found.mouths == ()


def test_trembling_is_no_turn() -> None:
    chance = np.random.default_rng(1)
    motion = a_motion(6, yaw=lambda t: float(chance.normal(0, 0.8)))
    assert all(not found for found in find_events(motion).turns.values())


def test_turns_count_from_the_neutral_of_the_hold() -> None:
    """Somebody whose camera stands aside, and who turns for most of the clip."""
    motion = a_motion(6, yaw=lambda t: 12.0 if t < 1.5 else 30.0)
    assert find_neutral(motion, HOLD).yaw == pytest.approx(12)
    assert find_neutral(motion).yaw == pytest.approx(30)
    assert find_events(motion, HOLD).turns[Direction.LEFT][0].size == pytest.approx(18)


def test_a_hold_without_frames_falls_back_to_the_clip() -> None:
    motion = a_motion(3)
    late = Script((Prompt(Kind.HOLD, 20.0, 21.0),))
    assert find_neutral(motion, late).spread is None


@pytest.mark.parametrize("depth", [0.08, 0.15, 0.22])
def test_blinks_are_found_shallow_and_deep(depth: float) -> None:
    motion = a_motion(5, eyes=total([bump(1.2, -depth, 0.06), bump(3.4, -depth, 0.06)], OPEN_EYES))
    assert [b.time_s for b in find_events(motion).blinks] == pytest.approx([1.2, 3.4], abs=0.04)


def test_two_quick_blinks_are_two() -> None:
    motion = a_motion(3, eyes=total([bump(1.0, -0.2, 0.06), bump(1.35, -0.2, 0.06)], OPEN_EYES))
    assert len(find_events(motion).blinks) == 2


def test_a_slow_look_down_that_closes_the_lids_a_little_is_no_blink() -> None:
    motion = a_motion(6, eyes=total([bump(3.0, -0.06, 1.2)], OPEN_EYES))
    assert find_events(motion).blinks == ()


def test_noise_on_the_lids_of_a_still_picture_is_no_blink() -> None:
    chance = np.random.default_rng(2)
    motion = a_motion(10, eyes=lambda t: OPEN_EYES * (1 + float(chance.normal(0, 0.02))))
    assert find_events(motion).blinks == ()


def test_an_open_mouth_is_found_and_a_speaking_one_is_not() -> None:
    motion = a_motion(6, mouth=total([bump(1.5, 0.2, 0.2), bump(4, 0.6)], 0.02))
    (opening,) = find_events(motion).mouths
    assert opening.time_s == pytest.approx(4, abs=0.05)


@given(st.lists(st.floats(-50, 50), min_size=0, max_size=60))
def test_peaks_are_in_the_series_and_stand_out(values: list[float]) -> None:
    series = np.array(values)
    for index, height in prominent_peaks(series, 2.5):
        assert 2.5 <= height <= series.max() - series.min()
        around = series[max(0, index - 1) : index + 2]
        assert series[index] == around.max()


@given(st.lists(st.floats(0, 100), min_size=1, max_size=40))
def test_the_highest_point_is_a_peak_if_anything_is(values: list[float]) -> None:
    series = np.array(values)
    peaks = prominent_peaks(series, 1e-6)
    if series.max() - series.min() > 1e-6:
        assert max(series[i] for i, _ in peaks) == series.max()
    else:
        assert peaks == ()
