from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
import pytest

from identity.liveness.pad_model import MAX_SCORES, WHY, Box, PadMeter, detector_box, pad_model
from identity.types import PadScore, Signal
from models.engine import Picture
from models.errors import UnusableRegion
from tests.identity.liveness.build import a_track, mesh_at

PICTURE = np.zeros((480, 640, 3), dtype=np.uint8)


@dataclass
class Engine:
    """Says the same of every face, or refuses."""

    name: str = "test"
    live: float | None = 0.9
    seen: list[Box] = field(default_factory=list)

    def score(self, picture: Picture, box: Box) -> float:
        self.seen.append(box)
        if self.live is None:
            raise UnusableRegion
        return self.live


def taken(engine: Engine | None, seconds: float = 6.0, yaw: float = 0.0) -> tuple[PadScore, ...]:
    meter = PadMeter(engine)
    for i in range(round(seconds * 30)):
        meter.note(i / 30, PICTURE, mesh_at(yaw))
    return meter.finish()


def said(*scores: float) -> Signal:
    pad = tuple(PadScore(0.4 * i, score) for i, score in enumerate(scores))
    signal = pad_model(replace(a_track(1.0), pad=pad))
    assert signal.name == "pad_model"
    assert signal.why in WHY
    return signal


def test_a_face_the_engine_takes_for_live_passes() -> None:
    signal = said(*[0.9] * 10)
    assert (signal.outcome.value, signal.why, signal.n) == ("pass", "ok", 10)
    assert signal.value == pytest.approx(0.9)


def test_one_the_engine_doubts_is_low() -> None:
    assert said(*[0.1] * 10).why == "low"
    assert said(*[0.9] * 5, *[0.0] * 5).why == "low"


def test_a_single_bad_frame_of_many_changes_little() -> None:
    assert said(*[0.9] * 11, 0.0).value == pytest.approx(0.9)


def test_few_scores_or_none_abstain() -> None:
    assert (said(*[0.9] * 7).outcome.value, said(*[0.9] * 7).why) == ("abstain", "too_few_frames")
    assert (said().outcome.value, said().why) == ("abstain", "not_measured")
    assert said(*[np.nan] * 9).why == "not_measured"


def test_scores_are_spread_and_limited() -> None:
    engine = Engine()
    scores = taken(engine, 40.0)
    assert len(scores) == MAX_SCORES == len(engine.seen)
    assert scores[-1].time_s > 15
    assert all(later.time_s - one.time_s > 0.39 for one, later in pairwise(scores))


def test_a_short_clip_still_has_enough() -> None:
    assert len(taken(Engine(), 4.0)) >= 8


def test_without_an_engine_nothing_is_measured() -> None:
    assert taken(None) == ()


def test_a_frame_the_engine_refuses_gives_no_score() -> None:
    assert taken(Engine(live=None), 1.0) == ()


def test_a_face_that_looks_aside_is_not_judged() -> None:
    assert taken(Engine(), 2.0, yaw=30.0) == ()


def test_a_face_that_moves_is_not_judged() -> None:
    meter = PadMeter(Engine())
    for i in range(30):
        meter.note(i / 30, PICTURE, mesh_at(centre=(200.0 + 12 * i, 240.0)))
    assert meter.finish() == ()


def test_frames_without_a_face_or_with_a_broken_mesh_are_passed_over() -> None:
    meter = PadMeter(Engine())
    broken = np.full((468, 3), np.nan, dtype=np.float32)
    for i, points in enumerate([None, mesh_at(), None, broken, broken]):
        meter.note(i / 30, PICTURE, points)
    assert meter.finish() == ()


def test_the_box_is_about_the_mesh() -> None:
    points = mesh_at()
    x0, y0, x1, y1 = detector_box(points)
    assert x0 < points[:, 0].min() < points[:, 0].max() < x1
    assert points[:, 1].min() < y0 < y1 <= points[:, 1].max() + 1e-3
