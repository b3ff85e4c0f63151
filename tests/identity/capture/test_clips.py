"""What honest clips give: every frame, upright, in time, at the working size."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from av.video.stream import VideoStream
from numpy.typing import NDArray

from identity.capture.stream import FrameStream, open_clip
from identity.capture.types import ClipInfo
from tests.adversarial import clips, corpus

TAKEN = [
    ("mp4", "libx264", "mp4", "h264"),
    ("mp4", "libx265", "mp4", "hevc"),
    ("mov", "libx264", "mov", "h264"),
    ("mov", "libx265", "mov", "hevc"),
    ("webm", "libvpx", "webm", "vp8"),
    ("webm", "libvpx-vp9", "webm", "vp9"),
    ("webm", "libsvtav1", "webm", "av1"),
    ("matroska", "libx264", "mkv", "h264"),
    ("matroska", "libvpx", "mkv", "vp8"),
]


def _first(data: bytes) -> tuple[ClipInfo, NDArray[np.uint8]]:
    with open_clip(data) as clip:
        return clip.info, next(clip).picture.copy()


@pytest.mark.parametrize(("muxer", "encoder", "container", "codec"), TAKEN)
def test_each_kind_that_is_taken_is_decoded(
    muxer: str, encoder: str, container: str, codec: str
) -> None:
    with open_clip(clips.clip(container=muxer, codec=encoder)) as clip:
        times = [frame.time_s for frame in clip]
    assert (clip.info.container, clip.info.codec) == (container, codec)
    assert len(times) == 60
    assert times == pytest.approx([i / 15 for i in range(60)], abs=0.001)


def test_reordered_frames_come_in_the_order_they_are_shown() -> None:
    ordered = {"preset": "medium", "bf": "3", "x264-params": "b-adapt=0"}
    for container in ("mp4", "matroska"):
        data = clips.clip(container=container, adjust=lambda s: s.options.update(ordered))
        with open_clip(data) as clip:
            times = [frame.time_s for frame in clip]
        assert times == pytest.approx([i / 15 for i in range(60)], abs=0.001)


def test_a_browser_recording_has_no_length_and_is_taken() -> None:
    data = corpus.browser_recording(times_ms=[round(i * 33.4 + (i % 3)) for i in range(150)])
    with open_clip(data) as clip:
        assert clip.info.duration_s is None
        times = [frame.time_s for frame in clip]
    assert len(times) == 150
    assert times[1] == pytest.approx(0.034, abs=0.0011)


def test_sound_beside_the_pictures_is_not_decoded() -> None:
    with open_clip(clips.clip(audio=True)) as clip:
        assert sum(1 for _ in clip) == 60


@pytest.mark.parametrize(
    ("size", "side", "working"),
    [
        ((160, 120), 640, (160, 120)),
        ((1280, 720), 640, (640, 360)),
        ((720, 1280), 512, (288, 512)),
        ((1000, 998), 640, (640, 639)),
    ],
)
def test_pictures_fit_the_working_side_and_are_never_enlarged(
    size: tuple[int, int], side: int, working: tuple[int, int]
) -> None:
    with open_clip(clips.clip(size=size, rate=10), working_side=side) as clip:
        info = clip.info
        frame = next(clip)
    assert (info.width, info.height) == size
    assert (info.working_width, info.working_height) == working
    assert frame.picture.shape == (working[1], working[0], 3)
    assert info.scale == pytest.approx(max(working) / max(size))


def _colours(picture: NDArray[np.uint8]) -> list[str]:
    """What stands in the corners: top left, top right, bottom left, bottom right."""
    height, width, _ = picture.shape
    names = []
    for y in (height // 4, height * 3 // 4):
        for x in (width // 4, width * 3 // 4):
            red, green, blue = (int(value) for value in picture[y, x])
            if min(red, green, blue) > 180:
                names.append("white")
            else:
                names.append(("red", "green", "blue")[int(np.argmax((red, green, blue)))])
    return names


@pytest.mark.parametrize(
    ("clockwise", "expected"),
    [
        (0, ["red", "green", "blue", "white"]),
        (90, ["blue", "red", "white", "green"]),
        (180, ["white", "blue", "green", "red"]),
        (270, ["green", "white", "red", "blue"]),
    ],
)
def test_rotation_is_applied_once(clockwise: int, expected: list[str]) -> None:
    data = clips.clip(
        draw=clips.corners(160, 120), adjust=lambda s: s.set_display_rotation(-clockwise)
    )
    info, picture = _first(data)
    assert info.rotation == clockwise
    assert not info.mirrored
    assert (info.width, info.height) == ((120, 160) if clockwise % 180 else (160, 120))
    assert picture.shape == (info.height, info.width, 3)
    assert _colours(picture) == expected


def test_a_reflection_is_applied_and_told() -> None:
    data = clips.clip(
        draw=clips.corners(160, 120), adjust=lambda s: s.set_display_rotation(0, hflip=True)
    )
    info, picture = _first(data)
    assert info.mirrored
    assert _colours(picture) == ["green", "red", "white", "blue"]


def test_a_rotation_by_no_quarter_turn_is_refused() -> None:
    data = clips.clip(adjust=lambda s: s.set_display_rotation(30))
    with pytest.raises(Exception, match="at an angle") as refusal:
        open_clip(data)
    assert getattr(refusal.value, "code", "") == "clip_pixel_shape"


@pytest.mark.parametrize(("ratio", "size"), [(Fraction(1, 2), (80, 120)), (Fraction(2), (160, 60))])
def test_stretched_pixels_are_made_square(ratio: Fraction, size: tuple[int, int]) -> None:
    def stretch(stream: VideoStream) -> None:
        stream.codec_context.sample_aspect_ratio = ratio

    with open_clip(clips.clip(adjust=stretch)) as clip:
        assert (clip.info.width, clip.info.height) == size
        assert next(clip).picture.shape == (size[1], size[0], 3)


def test_a_picture_is_a_view_that_can_not_be_written(honest_clip: bytes) -> None:
    with open_clip(honest_clip) as clip:
        picture = next(clip).picture
        assert not picture.flags.writeable
        assert not picture.flags.owndata
        kept = picture.copy()
        later = next(clip).picture.copy()
    assert np.abs(kept.astype(int) - later.astype(int)).max() > 50


def test_a_picture_kept_too_long_is_stale_but_safe(honest_clip: bytes) -> None:
    with open_clip(honest_clip) as clip:
        pictures = [frame.picture for frame in clip]
    assert all(int(picture.sum()) > 0 for picture in pictures)


@pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview, io.BytesIO])
def test_bytes_come_from_anywhere_in_memory(
    honest_clip: bytes, wrap: Callable[[bytes], bytes]
) -> None:
    with open_clip(wrap(honest_clip)) as clip:
        assert sum(1 for _ in clip) == 60


def test_bytes_come_from_an_open_file(honest_clip: bytes) -> None:
    with tempfile.TemporaryFile() as file:
        file.write(honest_clip)
        for source in (file, file.fileno()):
            file.seek(0)
            with open_clip(source) as clip:
                assert sum(1 for _ in clip) == 60


def test_what_it_cost_is_told(honest_clip: bytes) -> None:
    with open_clip(honest_clip) as clip:
        list(clip)
    stats = clip.stats
    assert stats.frames == 60
    assert 0 < stats.cpu_seconds < 10
    assert 0 < stats.waited_seconds <= stats.wall_seconds
    assert 10_000_000 < stats.peak_rss_bytes < 500_000_000
    assert list(clip) == []


def _peak(data: bytes) -> tuple[FrameStream, int]:
    with open_clip(data) as clip:
        list(clip)
    return clip, clip.stats.peak_rss_bytes


@pytest.mark.slow
def test_memory_does_not_grow_with_the_clip() -> None:
    _, short = _peak(clips.clip(size=(640, 480), seconds=4))
    clip, long = _peak(clips.clip(size=(640, 480), seconds=29, rate=30))
    assert clip.stats.frames == 870
    assert long < short + 16_000_000
