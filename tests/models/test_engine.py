from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from models.engine import (
    DetectedFace,
    Region,
    checked_region,
    region_from_detection,
    region_from_points,
)
from models.errors import UnusableRegion


def _face(box: tuple[float, float, float, float], tilt: float = 0.0) -> DetectedFace:
    key_points = np.zeros((6, 2), dtype=np.float32)
    key_points[1] = (math.cos(tilt), math.sin(tilt))
    return DetectedFace(box=box, score=0.9, key_points=key_points)


def _points(angle: float) -> NDArray[np.float32]:
    """A mesh 100 wide and 60 high about (300, 200), its eyes level before the turn."""
    rng = np.random.default_rng(7)
    points = rng.uniform((-50, -30), (50, 30), size=(468, 2))
    points[33], points[263] = (-20, 0), (20, 0)
    points[0], points[1] = (-50, -30), (50, 30)
    cos, sin = math.cos(angle), math.sin(angle)
    turned = points @ np.array([[cos, sin], [-sin, cos]]) + (300, 200)
    return np.concatenate([turned, np.zeros((468, 1))], axis=1).astype(np.float32)


def test_the_region_of_a_detection_is_half_as_large_again_as_the_longer_side() -> None:
    region = region_from_detection(_face((10, 20, 110, 100)))

    assert (region.cx, region.cy, region.side) == (60, 60, 150)


def test_the_region_of_a_detection_follows_the_line_between_the_eyes() -> None:
    assert region_from_detection(_face((0, 0, 9, 9), tilt=0.3)).angle == pytest.approx(0.3)


@pytest.mark.parametrize("angle", [0.0, 0.4, -1.2, 3.0])
def test_a_tilted_head_does_not_grow_the_region_of_its_mesh(angle: float) -> None:
    region = region_from_points(_points(angle))

    assert region.side == pytest.approx(150, abs=1e-3)
    assert (region.cx, region.cy) == pytest.approx((300, 200), abs=1e-3)
    assert region.angle == pytest.approx(angle, abs=1e-5)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_mesh_that_is_not_finite_has_no_region(value: float) -> None:
    points = _points(0.0)
    points[33] = value

    with pytest.raises(UnusableRegion):
        region_from_points(points)


def test_a_mesh_in_one_point_has_no_region() -> None:
    with pytest.raises(UnusableRegion):
        region_from_points(np.zeros((468, 3), dtype=np.float32))


@pytest.mark.parametrize(
    "region", [Region(0, 0, 0.5, 0), Region(0, 0, -9, 0), Region(math.nan, 0, 9, 0)]
)
def test_an_empty_or_infinite_region_is_refused(region: Region) -> None:
    with pytest.raises(UnusableRegion) as caught:
        checked_region(region)

    assert caught.value.code == "unusable_region"


def test_an_empty_box_has_no_region() -> None:
    with pytest.raises(UnusableRegion):
        region_from_detection(_face((5, 5, 5, 5)))
