from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from identity.liveness.timing import WHY, timing
from identity.types import Signal
from tests.identity.liveness.build import a_track

RASTER = np.arange(90) / 30


def said(times: NDArray[np.float64]) -> tuple[str, str]:
    signal = measured(times)
    assert signal.why in WHY
    return signal.outcome.value, signal.why


def measured(times: NDArray[np.float64]) -> Signal:
    return timing(replace(a_track(times.size / 30), times=times))


def jittered(part: float) -> NDArray[np.float64]:
    steps = 1 + part * np.random.default_rng(0).uniform(-1, 1, 90)
    return np.asarray(np.cumsum(steps / 30), dtype=np.float64)


def test_a_cameras_small_jitter_passes() -> None:
    signal = measured(jittered(0.2))
    assert (signal.outcome.value, signal.why) == ("pass", "ok")
    assert signal.value == pytest.approx(0.32, abs=0.08)
    assert signal.n == 90


@pytest.mark.parametrize("times", [RASTER, np.round(RASTER, 3)])
def test_frames_on_a_raster_tell_nothing(times: NDArray[np.float64]) -> None:
    assert said(times) == ("abstain", "constant_rate")


def test_wild_jitter_is_uneven() -> None:
    assert said(jittered(0.9)) == ("fail", "uneven")


def test_a_long_pause_is_a_gap() -> None:
    assert said(RASTER + np.where(np.arange(90) > 40, 0.4, 0.0)) == ("fail", "gap")


def test_few_frames_abstain() -> None:
    assert said(RASTER[:5]) == ("abstain", "too_few_frames")
    assert said(RASTER[:0]) == ("abstain", "too_few_frames")
