"""The service against a decoder that says what it likes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from identity.capture.pool import DecoderPool
from identity.capture.stream import decode_picture, open_clip
from identity.capture.types import INTAKE
from identity.errors import ClipTooManyFrames, DecoderFailed
from tests.adversarial import clips
from tests.identity.capture.hostile_zygote import LIES, named


@pytest.mark.parametrize("lie", sorted(set(LIES) - {"forever"}))
def test_a_lie_is_an_error(hostile: DecoderPool, honest_clip: bytes, lie: str) -> None:
    with (
        pytest.raises(DecoderFailed),
        open_clip(named(honest_clip, lie), pool=hostile) as clip,
    ):
        list(clip)


def test_frames_without_end_are_counted_here(hostile: DecoderPool, honest_clip: bytes) -> None:
    limits = replace(INTAKE, max_frames=50)
    with (
        open_clip(named(honest_clip, "forever"), limits, pool=hostile) as clip,
        pytest.raises(ClipTooManyFrames),
    ):
        list(clip)


# After the one picture nobody listens any more, so a wrong count is no lie.
@pytest.mark.parametrize("lie", sorted(set(LIES) - {"forever", "wrong_count"}))
def test_a_lie_about_a_picture_is_an_error(hostile: DecoderPool, lie: str) -> None:
    picture = clips.still("png", (64, 64), "rgb24", clips.corners(64, 64))
    with pytest.raises(DecoderFailed):
        decode_picture(picture + named(b"", lie), pool=hostile)
