from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from identity.capture.script import Without, generate_script
from identity.liveness.light import MAX_P, WHY, Reading, light_response, rank_of, read_light
from identity.liveness.lighting import NAMES, colours_of, light_prompts, other_colours
from identity.prompts import Kind, Prompt, Script
from identity.types import NOT_APPLICABLE, NOT_MEASURED, Colours, SignalOutcome, Track
from tests.identity.liveness.lights import (
    AMBIENT,
    DROWNED,
    Session,
    a_session,
    light_script,
    masked,
    track_of,
    track_with,
    without_light,
)

ROOM: Final = AMBIENT["room"]
SCRIPT: Final = light_script("red", "cyan", "green", "magenta", "blue")
ALICE: Final = Session(SCRIPT, ROOM, seed=1)


def why(track: Track, script: Script | None = SCRIPT) -> str:
    signal = light_response(track, script)
    assert signal.why in WHY
    assert signal.name == "light_response"
    passed = signal.outcome is SignalOutcome.PASS
    assert passed == (signal.why == "ok")
    return signal.why


def recoloured(script: Script, colours: np.ndarray) -> Script:
    """The script with other colours, in the order of its slots."""
    names = iter([NAMES[k] for k in colours])
    return Script(
        tuple(replace(p, colours=tuple(next(names) for _ in p.colours)) for p in script.prompts)
    )


def read(track: Track, script: Script) -> Reading:
    reading = read_light(track, script)
    assert isinstance(reading, Reading)
    return reading


@pytest.mark.parametrize("level", AMBIENT)
def test_a_face_that_the_right_light_falls_on_passes(level: str) -> None:
    for seed in range(4):
        session = a_session(seed, AMBIENT[level])
        signal = light_response(track_of(session), session.script)
        assert (signal.outcome, signal.why) == (SignalOutcome.PASS, "ok")
        assert signal.value is not None
        assert signal.value <= MAX_P
        assert signal.n == 4000


def test_two_lights_in_a_script_are_judged_together() -> None:
    for seed in range(4):
        session = a_session(seed, AMBIENT["bright"], Without.MOTION)
        assert len(light_prompts(session.script)) == 2
        assert why(track_of(session), session.script) == "ok"


def test_the_delay_of_the_screen_is_found() -> None:
    for late in (0.0, 0.13, 0.31, 0.5):
        reading = read(track_of(replace(ALICE, latency_s=late)), SCRIPT)
        assert reading.latency_s == pytest.approx(late, abs=0.04)
        assert reading.rank == 1


def test_light_that_comes_too_late_doesnt_pass() -> None:
    for late in (0.85, 1.2, 1.6):
        assert why(track_of(replace(ALICE, latency_s=late))) in ("drowned", "wrong_light")


def test_another_scripts_light_is_wrong() -> None:
    other = light_script("yellow", "green", "blue", "red", "magenta")
    track = track_of(replace(ALICE, shown=other))
    assert why(track) == "wrong_light"
    assert light_response(track, SCRIPT).outcome is SignalOutcome.FAIL
    assert why(track, other) == "ok"


def test_the_order_of_the_colours_matters() -> None:
    for turned in (
        ("blue", "magenta", "green", "cyan", "red"),
        ("cyan", "red", "green", "magenta", "blue"),
        ("red", "cyan", "green", "blue", "magenta"),
    ):
        assert why(track_of(ALICE), light_script(*turned)) != "ok"


def test_one_wrong_colour_is_enough_to_be_told() -> None:
    right = ("red", "cyan", "green", "magenta", "blue")
    for slot in range(5):
        for name in NAMES:
            colours = (*right[:slot], name, *right[slot + 1 :])
            if colours != right and all(a != b for a, b in pairwise(colours)):
                assert why(track_of(ALICE), light_script(*colours)) != "ok"


def test_complementary_colours_are_another_script() -> None:
    assert why(track_of(ALICE), light_script("cyan", "red", "magenta", "green", "yellow")) != "ok"


def test_a_face_without_light_never_passes() -> None:
    for seed in range(20):
        session = a_session(seed, ROOM)
        assert why(track_of(without_light(session)), session.script) == "drowned"


def test_light_that_drowns_in_daylight_abstains() -> None:
    for seed in range(20):
        session = a_session(seed, DROWNED)
        signal = light_response(track_of(session), session.script)
        assert (signal.outcome, signal.why) == (SignalOutcome.ABSTAIN, "drowned")


def test_a_picture_that_is_coloured_as_a_whole_is_behind() -> None:
    signal = light_response(track_of(replace(ALICE, tint=True)), SCRIPT)
    assert (signal.outcome, signal.why) == (SignalOutcome.FAIL, "behind")
    assert signal.value is not None
    assert signal.threshold is not None
    assert signal.value > signal.threshold


def test_a_dark_wall_and_a_near_one_are_not_behind() -> None:
    """The one answers much for what light it has, the other little for all its brightness."""
    track = track_of(replace(ALICE, behind=1.0))
    assert why(track) == "behind"
    assert track.colours is not None
    dark = replace(track, colours=Colours(track.colours.skin, track.colours.background * 0.02))
    assert why(dark) == "ok"
    assert why(track_of(replace(ALICE, behind=0.35))) == "ok"


def test_without_background_the_face_alone_is_judged() -> None:
    track = track_of(ALICE)
    assert track.colours is not None
    nothing = np.full_like(track.colours.background, np.nan)
    bare = replace(track, colours=Colours(track.colours.skin, nothing))
    assert why(bare) == "ok"
    reading = read(bare, SCRIPT)
    assert reading.behind is reading.behind_error is reading.behind_linear is None


