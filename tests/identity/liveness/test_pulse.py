from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from identity.liveness.pulse import MIN_DECIBEL, WHY, beat, pos, pulse
from identity.prompts import Script
from identity.types import NOT_MEASURED, Colours, SignalOutcome, Track
from tests.identity.liveness.lights import light_script, masked, track_with

SKIN: Final = np.array([0.40, 0.20, 0.13])
BLOOD: Final = np.array([0.33, 0.77, 0.53])
"""How much of a pulse each channel shows."""


def beating(
    per_minute: float = 72.0,
    depth: float = 0.004,
    *,
    seconds: float = 11.0,
    rate: float = 30.0,
    noise: float = 0.0006,
    sway: float = 0.0,
    seed: int = 0,
) -> Track:
    """A calm face whose skin beats; `depth` 0 is a picture."""
    chance = np.random.default_rng(seed)
    times = np.arange(round(seconds * rate)) / rate
    beats = depth * np.sin(2 * np.pi * per_minute / 60 * times)
    light = 1.0 + sway * np.sin(2 * np.pi * 0.3 * times)
    skin = SKIN * (1.0 + beats[:, None, None] * BLOOD) * light[:, None, None]
    skin = np.repeat(skin, 3, axis=1)
    return track_with(times, skin * (1.0 + noise * chance.normal(size=skin.shape)), skin[:, 0])


def why(track: Track, script: Script | None = None) -> str:
    signal = pulse(track, script)
    assert signal.why in WHY
    assert signal.name == "pulse"
    assert signal.outcome is not SignalOutcome.FAIL
    assert (signal.outcome is SignalOutcome.PASS) == (signal.why == "ok")
    return signal.why


@pytest.mark.parametrize("per_minute", [50.0, 72.0, 110.0, 160.0])
@pytest.mark.parametrize("rate", [15.0, 30.0])
def test_a_calm_face_that_beats_has_a_pulse(per_minute: float, rate: float) -> None:
    signal = pulse(beating(per_minute, rate=rate), None)
    assert (signal.outcome, signal.why) == (SignalOutcome.PASS, "ok")
    assert signal.value is not None
    assert signal.value > MIN_DECIBEL


def test_light_that_sways_is_no_pulse_and_hides_none() -> None:
    assert why(beating(depth=0.0, sway=0.05)) == "weak"
    assert why(beating(sway=0.05)) == "ok"


def test_a_picture_has_none_and_that_is_never_held_against_it() -> None:
    outcomes = [why(beating(depth=0.0, seed=seed)) for seed in range(60)]
    assert outcomes.count("ok") <= 1


def test_a_beat_in_one_region_only_is_weak() -> None:
    track, still = beating(), beating(depth=0.0)
    assert track.colours is not None
    assert still.colours is not None
    skin = still.colours.skin.copy()
    skin[:, 0] = track.colours.skin[:, 0] ** 2
    assert why(replace(track, colours=Colours(skin, track.colours.background))) == "weak"


def test_under_eight_seconds_are_too_short() -> None:
    assert why(beating(seconds=7.5)) == "too_short"
    assert why(masked(beating(), lambda t: 4.0 < t < 7.0)) == "too_short"


def test_seconds_of_coloured_light_are_left_out() -> None:
    script = light_script("red", "cyan", "green", "magenta", "blue", start=7.0)
    assert why(beating(seconds=12.0), script) == "too_short"
    assert why(beating(seconds=20.0), script) == "ok"


def test_few_frames_a_second_are_too_few() -> None:
    assert why(beating(rate=12.0)) == "too_few_frames"


def test_colours_were_not_measured() -> None:
    track = beating()
    empty = track_with(np.empty(0), np.empty((0, 3, 3)), np.empty((0, 3)))
    assert why(replace(track, colours=None)) == NOT_MEASURED
    assert why(empty) == NOT_MEASURED
    assert why(masked(track, lambda t: True)) == "no_face"


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0, 0.0, 1e-30, 0.3, 1e30])
def test_no_measurement_breaks_it(value: float) -> None:
    times = np.arange(300) / 30
    same = np.full((300, 3, 3), value)
    assert why(track_with(times, same, same[:, 0])) in ("no_face", "weak")
    assert why(track_with(times[:1], same[:1], same[:1, 0])) in ("no_face", "too_short")
    assert why(track_with(times * np.nan, same, same[:, 0])) == "no_face"


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_it_never_raises_nor_fails(seed: int) -> None:
    chance = np.random.default_rng(seed)
    count = int(chance.integers(1, 900))
    times = np.sort(chance.uniform(0, chance.uniform(0.1, 30), count))
    skin: NDArray[np.float64] = chance.uniform(0, 1, (count, 3, 3))
    skin[chance.uniform(size=count) < 0.1] = np.nan
    why(track_with(times, skin, skin[:, 1]))


def test_the_same_track_gives_the_same_signal_bit_for_bit() -> None:
    assert pulse(beating(), None) == pulse(beating(), None)


def test_pos_takes_light_out_and_leaves_blood() -> None:
    times = np.arange(200) / 20
    blood = np.sin(2 * np.pi * 1.2 * times)
    sway = np.sin(2 * np.pi * 2.0 * times)
    series = SKIN * (1 + 0.004 * blood[:, None] * BLOOD + 0.02 * sway[:, None])
    found = pos(series)[32:-32]
    assert abs(np.corrcoef(found, blood[32:-32])[0, 1]) > 0.98


def test_the_strongest_beat_is_found_with_its_harmonic() -> None:
    hertz = np.arange(0.0, 8.0, 0.01)
    power = np.full_like(hertz, 1e-3)
    power[(hertz > 1.15) & (hertz < 1.25)] = 1.0
    power[(hertz > 2.35) & (hertz < 2.45)] = 0.5
    pace, decibel = beat(hertz, power)
    assert pace == pytest.approx(1.2, abs=0.05)
    assert decibel > 10.0
