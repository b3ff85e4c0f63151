from __future__ import annotations

import numpy as np
import pytest

from benchmarks.pad.cues import cues, screen_colour, without_light
from benchmarks.pad.frames import decode, encode, noisy, resized, shaken
from identity.capture.script import Without, generate_script
from identity.prompts import NEUTRAL, PALETTE, Direction, Kind, Prompt, Script

GREY = [np.full((48, 64, 3), 120, dtype=np.uint8)] * 12


@pytest.mark.parametrize("codec", ["h264", "vp8", "vp9"])
def test_what_was_encoded_is_decoded_again(codec: str) -> None:
    frames, rate = decode(encode(GREY, fps=24, codec=codec))
    assert len(frames) == 12
    assert rate == pytest.approx(24, abs=0.1)
    assert np.abs(frames[5].astype(int) - 120).max() < 4
    assert len(decode(encode(GREY, fps=24, codec=codec), 0.25)[0]) == 6


def test_a_clip_without_frames_or_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="frame"):
        encode([], fps=24)
    with pytest.raises(ValueError, match="Invalid data"):
        decode(b"no clip")


def test_noise_is_fresh_in_each_frame_and_the_same_for_the_same_seed() -> None:
    one, same = (list(noisy(GREY, np.random.default_rng(3), 2.0)) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert not np.array_equal(one[0], one[1])
    assert one[0].std() == pytest.approx(2.0, abs=0.4)
    assert list(noisy(GREY, np.random.default_rng(3), 0.0)) == GREY


def test_a_hand_shakes_by_about_as_much_as_it_is_told() -> None:
    picture = np.zeros((120, 160, 3), dtype=np.uint8)
    picture[50:70, 70:90] = 255
    frames = list(shaken([picture] * 60, 24, np.random.default_rng(1), 0.02))
    places = [float(np.argwhere(f[:, :, 0] > 128)[:, 1].mean()) for f in frames]
    assert 1.0 < np.ptp(places) < 0.06 * 160
    assert next(iter(shaken([picture], 24, np.random.default_rng(1), 0.0))) is picture


def test_a_picture_fills_another_shape_from_its_middle() -> None:
    assert resized(GREY[0], (32, 32)).shape == (32, 32, 3)


def test_cues_follow_directions_and_times() -> None:
    script = Script(
        (
            Prompt(Kind.TURN, 1.0, 2.6, Direction.LEFT, 15.0),
            Prompt(Kind.TURN, 3.0, 4.6, Direction.DOWN, 10.0),
            Prompt(Kind.BLINK, 5.0, 6.8, count=2),
            Prompt(Kind.OPEN_MOUTH, 7.0, 8.4),
        )
    )
    what = cues(script, 20, 180)
    assert what[10].right == 0.0
    assert what[36].right == pytest.approx(1.0)
    assert what[76].up == pytest.approx(-1.0)
    assert any(cue.shut for cue in what[100:136])
    shut = "".join("x" if cue.shut else "." for cue in what)
    assert len([run for run in shut.split(".") if run]) == 2
    assert what[154].mouth
    assert not what[100].mouth


def test_the_screen_ramps_holds_and_goes_back() -> None:
    script = Script((Prompt(Kind.LIGHT, 1.0, 2.6, colours=("red", "blue")),))
    assert screen_colour(script, 0.5) == NEUTRAL
    assert screen_colour(script, 1.1) == pytest.approx(
        tuple((a + b) / 2 for a, b in zip(NEUTRAL, PALETTE["red"], strict=True))
    )
    assert screen_colour(script, 1.5) == PALETTE["red"]
    assert screen_colour(script, 2.3) == PALETTE["blue"]
    assert screen_colour(script, 2.9) == NEUTRAL


def test_a_script_can_be_asked_without_its_light() -> None:
    dark = without_light(generate_script(b"n" * 32))
    assert dark is not None
    assert all(prompt.kind is not Kind.LIGHT for prompt in dark.prompts)
    plain = generate_script(b"n" * 32, Without.LIGHT)
    assert without_light(plain) == plain
