"""What runs inside the sandbox: demux, decode, scale, and lay each picture into the ring.

It reports faults by number and trusts nobody to believe it: the service counts again.
"""

from __future__ import annotations

import errno
import math
import mmap
import socket
import struct
from collections.abc import Iterator
from typing import Any, Literal, Never, cast

import av
import numpy as np
from av.container import InputContainer
from av.sidedata.sidedata import SideDataContainer
from av.sidedata.sidedata import Type as SideDataType
from av.stream import Disposition
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from identity.capture.messages import (
    RELEASE,
    Codec,
    Container,
    End,
    Failed,
    Fault,
    Header,
    Job,
    PictureReady,
    Request,
)
from identity.capture.orientation import UPRIGHT, from_matrix, upright
from identity.capture.types import working_size

THREADS = 2

_DEMUXERS = {
    Container.MP4: "mov",
    Container.MOV: "mov",
    Container.WEBM: "matroska",
    Container.MKV: "matroska",
    Container.JPEG: "jpeg_pipe",
    Container.PNG: "png_pipe",
    Container.WEBP: "webp_pipe",
}
_TAKEN = {
    Container.MP4: {"h264": Codec.H264, "hevc": Codec.HEVC},
    Container.MOV: {"h264": Codec.H264, "hevc": Codec.HEVC},
    Container.WEBM: {
        "vp8": Codec.VP8, "vp9": Codec.VP9, "av1": Codec.AV1, "h264": Codec.H264,
    },
    Container.MKV: {
        "vp8": Codec.VP8, "vp9": Codec.VP9, "av1": Codec.AV1, "h264": Codec.H264,
    },
    Container.JPEG: {"mjpeg": Codec.STILL},
    Container.PNG: {"png": Codec.STILL},
    Container.WEBP: {"webp": Codec.STILL},
}  # fmt: skip
_DECODERS = "h264,hevc,vp8,vp9,libdav1d,av1,mjpeg,png,webp"
_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,jpeg_pipe,png_pipe,webp_pipe"
_LARGEST_TIME = 2**62
_SMALL_ROOM = 4 << 20

# PyAV 18.1 doesn't name every kind of side data its FFmpeg attaches (EXIF, for one), and then
# none can be read. The nameless ones aren't used here: any name will do for them.
SideDataType._missing_ = classmethod(lambda kinds, _: kinds.PANSCAN)  # type: ignore[method-assign,assignment]


class FaultError(Exception):
    """Ends the work with a fault; it never leaves this process."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault = fault


class _File:
    """The clip as PyAV wants to read it: no name, no descriptor, nothing to open."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data

    def read(self, size: int) -> bytes:
        return self._data.read(size)

    def tell(self) -> int:
        return self._data.tell()

    def seek(self, offset: int, whence: Literal[0, 1, 2] = 0) -> int:
        self._data.seek(offset, whence)
        return self._data.tell()


def work(request: Request, data: mmap.mmap, ring: mmap.mmap, control: socket.socket) -> None:
    """Decode one file. Every way it can end sends one last message."""
    try:
        frames = _hand_over(request, data, ring, control)
        last: End | Failed = End(frames)
    except FaultError as error:
        last = Failed(error.fault)
    except MemoryError:
        last = Failed(Fault.MEMORY)
    except av.FFmpegError as error:
        last = Failed(Fault.MEMORY if _out_of_memory(error) else Fault.DAMAGED)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        last = Failed(Fault.INTERNAL)
    control.send(last.pack())


def _out_of_memory(error: Exception) -> bool:
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    # A decoder short of memory may call the clip invalid instead.
    try:
        bytearray(_SMALL_ROOM)
    except MemoryError:
        return True
    return False


def _hand_over(request: Request, data: mmap.mmap, ring: mmap.mmap, control: socket.socket) -> int:
    container = _open(request, data)
    stream = _only_video(request, container)
    codec = _codec(request, stream)
    _check_size(request, stream.codec_context.width, stream.codec_context.height)
    duration_ns = _announced_length(request, container, stream)
    laid: _Layout | None = None
    count = 0
    for frame in _frames(request, container, stream):
        if laid is None:
            laid = _Layout(request, frame, stream, ring)
            rate = stream.average_rate
            control.send(
                Header(
                    codec, laid.orientation, laid.width, laid.height, duration_ns,
                    float(rate) if rate else 0.0,
                ).pack()
            )  # fmt: skip
        slot = count % request.slots
        if count >= request.slots and control.recv(1) != RELEASE:
            return count
        laid.lay(frame, slot)
        control.send(PictureReady(slot, count, _time_ns(request, frame)).pack())
        count += 1
    if count == 0:
        raise FaultError(Fault.EMPTY)
    return count


def _open(request: Request, data: mmap.mmap) -> InputContainer:
    options = {
        "format_whitelist": _FORMATS,
        "codec_whitelist": _DECODERS,
        "protocol_whitelist": "",
        "max_pixels": str(request.max_pixels),
        "max_streams": "16",
        # A time that the file doesn't give must not be made up for it.
        "fflags": "-genpts+nofillin",
    }
    if _DEMUXERS[request.container] == "mov":
        options |= {"enable_drefs": "0", "use_absolute_path": "0", "ignore_chapters": "1"}
    try:
        return av.open(
            _File(data),
            mode="r",
            format=_DEMUXERS[request.container],
            options=options,
            buffer_size=1 << 17,
            io_open=_refuse,
        )
    except MemoryError:
        raise
    except (av.FFmpegError, ValueError) as error:
        if _out_of_memory(error):
            raise FaultError(Fault.MEMORY) from error
        raise FaultError(Fault.UNREADABLE) from error


