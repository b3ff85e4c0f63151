"""Depth on meshes made by hand: heads that keep their shape, pictures that get narrower."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from identity.liveness.depth import WHY, depth
from identity.prompts import Script
from identity.types import Parallax, Signal, Track
from tests.identity.liveness.build import a_track, answering, bump

TURNS = Script.from_json(
    [
        {"kind": "hold", "start": 0, "end": 1},
        {"kind": "turn", "direction": "left", "start": 1.2, "end": 2.8},
        {"kind": "turn", "direction": "right", "start": 3, "end": 4.6},
    ]
)


def said(signal: Signal) -> tuple[str, str]:
    assert signal.name == "depth"
    assert signal.why in WHY
    return signal.outcome.value, signal.why


def turning(
    narrower: Callable[[float], float] = lambda yaw: 1.0, *, nose: float = 0.1, **changes: Any
) -> Track:
    """Somebody who answers; the mesh's width, away from the middle, is a function of yaw.

    `nose` is how far the nose's tip stands out, in face widths.
    """
    curves = {**answering(TURNS), **changes}
    track = a_track(5.0, **curves)
    meshes = track.meshes.copy()
    for i, t in enumerate(track.times):
        factor = narrower(curves["yaw"](float(t)))
        for axis in (0, 2):
            middle = meshes[i, :, axis].mean()
            meshes[i, :, axis] = middle + factor * (meshes[i, :, axis] - middle)
    turns = [float(t) for t in track.times if abs(curves["yaw"](float(t))) > 9.5]
    pairs = tuple(
        Parallax(t, 0.5, nose * float(np.sin(np.radians(curves["yaw"](t))))) for t in turns
    )
    return replace(track, meshes=meshes, parallaxes=pairs)


def picture(yaw: float) -> float:
    """A picture on which a turn of 15° is read: it was turned by 40°."""
    return float(np.cos(np.radians(2.7 * yaw)) / np.cos(np.radians(yaw)))


def test_a_head_that_keeps_its_shape_passes() -> None:
    signal = depth(turning(), TURNS)
    assert said(signal) == ("pass", "ok")
    assert signal.value == pytest.approx(0.1, abs=1e-3)
    assert signal.n > 10


@pytest.mark.parametrize("nose", [-0.02, 0.0, 0.02])
def test_a_picture_that_is_bent_has_no_nose_that_stands_out(nose: float) -> None:
    signal = depth(turning(nose=nose), TURNS)
    assert said(signal) == ("fail", "bent")
    assert signal.value == pytest.approx(nose, abs=1e-3)


def test_a_nose_that_is_lost_half_of_the_time_still_counts() -> None:
    track = turning()
    pairs = [replace(p, shift=np.nan) if i % 2 else p for i, p in enumerate(track.parallaxes)]
    assert said(depth(replace(track, parallaxes=tuple(pairs)), TURNS)) == ("pass", "ok")


def test_a_nose_that_cant_be_followed_abstains() -> None:
    track = turning()
    lost = tuple(replace(p, shift=np.nan) for p in track.parallaxes)
    assert said(depth(replace(track, parallaxes=lost), TURNS)) == ("abstain", "not_followed")
    elsewhere = tuple(replace(p, before_s=2.0) for p in track.parallaxes)
    assert said(depth(replace(track, parallaxes=elsewhere), TURNS)) == ("abstain", "not_followed")
    unknown = tuple(replace(p, time_s=99.0) for p in track.parallaxes)
    assert said(depth(replace(track, parallaxes=unknown), TURNS)) == ("abstain", "not_followed")


def test_without_the_measurement_it_abstains() -> None:
    assert said(depth(replace(turning(), parallaxes=()), TURNS)) == ("abstain", "not_followed")


def test_a_little_change_of_shape_is_the_engines() -> None:
    assert said(depth(turning(lambda yaw: 1 - 0.002 * abs(yaw)), TURNS)) == ("pass", "ok")


def test_a_picture_that_gets_narrower_is_flat() -> None:
    signal = depth(turning(picture), TURNS)
    assert said(signal) == ("fail", "flat")
    assert signal.value is not None
    assert signal.value > 0.08


def test_a_picture_held_aslant_and_turned_straight_is_flat_too() -> None:
    assert said(depth(turning(lambda yaw: 1.0 / picture(yaw)), TURNS)) == ("fail", "flat")


def test_a_turn_that_stays_small_is_not_seen() -> None:
    track = turning(yaw=bump(2.0, 11.0))
    assert said(depth(track, TURNS)) == ("abstain", "turn_not_seen")


def test_nobody_turns_nothing() -> None:
    nobody = a_track(5.0, missing=lambda t: True, samples=[])
    assert said(depth(nobody, TURNS)) == ("abstain", "no_face")
    assert said(depth(a_track(0.0, samples=[]), TURNS)) == ("abstain", "no_face")


@pytest.mark.parametrize("prompt", [{"kind": "blink"}, {"kind": "turn", "direction": "up"}])
def test_without_a_turn_to_the_side_it_is_not_applicable(prompt: dict[str, Any]) -> None:
    script = Script.from_json([{**prompt, "start": 0, "end": 2}])
    assert said(depth(turning(picture), script)) == ("abstain", "not_applicable")


SMALL = Script.from_json(
    [{"kind": "turn", "direction": "left", "min_degrees": 12, "start": 1.2, "end": 2.8}]
)


def test_a_smaller_turn_counts_where_enough_of_it_is_seen() -> None:
    assert said(depth(turning(picture), SMALL)) == ("fail", "flat")
    assert said(depth(turning(), SMALL)) == ("pass", "ok")
    unseen = turning(yaw=bump(2.0, 11.0))
    assert said(depth(unseen, SMALL)) == ("abstain", "not_applicable")
    unmeasured = replace(turning(), parallaxes=())
    assert said(depth(unmeasured, SMALL)) == ("abstain", "not_applicable")


def test_without_a_script_it_is_not_applicable() -> None:
    assert said(depth(turning(picture), None)) == ("abstain", "not_applicable")


def test_nods_are_left_out() -> None:
    """A head that looks up while it turns is read less well, and isn't measured."""
    track = turning(picture, pitch=lambda t: 20.0 if t > 1.1 else 0.0)
    assert said(depth(track, TURNS)) == ("abstain", "turn_not_seen")
