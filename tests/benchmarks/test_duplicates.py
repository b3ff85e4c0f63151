from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks import duplicates
from benchmarks.synthetic_templates import BIAS, BLOCK, DIMS, EMBEDDERS, WIDE, Gallery


def scores(vectors: np.ndarray) -> np.ndarray:
    exact = vectors.astype(np.float64)
    return (exact @ exact.T + BIAS)[np.triu_indices(len(vectors), 1)]


@pytest.mark.parametrize(("spread", "expected"), [(1.0, 2.04), (WIDE, 2.57)])
def test_strangers_score_as_the_real_templates_do(spread: float, expected: float) -> None:
    ((start, block),) = Gallery(1_000, spread=spread).blocks()
    assert (start, block.shape) == (0, (1_000, DIMS))
    assert block.dtype == np.float32
    found = scores(block)
    assert found.mean() == pytest.approx(-4.27, abs=0.1)
    assert found.std() == pytest.approx(expected, abs=0.1)


def test_each_embedders_vectors_have_unit_length() -> None:
    ((_, block),) = Gallery(50).blocks()
    first = block[:, : EMBEDDERS[0].dims], block[:, EMBEDDERS[0].dims :]
    for part, embedder in zip(first, EMBEDDERS, strict=True):
        np.testing.assert_allclose(np.sum(part**2, axis=1), embedder.weight, rtol=1e-4)


def test_what_is_planted_scores_as_told() -> None:
    gallery = Gallery(BLOCK + 10)
    places = np.array([BLOCK + 3, 5, BLOCK - 1, 5])
    told = np.array([5.0, 6.5, 12.0, 8.0])
    asked = gallery.like(places, told, seed=3)
    there = gallery.at(places)
    np.testing.assert_allclose(np.sum(asked * there, axis=1) + BIAS, told, atol=1e-3)


def test_a_gallery_is_the_same_every_time() -> None:
    one, other = (dict(Gallery(BLOCK + 2).blocks()) for _ in range(2))
    assert sorted(one) == [0, BLOCK]
    assert all(np.array_equal(one[start], other[start]) for start in one)
    np.testing.assert_allclose(
        Gallery(BLOCK + 2).at(np.array([BLOCK + 1]))[0], one[BLOCK][1], atol=1e-5
    )


@pytest.mark.parametrize("arguments", [["50"], ["1000", "--queries", "2"], ["1000", "--spread=9"]])
def test_what_can_not_be_measured_is_a_usage_error(arguments: list[str]) -> None:
    with pytest.raises(SystemExit):
        duplicates.main(arguments)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_small_gallery_is_searched_beside_an_exact_scan_and_a_peer(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert duplicates.main(["300", "--queries", "40", "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert set(body) == {"machine", "duplicates"}
    (row,) = body["duplicates"]
    assert (row["size"], row["queries"]) == (300, 40)
    assert row["above_threshold"] >= 40
    assert (row["missed"], row["recall"]) == (0, 1.0)
    assert row["searches_that_agree"] == row["searches"]
    assert set(row["recall_by_score"]) == {str(score) for score in range(5, 13)}
    assert row["faiss"]["recall"] == 1.0
    assert row["fpir_of_the_model"] <= 1e-3
    assert row["ratios"]["faiss_memory_over_table"] > 5
