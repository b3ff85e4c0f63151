"""The secret projection: stable, orthonormal, another one for every secret and format."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.comparison import UnusableVector
from identity.duplicates.projection import DIMS, project, projection, projection_key_id
from tests.identity.duplicates.people import face, like

SECRET = bytes(range(32))


def test_the_projection_is_the_same_on_every_machine() -> None:
    matrix = projection(SECRET, "tf_a", 320)
    assert matrix.dtype == np.float32
    rounded = np.round(matrix.astype(np.float64) * 1e4).astype("<i4")
    assert hashlib.sha256(rounded.tobytes()).hexdigest() == (
        "7560080d0a3d603366685f4ce1b457a75426a4a10d3c0b4095e4ff1122c8c391"
    )


@pytest.mark.parametrize("dims", [256, 300, 1152])
def test_its_columns_are_orthonormal(dims: int) -> None:
    matrix = projection(SECRET, "tf_a", dims)
    assert matrix.shape == (dims, DIMS)
    np.testing.assert_allclose(matrix.T @ matrix, np.eye(DIMS), atol=1e-5)


@pytest.mark.parametrize("dims", [1, 2, 128, 255])
def test_a_short_vector_keeps_every_distance(dims: int) -> None:
    matrix = projection(SECRET, "tf_a", dims)
    assert matrix.shape == (dims, DIMS)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(dims), atol=1e-5)


def test_another_secret_or_format_gives_an_unrelated_projection() -> None:
    one = projection(SECRET, "tf_a", 300)
    for other in (projection(bytes(32), "tf_a", 300), projection(SECRET, "tf_b", 300)):
        assert abs(float(np.corrcoef(one.ravel(), other.ravel())[0, 1])) < 0.02


def test_rows_of_one_person_in_two_deployments_are_not_alike() -> None:
    alice = face(1)[np.newaxis]
    here = project(alice, SECRET, "tf_a")[0].astype(np.float64)
    there = project(alice, bytes(32), "tf_a")[0].astype(np.float64)
    assert abs(here @ there) < 0.3 * np.linalg.norm(here) * np.linalg.norm(there)


def test_the_key_id_names_a_secret_without_telling_it() -> None:
    assert projection_key_id(SECRET) == projection_key_id(SECRET)
    assert projection_key_id(SECRET) != projection_key_id(bytes(32))
    assert len(projection_key_id(SECRET)) == 16


@given(st.floats(3.0, 12.0), st.integers(0, 10_000))
def test_a_distance_is_kept_to_within_a_few_parts_in_ten(score: float, seed: int) -> None:
    one, other = face(1), like(face(1), score, seed=seed)
    rows = project(np.stack([one, other]), SECRET, "tf_a").astype(np.float64)
    true = float(np.sum((one - other) ** 2))
    seen = float(np.sum((rows[0] - rows[1]) ** 2)) * one.size / DIMS
    assert seen == pytest.approx(true, rel=0.5)


@pytest.mark.parametrize(
    "vectors",
    [
        np.zeros(300, np.float32),
        np.full((1, 300), np.nan, np.float32),
        np.full((1, 300), np.inf, np.float32),
        np.full((1, 300), 1e30, np.float32),
        np.zeros((1, 0), np.float32),
        np.zeros((1, 1, 300), np.float32),
    ],
)
def test_what_is_no_vector_is_refused(vectors: np.ndarray) -> None:
    with np.errstate(all="ignore"), pytest.raises(UnusableVector):
        project(vectors, SECRET, "tf_a")
