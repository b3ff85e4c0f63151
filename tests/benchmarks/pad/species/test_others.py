from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from benchmarks.pad.frames import Picture
from benchmarks.pad.species.light import recoloured, tinted
from benchmarks.pad.species.people import OVAL, cut_to, face_mask, pasted_face, with_poster
from benchmarks.pad.species.screen import Screen, grid, recaptured
from benchmarks.pad.species.timeline import (
    Recording,
    frozen,
    looped,
    reversed_windows,
    spliced,
    waiting,
)
from identity.capture.script import generate_script
from identity.prompts import Direction, Kind, Prompt, Script


def chance() -> np.random.Generator:
    return np.random.default_rng(1)


def numbered(count: int) -> list[Picture]:
    """Frames of which each is one grey, its number."""
    return [np.full((16, 16, 3), number, dtype=np.uint8) for number in range(count)]


def numbers(frames: list[Picture]) -> list[int]:
    return [int(frame[0, 0, 0]) for frame in frames]


def test_a_frozen_clip_goes_on_where_it_would_be() -> None:
    assert numbers(frozen(numbered(10), 10, 0.3, 0.4)) == [0, 1, 2, 3, 3, 3, 3, 7, 8, 9]


def test_a_waiting_clip_goes_on_where_it_stood() -> None:
    assert numbers(waiting(numbered(5), 10, 0.2, 0.3)) == [0, 1, 2, 2, 2, 2, 3, 4]


def test_a_loop_shows_its_part_again() -> None:
    assert numbers(looped(numbered(9), 10, 0.1, 0.2, 2)) == [0, 1, 2, 1, 2, 1, 2, 7, 8]
    bounced = looped(numbered(9), 10, 0.1, 0.3, 1, bounce=True)
    assert numbers(bounced) == [0, 1, 2, 3, 3, 2, 1, 7, 8]


def test_windows_come_backwards_and_the_rest_does_not() -> None:
    assert numbers(reversed_windows(numbered(6), 10, [(0.1, 0.4)])) == [0, 3, 2, 1, 4, 5]


def test_pieces_are_put_in_the_scripts_order() -> None:
    left = Prompt(Kind.TURN, 1.0, 2.0, Direction.LEFT, 15.0)
    up = Prompt(Kind.TURN, 2.0, 3.0, Direction.UP, 10.0)
    recording = Recording(numbered(30), 10, (Prompt(Kind.HOLD, 0.0, 1.0), left, up))
    asked = Script(
        (
            Prompt(Kind.TURN, 0.5, 1.5, Direction.UP, 10.0),
            Prompt(Kind.TURN, 2.0, 3.0, Direction.LEFT, 15.0),
            Prompt(Kind.OPEN_MOUTH, 3.2, 3.6),
        )
    )
    out = numbers(list(spliced(recording, asked, 4.0)))
    assert len(out) == 40
    assert out[5:15] == list(range(20, 30))
    assert out[20:30] == list(range(10, 20))
    assert max(out[:5] + out[34:]) < 10
    back = numbers(list(spliced(recording, asked, 4.0, backwards=True)))
    assert back[5:15] == [*range(29, 19, -1)]


def test_a_faded_cut_has_frames_between() -> None:
    hold, turn = Prompt(Kind.HOLD, 0.0, 1.0), Prompt(Kind.OPEN_MOUTH, 2.0, 3.0)
    frames = [np.full((4, 4, 3), 0 if n < 15 else 200, np.uint8) for n in range(30)]
    asked = Script((Prompt(Kind.OPEN_MOUTH, 1.0, 2.0),))
    hard = numbers(list(spliced(Recording(frames, 10, (hold, turn)), asked, 3.0)))
    soft = numbers(list(spliced(Recording(frames, 10, (hold, turn)), asked, 3.0, fade=2)))
    assert set(hard) == {0, 200}
    assert any(0 < value < 200 for value in soft)


def test_a_screens_grid_keeps_the_mean_and_beats() -> None:
    pattern = grid(120, 90, chance(), Screen(pitch=1.05, roll=0.0, contrast=1.0))
    assert pattern.mean() == pytest.approx(1.0, abs=1e-3)
    spectrum = np.abs(np.fft.rfft(pattern[:, :, 1].mean(axis=0) - 1.0))
    # 1.05 screen pixels to one of the camera: a beat each 20 pixels.
    assert int(spectrum[1:20].argmax()) + 1 == pytest.approx(6, abs=1)