def _refuse(*_: Any) -> Never:
    raise PermissionError


def _only_video(request: Request, container: InputContainer) -> VideoStream:
    videos = [
        stream
        for stream in container.streams.video
        if not stream.disposition & Disposition.attached_pic
    ]
    if not videos:
        raise FaultError(Fault.NO_VIDEO)
    if len(videos) > 1:
        raise FaultError(Fault.SEVERAL_VIDEOS)
    return videos[0]


def _codec(request: Request, stream: VideoStream) -> Codec:
    # A stream of a kind this FFmpeg knows no decoder for has no context at all.
    context: VideoCodecContext | None = stream.codec_context
    if context is not None:
        codec = _TAKEN[request.container].get(context.codec.canonical_name)
        if codec is not None:
            return codec
    raise FaultError(Fault.CODEC)


def _check_size(request: Request, width: int, height: int) -> None:
    if width <= 0 or height <= 0:
        raise FaultError(Fault.UNREADABLE)
    if max(width, height) > request.max_side or width * height > request.max_pixels:
        raise FaultError(Fault.PIXELS)
    if min(width, height) < request.min_side:
        raise FaultError(Fault.SMALL)


def _announced_length(request: Request, container: InputContainer, stream: VideoStream) -> int:
    """The header's duration in nanoseconds, -1 if it has none; refused if it is over the limit."""
    if request.job is Job.PICTURE:
        return -1
    if stream.frames > request.max_frames:
        raise FaultError(Fault.TOO_MANY_FRAMES)
    if stream.duration is not None and stream.time_base is not None:
        seconds = float(stream.duration * stream.time_base)
    elif container.duration is not None:
        seconds = container.duration / 1e6
    else:
        return -1
    if seconds * 1000 > request.max_milliseconds:
        raise FaultError(Fault.TOO_LONG)
    return round(seconds * 1e9) if seconds > 0 else -1


def _frames(
    request: Request, container: InputContainer, stream: VideoStream
) -> Iterator[VideoFrame]:
    context = stream.codec_context
    context.thread_count = THREADS
    context.thread_type = "AUTO"
    context.options = {"max_pixels": str(request.max_pixels)}
    if request.job is Job.PICTURE:
        # Otherwise half a JPEG comes out as a picture that is grey below.
        context.options |= {"err_detect": "crccheck+explode"}
    packets = 0
    for packet in container.demux(stream):
        if packet.size:
            packets += 1
            if packet.is_corrupt:
                raise FaultError(Fault.TRUNCATED)
        for frame in packet.decode():
            assert isinstance(frame, VideoFrame)  # noqa: S101 - tells the type, decides nothing
            if frame.is_corrupt:
                raise FaultError(Fault.DAMAGED)
            yield frame
            if request.job is Job.PICTURE:
                return
    if request.container in (Container.MP4, Container.MOV) and packets < len(stream.index_entries):
        raise FaultError(Fault.TRUNCATED)


def _time_ns(request: Request, frame: VideoFrame) -> int:
    if request.job is Job.PICTURE:
        return 0
    if frame.pts is None or frame.time_base is None:
        raise FaultError(Fault.TIMESTAMPS)
    time_ns = round(frame.pts * frame.time_base * 1_000_000_000)
    if abs(time_ns) > _LARGEST_TIME:
        raise FaultError(Fault.TIMESTAMPS)
    return time_ns


class _Layout:
    """How this clip's pictures get from the decoder's size and orientation into a slot."""

    def __init__(
        self, request: Request, frame: VideoFrame, stream: VideoStream, ring: mmap.mmap
    ) -> None:
        self._request = request
        self._stored = frame.width, frame.height
        _check_size(request, frame.width, frame.height)
        self.width, self.height = _square(frame, stream)
        self.orientation = _orientation(frame)
        self._size = working_size(self.width, self.height, request.working_side)
        self._scaler = VideoReformatter()
        self._slots = np.frombuffer(ring, np.uint8).reshape(request.slots, request.slot_bytes)

    def lay(self, frame: VideoFrame, slot: int) -> None:
        if (frame.width, frame.height) != self._stored:
            raise FaultError(Fault.SIZE_CHANGED)
        width, height = self._size
        scaled = self._scaler.reformat(
            frame, width, height, "rgb24", interpolation=Interpolation.AREA, threads=1
        )
        plane = scaled.planes[0]
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[
            :height, : width * 3
        ]
        picture = upright(rows.reshape(height, width, 3), self.orientation)
        place: NDArray[np.uint8] = self._slots[slot, : picture.size].reshape(picture.shape)
        place[...] = picture


def _square(frame: VideoFrame, stream: VideoStream) -> tuple[int, int]:
    """The size with square pixels: the stretched side is made shorter, none longer."""
    ratio = stream.sample_aspect_ratio
    if not ratio or math.isclose(ratio, 1, rel_tol=0.01):
        return frame.width, frame.height
    if not 0.25 <= ratio <= 4:
        raise FaultError(Fault.SHAPE)
    if ratio < 1:
        return max(1, round(frame.width * ratio)), frame.height
    return frame.width, max(1, round(frame.height / ratio))


def _orientation(frame: VideoFrame) -> int:
    attached = cast(SideDataContainer, frame.side_data)  # PyAV types it as a plain dictionary
    if SideDataType.DISPLAYMATRIX not in [data.type for data in attached]:
        return UPRIGHT
    raw = bytes(attached[SideDataType.DISPLAYMATRIX])
    if len(raw) != 36:
        raise FaultError(Fault.SHAPE)
    orientation = from_matrix(struct.unpack("=9i", raw))
    if orientation is None:
        raise FaultError(Fault.SHAPE)
    return orientation
