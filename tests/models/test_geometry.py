from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.engine import Region
from models.errors import UnusablePicture, UnusableRegion
from models.geometry import (
    Affine,
    align,
    checked_picture,
    crop_region,
    region_to_picture,
    similarity,
)

_SHAPE = np.array([[0.0, 0.0], [4.0, 1.0], [2.0, 5.0], [-3.0, 2.0]])


def _apply(matrix: Affine, points: NDArray[np.float64]) -> NDArray[np.float64]:
    return points @ matrix[:, :2].T + matrix[:, 2]


@given(
    angle=st.floats(-3.0, 3.0),
    scale=st.floats(0.05, 20.0),
    shift=st.tuples(st.floats(-500, 500), st.floats(-500, 500)),
)
def test_a_similarity_is_found_again(
    angle: float, scale: float, shift: tuple[float, float]
) -> None:
    a, b = scale * math.cos(angle), scale * math.sin(angle)
    matrix = np.array([[a, -b, shift[0]], [b, a, shift[1]]])

    assert similarity(_SHAPE, _apply(matrix, _SHAPE)) == pytest.approx(matrix, abs=1e-6)


def test_no_reflection_is_ever_taken() -> None:
    mirrored = _SHAPE * (-1, 1)

    assert np.linalg.det(similarity(_SHAPE, mirrored)[:, :2]) > 0


def test_no_nearby_similarity_is_better() -> None:
    rng = np.random.default_rng(3)
    target = _SHAPE + rng.normal(0, 0.3, _SHAPE.shape)
    best = similarity(_SHAPE, target)
    error = np.sum((_apply(best, _SHAPE) - target) ** 2)

    for step in rng.normal(0, 1e-3, (50, 4)):
        near = best + np.array([[step[0], -step[1], step[2]], [step[1], step[0], step[3]]])
        assert np.sum((_apply(near, _SHAPE) - target) ** 2) > error


@pytest.mark.parametrize("value", [0.0, math.nan, math.inf])
def test_points_that_fall_together_or_are_not_finite_are_refused(value: float) -> None:
    with pytest.raises(UnusableRegion):
        similarity(np.full((4, 2), value), _SHAPE)


def test_targets_that_fall_together_are_refused() -> None:
    with pytest.raises(UnusableRegion):
        similarity(_SHAPE, np.ones((4, 2)))


def test_the_middle_of_a_crop_is_the_middle_of_its_region() -> None:
    matrix = region_to_picture(Region(cx=50, cy=30, side=40, angle=0.7), size=192)

    assert _apply(matrix, np.array([[96.0, 96.0]])) == pytest.approx(np.array([[50.0, 30.0]]))


def test_a_crop_shows_what_the_region_covers() -> None:
    picture = np.zeros((100, 100, 3), dtype=np.uint8)
    picture[40:60, 20:40] = (200, 100, 50)

    crop = crop_region(picture, region_to_picture(Region(30, 50, 10, 0.0), 64), 64)

    assert crop.shape == (64, 64, 3)
    assert (crop == (200, 100, 50)).all()


def test_a_crop_of_a_picture_in_another_memory_layout_is_the_same() -> None:
    rng = np.random.default_rng(1)
    wide = rng.integers(0, 255, (80, 120, 3), dtype=np.uint8)
    view = wide[:, 10:90]
    matrix = region_to_picture(Region(40, 40, 50, 0.2), 32)

    assert (crop_region(view, matrix, 32) == crop_region(view.copy(), matrix, 32)).all()


def test_a_chip_is_black_beyond_the_picture() -> None:
    picture = np.full((10, 10, 3), 255, dtype=np.uint8)

    chip = align(picture, np.array([[1.0, 0, 20], [0, 1.0, 20]]), 16)

    assert not chip.any()


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((4, 4), dtype=np.uint8),
        np.zeros((4, 4, 4), dtype=np.uint8),
        np.zeros((4, 4, 3), dtype=np.float32),
        np.zeros((0, 4, 3), dtype=np.uint8),
    ],
)
def test_what_is_no_rgb_picture_is_refused(picture: NDArray[np.uint8]) -> None:
    with pytest.raises(UnusablePicture):
        checked_picture(picture)
