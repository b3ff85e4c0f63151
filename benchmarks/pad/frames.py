"""Pictures and clips: RGB uint8 (height, width, 3), in memory only.

A *picture list* is what all instruments take and give. Randomness comes from a generator that
the caller seeds, so that an instrument is the same each time.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import chain
from typing import Any, Final, cast

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Pictures = Sequence[Picture]

MAX_SIDE: Final = 1280
_ENCODERS: Final[dict[str, tuple[str, str, dict[str, str]]]] = {
    "h264": ("mp4", "libx264", {"preset": "veryfast"}),
    "vp8": ("webm", "libvpx", {"deadline": "realtime", "cpu-used": "8"}),
    "vp9": ("webm", "libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "row-mt": "0"}),
}
_CRF: Final = {"h264": 20, "vp8": 10, "vp9": 30}
_VPX_BITS: Final = 4_000_000


def as_picture(array: NDArray[Any]) -> Picture:
    """What OpenCV or NumPy gave, with values in 0..255, as uint8."""
    return np.ascontiguousarray(array, dtype=np.uint8)


def encode(
    frames: Iterable[Picture], *, fps: float, codec: str = "h264", crf: int | None = None
) -> bytes:
    """One clip of frames of one size with even sides.

    Args:
        frames: RGB uint8 (height, width, 3).
        fps: frames a second.
        codec: "h264" (mp4), "vp8" or "vp9" (webm).
        crf: constant rate factor of the encoder; None for a good one.

    Raises:
        KeyError: the codec is none of the three.
        ValueError: there is no frame.
    """
    container_format, encoder, options = _ENCODERS[codec]
    iterator = iter(frames)
    first = next(iterator, None)
    if first is None:
        raise ValueError("a clip needs a frame")
    options = {**options, "crf": str(_CRF[codec] if crf is None else crf)}
    rate = Fraction(fps).limit_denominator(1001)
    out = io.BytesIO()
    with av.open(out, mode="w", format=container_format) as container:
        stream = cast("VideoStream", container.add_stream(encoder, rate=rate, options=options))
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 0 if codec == "h264" else _VPX_BITS
        stream.codec_context.thread_count = 1
        for frame in chain((first,), iterator):
            container.mux(stream.encode(VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    return out.getvalue()


def decode(data: bytes, seconds: float = float("inf")) -> tuple[list[Picture], float]:
    """The frames of a clip (to `seconds`, at most 1280 on the longer side) and its rate.

    Raises:
        ValueError: there is no video stream, or no frame in it.
        av.FFmpegError: the bytes can't be decoded.
    """
    frames: list[Picture] = []
    with av.open(io.BytesIO(data), mode="r") as container:
        if not container.streams.video:
            raise ValueError("there is no video stream")
        stream = container.streams.video[0]
        rate = float(stream.average_rate or stream.guessed_rate or 30)
        for frame in container.decode(stream):
            if len(frames) >= seconds * rate:
                break
            part = min(1.0, MAX_SIDE / max(frame.width, frame.height))
            width, height = (2 * round(part * side / 2) for side in (frame.width, frame.height))
            frames.append(as_picture(frame.reformat(width, height, "rgb24").to_ndarray()))
    if not frames:
        raise ValueError("there is no frame")
    return frames, rate


class SensorNoise:
    """Noise of a small sensor: a sheet drawn once, of which each frame sees another part."""

    def __init__(self, chance: np.random.Generator, sigma: float = 2.0) -> None:
        self._chance = chance
        self._sigma = sigma
        self._sheet: NDArray[np.int16] | None = None

    def __call__(self, picture: Picture) -> Picture:
        """`picture` with this frame's noise."""
        height, width = picture.shape[:2]
        if self._sheet is None:
            sheet = self._chance.normal(0.0, self._sigma, (height + 64, width + 64, 3))
            self._sheet = np.rint(sheet).astype(np.int16)
        x, y = self._chance.integers(0, 64, 2).tolist()
        part = self._sheet[y : y + height, x : x + width]
        return as_picture(cv2.add(picture, part, dtype=cv2.CV_8U))


def noisy(
    frames: Iterable[Picture], chance: np.random.Generator, sigma: float = 2.0
) -> Iterator[Picture]:
    """The frames as a sensor would see them again: with fresh noise. As they are for sigma 0."""
    if sigma <= 0:
        yield from frames
        return
    noise = SensorNoise(chance, sigma)
    for frame in frames:
        yield noise(frame)


def shaken(
    frames: Iterable[Picture], fps: float, chance: np.random.Generator, amount: float
) -> Iterator[Picture]:
    """The frames from a hand that shakes: shifts (parts of the width), roll and zoom.

    Args:
        amount: about the largest shift as a part of the width; 0 leaves the frames alone.
    """
    if amount <= 0:
        yield from frames
        return
    hertz = np.stack([chance.uniform(0.2, 0.6, 4), chance.uniform(1.0, 3.0, 4)])
    phase = chance.uniform(0, 2 * np.pi, (2, 4))
    for index, frame in enumerate(frames):
        waves = np.array([[0.7], [0.3]]) * np.sin(2 * np.pi * hertz * index / fps + phase)
        x, y, roll, zoom = (amount * waves.sum(axis=0)).tolist()
        height, width = frame.shape[:2]
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), 60 * roll, 1.02 + zoom)
        matrix = np.asarray(turn, dtype=np.float64)
        matrix[:, 2] += (x * width, y * width)
        yield warped(frame, matrix, (width, height))


def warped(picture: Picture, matrix: NDArray[np.float64], size: tuple[int, int]) -> Picture:
    """`picture` through an affine (2, 3) or a homography (3, 3), mirrored at its edges."""
    warp = cv2.warpAffine if matrix.shape[0] == 2 else cv2.warpPerspective
    return as_picture(
        warp(picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    )


def resized(picture: Picture, size: tuple[int, int]) -> Picture:
    """`picture` filling `size` (width, height), cropped in the middle where shapes differ."""
    width, height = size
    rows, cols = picture.shape[:2]
    part = max(width / cols, height / rows)
    big = cv2.resize(picture, (max(width, round(cols * part)), max(height, round(rows * part))))
    x, y = (big.shape[1] - width) // 2, (big.shape[0] - height) // 2
    return as_picture(big[y : y + height, x : x + width])
