"""Traces of screens: on pictures made by hand, and on a simulated screen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from identity.liveness.recapture import WHY, TraceMeter, recapture
from identity.types import Signal, Trace
from tests.identity.liveness import instruments
from tests.identity.liveness.build import a_track, mesh_at

Picture = NDArray[np.uint8]
POINTS = mesh_at(size=160.0, centre=(320.0, 240.0))


def noise(seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(120.0, 6.0, (480, 640, 3))


def as_picture(values: NDArray[np.float64]) -> Picture:
    return np.asarray(np.clip(values, 0, 255), dtype=np.uint8)


def measured(picture: Picture) -> Trace:
    meter = TraceMeter()
    meter.note(0.0, picture, POINTS)
    (trace,) = meter.finish()
    return trace


def said(*traces: Trace) -> Signal:
    signal = recapture(replace(a_track(1.0), traces=traces))
    assert signal.name == "recapture"
    assert signal.why in WHY
    return signal


def test_a_fine_pattern_is_a_peak() -> None:
    rows, columns = np.mgrid[:480, :640]
    waves = 12.0 * np.sin(2 * np.pi * (0.21 * columns + 0.13 * rows))
    plain = measured(as_picture(noise()))
    striped = measured(as_picture(noise() + waves[..., None]))
    assert plain.moire < 1.8
    assert striped.moire > plain.moire + 1.0


def test_an_encoders_blocks_are_no_pattern() -> None:
    columns = np.mgrid[:480, :640][1]
    blocks = 20.0 * (columns % 8 == 0)
    assert measured(as_picture(noise() + blocks[..., None])).moire < 2.0


def test_a_rim_on_both_sides_is_a_bezel_and_a_door_frame_is_none() -> None:
    door = noise()
    door[:, 60:80] = 20.0
    assert measured(as_picture(door)).bezel < 0.5
    both = door.copy()
    both[:, 560:580] = 20.0
    assert measured(as_picture(both)).bezel > 0.9


def test_a_dull_face_is_flat() -> None:
    grey = np.repeat(noise()[..., :1], 3, axis=2)
    assert measured(as_picture(grey)).flatness == 0.0
    assert measured(as_picture(noise())).flatness > 5.0


@pytest.mark.parametrize(("moire", "bezel", "why"), [(3.5, 0.2, "moire"), (1.5, 1.0, "bezel")])
def test_what_is_found_in_half_of_the_frames_speaks_against(
    moire: float, bezel: float, why: str
) -> None:
    odd, plain = Trace(0.0, moire, bezel, 9.0), Trace(0.8, 1.5, 0.3, 9.0)
    assert (said(odd, odd, plain).outcome.value, said(odd, odd, plain).why) == ("fail", why)
    assert (said(odd, plain, plain).outcome.value, said(odd, plain, plain).why) == ("pass", "ok")


def test_few_frames_or_none_abstain() -> None:
    one = Trace(0.0, 1.5, 0.3, 9.0)
    assert (said().outcome.value, said().why) == ("abstain", "not_measured")
    assert said(one, one).why == "too_few_frames"
    assert said(*[replace(one, moire=np.nan)] * 5).why == "not_measured"


def test_a_frame_is_taken_every_so_often() -> None:
    meter = TraceMeter()
    for i in range(90):
        meter.note(i / 30, as_picture(noise()), POINTS)
    assert [round(trace.time_s, 1) for trace in meter.finish()] == [0.0, 0.8, 1.6, 2.4]


def test_what_cant_be_measured_is_passed_over() -> None:
    meter = TraceMeter()
    meter.note(0.0, as_picture(noise()), None)
    meter.note(0.1, as_picture(noise()), np.full((468, 3), np.nan, dtype=np.float32))
    meter.note(0.2, as_picture(noise()), mesh_at(centre=(-900.0, -900.0)))
    meter.note(0.3, np.zeros((40, 40, 3), dtype=np.uint8), mesh_at(size=20, centre=(20.0, 20.0)))
    assert meter.finish() == ()


def test_a_face_as_wide_as_the_picture_has_no_bezel() -> None:
    meter = TraceMeter()
    meter.note(0.0, as_picture(noise()), mesh_at(size=900.0))
    assert meter.finish()[0].bezel == 0.0


def test_a_simulated_screen_whose_grid_is_not_the_cameras_leaves_a_peak() -> None:
    smooth = np.asarray(np.repeat(np.arange(480, dtype=np.float64)[:, None] / 4 + 60, 640, axis=1))
    plain = as_picture(smooth[..., None] + noise() - 120.0)
    (seen,) = instruments.recaptured([plain], pitch=2.6, degrees=4.0)
    assert measured(seen).moire > 2.4 > measured(plain).moire
