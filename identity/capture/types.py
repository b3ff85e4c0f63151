"""What is taken, and what a decoded clip is made of: frozen types without behaviour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAX_WORKING_SIDE = 960
DEFAULT_WORKING_SIDE = 640


@dataclass(frozen=True, slots=True)
class ClipLimits:
    """What a clip may be, and what decoding it may cost.

    Attributes:
        max_bytes: size of the file.
        max_side: width and height, each, in pixels of the original.
        min_side: the shorter side has at least this many pixels.
        max_seconds, min_seconds: from the first frame's start to the last one's end.
        max_frames: decoded frames.
        min_rate, max_rate: mean frames a second, by presentation times.
        cpu_seconds: processor time of the decoder, over all its threads.
        wall_seconds: how long the caller may be kept waiting for the decoder, altogether; the
            caller's own work between frames doesn't count.
        memory_bytes: writable private memory the decoder may add to what it starts with.
    """

    max_bytes: int = 50_000_000
    max_side: int = 1920
    min_side: int = 64
    max_seconds: float = 30.0
    min_seconds: float = 3.0
    max_frames: int = 900
    min_rate: float = 10.0
    max_rate: float = 120.0
    cpu_seconds: int = 30
    wall_seconds: float = 18.0
    memory_bytes: int = 512_000_000


INTAKE = ClipLimits()
"""What a capture session takes."""

OWN_FILES = ClipLimits(
    max_bytes=200_000_000, min_seconds=0.0, max_seconds=60.0, max_frames=3600, cpu_seconds=120,
    wall_seconds=90.0,
)  # fmt: skip
"""For an operator's own files at the command line: longer, and no minimum."""


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """What a still picture may be, and what decoding it may cost (units as in `ClipLimits`)."""

    max_bytes: int = 50_000_000
    max_pixels: int = 50_000_000
    max_side: int = 16_384
    cpu_seconds: int = 15
    wall_seconds: float = 15.0
    memory_bytes: int = 640_000_000


PICTURE = PictureLimits()


@dataclass(frozen=True, slots=True)
class ClipInfo:
    """What the header and the first frame say.

    Attributes:
        container: "mp4", "mov", "webm" or "mkv".
        codec: "h264", "hevc", "vp8", "vp9" or "av1".
        width, height: pixels of the original, upright (rotation applied).
        rotation: clockwise degrees (0, 90, 180, 270) that were applied to get it upright.
        mirrored: whether the file asked for a reflection as well (after the rotation,
            left and right were exchanged).
        working_width, working_height: of the pictures that are handed over; never enlarged.
        scale: working pixels per original pixel; original x = working x / scale.
        duration_s: the header's word, or None (a recording made by a browser has none).
        average_rate: the header's frames a second, or None; never used for a decision.
    """

    container: str
    codec: str
    width: int
    height: int
    rotation: int
    mirrored: bool
    working_width: int
    working_height: int
    scale: float
    duration_s: float | None
    average_rate: float | None


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a clip.

    Attributes:
        index: from 0.
        time_s: seconds from the first frame, by presentation timestamps.
        picture: (height, width, 3) uint8, RGB, working size, upright. A read-only view of
            shared memory, valid until the next frame is asked for: copy what must last.
    """

    index: int
    time_s: float
    picture: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class DecodeStats:
    """What decoding cost.

    Attributes:
        frames: handed over.
        cpu_seconds: of the decoder's process, all threads, start-up included.
        wall_seconds: from opening to the end.
        waited_seconds: the part of it the caller waited for the decoder.
        peak_rss_bytes: the decoder's largest resident size, with pages it shares.
    """

    frames: int
    cpu_seconds: float
    wall_seconds: float
    waited_seconds: float
    peak_rss_bytes: int


def working_size(width: int, height: int, side: int) -> tuple[int, int]:
    """Width and height, in pixels, of a picture fitted into `side`, never enlarged."""
    longer = max(width, height)
    if longer <= side:
        return width, height
    return max(1, round(width * side / longer)), max(1, round(height * side / longer))
