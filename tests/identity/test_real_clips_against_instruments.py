"""Depth and freshness on real people, and on instruments made out of their clips in memory."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from numpy.typing import NDArray

from identity.capture.stream import open_clip
from identity.capture.types import OWN_FILES
from identity.liveness.changes import ChangeMeter
from identity.liveness.depth import depth
from identity.liveness.freshness import freshness
from identity.liveness.geometry import pose
from identity.liveness.pad_model import PadMeter, pad_model
from identity.liveness.parallax import ParallaxMeter
from identity.liveness.recapture import TraceMeter, recapture
from identity.liveness.timing import timing
from identity.liveness.tracking import Tracker
from identity.prompts import Script
from identity.types import Signal, Track
from models.engine import PadEngine
from models.runtime import load_pad
from tests.conftest import REAL_CLIPS
from tests.identity.liveness import instruments
from tests.identity.liveness.instruments import Picture
from tests.identity.test_real_clips import CLIPS, engines, frames_of, labels
from tests.simulation.encoding import encode

pytestmark = [pytest.mark.real_clips, pytest.mark.pack, pytest.mark.slow]

WIDE = [name for name in CLIPS if any(turn["yaw"] >= 15 for turn in labels()[name]["turns"])]
SMALL = [name for name in CLIPS if max(labels()[name]["size"]) <= 512]
FROM_STRAIGHT = Script.from_json(
    [
        {"kind": "hold", "start": 0, "end": 1},
        {"kind": "turn", "direction": "left", "start": 1, "end": 3},
    ]
)


def said(signal: Signal) -> str:
    return f"{signal.outcome.value}:{signal.why}"


def turns_of(name: str) -> Script:
    turns = [turn for turn in labels()[name]["turns"] if turn["yaw"] >= 15]
    return Script.from_json(
        [
            {
                "kind": "turn",
                "direction": turn["direction"],
                "start": max(0.0, turn["peak"] - 1),
                "end": turn["peak"] + 1,
            }
            for turn in turns
        ]
    )


@cache
def pictures(name: str) -> tuple[Picture, ...]:
    data = (REAL_CLIPS / name).read_bytes()
    return tuple(np.asarray(f.to_ndarray(format="rgb24"), np.uint8) for f in frames_of(data)[:180])


@cache
def pad_engine() -> PadEngine | None:
    models_dir = Path(settings.CAMEO_MODELS_DIR)
    return load_pad("minifasnet", models_dir) if (models_dir / "minifasnet").is_dir() else None


def measured(data: bytes, pad: PadEngine | None = None) -> Track:
    """All that these signals need of a clip, at the working size."""
    tracker = Tracker(engines().detector, engines().mesh)
    changes, parallaxes = ChangeMeter(), ParallaxMeter()
    traces, scores = TraceMeter(), PadMeter(pad)
    with open_clip(data, OWN_FILES, 640) as clip:
        info = clip.info
        for frame in clip:
            mesh = tracker.follow(frame.time_s, frame.picture).mesh
            points = None if mesh is None else mesh.points
            for meter in (changes, parallaxes, traces, scores):
                meter.note(frame.time_s, frame.picture, points)
    meshes, present = tracker.stacked()
    return Track(
        times=np.array(tracker.times, dtype=np.float64),
        meshes=meshes,
        present=present,
        passes=tuple(tracker.passes),
        jumps=tuple(tracker.jumps),
        samples=(),
        width=info.width,
        height=info.height,
        scale=info.scale,
        changes=changes.finish(),
        traces=traces.finish(),
        pad=scores.finish(),
        parallaxes=parallaxes.finish(),
    )


@cache
def real(name: str) -> Track:
    return measured((REAL_CLIPS / name).read_bytes(), pad_engine())


def track_of(frames: list[Picture], fps: int = 30) -> Track:
    return measured(encode(frames, fps=fps))


@pytest.mark.parametrize("name", CLIPS)
def test_real_clips_are_fresh_and_their_timing_is_recorded(name: str) -> None:
    assert said(freshness(real(name))) == "pass:ok"
    # All five have been converted, which puts the frames on a raster.
    assert said(timing(real(name))) == "abstain:constant_rate"


@pytest.mark.parametrize("name", CLIPS)
def test_real_clips_have_no_traces_of_a_screen(name: str) -> None:
    signal = recapture(real(name))
    assert said(signal) == "pass:ok"
    assert signal.value is not None
    assert signal.value < 0.8


@pytest.mark.parametrize("name", CLIPS)
def test_the_pad_engine_takes_real_people_for_live(name: str) -> None:
    if pad_engine() is None:
        pytest.skip("the model pack `minifasnet` is not installed")
    signal = pad_model(real(name))
    assert signal.n >= 8
    assert said(signal) == "pass:ok"


@pytest.mark.parametrize("name", WIDE)
def test_a_labelled_wide_turn_has_depth(name: str) -> None:
    signal = depth(real(name), turns_of(name))
    assert said(signal) == "pass:ok"
    assert signal.value is not None
    assert signal.value > 0.036


def straightest(name: str) -> tuple[Picture, NDArray[np.float32]]:
    track = real(name)
    yaw, pitch, _ = pose(track.meshes[:180])
    best = int(np.argmin(np.hypot(yaw, pitch - np.median(pitch))))
    return pictures(name)[best], track.meshes[best] / np.float32(track.scale)


CAUGHT = ("fail:flat", "fail:bent", "abstain:turn_not_seen", "abstain:not_followed")


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize(
    ("degrees", "curvature", "lying"),
    [(55, 0.0, False), (40, 1.0, False), (40, 2.0, False), (25, 2.0, False), (55, 1.5, True)],
)
def test_no_turned_picture_has_depth(
    name: str, degrees: float, curvature: float, lying: bool
) -> None:
    picture, mesh = straightest(name)
    frames = instruments.turned_picture(
        picture, mesh, degrees=degrees, curvature=curvature, lying=lying
    )
    assert said(depth(track_of(frames), FROM_STRAIGHT)) in CAUGHT


@pytest.mark.parametrize(("degrees", "curvature", "why"), [(55, 0.0, "flat"), (40, 2.0, "bent")])
def test_pictures_that_reach_the_turn_fail(degrees: float, curvature: float, why: str) -> None:
    picture, mesh = straightest("selfie-woman-turns.mp4")
    frames = instruments.turned_picture(picture, mesh, degrees=degrees, curvature=curvature)
    assert said(depth(track_of(frames), FROM_STRAIGHT)) == f"fail:{why}"


@pytest.mark.parametrize("name", SMALL)
def test_freezes_and_loops_of_real_clips_are_not_fresh(name: str) -> None:
    clip = list(pictures(name)[:120])
    assert said(freshness(track_of(instruments.frozen(clip, 50, 30)))) == "fail:frozen"
    assert said(freshness(track_of([clip[40]] * 60))) == "fail:frozen"
    looped = instruments.looped(clip, 15, 75)
    assert said(freshness(track_of(looped))) == "fail:loop"
    assert said(freshness(track_of(looped[::2], fps=15))) == "fail:loop"
    assert said(freshness(track_of(instruments.to_and_fro(clip[30:110])))) == "fail:backwards"


@pytest.mark.parametrize("name", SMALL)
def test_a_busy_phones_repeated_frames_are_fresh(name: str) -> None:
    clip = list(pictures(name)[:100])
    assert said(freshness(track_of(instruments.repeated(clip)))) == "pass:ok"
    assert said(freshness(track_of([f for f in clip[:60] for _ in (0, 1)]))) == "pass:ok"


@pytest.mark.parametrize("name", SMALL)
def test_a_simulated_screen_leaves_traces(name: str) -> None:
    shown = instruments.recaptured(pictures(name)[:90:3], pitch=2.6, degrees=4.0)
    assert recapture(track_of(shown, fps=10)).outcome.value == "fail"


def test_nothing_is_measured_of_a_track_without_measurements() -> None:
    bare = replace(real(WIDE[0]), changes=None, traces=(), pad=(), parallaxes=())
    assert said(depth(bare, FROM_STRAIGHT)).startswith("abstain:")
    assert said(freshness(bare)) == said(recapture(bare)) == said(pad_model(bare))
