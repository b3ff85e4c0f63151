from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from identity.liveness.verdict import WHY, judge
from identity.prompts import Script
from identity.types import Assurance, Outcome, Verdict
from tests.identity.liveness.build import CALIBRATION, a_sample, a_track, answering, bump, total
from tests.identity.liveness.whole import whole

DOCS = Path(__file__).resolve().parents[3] / "docs"
SCRIPT = Script.from_json(
    [
        {"kind": "hold", "start": 0, "end": 1},
        {"kind": "turn", "direction": "left", "start": 1.2, "end": 2.8},
        {"kind": "turn", "direction": "right", "start": 3, "end": 4.6},
        {"kind": "open_mouth", "start": 4.8, "end": 6.2},
    ]
)


ANSWER = answering(SCRIPT)


def verdict(**changes: Any) -> Verdict:
    curves = {**ANSWER, **changes}
    return judge(whole(a_track(6.6, **curves), curves["yaw"]), SCRIPT, CALIBRATION)


def test_somebody_who_answers_passes() -> None:
    answer = verdict()
    assert answer.outcome is Outcome.PASS
    assert answer.reasons == ()
    assert [s.name for s in answer.signals] == [
        "single_face",
        "quality",
        "compliance",
        "depth",
        "light_response",
        "continuity",
        "freshness",
        "timing",
        "recapture",
        "pulse",
        "pad_model",
    ]
    assert answer.assurance is Assurance.BASIC
    assert [m.found for m in answer.prompts] == [True] * 4


def test_without_a_script_the_best_is_review() -> None:
    answer = judge(whole(a_track()), None, CALIBRATION)
    assert answer.outcome is Outcome.REVIEW
    assert answer.reasons == ("compliance:no_script",)
    assert answer.prompts == ()


@pytest.mark.parametrize(
    ("changes", "outcome", "reason"),
    [
        ({"mouth": lambda t: 0.02}, Outcome.RETRY, "compliance:not_done"),
        (
            {"yaw": total([bump(2.0, 12, 0.5), bump(3.8, -22, 0.5)])},
            Outcome.RETRY,
            "compliance:too_small",
        ),
        ({"yaw": lambda t: 0.0, "mouth": lambda t: 0.02}, Outcome.FAIL, "compliance:no_response"),
        ({"yaw": lambda t: 0.0}, Outcome.FAIL, "compliance:not_done"),
        (
            {"yaw": total([bump(2.0, -22, 0.5), bump(3.8, 22, 0.5)])},
            Outcome.FAIL,
            "compliance:wrong_direction",
        ),
        ({"others": lambda t: int(t > 3)}, Outcome.FAIL, "single_face:second_face"),
        ({"missing": lambda t: 0 <= t < 0.5}, Outcome.RETRY, "single_face:face_missing"),
        ({"missing": lambda t: True, "samples": []}, Outcome.RETRY, "single_face:no_face"),
        (
            {"samples": [a_sample(0.4 * k, brightness=10.0) for k in range(16)]},
            Outcome.RETRY,
            "quality:too_dark",
        ),
        (
            {"samples": [a_sample(0.4 * k, person=int(k > 12)) for k in range(16)]},
            Outcome.FAIL,
            "continuity:",
        ),
        (
            {"samples": [a_sample(0.4 * k) for k in range(3)]},
            Outcome.RETRY,
            "continuity:too_few_samples",
        ),
    ],
)
def test_each_thing_that_is_wrong_has_its_outcome(
    changes: dict[str, Any], outcome: Outcome, reason: str
) -> None:
    answer = verdict(**changes)
    assert answer.outcome is outcome
    assert any(found.startswith(reason) for found in answer.reasons)


def test_a_veto_outweighs_what_could_be_tried_again() -> None:
    answer = verdict(others=lambda t: 1, mouth=lambda t: 0.02)
    assert answer.outcome is Outcome.FAIL


def test_a_clip_that_ends_early_may_be_tried_again() -> None:
    answer = judge(whole(a_track(4.0, **ANSWER), ANSWER["yaw"]), SCRIPT, CALIBRATION)
    assert answer.outcome is Outcome.RETRY
    assert "compliance:clip_ends_early" in answer.reasons


def test_the_same_track_gives_the_same_verdict() -> None:
    assert verdict() == verdict()


def test_a_track_of_no_frames_is_tried_again() -> None:
    assert judge(whole(a_track(0.0, samples=[])), SCRIPT, CALIBRATION).outcome is Outcome.RETRY


@pytest.mark.parametrize("name", sorted(WHY))
def test_every_reason_is_documented(name: str) -> None:
    text = (DOCS / "liveness.md").read_text(encoding="utf-8")
    assert f"`{name}`" in text
    for why in WHY[name]:
        assert f"`{why}`" in text, f"docs/liveness.md says nothing of {why}"
