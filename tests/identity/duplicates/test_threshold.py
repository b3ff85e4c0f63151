"""The threshold follows the gallery, so that one honest enrolment in a thousand is stopped."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.duplicates import (
    duplicate_threshold,
    false_match_rate,
    false_positive_identification_rate,
)

SIZES = st.integers(0, 10**10)
FLOOR = 3.0


def test_the_rates_are_those_that_were_measured() -> None:
    assert false_match_rate(0.95) == pytest.approx(1e-3)
    assert false_match_rate(1.84) == pytest.approx(1e-4)


@pytest.mark.parametrize(
    ("size", "threshold"), [(10**3, 3.62), (10**4, 4.51), (10**5, 5.40), (10**6, 6.29)]
)
def test_the_threshold_at_the_sizes_that_are_reported(size: int, threshold: float) -> None:
    found = duplicate_threshold(size, floor=FLOOR)
    assert found == pytest.approx(threshold, abs=0.005)
    assert false_positive_identification_rate(size, threshold=found) == pytest.approx(
        1e-3, rel=0.01
    )


@given(SIZES)
def test_no_gallery_stops_more_than_one_in_a_thousand(size: int) -> None:
    threshold = duplicate_threshold(size, floor=FLOOR)
    assert size * false_match_rate(threshold) <= 1e-3
    assert false_positive_identification_rate(size, threshold=threshold) <= 1e-3


@given(SIZES, SIZES)
def test_a_larger_gallery_never_has_a_lower_threshold(one: int, other: int) -> None:
    small, large = sorted((one, other))
    assert duplicate_threshold(small, floor=FLOOR) <= duplicate_threshold(large, floor=FLOOR)


@given(SIZES, st.floats(-50, 50))
def test_the_threshold_is_never_under_the_floor(size: int, floor: float) -> None:
    assert duplicate_threshold(size, floor=floor) >= floor


@pytest.mark.parametrize("size", [-5, 0, 1])
def test_an_empty_gallery_has_the_floor(size: int) -> None:
    assert duplicate_threshold(size, floor=FLOOR) == FLOOR


@given(st.floats(allow_nan=True, allow_infinity=True), st.integers(-5, 10**9))
def test_rates_are_probabilities_for_any_score(score: float, size: int) -> None:
    assert 0.0 <= false_match_rate(score) <= 1.0
    assert 0.0 <= false_positive_identification_rate(size, threshold=score) <= 1.0


@given(st.floats(-100, 100), st.floats(0, 100))
def test_a_higher_score_never_has_a_higher_rate(score: float, more: float) -> None:
    assert false_match_rate(score + more) <= false_match_rate(score)


def test_a_score_that_is_no_number_matches_everything() -> None:
    assert false_match_rate(math.nan) == 1.0
