"""The whole pipeline, from bytes to verdict, on the simulated person."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from identity.capture.script import Without, generate_script
from identity.errors import NotAVideo
from identity.prompts import Script
from identity.runtime.analysis import analyse, judge_again
from identity.runtime.report import report
from identity.runtime.words import in_words
from identity.types import Outcome
from models.engine import Engines
from tests.simulation.person import Scene, SimulatedPerson, nobody
from tests.simulation.script import mirrored, reordered

pytestmark = [pytest.mark.pack, pytest.mark.slow]

SCRIPT = generate_script(bytes(32), Without.LIGHT)

Prompts = list[dict[str, Any]]


@pytest.fixture(scope="module")
def clip(alice: SimulatedPerson) -> bytes:
    return alice.answer(SCRIPT.to_json())


def test_somebody_who_answers_passes(clip: bytes, engines: Engines) -> None:
    told: list[float] = []
    analysis = analyse(clip, SCRIPT, engines, told.append)
    assert analysis.verdict.outcome is Outcome.PASS
    assert analysis.template is not None
    assert analysis.template.template_format == engines.template_format
    assert 8 <= analysis.template.samples <= 20
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert set(analysis.timings) >= {"decode", "detect", "mesh", "embed", "signals", "other"}
    assert judge_again(analysis.track, SCRIPT, engines.calibration) == analysis.verdict
    body = json.loads(json.dumps(report(analysis), allow_nan=False))
    assert body["outcome"] == "pass"
    assert all(prompt["found"] for prompt in body["prompts"])
    assert "outcome   pass" in in_words(body)


def test_a_browsers_recording_passes_too(alice: SimulatedPerson, engines: Engines) -> None:
    clip = alice.answer(SCRIPT.to_json(), codec="vp8")
    assert analyse(clip, SCRIPT, engines).verdict.outcome is Outcome.PASS


@pytest.mark.parametrize("change", [mirrored, reordered])
def test_another_script_than_was_asked_fails(
    change: Callable[[Prompts], Prompts], clip: bytes, engines: Engines
) -> None:
    asked = Script.from_json(change(SCRIPT.to_json()))
    assert analyse(clip, asked, engines).verdict.outcome is Outcome.FAIL


def test_another_sessions_clip_fails(clip: bytes, engines: Engines) -> None:
    asked = generate_script(bytes([9]) * 32, Without.LIGHT)
    assert analyse(clip, asked, engines).verdict.outcome is Outcome.FAIL


def test_a_still_picture_as_a_clip_fails(alice: SimulatedPerson, engines: Engines) -> None:
    verdict = analyse(alice.still(SCRIPT.seconds), SCRIPT, engines).verdict
    assert verdict.outcome is Outcome.FAIL
    assert {"compliance:no_response", "freshness:frozen"} <= set(verdict.reasons)


def test_a_second_person_beside_fails(
    alice: SimulatedPerson, mallory: SimulatedPerson, engines: Engines
) -> None:
    scene = Scene(beside=mallory, beside_during=(4.0, 6.0))
    verdict = analyse(alice.answer(SCRIPT.to_json(), scene=scene), SCRIPT, engines).verdict
    assert verdict.outcome is Outcome.FAIL
    assert "single_face:second_face" in verdict.reasons


def test_nobody_there_is_asked_to_try_again(engines: Engines) -> None:
    analysis = analyse(nobody(SCRIPT.seconds), SCRIPT, engines)
    assert analysis.verdict.outcome is Outcome.RETRY
    assert "single_face:no_face" in analysis.verdict.reasons
    assert analysis.template is None
    body = json.loads(json.dumps(report(analysis), allow_nan=False))
    assert body["pose"] is None
    assert "retry" in in_words(body)


def test_somebody_in_the_dark_is_asked_to_try_again(
    alice: SimulatedPerson, engines: Engines
) -> None:
    clip = alice.answer(SCRIPT.to_json(), scene=Scene(exposure=0.02))
    verdict = analyse(clip, SCRIPT, engines).verdict
    assert verdict.outcome is Outcome.RETRY
    assert "quality:too_dark" in verdict.reasons


def test_what_is_no_video_is_a_typed_error(engines: Engines) -> None:
    with pytest.raises(NotAVideo):
        analyse(b"not a video, whatever its name says", SCRIPT, engines)
