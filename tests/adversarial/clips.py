"""Small synthetic clips made with PyAV: honest ones, and the plain building blocks of others."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any, cast

import av
import numpy as np
from av.codec import CodecContext
from av.container import OutputContainer
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

FAST: dict[str, dict[str, str]] = {
    "libx264": {"preset": "ultrafast", "bf": "0"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none:pools=1"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
    "libsvtav1": {"preset": "12", "svtav1-params": "lp=1"},
}
MILLISECOND = Fraction(1, 1000)


def moving_square(width: int, height: int) -> Callable[[int], Picture]:
    """A bright square that wanders over a slope of grey."""
    slope = np.broadcast_to(np.linspace(40, 160, width, dtype=np.uint8), (height, width))

    def draw(index: int) -> Picture:
        picture = np.repeat(slope[:, :, None], 3, axis=2)
        side = max(4, height // 5)
        x, y = (5 * index) % max(1, width - side), (3 * index) % max(1, height - side)
        picture[y : y + side, x : x + side] = (230, 180, 60)
        return picture

    return draw


def corners(width: int, height: int) -> Callable[[int], Picture]:
    """Red top left, green top right, blue bottom left, white bottom right; it never moves."""
    picture = np.empty((height, width, 3), np.uint8)
    picture[: height // 2, : width // 2] = (220, 20, 20)
    picture[: height // 2, width // 2 :] = (20, 200, 20)
    picture[height // 2 :, : width // 2] = (20, 20, 220)
    picture[height // 2 :, width // 2 :] = (235, 235, 235)
    return lambda _: picture


def clip(
    *,
    seconds: float = 4.0,
    rate: int = 15,
    size: tuple[int, int] = (160, 120),
    codec: str = "libx264",
    container: str = "mp4",
    times_ms: Sequence[int] | None = None,
    draw: Callable[[int], Picture] | None = None,
    options: dict[str, str] | None = None,
    adjust: Callable[[VideoStream], object] | None = None,
    videos: int = 1,
    audio: bool = False,
) -> bytes:
    """Encode a clip; `times_ms` gives each frame's time instead of a steady rate."""
    out, output = _container(container, options)
    streams = [_video(output, codec, size, rate) for _ in range(videos)]
    if adjust is not None:
        adjust(streams[0])
    sound = output.add_stream("aac", rate=8000) if audio else None
    draw = draw or moving_square(*size)
    times = range(round(seconds * rate)) if times_ms is None else times_ms
    base = Fraction(1, rate) if times_ms is None else MILLISECOND
    for stream in streams:
        for packet in _encoded(stream, times, base, draw):
            output.mux(packet)
    if sound is not None:
        _add_silence(output, sound, seconds)
    output.close()
    return out.getvalue()


def index_first(data: bytes) -> bytes:
    """The same MP4 with its index before its pictures, as web players like it."""
    place, size = _box(data, b"moov")
    index = bytearray(data[place : place + size])
    pictures, _ = _box(data, b"mdat")
    if place < pictures:
        return data
    position = -1
    while (position := index.find(b"stco", position + 1)) >= 0:
        (count,) = struct.unpack_from(">I", index, position + 8)
        for entry in range(position + 12, position + 12 + 4 * count, 4):
            (offset,) = struct.unpack_from(">I", index, entry)
            struct.pack_into(">I", index, entry, offset + size)
    return data[:pictures] + bytes(index) + data[pictures:place] + data[place + size :]


def _box(data: bytes, name: bytes) -> tuple[int, int]:
    """Where the top-level box starts, and its size."""
    position = 0
    while position < len(data):
        (size,) = struct.unpack_from(">I", data, position)
        if data[position + 4 : position + 8] == name:
            return position, size
        position += size
    raise LookupError(name)


def sound_only(container: str = "mp4", seconds: float = 4.0) -> bytes:
    out, output = _container(container, None)
    _add_silence(output, output.add_stream("aac", rate=8000), seconds)
    output.close()
    return out.getvalue()


def size_change(first: tuple[int, int], second: tuple[int, int], seconds: int = 2) -> bytes:
    """A VP8 WebM whose pictures change their size after some seconds, and stay so as long."""
    rate = 15
    out, output = _container("webm", None)
    stream = _video(output, "libvpx", first, rate)
    packets = list(
        _encoded(stream, range(seconds * rate), Fraction(1, rate), moving_square(*first))
    )
    other = CodecContext.create("libvpx", "w")
    other.width, other.height, other.pix_fmt = *second, "yuv420p"
    other.time_base = Fraction(1, rate)
    other.options = FAST["libvpx"]
    draw = moving_square(*second)
    frames = [_frame(draw(i), seconds * rate + i, Fraction(1, rate)) for i in range(seconds * rate)]
    for frame in [*frames, None]:
        for packet in other.encode(frame):
            packet.stream = stream
            packet.time_base = Fraction(1, rate)
            packets.append(packet)
    for packet in packets:
        output.mux(packet)
    output.close()
    return out.getvalue()


def still(codec: str, size: tuple[int, int], pixels: str, draw: Callable[[int], Picture]) -> bytes:
    """One picture: codec "mjpeg", "png" or "libwebp"."""
    context = cast(VideoCodecContext, CodecContext.create(codec, "w"))
    context.width, context.height, context.pix_fmt = *size, pixels
    context.time_base = Fraction(1, 25)
    if codec == "mjpeg":
        context.color_range = 2
    frame = _frame(draw(0), 0, Fraction(1, 25)).reformat(format=pixels, dst_color_range=2)
    return b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)])


def _container(kind: str, options: dict[str, str] | None) -> tuple[io.BytesIO, OutputContainer]:
    out = io.BytesIO()
    return out, av.open(out, "w", format=kind, options=options or {})


def _video(output: OutputContainer, codec: str, size: tuple[int, int], rate: int) -> VideoStream:
    stream = cast(VideoStream, output.add_stream(codec, rate=rate, options=FAST.get(codec, {})))
    stream.width, stream.height = size
    stream.pix_fmt = {"mjpeg": "yuvj420p", "gif": "rgb8", "prores_ks": "yuv422p10le"}.get(
        codec, "yuv420p"
    )
    stream.codec_context.thread_count = 1
    return stream


def _encoded(
    stream: VideoStream, times: Iterable[int], base: Fraction, draw: Callable[[int], Picture]
) -> Iterable[Packet[Any]]:
    stream.codec_context.time_base = base
    for index, time in enumerate(times):
        yield from stream.encode(_frame(draw(index), time, base, stream.pix_fmt))
    yield from stream.encode(None)


def _frame(
    picture: Picture, time: int, base: Fraction, pixels: str | None = "yuv420p"
) -> VideoFrame:
    frame = VideoFrame.from_ndarray(picture, "rgb24").reformat(format=pixels)
    frame.pts, frame.time_base = time, base
    return frame


def _add_silence(output: OutputContainer, stream: Any, seconds: float) -> None:
    for block in range(round(seconds * 8000 / 1024)):
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate, frame.pts = 8000, 1024 * block
        frame.time_base = Fraction(1, 8000)
        for packet in stream.encode(frame):
            output.mux(packet)
    for packet in stream.encode(None):
        output.mux(packet)
