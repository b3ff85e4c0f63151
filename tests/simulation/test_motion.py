from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from tests.simulation.motion import REACTION_S, Moment, Reach, Sway, moment_at
from tests.simulation.script import Prompt

LINEAR = ((0.0, 0.0), (40.0, 30.0))
REACH = Reach(dict.fromkeys(("left", "right", "up", "down"), LINEAR))


def play(prompt: Prompt, *, seed: int = 0, fps: int = 60) -> list[tuple[float, Moment]]:
    """The moments from the prompt's start to its end."""
    times = np.arange(prompt.start, prompt.end, 1 / fps).tolist()
    sway = Sway(seed)
    return [(t, moment_at(t, (prompt,), REACH, sway, width=640)) for t in times]


@pytest.mark.parametrize(
    ("direction", "axis", "sign"),
    [("left", "yaw", 1), ("right", "yaw", -1), ("up", "pitch", 1), ("down", "pitch", -1)],
)
def test_a_turn_goes_where_it_is_asked_to_and_further_than_it_must(
    direction: str, axis: str, sign: int
) -> None:
    angles = [
        (t, sign * getattr(moment, axis))
        for t, moment in play(Prompt("turn", 2.0, 3.6, direction=direction, degrees=15.0))
    ]
    # The mesh reads 30 on 40 degrees, so 15 and 6 to spare are 28 true ones.
    assert max(angle for _, angle in angles) == pytest.approx(28.0, abs=1.5)
    assert all(abs(angle) < 2.0 for t, angle in angles if t < 2.0 + REACTION_S)
    assert abs(angles[-1][1]) < 2.0
    steps = np.diff([angle for _, angle in angles])
    assert np.abs(steps).max() < 3.0


def test_a_turn_that_is_too_far_goes_as_far_as_it_can() -> None:
    moments = play(Prompt("turn", 0.0, 1.6, direction="left", degrees=80.0))
    assert max(moment.yaw for _, moment in moments) == pytest.approx(40.0, abs=1.5)


@pytest.mark.parametrize("count", [1, 2])
def test_blinks_are_counted_by_the_times_the_lids_shut(count: int) -> None:
    shut = [m.lids > 0.99 for _, m in play(Prompt("blink", 1.0, 2.2, count=count))]
    starts = sum(1 for before, now in pairwise(shut) if now and not before)
    assert starts == count
    assert not shut[0]
    assert not shut[-1]


def test_the_mouth_opens_all_the_way_and_shuts_again() -> None:
    mouth = [m.mouth for _, m in play(Prompt("open_mouth", 0.0, 1.4))]
    assert max(mouth) == 1.0
    assert mouth[0] == 0.0
    assert mouth[-1] == 0.0


def test_nobody_holds_quite_still_and_the_seed_says_how() -> None:
    hold = Prompt("hold", 0.0, 4.0)
    one, same, other = (play(hold, seed=seed) for seed in (1, 1, 2))
    assert one == same
    assert one != other
    yaw = [moment.yaw for _, moment in one]
    assert 0.05 < np.ptp(yaw) < 4.0
