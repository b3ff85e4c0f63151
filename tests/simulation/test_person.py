"""Whole clips: what a checker with the pack's engines reads is what the script asked for."""

from __future__ import annotations

import io
import time
from dataclasses import replace
from typing import get_args

import av
import numpy as np
import pytest

from models.engine import Engines
from tests.simulation.encoding import Codec, Timing
from tests.simulation.oracle import Watched, complaints, continuity, watch
from tests.simulation.person import Scene, SimulatedPerson, nobody
from tests.simulation.portrait import Picture, as_picture
from tests.simulation.script import mirrored, reordered
from tests.simulation.search import EVERY_KIND

pytestmark = [pytest.mark.pack, pytest.mark.slow]

SHORT = [
    {"kind": "hold", "start": 0.0, "end": 1.0},
    {"kind": "turn", "direction": "left", "start": 1.0, "end": 2.6, "min_degrees": 15},
]


def pictures(clip: bytes) -> list[Picture]:
    with av.open(io.BytesIO(clip), mode="r") as container:
        return [as_picture(f.to_ndarray(format="rgb24")) for f in container.decode(video=0)]


@pytest.fixture(scope="module")
def answer(alice: SimulatedPerson) -> bytes:
    return alice.answer(EVERY_KIND)


@pytest.fixture(scope="module")
def watched(engines: Engines, answer: bytes) -> Watched:
    return watch(engines, answer)


def test_an_answer_is_read_as_what_the_script_asked_for(watched: Watched) -> None:
    assert complaints(watched, EVERY_KIND) == []


def test_every_sample_of_an_answer_belongs_to_the_same_person(watched: Watched) -> None:
    assert len(watched.samples) >= 20
    assert min(continuity(watched.samples)) >= 6.0


@pytest.mark.parametrize(
    ("size", "codec", "fps", "seed"),
    [
        ((1280, 720), "vp8", 24, 3),
        ((480, 640), "h264", 30, 4),
        ((720, 720), "vp9", 25, 5),
        ((640, 360), "vp9", 15, 6),
        ((480, 480), "h264", 60, 7),
    ],
)
def test_an_answer_is_as_good_in_other_shapes_and_codecs(
    engines: Engines,
    alice: SimulatedPerson,
    size: tuple[int, int],
    codec: Codec,
    fps: int,
    seed: int,
) -> None:
    clip = alice.answer(EVERY_KIND, size=size, codec=codec, fps=fps, seed=seed)
    with av.open(io.BytesIO(clip), mode="r") as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == size
        assert stream.codec_context.name.removeprefix("lib") in (codec, codec.replace("vp8", "vpx"))
    assert complaints(watch(engines, clip), EVERY_KIND) == []


def test_a_lit_answer_is_read_as_one_however_unevenly_it_is_taken(
    engines: Engines, alice: SimulatedPerson
) -> None:
    light = {"kind": "light", "start": 2.6, "end": 5.8, "colours": ["green", "red", "cyan", "blue"]}
    script = [*SHORT, light, {"kind": "blink", "start": 5.8, "end": 7.2, "count": 1}]
    scene = Scene(
        ambient=0.8,
        ambient_colour=(1.15, 1.0, 0.8),
        latency_s=0.3,
        auto_white_balance=0.5,
        auto_exposure=0.5,
        noise=3.0,
        shake=2.0,
    )
    clip = alice.answer(
        script, scene=scene, timing=Timing(jitter_s=0.004, dropped=0.05), codec="vp8", crf=24
    )
    assert complaints(watch(engines, clip), script) == []


def test_a_larger_turn_is_answered_by_a_larger_turn(
    engines: Engines, alice: SimulatedPerson
) -> None:
    script = [SHORT[0], {**SHORT[1], "min_degrees": 19}]
    assert complaints(watch(engines, alice.answer(script)), script) == []


def test_wrong_answers_are_told_from_right_ones(watched: Watched) -> None:
    for wrong in (mirrored(EVERY_KIND), reordered(EVERY_KIND)):
        assert len(complaints(watched, wrong)) >= 2


def test_a_late_answer_is_a_right_answer_too_late(engines: Engines, alice: SimulatedPerson) -> None:
    watched = watch(engines, alice.answer(SHORT, delay_s=1.5))
    assert complaints(watched, SHORT) != []
    assert complaints(replace(watched, times=watched.times - 1.5), SHORT) == []


def test_a_still_is_one_picture_over_and_over(alice: SimulatedPerson) -> None:
    frames = pictures(alice.still(seconds=3.0))
    assert len(frames) == 90
    away = [np.abs(frame.astype(int) - frames[0].astype(int)).mean() for frame in frames]
    assert max(away) < 2.0


def test_a_second_person_is_seen_only_while_there(engines: Engines, alice: SimulatedPerson) -> None:
    scene = Scene(beside=alice, beside_during=(1.0, 2.0))
    faces = [
        len(engines.detector.detect(frame))
        for frame in pictures(alice.answer(SHORT, scene=scene, fps=10))
    ]
    assert set(faces[:9]) == {1}
    assert set(faces[11:19]) == {2}
    assert set(faces[21:]) == {1}


def test_in_the_dark_hardly_anything_is_to_be_seen(alice: SimulatedPerson) -> None:
    frames = pictures(alice.answer(SHORT, scene=Scene(exposure=0.01), fps=10))
    assert max(frame.mean() for frame in frames) < 25.0


def test_a_clip_of_nobody_shows_no_face(engines: Engines) -> None:
    frames = pictures(nobody(seconds=3.0, fps=10))
    assert [len(engines.detector.detect(frame)) for frame in frames] == [0] * 30


def test_the_same_seed_gives_the_same_frames_and_another_one_others(
    alice: SimulatedPerson,
) -> None:
    one, same, other = (
        list(alice.frames(SHORT, seconds=0.5, fps=10, seed=seed)) for seed in (1, 1, 2)
    )
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_script_that_the_person_cannot_follow_is_refused(alice: SimulatedPerson) -> None:
    with pytest.raises(ValueError, match="whistle"):
        alice.answer([{"kind": "whistle", "start": 0.0, "end": 1.0}])


def test_a_clip_without_frames_is_refused(alice: SimulatedPerson) -> None:
    with pytest.raises(ValueError, match="frame"):
        alice.answer(SHORT, seconds=0.0)


def test_every_codec_can_be_decoded_again(alice: SimulatedPerson) -> None:
    for codec in get_args(Codec):
        assert len(pictures(alice.answer(SHORT, seconds=1.0, codec=codec))) == 30


def test_a_clip_is_made_in_little_more_than_its_own_length(alice: SimulatedPerson) -> None:
    """Twelve seconds: the aim is 10 on one core; twice that leaves room for a busy machine."""
    alice.picture()
    started = time.process_time()
    alice.answer(EVERY_KIND, seconds=12.0)
    assert time.process_time() - started < 20.0