def test_a_recaptured_clip_has_a_bezel_and_flickers() -> None:
    grey = [np.full((80, 120, 3), 128, dtype=np.uint8)] * 20
    screen = Screen(cover=0.7, bezel=0.05, flicker=0.2, blur=0.0)
    frames = list(recaptured(grey, 10, chance(), screen))
    assert frames[0][40, 60].mean() > 60
    assert frames[0][40, 14].mean() == 14
    assert frames[0][2, 2].mean() == 96
    middles = [float(frame[40:42, 40:80].mean()) for frame in frames]
    assert np.ptp(middles) > 8


SCRIPT = generate_script(b"m" * 32)


def colours(script: Script) -> tuple[str, ...]:
    return next(p.colours for p in script.prompts if p.kind is Kind.LIGHT)


@pytest.mark.parametrize(
    "how", ["any", "random", "shifted", "backwards", "complement", "one_wrong"]
)
def test_other_colours_are_a_script_that_could_be_asked(how: str) -> None:
    other = recoloured(SCRIPT, how, chance())
    assert Script.from_json(other.to_json()) == other
    assert colours(other) != colours(SCRIPT)
    assert all(one != two for one, two in pairwise(colours(other)))
    if how == "one_wrong":
        pairs = zip(colours(other), colours(SCRIPT), strict=True)
        assert sum(a != b for a, b in pairs) == 1


def test_an_unknown_way_to_recolour_is_refused() -> None:
    with pytest.raises(ValueError, match="no way"):
        recoloured(SCRIPT, "sideways", chance())


def test_a_tint_follows_the_screens_colours_everywhere_or_in_the_mask() -> None:
    light = next(p for p in SCRIPT.prompts if p.kind is Kind.LIGHT)
    red_first = Script((Prompt(Kind.LIGHT, 1.0, 2.6, colours=("green", "magenta")),))
    grey = [np.full((8, 8, 3), 128, dtype=np.uint8)] * 30
    frames = list(tinted(grey, 10, red_first, strength=0.3, delay=0.0))
    assert frames[5][0, 0].tolist() == [128, 128, 128]
    red, green, _ = frames[15][0, 0].tolist()
    assert green > 130 > red
    mask = np.zeros((8, 8), dtype=np.float32)
    mask[:4] = 1.0
    masked = list(tinted(grey, 10, red_first, strength=0.3, masks=[mask] * 30, delay=0.0))
    assert masked[15][0, 0].tolist() == frames[15][0, 0].tolist()
    assert masked[15][7, 0].tolist() == [128, 128, 128]
    assert light.colours


def mesh(
    centre: tuple[float, float], size: float
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    points = np.random.default_rng(2).uniform(-0.5, 0.5, (468, 2)) * size
    angles = np.linspace(0, 2 * np.pi, len(OVAL), endpoint=False)
    points[list(OVAL)] = 0.75 * size * np.stack([np.sin(angles), -np.cos(angles)], axis=1)
    flat = points + np.array(centre)
    return np.column_stack([flat, np.zeros(468)]).astype(np.float32)


@pytest.mark.parametrize("by_mesh", [True, False])
def test_a_pasted_face_lies_in_the_hosts_place_alone(by_mesh: bool) -> None:
    host = np.full((100, 100, 3), 50, dtype=np.uint8)
    guest = np.full((200, 200, 3), 50, dtype=np.uint8)
    guest[90:110, 90:110] = 250
    out = pasted_face(
        host, guest, mesh((40, 60), 30), mesh((100, 100), 60), by_mesh=by_mesh, match_colour=False
    )
    assert out[60, 40].mean() > 200
    assert out[60, 80].mean() == 50
    assert out[10, 10].mean() == 50


def test_a_faces_mask_falls_off_inward() -> None:
    mask = face_mask(mesh((50, 50), 40), (100, 100))
    assert mask[50, 50] == pytest.approx(1.0, abs=0.01)
    assert mask[50, 83] == pytest.approx(0.0, abs=0.02)
    assert mask[2, 2] == 0.0


def test_whole_frames_are_cut_to_somebody_else() -> None:
    guest = [np.full((32, 48, 3), 200, dtype=np.uint8)] * 3
    out = cut_to(numbered(8), guest, 2)
    assert numbers(out) == [0, 1, 200, 200, 200, 5, 6, 7]
    assert {frame.shape for frame in out} == {(16, 16, 3)}


def test_a_poster_is_there_for_its_time_and_in_its_place() -> None:
    frames = [np.zeros((100, 100, 3), dtype=np.uint8)] * 10
    face = np.full((40, 30, 3), 255, dtype=np.uint8)
    out = list(with_poster(frames, 10, face, scale=0.2, place=(0.1, 0.9), during=(0.3, 0.6)))
    assert [int(frame.max()) for frame in out] == [0] * 3 + [255] * 3 + [0] * 4
    assert out[4][90, 10].mean() == 255
    assert out[4][50, 50].mean() == 0
