"""Hostile files, each with the code it must be refused by. Made on the spot; nothing is stored."""

from __future__ import annotations

import io
import random
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.adversarial import clips

_CLUSTER = b"\x1f\x43\xb6\x75"


@dataclass(frozen=True, slots=True)
class Hostile:
    """A maker of bytes and the codes of which one must come back."""

    name: str
    make: Callable[[], bytes]
    codes: frozenset[str]


def _hostile(name: str, make: Callable[[], bytes], *codes: str) -> Hostile:
    return Hostile(name, make, frozenset(codes))


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archived:
        archived.writestr("hello.txt", "hello" * 20)
    return out.getvalue()


def cut(data: bytes, share: float) -> bytes:
    return data[: int(len(data) * share)]


def moved_to_front(**arguments: float) -> bytes:
    """An MP4 with its index before its pictures, as web players like it."""
    return clips.index_first(clips.clip(**arguments))  # type: ignore[arg-type]


def browser_recording(**arguments: object) -> bytes:
    """A WebM as MediaRecorder makes it: no duration, no cues, open-ended clusters."""
    arguments.setdefault("codec", "libvpx")
    return clips.clip(container="webm", options={"live": "1"}, **arguments)  # type: ignore[arg-type]


def shrunk_to_fit(data: bytes, share: float) -> bytes:
    """Cut an MP4 with the index in front, and correct the last box's size to hide it."""
    position = data.index(b"mdat") - 4
    kept = bytearray(cut(data, share))
    kept[position : position + 4] = struct.pack(">I", len(kept) - position)
    return bytes(kept)


def damaged(data: bytes, seed: int, flips: int) -> bytes:
    """Flip bytes of the pictures of an MP4 with its index in front."""
    start = data.index(b"mdat") + 1200
    dice = random.Random(seed)
    spoiled = bytearray(data)
    for _ in range(flips):
        spoiled[dice.randrange(start, len(data))] ^= 1 << dice.randrange(8)
    return bytes(spoiled)


def patched(data: bytes, box: bytes, offset: int, value: bytes) -> bytes:
    """Overwrite bytes at an offset after a box's name."""
    position = data.index(box) + 4 + offset
    return data[:position] + value + data[position + len(value) :]


def retimed(data: bytes, change: Callable[[int, int], int]) -> bytes:
    """Rewrite the times of a live WebM's blocks (`change(number, time)`, within the cluster)."""
    spoiled = bytearray(data)
    for number, position in enumerate(_simple_blocks(data)):
        (time,) = struct.unpack_from(">h", data, position)
        struct.pack_into(">h", spoiled, position, change(number, time))
    return bytes(spoiled)


def _simple_blocks(data: bytes) -> Iterator[int]:
    """Where each SimpleBlock's relative time stands, in a file with open-ended clusters."""
    position = data.index(_CLUSTER)
    while position < len(data):
        if data[position : position + 4] == _CLUSTER:
            position += 4 + 9 - data[position + 4].bit_length()
        identifier = data[position]
        size_at = position + (9 - identifier.bit_length())
        length = 9 - data[size_at].bit_length()
        size = int.from_bytes(data[size_at : size_at + length], "big") & ((1 << 7 * length) - 1)
        if identifier == 0xA3:
            yield size_at + length + 1
        position = size_at + length + size


