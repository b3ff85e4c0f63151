"""Flash safety (WCAG 2.2, 2.3.1) of what the screen does, and that series itself."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identity.capture.flashes import (
    MAX_FLASHES,
    SATURATED_RED,
    Flashes,
    flashes,
    flashes_of,
    red_share,
    relative_luminance,
    swings,
)
from identity.capture.screen import change_points, linear, screen_at
from identity.capture.script import Without, generate_script
from identity.prompts import NEUTRAL, PALETTE, RAMP_SECONDS, Kind, Prompt, Script

COLOURS = tuple(PALETTE)


def light(*colours: str, start: float = 1.0) -> Prompt:
    return Prompt(Kind.LIGHT, start, start + 0.8 * len(colours), colours=colours)


def sequences(longest: int) -> list[tuple[str, ...]]:
    return [
        names
        for length in range(1, longest + 1)
        for names in product(COLOURS, repeat=length)
        if all(one != other for one, other in pairwise(names))
    ]


def blinking(low: float, high: float, hertz: float) -> tuple[np.ndarray, np.ndarray]:
    """Grey light that jumps between two levels for three seconds."""
    times = np.arange(0, 3, 0.001)
    level = np.where((times * hertz) % 1 < 0.5, high, low)
    return times, np.repeat(level[:, None], 3, axis=1)


def test_the_screen_ramps_in_srgb_holds_and_goes_back() -> None:
    script = Script((light("green", "blue"),))
    green, blue, neutral = (linear(c) for c in (PALETTE["green"], PALETTE["blue"], NEUTRAL))
    shown = screen_at(script, [0.0, 1.0, 1.2, 1.5, 1.8, 2.0, 2.6, 2.8, 60.0])
    wanted = [neutral, neutral, green, green, green, blue, blue, neutral, neutral]
    assert np.allclose(shown, wanted)
    middle = (np.array(NEUTRAL) + PALETTE["green"]) / 2
    assert np.allclose(screen_at(script, [1.1]), linear(middle))


def test_a_script_without_light_leaves_the_screen_as_it_is() -> None:
    script = Script((Prompt(Kind.HOLD, 0.0, 1.0),))
    assert np.allclose(screen_at(script, [0.0, 0.5, 9.0]), linear(NEUTRAL))
    assert screen_at(script, []).shape == (0, 3)
    assert flashes(script) == Flashes(0, 0)


def test_a_prompt_that_starts_within_another_takes_over_from_what_is_shown() -> None:
    script = Script((light("green"), light("blue", start=1.1)))
    at, shown = change_points(script)
    assert list(np.diff(at) > 0) == [True] * (len(at) - 1)
    between = (np.array(NEUTRAL) + PALETTE["green"]) / 2
    assert np.allclose(shown[at == 1.1], between)
    assert np.allclose(screen_at(script, [1.1 + RAMP_SECONDS]), linear(PALETTE["blue"]))


def test_linear_light_is_that_of_the_standard() -> None:
    assert linear(0) == 0.0
    assert linear(255) == 1.0
    assert linear(188) == pytest.approx(0.5029, abs=1e-4)
    assert linear(10) == pytest.approx(10 / 255 / 12.92)


def test_luminance_is_wcags() -> None:
    assert relative_luminance(np.ones(3)) == pytest.approx(1.0)
    assert relative_luminance(np.array([0.0, 1.0, 0.0])) == pytest.approx(0.7152)


@pytest.mark.slow
def test_no_sequence_of_up_to_four_colours_flashes_more_than_twice_in_a_second() -> None:
    """All 930, with the neutral screen before and after: two is the most, three are allowed."""
    found = {flashes(Script((light(*names),))) for names in sequences(4)}
    assert max(f.general for f in found) == 2
    assert max(f.red for f in found) == 0
    assert all(f.safe for f in found)


def test_two_lights_as_near_as_scripts_have_them_are_safe() -> None:
    """The screen goes back to neutral and off again within half a second."""
    for one, other, gap in product(COLOURS, COLOURS, (0.2, 0.3)):
        first = light("cyan", one)
        second = light(other, "magenta", start=first.end + gap)
        found = flashes(Script((first, second)))
        assert found.safe
        assert found.red == 0


def test_no_colour_and_no_ramp_between_two_is_saturated_red() -> None:
    shown = [NEUTRAL, *PALETTE.values()]
    most = max(
        float(red_share(linear(np.linspace(one, other, 201))).max())
        for one in shown
        for other in shown
    )
    assert most == pytest.approx(0.755, abs=0.001)
    assert most < SATURATED_RED


@settings(max_examples=40, deadline=None)
@given(st.binary(min_size=16, max_size=32), st.sampled_from([None, *Without]))
def test_a_generated_script_is_safe(nonce: bytes, without: Without | None) -> None:
    found = flashes(generate_script(nonce, without))
    assert found.safe
    assert found.red == 0


def test_a_strobe_is_found_unsafe() -> None:
    """Prompts that overlap show a new colour every tenth of a second."""
    prompts = [light(("yellow", "blue")[k % 2], start=1 + 0.1 * k) for k in range(24)]
    found = flashes(Script(tuple(prompts)))
    assert found.general > MAX_FLASHES
    assert not found.safe


@pytest.mark.parametrize(("hertz", "safe"), [(2.0, True), (6.0, False)])
def test_flashes_are_counted_in_the_second_that_has_most(hertz: float, safe: bool) -> None:
    found = flashes_of(*blinking(0.1, 0.6, hertz))
    assert found.safe is safe
    assert found.general == pytest.approx(hertz, abs=1)
    assert found.red == 0


@pytest.mark.parametrize(("low", "high"), [(0.5, 0.59), (0.85, 1.0)])
def test_small_changes_and_changes_of_bright_light_are_no_flashes(low: float, high: float) -> None:
    assert flashes_of(*blinking(low, high, 10.0)).general == 0


def test_red_flashes_are_counted_where_luminance_hardly_moves() -> None:
    times, grey = blinking(0.0, 1.0, 6.0)
    pure = grey * np.array([0.3, 0.0, 0.0])
    found = flashes_of(times, pure)
    assert found.general == 0
    assert found.red > MAX_FLASHES
    mixed = flashes_of(times, grey * np.array([0.3, 0.05, 0.05]))
    assert mixed.red == 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_swings_take_turns_and_are_large_enough(values: list[float]) -> None:
    series = np.array(values)
    found = swings(series, 0.1)
    signs = [np.sign(series[end] - series[start]) for start, end in found]
    assert all(one == -other for one, other in pairwise(signs))
    assert all(abs(series[end] - series[start]) >= 0.1 for start, end in found)
    assert all(one[1] <= other[0] for one, other in pairwise(found))
    assert bool(found) == (series.max() - series.min() >= 0.1)
