from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest

from benchmarks.pad.leave_out import fitted_threshold, leave_one_out
from benchmarks.pad.statistics import (
    apcer,
    bpcer,
    caught_by,
    clopper_pearson_lower,
    clopper_pearson_upper,
    det,
    not_passed,
    soft_scores,
    worst,
)


def row(outcome: str = "fail", **more: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "face": "a",
        "instrument": "still-0",
        "species": "still",
        "soft": None,
        "signals": [],
    }
    return {**body, "outcome": outcome, **more}


def test_none_of_42_is_at_most_6_9_percent() -> None:
    assert clopper_pearson_upper(0, 42) == pytest.approx(0.0688, abs=1e-4)


@pytest.mark.parametrize(("count", "n"), [(0, 10), (1, 20), (7, 42), (41, 42), (42, 42)])
def test_bounds_are_those_of_scipys_exact_test(count: int, n: int) -> None:
    two_sided = binomtest(count, n).proportion_ci(0.90, method="exact")
    assert clopper_pearson_upper(count, n) == pytest.approx(two_sided.high)
    assert clopper_pearson_lower(count, n) == pytest.approx(two_sided.low)


def test_nothing_tried_bounds_nothing() -> None:
    assert clopper_pearson_upper(0, 0) == 1.0
    assert clopper_pearson_lower(0, 0) == 0.0


@pytest.mark.parametrize(("count", "n"), [(-1, 3), (4, 3)])
def test_counts_outside_are_refused(count: int, n: int) -> None:
    for bound in (clopper_pearson_upper, clopper_pearson_lower):
        with pytest.raises(ValueError, match="between"):
            bound(count, n)


def test_apcer_counts_faces_and_instruments_not_clips() -> None:
    rows = [row(), row("pass"), row(), row(instrument="still-1"), row("retry", face="b")]
    share = apcer(rows)
    assert (share.count, share.n, share.clips) == (1, 3, 5)
    assert share.non_response == {"retry": 1}


def test_review_and_refusal_are_no_pass_and_stand_apart() -> None:
    share = apcer([row("review"), row("refused", face="b"), row("crashed", face="c")])
    assert share.count == 0
    assert share.non_response == {"review": 1, "refused": 1, "crashed": 1}


def test_an_instrument_that_broke_is_no_attempt() -> None:
    share = apcer([row(), row("not_made", face="b")])
    assert (share.count, share.n, share.non_response) == (0, 1, {"not_made": 1})


def test_bpcer_counts_fails_and_tells_the_rest_apart() -> None:
    rows = [row("pass"), row("fail"), row("retry"), row("review")]
    share = bpcer(rows)
    assert (share.count, share.n) == (1, 4)
    assert share.non_response == {"retry": 1, "review": 1}
    assert not_passed(rows).count == 3


def test_the_headline_is_the_worst_species() -> None:
    shares = {
        "still": apcer([row()]),
        "bent": apcer([row("pass"), row(face="b"), row(face="c")]),
        "none": apcer([]),
    }
    assert worst(shares) == "bent"
    assert worst({}) is None


def test_signals_are_counted_by_what_they_said() -> None:
    signal = {"name": "depth", "outcome": "fail", "why": "flat", "value": 0.1}
    rows = [row(signals=[signal]), row(signals=[{**signal, "outcome": "abstain", "why": "still"}])]
    assert caught_by(rows)["depth"] == {"fail": 1, "why:flat": 1, "abstain": 1, "why:still": 1}


def test_the_trade_off_goes_from_all_attacks_to_all_bona_fide() -> None:
    curve = det([0.0, 1.0, 2.0], [1.5, 3.0, 4.0])
    assert curve is not None
    assert (curve.apcer[0], curve.bpcer[0]) == (1.0, 0.0)
    assert (curve.apcer[-1], curve.bpcer[-1]) == (0.0, 1.0)
    assert np.all(np.diff(curve.bpcer) >= 0)
    assert curve.equal_error_rate == pytest.approx(1 / 3)
    assert det([], [1.0]) is None


def test_a_veto_counts_as_the_lowest_score() -> None:
    rows = [row("fail", soft=3.0), row("pass", soft=1.0), row("refused")]
    assert soft_scores(rows, vetoes=False) == [3.0, 1.0]
    assert soft_scores(rows, vetoes=True) == [float("-inf"), 1.0]


def test_a_threshold_lies_between_attacks_and_bona_fide() -> None:
    attacks = [row("pass", soft=-1.0), row("fail", soft=9.0)]
    good = [row("pass", soft=1.0), row("pass", soft=3.0)]
    assert fitted_threshold(attacks, good, lambda r: r["soft"]) == pytest.approx(0.0)
    overlap = [row("pass", soft=2.0)]
    assert fitted_threshold(overlap, good, lambda r: r["soft"]) == pytest.approx(1.0)


def test_a_species_that_was_left_out_may_pass() -> None:
    def scored(species: str, value: float, number: int, outcome: str = "review") -> dict[str, Any]:
        signals = [{"name": "recapture", "outcome": "pass", "why": "ok", "value": value}]
        name = f"{species}-{number}"
        return row(outcome, species=species, instrument=name, soft=value, signals=signals)

    attacks = [scored("screen", 0.1 * n, n) for n in range(6)]
    attacks += [scored("print", 5.0 + 0.1 * n, n) for n in range(6)]
    good = [scored("none", 8.0 + 0.1 * n, n, "pass") for n in range(20)]
    entries = {entry["species"]: entry for entry in leave_one_out(attacks, good)}
    assert entries["screen"]["threshold"]["count"] == 0
    assert entries["print"]["threshold"]["count"] == 6
    assert entries["print"]["refit"]["n"] == 6
