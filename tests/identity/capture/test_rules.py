"""The plain rules: times, orientation, sizes, messages."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import CameoError
from identity.capture import messages, orientation, sniff
from identity.capture.pace import Pace
from identity.capture.types import INTAKE, working_size
from identity.errors import (
    ClipEmpty,
    ClipFrameRate,
    ClipTimestamps,
    ClipTooLong,
    ClipTooShort,
    ClipTruncated,
    NotAVideo,
)
from tests.adversarial import clips

SECOND = 1_000_000_000


def _paced(times_s: list[float]) -> Pace:
    pace = Pace(INTAKE)
    for time in times_s:
        pace.count(round(time * SECOND))
    pace.finish()
    return pace


@pytest.mark.parametrize(("rate", "seconds"), [(10, 3), (10, 30), (30, 30), (25, 3), (120, 7)])
def test_a_clip_of_just_the_limits_is_taken(rate: int, seconds: int) -> None:
    assert _paced([i / rate for i in range(rate * seconds)]).frames == rate * seconds


@pytest.mark.parametrize(
    ("times", "error"),
    [
        ([], ClipEmpty),
        ([0.0], ClipTooShort),
        ([i / 9.5 for i in range(60)], ClipFrameRate),
        ([i / 130 for i in range(600)], ClipFrameRate),
        ([0.0, 1e-9, 2e-9], ClipFrameRate),
        ([i / 10 for i in range(303)], ClipTooLong),
        ([0.0, 0.1, 0.1], ClipTimestamps),
        ([0.0, 0.2, 0.1], ClipTimestamps),
        ([-1.0, 0.0], ClipTimestamps),
    ],
)
def test_other_times_are_refused(times: list[float], error: type[CameoError]) -> None:
    with pytest.raises(error):
        _paced(times)


def test_times_count_from_the_first_frame() -> None:
    pace = Pace(INTAKE)
    assert pace.count(5 * SECOND) == 0.0
    assert pace.count(5 * SECOND + SECOND // 4) == 0.25


@given(st.lists(st.integers(-(2**62), 2**62), max_size=40))
def test_any_times_are_judged_without_a_crash(times: list[int]) -> None:
    pace = Pace(replace(INTAKE, min_seconds=0.0))
    try:
        seconds = [pace.count(time) for time in times]
        pace.finish()
    except CameoError:
        return
    assert seconds == sorted(set(seconds))


@given(st.integers(0, 7), st.integers(1, 9), st.integers(1, 9))
def test_an_orientation_keeps_every_pixel(number: int, width: int, height: int) -> None:
    stored = np.arange(width * height * 3, dtype=np.uint8).reshape(height, width, 3)
    shown = orientation.upright(stored, number)
    assert shown.shape[:2] == orientation.upright_size(width, height, number)[::-1]
    assert sorted(shown.tobytes()) == sorted(stored.tobytes())


def test_the_matrix_is_read_as_the_standard_says() -> None:
    one = 0x10000
    quarter = orientation.from_matrix([0, one, 0, -one, 0, 0, 0, 0, 1 << 30])
    assert quarter is not None
    assert orientation.rotation(quarter) == (90, False)
    stored = np.zeros((2, 3, 3), np.uint8)
    stored[0, 0] = 255
    assert orientation.upright(stored, quarter)[0, -1, 0] == 255
    assert orientation.from_matrix([0] * 9) == orientation.UPRIGHT
    assert orientation.from_matrix([one, one, 0, -one, one, 0, 0, 0, 1 << 30]) is None
    assert orientation.from_matrix([one, 0, 0, 0, one // 3, 0, 0, 0, 1 << 30]) is None
    assert {orientation.rotation(number) for number in range(8)} == {
        (degrees, mirrored) for degrees in (0, 90, 180, 270) for mirrored in (False, True)
    }


@given(st.integers(1, 16_384), st.integers(1, 16_384), st.integers(64, 960))
def test_the_working_size_fits(width: int, height: int, side: int) -> None:
    working = working_size(width, height, side)
    assert min(working) >= 1
    assert max(working) <= max(side, 1)
    assert working[0] <= width
    assert working[1] <= height


@given(st.binary(max_size=messages.MAX_MESSAGE))
def test_any_bytes_are_a_message_or_malformed(raw: bytes) -> None:
    try:
        message = messages.unpack(raw)
    except messages.MalformedMessage:
        return
    assert isinstance(
        message, (messages.Header, messages.PictureReady, messages.End, messages.Failed)
    )


def test_messages_come_back_as_they_went() -> None:
    for message in (
        messages.Header(messages.Codec.VP9, 3, 640, 480, 12, 29.97),
        messages.PictureReady(5, 899, -17),
        messages.End(900),
        messages.Failed(messages.Fault.MEMORY),
    ):
        assert messages.unpack(message.pack()) == message
    ended = messages.Exit(-9, 1.5, 10**8)
    assert messages.Exit.unpack(ended.pack()) == ended
    with pytest.raises(messages.MalformedMessage):
        messages.Exit.unpack(b"")
    with pytest.raises(messages.MalformedMessage):
        messages.Request.unpack(b"x")


@given(st.binary(max_size=300), st.sampled_from(["mp4", "webm", ""]))
def test_any_bytes_are_sniffed_without_a_crash(tail: bytes, start: str) -> None:
    head = {"mp4": b"\0\0\0\x10ftypisom\0\0\0\0", "webm": b"\x1aE\xdf\xa3", "": b""}[start]
    with contextlib.suppress(NotAVideo, ClipTruncated, ClipEmpty):
        sniff.clip_container(head + tail)


def test_a_cut_at_any_place_is_seen_or_is_no_video() -> None:
    for data in (clips.index_first(clips.clip(seconds=0.5)), clips.clip(seconds=0.5)):
        for end in [*range(1, 100), *range(100, len(data), 211)]:
            with pytest.raises(CameoError) as refusal:
                sniff.clip_container(data[:end])
            assert refusal.value.code in ("not_a_video", "clip_truncated")


def test_a_box_larger_than_the_world_is_no_video() -> None:
    huge = b"\0\0\0\x01mdat" + (2**63).to_bytes(8, "big")
    for tail in (huge, b"\0\0\0\x01mdat" + (3).to_bytes(8, "big"), b"\0\0\0\x02moov"):
        with pytest.raises(CameoError):
            sniff.clip_container(b"\0\0\0\x10ftypisom\0\0\0\0" + tail)
    with pytest.raises(NotAVideo):
        sniff.clip_container(b"\0\0\0\x10ftypisom\0\0\0\0" + b"\0\0\0\x08evil")
