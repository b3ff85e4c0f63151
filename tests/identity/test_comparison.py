from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from identity.comparison import (
    Template,
    TemplateFormatMismatch,
    TooFewSamples,
    UnusableVector,
    compare,
    comparison_vector,
    score,
    template_from_vectors,
    unit,
)
from tests.identity.liveness.build import CALIBRATION

Vectors = tuple[NDArray[np.float32], ...]


def vectors(seed: int) -> Vectors:
    chance = np.random.default_rng(seed)
    return (
        unit(chance.normal(size=128).astype(np.float32)),
        unit(chance.normal(size=1024).astype(np.float32)),
    )


def template(seed: int, template_format: str = "f1") -> Template:
    return template_from_vectors([vectors(seed)] * 8, template_format)


def test_a_template_against_itself_scores_the_sum_of_weights_and_bias() -> None:
    assert compare(template(1), template(1), CALIBRATION) == pytest.approx(22.3 + 24.9 - 34.0)


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_the_inner_product_of_comparison_vectors_plus_the_bias_is_the_score(
    one: int, other: int
) -> None:
    a, b = template(one), template(other)
    product = float(comparison_vector(a, CALIBRATION) @ comparison_vector(b, CALIBRATION))
    assert product + CALIBRATION.bias == pytest.approx(compare(a, b, CALIBRATION), abs=1e-4)


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_the_score_is_the_same_both_ways(one: int, other: int) -> None:
    a, b = template(one), template(other)
    assert compare(a, b, CALIBRATION) == pytest.approx(compare(b, a, CALIBRATION))


def test_a_template_is_the_unit_mean_of_its_samples() -> None:
    made = template_from_vectors([vectors(k) for k in range(8)], "f1")
    assert made.samples == 8
    for k, vector in enumerate(made.vectors):
        assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-6)
        mean = np.mean([vectors(s)[k] for s in range(8)], axis=0)
        assert vector == pytest.approx(mean / np.linalg.norm(mean), abs=1e-6)


def test_no_more_than_twenty_samples_are_used() -> None:
    made = template_from_vectors([vectors(1)] * 20 + [vectors(2)] * 20, "f1")
    assert made.samples == 20
    assert compare(made, template(1), CALIBRATION) == pytest.approx(13.2, abs=1e-4)


def test_too_few_samples_are_refused() -> None:
    with pytest.raises(TooFewSamples):
        template_from_vectors([vectors(1)] * 7, "f1")
    with pytest.raises(TooFewSamples):
        template_from_vectors([], "f1", minimum=0)


def test_templates_of_different_formats_never_compare() -> None:
    with pytest.raises(TemplateFormatMismatch):
        compare(template(1, "f1"), template(1, "f2"), CALIBRATION)


def test_vectors_that_do_not_fit_are_refused() -> None:
    short = (vectors(1)[0],)
    with pytest.raises(UnusableVector):
        score(short, vectors(1), CALIBRATION)
    with pytest.raises(UnusableVector):
        score(short, short, CALIBRATION)
    with pytest.raises(UnusableVector):
        template_from_vectors([vectors(1)] * 7 + [short], "f1")
    with pytest.raises(UnusableVector):
        comparison_vector(Template("f1", short, 8), CALIBRATION)


@pytest.mark.parametrize("value", [0.0, float("nan"), float("inf")])
def test_a_vector_without_direction_is_refused(value: float) -> None:
    with pytest.raises(UnusableVector):
        unit(np.full(4, value, dtype=np.float32))


def test_opposite_samples_have_no_mean() -> None:
    one = vectors(1)
    other = tuple(-vector for vector in one)
    with pytest.raises(UnusableVector):
        template_from_vectors([one, other] * 4, "f1")


def test_a_score_that_is_no_number_is_refused() -> None:
    broken = tuple(np.full_like(vector, np.nan) for vector in vectors(1))
    with pytest.raises(UnusableVector):
        score(broken, vectors(1), CALIBRATION)
