from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from identity.liveness.changes import PRINTS, ChangeMeter
from identity.types import Changes
from tests.identity.liveness.build import mesh_at

Picture = NDArray[np.uint8]
POINTS = mesh_at(size=200.0, centre=(320.0, 240.0))


def picture(seed: int) -> Picture:
    return np.random.default_rng(seed).integers(0, 255, (480, 640, 3), dtype=np.uint8)


def measured(pictures: list[Picture], points: NDArray[np.float32] | None = POINTS) -> Changes:
    meter = ChangeMeter()
    for each in pictures:
        meter.note(0.0, each, points)
    return meter.finish()


def test_the_first_frame_changes_from_nothing() -> None:
    changes = measured([picture(0)])
    assert np.isnan(changes.picture[0])
    assert np.isnan(changes.face[0])
    assert changes.prints.shape == (1, PRINTS)


def test_the_same_frame_again_is_no_change() -> None:
    changes = measured([picture(0), picture(0)])
    assert changes.picture[1] == changes.face[1] == 0
    assert not changes.prints[1].any()


def test_a_change_beside_the_face_is_none_of_the_face() -> None:
    other = picture(0)
    other[:, :150] = 255 - other[:, :150]
    changes = measured([picture(0), other])
    assert changes.face[1] == 0
    assert changes.picture[1] > 5


def test_light_that_rises_everywhere_leaves_no_print() -> None:
    dim = np.full((480, 640, 3), 60, dtype=np.uint8)
    changes = measured([dim, dim + 40])
    assert changes.picture[1] == 40
    assert np.abs(changes.prints[1]).max() < 1e-2


def test_the_same_change_has_the_same_print_and_there_and_back_opposite_ones() -> None:
    prints = measured([picture(k) for k in (0, 1, 0, 1)]).prints
    assert np.allclose(prints[1], prints[3])
    assert np.allclose(prints[1], -prints[2])


def test_without_a_face_there_is_only_the_picture() -> None:
    changes = measured([picture(0), picture(1)], None)
    assert np.isnan(changes.face).all()
    assert changes.picture[1] > 50


def test_a_face_outside_the_picture_is_not_measured() -> None:
    changes = measured([picture(0), picture(1)], mesh_at(centre=(-900.0, -900.0)))
    assert np.isnan(changes.face[1])


@pytest.mark.parametrize("shape", [(64, 64, 3), (1, 1, 3), (960, 540, 3)])
def test_pictures_of_any_size_are_measured(shape: tuple[int, int, int]) -> None:
    changes = measured([np.zeros(shape, np.uint8), np.full(shape, 9, np.uint8)])
    assert changes.picture[1] == 9


def test_no_frames_give_no_changes() -> None:
    changes = ChangeMeter().finish()
    assert changes.picture.shape == (0,)
    assert changes.prints.shape == (0, PRINTS)
