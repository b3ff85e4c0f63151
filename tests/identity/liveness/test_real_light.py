"""The signals of light on real people, on whom no screen shone.

What a screen would have added is added to the measured numbers, never to a picture: real skin,
movement, compression and noise, and light that is computed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import pytest

from identity.capture.screen import screen_at
from identity.liveness.light import light_response
from identity.liveness.lighting import NAMES
from identity.liveness.pulse import pulse
from identity.prompts import Script
from identity.types import Colours, SignalOutcome, Track
from tests.identity.liveness.lights import light_script
from tests.identity.test_real_clips import CLIPS, analysed

pytestmark = [pytest.mark.real_clips, pytest.mark.pack, pytest.mark.slow]

SESSIONS: Final = 10


def a_light(name: str, seed: int) -> tuple[Script, float, np.ndarray]:
    """A light script that fits into the clip, the screen's delay, and a room's light."""
    chance = np.random.default_rng([seed, 7])
    colours = [int(chance.integers(6))]
    while len(colours) < 5:
        colours.append((colours[-1] + 1 + int(chance.integers(5))) % 6)
    latest = float(analysed(name).track.times[-1]) - 4.1
    start = round(float(chance.uniform(0.3, max(0.4, latest))), 2)
    room = np.array([1.0, chance.uniform(0.7, 1.0), chance.uniform(0.35, 1.1)])
    return light_script(*[NAMES[k] for k in colours], start=start), chance.uniform(0, 0.5), room


def lit(track: Track, script: Script, late: float, room: np.ndarray, gain: float) -> Track:
    """The track as if a screen had shone on the face, and a tenth as much on the wall."""
    assert track.colours is not None
    screen = screen_at(script, track.times - late) / room
    skin = track.colours.skin * (1 + gain * screen[:, None])
    background = track.colours.background * (1 + 0.1 * gain * screen)
    return replace(track, colours=Colours(skin.astype(np.float32), background.astype(np.float32)))


@pytest.mark.parametrize("name", CLIPS)
def test_skin_is_seen_in_every_frame(name: str) -> None:
    colours = analysed(name).track.colours
    assert colours is not None
    assert np.isfinite(colours.skin).all(axis=(1, 2)).mean() > 0.98
    red, green, blue = np.nanmedian(colours.skin, axis=(0, 1))
    assert red > green > blue


@pytest.mark.parametrize("name", CLIPS)
def test_a_face_without_light_never_passes(name: str) -> None:
    for seed in range(SESSIONS):
        script, _, _ = a_light(name, seed)
        signal = light_response(analysed(name).track, script)
        assert (signal.outcome, signal.why) == (SignalOutcome.ABSTAIN, "drowned")


@pytest.mark.parametrize("name", CLIPS)
def test_light_on_a_real_face_is_recognised_and_other_light_isnt(name: str) -> None:
    for seed in range(SESSIONS):
        script, late, room = a_light(name, seed)
        track = lit(analysed(name).track, script, late, room, gain=0.1)
        assert light_response(track, script).why == "ok"
        first = script.prompts[1]
        swapped = replace(first, colours=(*first.colours[2:], *first.colours[:2]))
        if swapped.colours[2] != swapped.colours[3] and swapped.colours != first.colours:
            other = Script((script.prompts[0], swapped))
            assert light_response(track, other).outcome is not SignalOutcome.PASS


@pytest.mark.parametrize("name", CLIPS)
def test_no_pulse_is_held_against_anybody(name: str) -> None:
    assert pulse(analysed(name).track, None).outcome is not SignalOutcome.FAIL