def not_videos() -> list[Hostile]:
    movie = moved_to_front
    return [
        _hostile("empty", lambda: b"", "clip_empty"),
        _hostile("noise", lambda: random.Random(1).randbytes(5000), "not_a_video"),
        _hostile("text", lambda: b"hello, hello\n" * 100, "not_a_video"),
        _hostile("playlist", lambda: b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n", "not_a_video"),
        _hostile(
            "list of files", lambda: b"ffconcat version 1.0\nfile '/etc/passwd'\n", "not_a_video"
        ),
        _hostile("gif", lambda: clips.clip(codec="gif", container="gif"), "not_a_video"),
        _hostile("avi", lambda: clips.clip(codec="mpeg4", container="avi"), "not_a_video"),
        _hostile("transport stream", lambda: clips.clip(container="mpegts"), "not_a_video"),
        _hostile("zip after mp4", lambda: movie() + archive(), "not_a_video"),
        _hostile("pdf before mp4", lambda: b"%PDF-1.7\n" + movie(), "not_a_video"),
        _hostile("page after webm", lambda: browser_recording() + b"<html>", "not_a_video"),
        _hostile("still in a box", lambda: b"\0\0\0\x18ftypheic\0\0\0\0heicmif1", "not_a_video"),
        _hostile("first box only", lambda: movie()[:32], "clip_truncated"),
        _hostile("brand alone", lambda: b"\0\0\0\x10ftypisom\0\0\0\0", "clip_truncated"),
        _hostile("ebml of another kind", _other_ebml, "not_a_video"),
        _hostile("sound only", clips.sound_only, "no_video_stream"),
        _hostile("two videos", lambda: clips.clip(videos=2), "several_video_streams"),
        _hostile("mpeg-4 part 2", lambda: clips.clip(codec="mpeg4"), "codec_not_taken"),
        _hostile(
            "motion jpeg", lambda: clips.clip(codec="mjpeg", container="mov"), "codec_not_taken"
        ),
        _hostile(
            "prores", lambda: clips.clip(codec="prores_ks", container="mov"), "codec_not_taken"
        ),
        _hostile(
            "hevc in matroska",
            lambda: clips.clip(codec="libx265", container="matroska"),
            "codec_not_taken",
        ),
    ]


def _other_ebml() -> bytes:
    document = b"\x42\x82\x84evil"
    return b"\x1aE\xdf\xa3" + bytes([0x80 | len(document)]) + document + bytes(100)


def cut_short() -> list[Hostile]:
    return [
        _hostile("index first, cut", lambda: cut(moved_to_front(), 0.6), "clip_truncated"),
        _hostile("index last, cut", lambda: cut(clips.clip(), 0.6), "clip_truncated"),
        _hostile(
            "cut and the size corrected",
            lambda: shrunk_to_fit(moved_to_front(), 0.6),
            "clip_truncated",
        ),
        _hostile(
            "webm, cut",
            lambda: cut(clips.clip(codec="libvpx", container="webm"), 0.6),
            "clip_truncated",
        ),
        _hostile("recording, cut", lambda: browser_recording()[:-7], "clip_truncated"),
        _hostile("recording, header only", lambda: browser_recording()[:60], "clip_truncated"),
        _hostile("damaged", lambda: damaged(moved_to_front(), 3, 60), "clip_damaged"),
    ]


def wrong_measures() -> list[Hostile]:
    return [
        _hostile("too long", lambda: clips.clip(seconds=31, rate=10), "clip_too_long"),
        _hostile(
            "too long, unannounced",
            lambda: browser_recording(seconds=31, rate=10),
            "clip_too_long",
        ),
        _hostile("too short", lambda: clips.clip(seconds=2), "clip_too_short"),
        _hostile("too short, unannounced", lambda: browser_recording(seconds=2), "clip_too_short"),
        _hostile(
            "too many frames", lambda: clips.clip(seconds=16, rate=60), "clip_too_many_frames"
        ),
        _hostile(
            "too many frames, unannounced",
            lambda: browser_recording(seconds=16, rate=60),
            "clip_too_many_frames",
        ),
        _hostile("bomb", bomb, "clip_too_many_pixels"),
        _hostile(
            "too wide, small by its index", _understated, "clip_too_many_pixels", "clip_damaged"
        ),
        _hostile("too wide", lambda: clips.clip(size=(2048, 128)), "clip_too_many_pixels"),
        _hostile("a stamp", lambda: clips.clip(size=(32, 32)), "clip_too_few_pixels"),
        _hostile(
            "size changes",
            lambda: clips.size_change((160, 120), (320, 240)),
            "clip_size_changed",
        ),
        _hostile(
            "size explodes",
            lambda: clips.size_change((160, 120), (2048, 2048), seconds=1),
            "clip_size_changed",
            "clip_too_many_pixels",
            "clip_damaged",
        ),
        _hostile("five a second", lambda: clips.clip(seconds=6, rate=5), "clip_frame_rate"),
        _hostile("1000 a second", lambda: clips.clip(seconds=0.8, rate=1000), "clip_frame_rate"),
        _hostile("1000 a second for long", _thousand_a_second, "clip_frame_rate"),
        _hostile(
            "times stand still",
            lambda: retimed(browser_recording(), lambda number, time: 0),
            "clip_timestamps",
        ),
        _hostile(
            "times run backwards",
            lambda: retimed(browser_recording(), lambda number, time: 8000 - time),
            "clip_timestamps",
        ),
        _hostile(
            "one frame out of order",
            lambda: retimed(browser_recording(), lambda n, time: time - 500 if n == 30 else time),
            "clip_timestamps",
        ),
        _hostile(
            "times before zero",
            lambda: retimed(browser_recording(), lambda number, time: time - 3000),
            "clip_timestamps",
        ),
    ]


def _thousand_a_second() -> bytes:
    return retimed(browser_recording(seconds=8, rate=60), lambda number, time: number)


def _understated() -> bytes:
    return patched(clips.clip(size=(2048, 2048), rate=10), b"avc1", 24, b"\0\xa0\0\x78")


def bomb() -> bytes:
    """A few kilobytes of flat pictures that unfold to over a gigabyte."""
    size = (4096, 4096)
    return clips.clip(seconds=3, rate=10, size=size, draw=clips.corners(*size))


def refused() -> list[Hostile]:
    """All of them."""
    return [*not_videos(), *cut_short(), *wrong_measures()]


def mutants(data: bytes, count: int, seed: int) -> Iterator[bytes]:
    """The same file with a few bytes changed, mostly in its structure; reproducible."""
    dice = random.Random(seed)
    for _ in range(count):
        spoiled = bytearray(data)
        for _ in range(dice.choice((1, 2, 4, 16))):
            place = dice.randrange(min(len(data), dice.choice((200, 2000, len(data)))))
            spoiled[place] = dice.choice((0, 0xFF, 0x7F, 0x80, dice.randrange(256)))
        yield bytes(spoiled)
