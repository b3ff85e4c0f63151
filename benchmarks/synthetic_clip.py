"""A synthetic clip to measure speed on: a portrait that sways before a wall, with sensor noise.

The portrait is `skimage.data.astronaut()` (NASA, public domain), a real person's picture; no
endorsement is implied. It answers no prompt: it is for measuring time, nothing else.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray
from skimage import data

RATE = 30


def synthetic_clip(width: int, height: int, seconds: float, bits_a_second: int) -> bytes:
    """Returns an h264 MP4 of about so many bits a second.

    Args:
        width, height: pixels, even.
        seconds: length.
        bits_a_second: what the encoder is asked for, at a constant rate.
    """
    astronaut: Callable[[], NDArray[np.uint8]] = data.astronaut
    portrait = np.ascontiguousarray(astronaut()[:320, 60:400])
    chance = np.random.default_rng(1)
    sheet = chance.normal(0.0, 3.0, (height + 64, width + 64, 3)).astype(np.int16)
    out = io.BytesIO()
    rate = str(bits_a_second)
    options = {"preset": "veryfast", "b": rate, "maxrate": rate, "bufsize": rate}
    with av.open(out, mode="w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.bit_rate = bits_a_second
        for index in range(round(seconds * RATE)):
            moved = _swayed(portrait, width, height, index / RATE)
            x, y = (int(v) for v in chance.integers(0, 64, 2))
            noisy = cv2.add(moved, sheet[y : y + height, x : x + width], dtype=cv2.CV_8U)
            frame = VideoFrame.from_ndarray(np.asarray(noisy, dtype=np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


def _swayed(
    portrait: NDArray[np.uint8], width: int, height: int, time_s: float
) -> NDArray[np.uint8]:
    """The portrait filling the frame, shifted and turned a little."""
    scale = 1.1 * max(width / portrait.shape[1], height / portrait.shape[0])
    angle = math.radians(2.0 * math.sin(1.3 * time_s))
    a, b = scale * math.cos(angle), scale * math.sin(angle)
    cx, cy = portrait.shape[1] / 2, portrait.shape[0] / 2
    x = width / 2 + 0.02 * width * math.sin(0.9 * time_s)
    y = height / 2 + 0.02 * height * math.sin(1.7 * time_s)
    matrix = np.array([[a, -b, x - a * cx + b * cy], [b, a, y - b * cx - a * cy]])
    moved = cv2.warpAffine(
        portrait, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    return np.asarray(moved, dtype=np.uint8)