@pytest.mark.parametrize("factor", [0.125, 0.5, 2.0])
def test_exposure_changes_nothing(factor: float) -> None:
    track = track_of(ALICE)
    assert track.colours is not None
    scaled = Colours(track.colours.skin * factor, track.colours.background * factor)
    one, other = read(track, SCRIPT), read(replace(track, colours=scaled), SCRIPT)
    assert other.rank == one.rank
    assert other.share == pytest.approx(one.share)
    assert other.strength == pytest.approx(one.strength)


def test_a_lost_region_doesnt_matter() -> None:
    track = track_of(ALICE)
    assert track.colours is not None
    skin = track.colours.skin.copy()
    skin[:, 1] = np.nan
    assert why(replace(track, colours=Colours(skin, track.colours.background))) == "ok"


def test_nothing_was_asked() -> None:
    for script in (None, Script((Prompt(Kind.HOLD, 0.0, 1.0),))):
        signal = light_response(track_of(ALICE), script)
        assert (signal.outcome, signal.why) == (SignalOutcome.ABSTAIN, NOT_APPLICABLE)


def test_colours_were_not_measured() -> None:
    track = track_of(ALICE)
    assert track.colours is not None
    short = Colours(track.colours.skin[:-1], track.colours.background[:-1])
    empty = track_with(np.empty(0), np.empty((0, 3, 3)), np.empty((0, 3)))
    for broken in (replace(track, colours=None), replace(track, colours=short), empty):
        assert why(broken) == NOT_MEASURED


@pytest.mark.parametrize(
    "hidden",
    [lambda t: True, lambda t: 3.6 < t < 4.3, lambda t: t > 4.0],
)
def test_a_face_that_is_away_is_no_face(hidden: Callable[[float], bool]) -> None:
    assert why(masked(track_of(ALICE), hidden)) == "no_face"


def test_a_face_that_is_away_for_a_moment_does_no_harm() -> None:
    assert why(masked(track_of(ALICE), lambda t: 3.6 < t < 3.9)) == "ok"


def test_a_clip_that_ends_early_says_so() -> None:
    track = track_of(ALICE)
    assert track.colours is not None
    kept = track.times < SCRIPT.seconds - 0.3
    skin, background = track.colours.skin[kept], track.colours.background[kept]
    short = track_with(track.times[kept], skin.astype(float), background.astype(float))
    assert why(short) == "clip_ends_early"


def test_one_frame_is_too_little() -> None:
    skin = np.full((1, 3, 3), 0.3)
    assert why(track_with(np.zeros(1), skin, skin[:, 0])) == "clip_ends_early"
    assert why(track_with(np.full(1, 6.0), skin, skin[:, 0])) == "no_face"
    assert why(track_with(np.full(1, np.nan), skin, skin[:, 0])) == "no_face"


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0, 0.0, 0.3, 1e30])
def test_no_measurement_breaks_it(value: float) -> None:
    track = track_of(ALICE)
    same = track_with(
        track.times, np.full((len(track.times), 3, 3), value), np.full((len(track.times), 3), value)
    )
    assert why(same) in ("no_face", "drowned")
    assert track.colours is not None
    skin, background = track.colours.skin.copy(), track.colours.background.copy()
    skin[::3], background[::2] = value, value
    assert why(replace(track, colours=Colours(skin, background))) != "behind"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(min_size=16, max_size=16), st.integers(0, 2**32 - 1), st.floats(0.0, 1.0))
def test_it_never_raises_and_never_passes_chance(nonce: bytes, seed: int, hole: float) -> None:
    script = generate_script(nonce)
    chance = np.random.default_rng(seed)
    count = int(chance.integers(1, 500))
    times = np.sort(chance.uniform(0, 16, count))
    skin = chance.uniform(0, 1, (count, 3, 3))
    skin[chance.uniform(size=count) < 0.3 * hole] = np.nan
    assert why(track_with(times, skin, skin[:, 1]), script) != "ok"


def test_the_same_track_gives_the_same_signal_bit_for_bit() -> None:
    assert light_response(track_of(ALICE), SCRIPT) == light_response(track_of(ALICE), SCRIPT)
    assert np.array_equal(other_colours(SCRIPT, 50), other_colours(SCRIPT, 50))


def test_other_colours_follow_the_rules_and_differ_from_the_script() -> None:
    drawn = other_colours(SCRIPT, 8000)
    assert drawn.shape == (8000, 5)
    assert (np.diff(drawn, axis=1) != 0).all()
    assert (drawn != colours_of(SCRIPT)).any(axis=1).all()
    assert len(np.unique(drawn, axis=0)) > 3000
    firsts = Counter(drawn[:, 0].tolist())
    assert all(abs(firsts[k] - 8000 / 6) < 200 for k in range(6))
    elsewhere = other_colours(
        light_script("red", "cyan", "green", "magenta", "blue", start=2.1), 50
    )
    assert not np.array_equal(elsewhere, drawn[:50])


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("level", AMBIENT)
def test_the_right_script_ranks_first_of_ten_thousand(level: str) -> None:
    """In 99 of 100 sessions at each of three levels of ambient light, a quarter with two lights.

    Of two wrong scripts each, in the right windows, none passes.
    """
    first, passed, wrong = 0, 0, 0
    for seed in range(100):
        without = Without.MOTION if seed % 4 == 3 else None
        session = a_session(20_000 + seed, AMBIENT[level], without)
        track = track_of(session)
        first += rank_of(track, session.script) == 1
        passed += why(track, session.script) == "ok"
        for colours in other_colours(session.script, 2):
            wrong += why(track, recoloured(session.script, colours)) == "ok"
    assert first >= 99
    assert passed >= 99
    assert wrong == 0
