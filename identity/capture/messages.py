"""The few fixed-size messages between the service, the zygote and the decoder.

Nothing here is ever unpickled or evaluated: a message is a kind, then numbers of fixed width,
and the service checks each number against what it expects. The decoder is taken to be hostile.
"""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass

MAX_MESSAGE = 64
RELEASE = b"\x01"

_REQUEST = struct.Struct("<BBHHBxIIIQQIIQ")
_HEADER = struct.Struct("<BBBxIIqd")
_PICTURE = struct.Struct("<BBxxIq")
_END = struct.Struct("<BxxxI")
_FAULT = struct.Struct("<BxH")
_EXIT = struct.Struct("<idQ")


class Job(enum.IntEnum):
    CLIP = 1
    PICTURE = 2


class Container(enum.IntEnum):
    MP4 = 1
    MOV = 2
    WEBM = 3
    MKV = 4
    JPEG = 5
    PNG = 6
    WEBP = 7


class Codec(enum.IntEnum):
    H264 = 1
    HEVC = 2
    VP8 = 3
    VP9 = 4
    AV1 = 5
    STILL = 6


class Fault(enum.IntEnum):
    """What the decoder may say is wrong; the service alone turns it into an error."""

    UNREADABLE = 1
    NO_VIDEO = 2
    SEVERAL_VIDEOS = 3
    CODEC = 4
    PIXELS = 5
    SMALL = 6
    SHAPE = 7
    SIZE_CHANGED = 8
    TIMESTAMPS = 9
    DAMAGED = 10
    TRUNCATED = 11
    EMPTY = 12
    MEMORY = 13
    TOO_LONG = 14
    TOO_MANY_FRAMES = 15
    SANDBOX = 16
    INTERNAL = 17


class MalformedMessage(Exception):
    """The other side sent what no message looks like."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the service asks of the zygote; four descriptors come along: file, ring, control, exit.

    `slots` pictures of at most `slot_bytes` fit the ring.
    """

    job: Job
    container: Container
    working_side: int
    max_side: int
    slots: int
    min_side: int
    cpu_seconds: int
    max_frames: int
    max_pixels: int
    file_bytes: int
    max_milliseconds: int
    slot_bytes: int
    memory_bytes: int

    def pack(self) -> bytes:
        return _REQUEST.pack(
            self.job, self.container, self.working_side, self.max_side, self.slots,
            self.min_side, self.cpu_seconds, self.max_frames, self.max_pixels, self.file_bytes,
            self.max_milliseconds, self.slot_bytes, self.memory_bytes,
        )  # fmt: skip

    @staticmethod
    def unpack(message: bytes) -> Request:
        if len(message) != _REQUEST.size:
            raise MalformedMessage
        job, container, *rest = _REQUEST.unpack(message)
        return Request(Job(job), Container(container), *rest)


@dataclass(frozen=True, slots=True)
class Header:
    """Sent once, before the first picture: width and height as stored, before rotation.

    `duration_ns` is -1 and `rate` is 0 where the file doesn't say.
    """

    codec: Codec
    orientation: int
    width: int
    height: int
    duration_ns: int
    rate: float

    def pack(self) -> bytes:
        return _HEADER.pack(
            1, self.codec, self.orientation, self.width, self.height, self.duration_ns, self.rate
        )


@dataclass(frozen=True, slots=True)
class PictureReady:
    """Picture number `index` lies in `slot` of the ring; its time is as the file gives it."""

    slot: int
    index: int
    time_ns: int

    def pack(self) -> bytes:
        return _PICTURE.pack(2, self.slot, self.index, self.time_ns)


@dataclass(frozen=True, slots=True)
class End:
    """No more pictures; `frames` were sent."""

    frames: int

    def pack(self) -> bytes:
        return _END.pack(3, self.frames)


@dataclass(frozen=True, slots=True)
class Failed:
    """Nothing more comes."""

    fault: Fault

    def pack(self) -> bytes:
        return _FAULT.pack(4, self.fault)


Message = Header | PictureReady | End | Failed


def unpack(message: bytes) -> Message:
    """Read one message of the decoder's.

    Raises:
        MalformedMessage: it has no known kind, or not that kind's length or codes.
    """
    if not message:
        raise MalformedMessage
    try:
        if message[0] == 1:
            _, codec, *header = _HEADER.unpack(message)
            return Header(Codec(codec), *header)
        if message[0] == 2:
            return PictureReady(*_PICTURE.unpack(message)[1:])
        if message[0] == 3:
            return End(*_END.unpack(message)[1:])
        if message[0] == 4:
            return Failed(Fault(_FAULT.unpack(message)[1]))
    except (struct.error, ValueError):
        raise MalformedMessage from None
    raise MalformedMessage


@dataclass(frozen=True, slots=True)
class Exit:
    """How a decoder ended, told by the zygote: exit code, or minus the signal that ended it."""

    code: int
    cpu_seconds: float
    peak_rss_bytes: int

    def pack(self) -> bytes:
        return _EXIT.pack(self.code, self.cpu_seconds, self.peak_rss_bytes)

    @staticmethod
    def unpack(message: bytes) -> Exit:
        if len(message) != _EXIT.size:
            raise MalformedMessage
        return Exit(*_EXIT.unpack(message))
