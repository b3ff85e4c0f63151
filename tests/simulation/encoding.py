"""Frames to a clip, as a phone (h264 in mp4) or a browser (vp8, vp9 in webm) would hand it in."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from typing import Final, Literal, cast

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from tests.simulation.portrait import Picture, as_picture

Codec = Literal["h264", "vp8", "vp9"]

_REALTIME: Final = {"deadline": "realtime", "cpu-used": "8", "crf": "10"}
_ENCODERS: Final[dict[str, tuple[str, str, dict[str, str]]]] = {
    "h264": ("mp4", "libx264", {"preset": "veryfast", "crf": "20"}),
    "vp8": ("webm", "libvpx", _REALTIME),
    "vp9": ("webm", "libvpx-vp9", {**_REALTIME, "row-mt": "0"}),
}
# What a browser's MediaRecorder asks for at about this size; x264 goes by its rate factor.
_BITS_A_SECOND: Final = 6_000_000
# Fine enough for any jitter, and what both containers can hold.
_TICKS: Final = {"h264": 90_000, "vp8": 1000, "vp9": 1000}
_LEAST_GAP_S: Final = 0.004


@dataclass(frozen=True, slots=True)
class Timing:
    """When frames are taken, as phones do it: not at quite even times, and not all of them.

    Attributes:
        jitter_s: standard deviation of a frame's time about its even one, seconds.
        dropped: part of the frames that is missing, 0 to 0.5; the first never is.
    """

    jitter_s: float = 0.0
    dropped: float = 0.0

    def __post_init__(self) -> None:
        if not (self.jitter_s >= 0 and 0 <= self.dropped <= 0.5):
            raise ValueError("jitter can't be negative, nor more than half of the frames missing")


def frame_times(
    seconds: float, fps: int, timing: Timing | None = None, seed: int = 0
) -> list[float]:
    """Seconds at which frames are taken, rising, the first at 0; even ones without `timing`."""
    even = np.arange(round(seconds * fps)) / fps
    if timing is None or len(even) == 0:
        return [float(t) for t in even]
    chance = np.random.default_rng([seed, 7])
    late = chance.normal(0.0, timing.jitter_s, len(even)) if timing.jitter_s else 0.0 * even
    kept = chance.uniform(size=len(even)) >= timing.dropped
    late[0], kept[0] = 0.0, True
    times: list[float] = []
    for t in (even + late)[kept].tolist():
        times.append(max(t, times[-1] + _LEAST_GAP_S) if times else 0.0)
    return times


def encode(
    frames: Iterable[Picture],
    *,
    fps: int,
    codec: Codec = "h264",
    crf: int | None = None,
    bit_rate: int | None = None,
    times: Iterable[float] | None = None,
) -> bytes:
    """One clip of RGB frames (height, width, 3) uint8, all of one size with even sides.

    Args:
        frames: the pictures.
        fps: frames a second.
        codec: one of `Codec`; h264 makes an mp4, the others a webm.
        crf: rate factor, smaller is better; by default a good one.
        bit_rate: bits a second at most (vp8, vp9), or instead of a rate factor (h264).
        times: presentation times in seconds, one for each frame; by default even ones.

    Raises:
        KeyError: the codec is none of these.
        ValueError: there is no frame, or a frame without a time.
    """
    container_format, encoder, usual = _ENCODERS[codec]
    options = {**usual, **({} if crf is None else {"crf": str(crf)})}
    if codec == "h264":
        if bit_rate is not None and crf is None:
            del options["crf"]
        rate = bit_rate or 0
    else:
        rate = bit_rate or _BITS_A_SECOND
    frames = iter(frames)
    first = next(frames, None)
    if first is None:
        raise ValueError("a clip needs a frame")
    out = io.BytesIO()
    with av.open(out, mode="w", format=container_format) as container:
        stream = cast("VideoStream", container.add_stream(encoder, rate=fps, options=options))
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = rate
        stream.codec_context.thread_count = 1
        base = Fraction(1, _TICKS[codec])
        if times is not None:
            stream.codec_context.time_base = base
            stream.time_base = base
        clock = None if times is None else iter(times)
        for picture in chain((first,), frames):
            frame = VideoFrame.from_ndarray(picture, format="rgb24")
            if clock is not None:
                t = next(clock, None)
                if t is None:
                    raise ValueError("every frame needs its time")
                frame.pts, frame.time_base = round(t / base), base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


class SensorNoise:
    """Noise as a small sensor has it: a sheet drawn once, of which each frame sees another part."""

    def __init__(
        self, size: tuple[int, int], seed: int, sigma: float = 2.0, *, offset: float = 0.0
    ) -> None:
        """Args:
        size: width and height of the frames.
        seed: of sheet and parts.
        sigma: standard deviation, 8-bit steps.
        offset: what `onto` adds besides, 8-bit steps.
        """
        self._size = size
        self._chance = np.random.default_rng(seed)
        sheet = self._chance.normal(0.0, sigma, (size[1] + 64, size[0] + 64, 3))
        self._sheet = np.rint(sheet).astype(np.int16)
        self._fine = (sheet + offset).astype(np.float32)

    def __call__(self, picture: Picture) -> Picture:
        """`picture` with this frame's noise."""
        return as_picture(cv2.add(picture, self._sheet[self._part()], dtype=cv2.CV_8U))

    def onto(self, picture: NDArray[np.float32]) -> Picture:
        """`picture` (height, width, 3) plus the offset with this frame's noise, rounded after it.

        Rounding first would lose any light that adds less than half a step.
        """
        return as_picture(cv2.add(picture, self._fine[self._part()], dtype=cv2.CV_8U))

    def _part(self) -> tuple[slice, slice]:
        x, y = self._chance.integers(0, 64, 2).tolist()
        return slice(y, y + self._size[1]), slice(x, x + self._size[0])
