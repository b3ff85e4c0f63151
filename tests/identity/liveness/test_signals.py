from __future__ import annotations

from typing import Any

import pytest

from identity.liveness.signals import (
    WHY,
    compliance,
    good_samples,
    quality,
    seconds_of_others,
    single_face,
)
from identity.liveness.tracking import PASS_SECONDS
from identity.liveness.verdict import measured_prompts
from identity.prompts import Script
from identity.types import Signal, SignalOutcome
from tests.identity.liveness.build import a_sample, a_track, answering, bump

SCRIPT = Script.from_json(
    [
        {"kind": "hold", "start": 0, "end": 1},
        {"kind": "turn", "direction": "left", "start": 1.2, "end": 2.8},
        {"kind": "turn", "direction": "right", "start": 3, "end": 4.6},
        {"kind": "open_mouth", "start": 4.8, "end": 6.2},
    ]
)


def said(signal: Signal) -> tuple[str, str]:
    assert signal.why in WHY[signal.name]
    return signal.outcome.value, signal.why


def test_one_face_throughout_passes() -> None:
    signal = single_face(a_track())
    assert said(signal) == ("pass", "ok")
    assert (signal.value, signal.threshold, signal.n) == (1.0, 0.95, 120)


def test_a_face_that_is_away_for_a_while_is_missing() -> None:
    assert said(single_face(a_track(missing=lambda t: 1 < t < 1.15))) == ("pass", "ok")
    assert said(single_face(a_track(missing=lambda t: 1 < t < 1.5))) == ("fail", "face_missing")


def test_nobody_in_the_picture() -> None:
    nobody = a_track(missing=lambda t: True, samples=[])
    assert said(single_face(nobody)) == ("fail", "no_face")
    assert said(quality(nobody)) == ("fail", "no_face")


def test_nobody_to_be_seen_in_the_dark() -> None:
    dark = a_track(missing=lambda t: True, samples=[], light=6.0)
    assert said(single_face(dark)) == ("fail", "too_dark")
    assert said(quality(dark)) == ("fail", "too_dark")


def test_a_track_without_frames_is_without_a_face() -> None:
    assert said(single_face(a_track(0.0, samples=[]))) == ("fail", "no_face")


@pytest.mark.parametrize(
    ("until", "outcome"), [(1.05, "pass"), (1.35, "pass"), (1.6, "fail"), (3.0, "fail")]
)
def test_a_second_face_for_over_half_a_second_fails(until: float, outcome: str) -> None:
    track = a_track(others=lambda t: int(0.99 < t < until))
    assert single_face(track).outcome.value == outcome


def test_a_second_face_missed_once_is_still_one_run() -> None:
    track = a_track(others=lambda t: int(0.99 < t < 1.9 and not 1.3 < t < 1.5))
    assert seconds_of_others(track) == pytest.approx(0.8 + PASS_SECONDS)
    assert said(single_face(track)) == ("fail", "second_face")


def test_a_pattern_taken_for_a_face_once_now_and_then_passes() -> None:
    track = a_track(10, others=lambda t: int(round(t / 0.2) % 5 == 0))
    assert said(single_face(track)) == ("pass", "ok")


def test_good_samples_pass_quality() -> None:
    signal = quality(a_track())
    assert said(signal) == ("pass", "ok")
    assert signal.value == 10


@pytest.mark.parametrize(
    ("measures", "why"),
    [
        ({"brightness": 15.0}, "too_dark"),
        ({"brightness": 250.0}, "too_bright"),
        ({"contrast": 1.0}, "low_contrast"),
        ({"sharpness": 0.0005}, "blurred"),
        ({"margin": 0.8}, "outside_frame"),
        ({"yaw": 50.0}, "too_few_samples"),
        ({"pitch": -50.0}, "too_few_samples"),
    ],
)
def test_each_lack_of_quality_has_its_own_code(measures: dict[str, Any], why: str) -> None:
    samples = [a_sample(0.4 * k, **measures) for k in range(10)]
    assert said(quality(a_track(samples=samples))) == ("fail", why)


def test_a_far_face_is_too_small() -> None:
    signal = quality(a_track(size=90))
    assert said(signal) == ("fail", "too_small")
    assert signal.value == pytest.approx(90 * 0.44, rel=0.02)


def test_too_few_samples_for_a_template() -> None:
    samples = [a_sample(0.4 * k) for k in range(7)]
    assert said(quality(a_track(samples=samples))) == ("fail", "too_few_samples")
    assert said(quality(a_track(samples=[]))) == ("fail", "too_few_samples")


def test_the_straightest_samples_come_first() -> None:
    samples = [a_sample(0.4 * k, yaw=20.0 - 5 * k) for k in range(5)]
    assert [s.yaw for s in good_samples(a_track(samples=samples))] == [0, 5, 10, 15, 20]


def complied(**changes: Any) -> Signal:
    track = a_track(6.6, **{**answering(SCRIPT), **changes})
    return compliance(track, measured_prompts(track, SCRIPT))


def test_every_prompt_answered_passes() -> None:
    signal = complied()
    assert said(signal) == ("pass", "ok")
    assert (signal.value, signal.n) == (1.0, 4)


def test_without_a_script_compliance_is_not_applicable() -> None:
    assert said(compliance(a_track(), None)) == ("abstain", "no_script")


def test_without_a_face_compliance_abstains() -> None:
    track = a_track(missing=lambda t: True)
    assert said(compliance(track, measured_prompts(track, SCRIPT))) == ("abstain", "no_face")


def test_one_prompt_left_out_is_not_done() -> None:
    signal = complied(mouth=lambda t: 0.02)
    assert said(signal) == ("fail", "not_done")
    assert signal.value == 0.75


def test_nothing_done_is_no_response() -> None:
    signal = complied(yaw=lambda t: 0.0, mouth=lambda t: 0.02)
    assert said(signal) == ("fail", "no_response")


def test_the_wrong_way_is_named_before_what_is_missing() -> None:
    signal = complied(yaw=bump(2.0, -22), mouth=lambda t: 0.02)
    assert said(signal) == ("fail", "wrong_direction")


def test_a_clip_that_ends_before_the_script_says_so() -> None:
    track = a_track(4.0, **answering(SCRIPT))
    signal = compliance(track, measured_prompts(track, SCRIPT))
    assert said(signal) == ("fail", "clip_ends_early")


def test_a_signal_as_json_has_six_keys() -> None:
    body = single_face(a_track()).to_json()
    assert body == {
        "name": "single_face",
        "value": 1.0,
        "threshold": 0.95,
        "outcome": "pass",
        "why": "ok",
        "n": 120,
    }
    assert isinstance(SignalOutcome(body["outcome"]), SignalOutcome)
