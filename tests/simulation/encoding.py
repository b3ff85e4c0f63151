"""Frames to a clip, as a phone (h264 in mp4) or a browser (vp8 in webm) would hand it in."""

from __future__ import annotations

import io
from collections.abc import Iterable
from itertools import chain
from typing import Final, Literal, cast

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from tests.simulation.portrait import Picture, as_picture

Codec = Literal["h264", "vp8"]

_ENCODERS: Final[dict[str, tuple[str, str, dict[str, str]]]] = {
    "h264": ("mp4", "libx264", {"preset": "veryfast", "crf": "20"}),
    "vp8": ("webm", "libvpx", {"deadline": "realtime", "cpu-used": "8", "crf": "10"}),
}
# What a browser's MediaRecorder asks for at about this size; x264 goes by its rate factor.
_BITS_A_SECOND: Final = 6_000_000


def encode(frames: Iterable[Picture], *, fps: int, codec: Codec = "h264") -> bytes:
    """One clip of RGB frames (height, width, 3) uint8, all of one size with even sides.

    Raises:
        KeyError: the codec is not one of the two.
        ValueError: there is no frame.
    """
    container_format, encoder, options = _ENCODERS[codec]
    frames = iter(frames)
    first = next(frames, None)
    if first is None:
        raise ValueError("a clip needs a frame")
    out = io.BytesIO()
    with av.open(out, mode="w", format=container_format) as container:
        stream = cast("VideoStream", container.add_stream(encoder, rate=fps, options=options))
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = _BITS_A_SECOND if codec == "vp8" else 0
        stream.codec_context.thread_count = 1
        for frame in chain((first,), frames):
            container.mux(stream.encode(VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    return out.getvalue()


class SensorNoise:
    """Noise as a small sensor has it: a sheet drawn once, of which each frame sees another part."""

    def __init__(self, size: tuple[int, int], seed: int, sigma: float = 2.0) -> None:
        self._size = size
        self._chance = np.random.default_rng(seed)
        shape = (size[1] + 64, size[0] + 64, 3)
        sheet = self._chance.normal(0.0, sigma, shape)
        self._sheet = np.rint(sheet).astype(np.int16)

    def __call__(self, picture: Picture) -> Picture:
        """`picture` with this frame's noise."""
        x, y = self._chance.integers(0, 64, 2).tolist()
        part = self._sheet[y : y + self._size[1], x : x + self._size[0]]
        return as_picture(cv2.add(picture, part, dtype=cv2.CV_8U))
