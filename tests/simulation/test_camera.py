"""Cameras that follow the light, hands that shake, clips at every rate."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.simulation.camera import Camera
from tests.simulation.encoding import Timing, frame_times
from tests.simulation.light import Screen, to_linear
from tests.simulation.person import Scene, SimulatedPerson
from tests.simulation.portrait import Picture
from tests.simulation.rendering import Shot
from tests.simulation.script import Prompt
from tests.simulation.search import EVERY_KIND

SIZE = (64, 48)
GREY = np.full((48, 64, 3), 128, dtype=np.uint8)
ALL_LIT = Shot(GREY, np.ones((6, 8), dtype=np.float32))
GREEN = Screen((Prompt("light", 0.0, 8.0, colours=("green", "blue") * 5),))


def level(picture: Picture) -> np.ndarray:
    return np.asarray(to_linear(picture).mean(axis=(0, 1)))


class StuckScreen(Screen):
    """Neutral at first, then one colour for good."""

    def __init__(self, linear: tuple[float, float, float]) -> None:
        super().__init__((Prompt("light", 0.0, 0.8, colours=("green",)),))
        self._stuck = np.array(linear)

    def linear(self, t: float) -> np.ndarray:
        return to_linear((160, 160, 160)) if t <= 0 else self._stuck


def takes_back(scene: Scene, seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """The change of level (3,) right after the light has changed, and `seconds` later."""
    camera = Camera(replace(scene, noise=0.0), StuckScreen((0.05, 1.0, 0.05)), SIZE, seed=0)
    before = level(camera(ALL_LIT, 0.0))
    frames = [level(camera(ALL_LIT, t)) for t in np.arange(0.01, 0.02 + seconds, 0.01).tolist()]
    return frames[0] / before, frames[-1] / before


def test_light_adds_up_as_it_does_in_linear_light() -> None:
    neutral, green = to_linear((160, 160, 160)), np.array([0.05, 1.0, 0.05])
    soon, later = takes_back(Scene(), 3.0)
    expected = (1 + 0.30 * green) / (1 + 0.30 * neutral)
    assert np.allclose(soon, expected, atol=0.012)
    assert np.array_equal(soon, later)


def test_white_balance_takes_a_part_of_the_cast_back_within_its_time() -> None:
    def cast(ratio: np.ndarray) -> float:
        return float(np.log(ratio[1] / ratio[[0, 2]].mean()))

    soon, later = (cast(r) for r in takes_back(Scene(auto_white_balance=0.5, auto_s=1.0), 1.0))
    plain, _ = (cast(r) for r in takes_back(Scene(), 1.0))
    assert soon == pytest.approx(plain, abs=0.02)
    # Half of it in the end, 63 % of that after one time constant.
    assert later == pytest.approx((1 - 0.5 * 0.63) * plain, abs=0.02)


def test_exposure_takes_a_part_of_the_brightness_back_and_no_colour() -> None:
    soon, later = takes_back(Scene(auto_exposure=1.0, auto_s=0.5), 5.0)
    assert np.array([0.2126, 0.7152, 0.0722]) @ later == pytest.approx(1.0, abs=0.02)
    assert later[1] / later[0] == pytest.approx(soon[1] / soon[0], abs=0.02)


def test_a_warm_room_tints_all_that_is_in_it() -> None:
    camera = Camera(Scene(noise=0, ambient_colour=(1.3, 1.0, 0.6)), GREEN, SIZE, seed=0)
    dark = Shot(GREY, np.zeros((6, 8), dtype=np.float32))
    red, green, blue = level(camera(dark, 0.0))
    assert red / green == pytest.approx(1.3, rel=0.02)
    assert blue / green == pytest.approx(0.6, rel=0.03)


def test_noise_is_as_strong_as_the_scene_says() -> None:
    for sigma in (1.0, 4.0):
        camera = Camera(Scene(noise=sigma), GREEN, SIZE, seed=0)
        assert camera(ALL_LIT, 0.0).std(axis=(0, 1)).mean() == pytest.approx(sigma, rel=0.1)


def test_a_lit_frame_needs_to_know_where_the_light_falls() -> None:
    with pytest.raises(ValueError, match="lit"):
        Camera(Scene(), GREEN, SIZE, seed=0)(Shot(GREY), 0.0)


@pytest.mark.parametrize(
    "bad",
    [
        {"ambient": 0.0},
        {"ambient_colour": (1.0, 0.0, 1.0)},
        {"auto_white_balance": 1.5},
        {"auto_exposure": -0.1},
        {"auto_s": 0.0},
        {"latency_s": -0.1},
        {"noise": -1.0},
        {"shake": -1.0},
    ],
)
def test_a_scene_that_cannot_be_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"positive|negative|between"):
        Scene(**bad)


@pytest.mark.pack
def test_motion_is_the_same_at_every_frame_rate(alice: SimulatedPerson) -> None:
    scene = Scene(noise=0.0)
    slow, usual, quick = (
        list(alice.frames(EVERY_KIND, seconds=2.0, fps=fps, size=(480, 480), scene=scene))
        for fps in (15, 30, 60)
    )
    assert (len(slow), len(usual), len(quick)) == (30, 60, 120)
    assert all(np.array_equal(a, b) for a, b in zip(slow, usual[::2], strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(slow, quick[::4], strict=True))


@pytest.mark.pack
def test_uneven_frames_are_taken_when_their_times_say(alice: SimulatedPerson) -> None:
    timing, scene = Timing(jitter_s=0.005, dropped=0.1), Scene(noise=0.0)
    frames = list(
        alice.frames(EVERY_KIND, seconds=2.0, size=(480, 480), scene=scene, timing=timing, seed=6)
    )
    times = frame_times(2.0, 30, timing, 6)
    assert len(frames) == len(times) < 60
    even = list(alice.frames(EVERY_KIND, seconds=2.0, size=(480, 480), scene=scene, seed=6))
    away = [
        np.abs(frame.astype(int) - even[round(t * 30)]).mean()
        for frame, t in zip(frames, times, strict=True)
    ]
    assert 0.0 < max(away) < 6.0


@pytest.mark.pack
def test_a_tripod_keeps_the_wall_where_it_is(alice: SimulatedPerson) -> None:
    still, held, rough = (
        list(
            alice.frames(
                EVERY_KIND, seconds=1.0, fps=5, size=(480, 480), scene=Scene(noise=0, shake=shake)
            )
        )
        for shake in (0.0, 1.0, 2.0)
    )

    def moved(frames: list[Picture]) -> float:
        walls = [frame[420:, :100].astype(int) for frame in frames]
        return float(np.mean([np.abs(wall - walls[0]).mean() for wall in walls]))

    assert moved(still) == 0.0
    assert 0.0 < moved(held) < moved(rough)
