from __future__ import annotations

import cv2
import numpy as np
import pytest

from benchmarks.pad.cues import Cue
from benchmarks.pad.frames import Picture, as_picture
from benchmarks.pad.species.pictures import (
    Album,
    bent,
    breathing,
    cylinder,
    panned,
    plane,
    still,
    turned,
)

LEFT, REST = Cue(right=1.0), Cue()


def dotted() -> Picture:
    """A dark picture with one bright dot in the middle and one half-way to the right."""
    picture = np.full((120, 160, 3), 20, dtype=np.uint8)
    for x in (80, 120):
        cv2.circle(picture, (x, 60), 3, (255, 255, 255), -1)
    return picture


def dots(picture: Picture) -> list[float]:
    """Places of the bright dots from left to right."""
    bright = (picture.mean(axis=2) > 128).astype(np.uint8)
    _, _, _, middles = cv2.connectedComponentsWithStats(bright)
    return sorted(float(x) for x, _ in middles[1:])


@pytest.fixture
def album() -> Album:
    rest = dotted()
    return Album(rest, as_picture(255 - rest), as_picture(rest // 2))


def test_a_still_never_changes() -> None:
    frames = list(still(dotted(), 5))
    assert len(frames) == 5
    assert all(np.array_equal(frame, frames[0]) for frame in frames)


def test_a_breathing_still_changes_in_brightness_alone() -> None:
    frames = list(breathing(np.full((8, 8, 3), 100, np.uint8), 60, 30, 0.1))
    means = [float(frame.mean()) for frame in frames]
    assert max(means) == pytest.approx(110, abs=1)
    assert all(frame.std() == 0 for frame in frames)


def test_a_picture_is_panned_where_the_prompt_says(album: Album) -> None:
    rest, moved = panned(album, [REST, LEFT], reach=0.1)
    assert dots(rest) == pytest.approx([80, 120], abs=0.6)
    assert dots(moved)[0] == pytest.approx(96, abs=0.6)


def test_the_album_shows_shut_eyes_and_open_mouths_when_asked(album: Album) -> None:
    rest, shut, mouth = panned(album, [REST, Cue(shut=True), Cue(mouth=True)], reach=0.0)
    assert shut.mean() > 200
    assert mouth.mean() == pytest.approx(rest.mean() / 2, abs=1)


def test_a_turned_plane_follows_a_homography_and_foreshortens(album: Album) -> None:
    rest, right = turned(album, [REST, LEFT], yaw=40, pitch=0, cover=1.0)
    assert dots(rest) == pytest.approx([80, 120], abs=0.6)
    # Mirrored edges show the dots again.
    middle, side = (x for x in dots(right) if 70 < x < 125)
    assert middle == pytest.approx(80, abs=0.6)
    assert 20 < side - middle < 40 * np.cos(np.radians(40)) + 2
    matrix = plane(160, 120, 40, 0, 1.6 * 160, 1.0)
    seen = matrix @ [80, 60, 1]
    assert seen / seen[2] == pytest.approx([80, 60, 1])


def test_what_faces_the_right_edge_goes_away_on_the_right(album: Album) -> None:
    """As a head does: of a face turned to the picture's right edge that side is farther."""
    matrix = plane(160, 120, 30, 0, 1.6 * 160, 1.0)
    right, left = matrix @ [160, 60, 1], matrix @ [0, 60, 1]
    assert abs(right[0] / right[2] - 80) < abs(left[0] / left[2] - 80)


def test_a_picture_smaller_than_the_frame_shows_the_wall_round_it(album: Album) -> None:
    wall = np.full((120, 160, 3), 120, dtype=np.uint8)
    (frame,) = turned(album, [REST], yaw=0, pitch=0, cover=0.6, wall=wall)
    assert frame[2, 2].tolist() == [120, 120, 120]
    assert dots(frame)[0] == pytest.approx(80, abs=0.6)


@pytest.mark.parametrize("upright", [True, False])
def test_a_hardly_bent_picture_is_flat(upright: bool) -> None:
    x, y = cylinder(160, 120, 0, 0, 1e6, upright, 1.6, 1.0)
    assert np.abs(x - np.arange(160)[None, :]).max() < 0.01
    assert np.abs(y - np.arange(120)[:, None]).max() < 0.01


@pytest.mark.parametrize("radius", [80.0, -80.0])
def test_a_bent_picture_is_no_homography_of_itself_turned(radius: float) -> None:
    grid = np.array([[x, y] for x in range(60, 101, 10) for y in range(40, 81, 10)])
    maps = [cylinder(160, 120, yaw, 0, radius, True, 1.6, 1.0) for yaw in (0.0, 30.0)]
    seen = [np.array([[m[y, x] for m in two] for x, y in grid]) for two in maps]
    found, _ = cv2.findHomography(seen[0], seen[1])
    mapped = cv2.perspectiveTransform(seen[0][None].astype(np.float64), found)[0]
    assert np.abs(mapped - seen[1]).max() > 0.3


def test_a_bent_picture_keeps_its_middle(album: Album) -> None:
    frames = list(bent(album, [REST, LEFT], yaw=30, pitch=0, radius=0.5, cover=1.0))
    for frame in frames:
        assert min(abs(x - 80) for x in dots(frame)) < 1.0
