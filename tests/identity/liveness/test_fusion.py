"""How signals are put together: what vetoes, what only counts, what a pass is worth."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.capture.script import Without, generate_script
from identity.liveness.fusion import (
    KNOTS,
    PASS_SUM,
    assurance_of,
    fuse,
    ratio_of,
    reasons_of,
    soft_sum,
)
from identity.types import Assurance, Outcome, Signal, SignalOutcome

VETOES = ("single_face", "quality", "depth", "light_response", "continuity", "freshness")


def signal(name: str, outcome: str = "pass", why: str = "ok", value: float | None = None) -> Signal:
    return Signal(name, value, None, SignalOutcome(outcome), why, 1)


def soft(name: str, value: float) -> Signal:
    return signal(name, value=value)


PASSING = tuple(signal(name) for name in VETOES)


def but(*changed: Signal) -> tuple[Signal, ...]:
    names = {one.name for one in changed}
    return (*(one for one in PASSING if one.name not in names), *changed)


def test_when_every_veto_passes_the_clip_does() -> None:
    assert fuse(PASSING, ()) is Outcome.PASS
    assert reasons_of(PASSING) == ()


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        (signal("depth", "fail", "flat"), Outcome.FAIL),
        (signal("light_response", "fail", "wrong_light"), Outcome.FAIL),
        (signal("light_response", "abstain", "drowned"), Outcome.RETRY),
        (signal("light_response", "abstain", "not_measured"), Outcome.UNSUPPORTED),
        (signal("light_response", "abstain", "not_applicable"), Outcome.PASS),
        (signal("freshness", "fail", "loop"), Outcome.FAIL),
        (signal("freshness", "fail", "gap"), Outcome.RETRY),
        (signal("freshness", "fail", "cut"), Outcome.FAIL),
        (signal("quality", "fail", "blurred"), Outcome.RETRY),
        (signal("single_face", "fail", "second_face"), Outcome.FAIL),
        (signal("single_face", "fail", "face_missing"), Outcome.RETRY),
        (signal("unheard_of", "fail", "whatever"), Outcome.FAIL),
        (signal("unheard_of", "abstain", "whatever"), Outcome.RETRY),
    ],
)
def test_one_signal_decides(changed: Signal, outcome: Outcome) -> None:
    assert fuse(but(changed), ()) is outcome


def test_a_veto_comes_before_what_is_missing_and_that_before_another_try() -> None:
    flat, missing = signal("depth", "fail", "flat"), signal("freshness", "abstain", "not_measured")
    blurred = signal("quality", "fail", "blurred")
    assert fuse(but(flat, missing, blurred), ()) is Outcome.FAIL
    assert fuse(but(missing, blurred), ()) is Outcome.UNSUPPORTED
    assert set(reasons_of(but(missing, blurred))) == {"freshness:not_measured", "quality:blurred"}


def test_soft_signals_together_ask_for_a_person_and_refuse_nobody() -> None:
    against = (soft("recapture", 3.0), soft("pad_model", 0.0))
    assert soft_sum(against) < PASS_SUM
    assert fuse((*PASSING, *against), ()) is Outcome.REVIEW
    assert reasons_of((*PASSING, *against)) == ("recapture:ok", "pad_model:ok")
    for one in against:
        assert fuse((*PASSING, one), ()) is Outcome.PASS


def test_without_a_script_the_best_is_review() -> None:
    assert fuse(PASSING, None) is Outcome.REVIEW


@pytest.mark.parametrize("name", sorted(KNOTS))
def test_a_soft_signal_that_abstains_counts_for_nothing(name: str) -> None:
    assert ratio_of(signal(name, "abstain", "weak", 3.0)) == 0.0
    assert ratio_of(signal(name, "abstain", "not_measured")) == 0.0


def test_uneven_frames_count_alike_in_whatever_unit() -> None:
    gap = signal("timing", "fail", "gap", 0.3)
    uneven = signal("timing", "fail", "uneven", 2.0)
    assert ratio_of(gap) == ratio_of(uneven) < 0.0


@given(st.sampled_from(sorted(KNOTS)), st.floats(-1e6, 1e6))
def test_no_value_of_one_soft_signal_asks_for_a_person(name: str, value: float) -> None:
    ratio = ratio_of(soft(name, value))
    assert PASS_SUM <= ratio <= 1.0


def test_a_pass_is_worth_what_the_script_asked_for() -> None:
    assert assurance_of(generate_script(bytes(32))) is Assurance.STANDARD
    assert assurance_of(generate_script(bytes(32), Without.LIGHT)) is Assurance.BASIC
    assert assurance_of(generate_script(bytes(32), Without.MOTION)) is Assurance.BASIC
    assert assurance_of(None) is Assurance.BASIC
