from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from identity.capture.screen import linear
from identity.liveness.colours import ColourMeter, background_colour, skin_colours
from tests.identity.liveness.build import mesh_at

SIZE = (480, 640)
FOREHEAD, RIGHT_CHEEK, LEFT_CHEEK = (320, 170), (270, 270), (370, 270)
SKIN, WALL, HAIR = (200, 140, 110), (90, 100, 120), (20, 15, 10)


def a_mesh() -> NDArray[np.float32]:
    """A face 200 pixels wide in the middle, with forehead and cheeks where they belong."""
    points = mesh_at(size=200.0)
    points[[151, 9], :2] = FOREHEAD
    points[[50, 205, 101], :2] = RIGHT_CHEEK
    points[[280, 425, 330], :2] = LEFT_CHEEK
    return points


def a_picture() -> NDArray[np.uint8]:
    """Wall, hair round the head, and a face."""
    picture = np.empty((*SIZE, 3), dtype=np.uint8)
    picture[:] = WALL
    picture[60:480, 185:455] = HAIR
    picture[125:365, 220:420] = SKIN
    return picture


def test_skin_and_wall_are_measured_in_linear_light() -> None:
    meter = ColourMeter()
    meter.note(0.0, a_picture(), a_mesh())
    colours = meter.finish()
    assert colours.skin.shape == (1, 3, 3)
    assert colours.skin.dtype == colours.background.dtype == np.float32
    assert np.allclose(colours.skin, linear(SKIN), atol=1e-5)
    assert np.allclose(colours.background, linear(WALL), atol=1e-5)


def test_each_region_has_its_own_row() -> None:
    picture = a_picture()
    for (x, y), level in ((FOREHEAD, 50), (RIGHT_CHEEK, 100), (LEFT_CHEEK, 150)):
        picture[y - 45 : y + 45, x - 45 : x + 45] = level
    found = skin_colours(picture, a_mesh())
    assert np.allclose(found, linear([[50] * 3, [100] * 3, [150] * 3]), atol=1e-5)


def test_highlights_and_a_lock_of_hair_dont_count() -> None:
    picture = a_picture()
    x, y = FOREHEAD
    picture[y - 20 : y + 20, x - 45 : x - 35] = HAIR
    x, y = RIGHT_CHEEK
    picture[y - 4 : y + 4, x - 4 : x + 4] = 255
    assert np.allclose(skin_colours(picture, a_mesh()), linear(SKIN), atol=1e-5)


def test_a_region_outside_the_picture_is_not_a_number() -> None:
    points = a_mesh()
    points[[280, 425, 330], 0] = 639
    found = skin_colours(a_picture(), points)
    assert np.isnan(found[2]).all()
    assert np.isfinite(found[:2]).all()


def test_a_blown_out_window_is_no_background() -> None:
    picture = a_picture()
    picture[:200, :150] = 255
    found = background_colour(picture, a_mesh())
    assert np.allclose(found, linear(WALL), atol=1e-5)
    picture[:] = 255
    assert np.isnan(background_colour(picture, a_mesh())).all()


def test_a_face_that_fills_the_picture_has_no_background() -> None:
    points = mesh_at(size=600.0)
    assert np.isnan(background_colour(a_picture(), points)).all()


def test_frames_without_a_face_have_rows_too() -> None:
    meter = ColourMeter()
    broken = a_mesh()
    broken[7] = np.nan
    for k, points in enumerate((None, broken, a_mesh())):
        meter.note(0.1 * k, a_picture(), points)
    colours = meter.finish()
    assert np.isnan(colours.skin[:2]).all()
    assert np.isnan(colours.background[:2]).all()
    assert np.isfinite(colours.skin[2]).all()


def test_no_frame_gives_no_row() -> None:
    colours = ColourMeter().finish()
    assert colours.skin.shape == (0, 3, 3)
    assert colours.background.shape == (0, 3)


@pytest.mark.parametrize("shift", [-1e30, 1e30, 5000.0])
def test_points_far_away_are_taken(shift: float) -> None:
    points = a_mesh()
    points[:, 0] += np.float32(shift)
    meter = ColourMeter()
    meter.note(0.0, a_picture(), points)
    assert np.isnan(meter.finish().skin).all()


def test_quick_clips_are_thinned_out_and_usual_ones_arent() -> None:
    for rate, measured in ((30, 1.0), (60, 0.5)):
        meter = ColourMeter()
        for k in range(rate):
            meter.note(k / rate, a_picture(), a_mesh())
        colours = meter.finish()
        assert np.isfinite(colours.skin).all(axis=(1, 2)).mean() == pytest.approx(measured)
        assert 8 <= np.isfinite(colours.background).all(axis=1).sum() <= 13
