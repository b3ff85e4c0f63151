"""The width and height a still picture's header names, read in plain Python before any decoder.

Formats: PNG (ISO/IEC 15948, 11.2.1), JPEG (ITU-T T.81, B.2.2), WebP (RFC 9649).
"""

from __future__ import annotations

import struct

from identity.capture.messages import Container
from identity.capture.sniff import Readable

_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_MOST_SEGMENTS = 10_000


def picture_size(data: Readable, container: Container) -> tuple[int, int] | None:
    """Width and height in pixels, or None if the header isn't whole or makes no sense."""
    try:
        if container is Container.PNG:
            return _png(data)
        if container is Container.WEBP:
            return _webp(data)
        return _jpeg(data)
    except struct.error:
        return None


def _png(data: Readable) -> tuple[int, int] | None:
    name, width, height = struct.unpack(">4sII", data[12:24])
    return (width, height) if name == b"IHDR" else None


def _webp(data: Readable) -> tuple[int, int] | None:
    head = data[12:30]
    kind = head[:4]
    if kind == b"VP8X":
        low_width, high_width, low_height, high_height = struct.unpack("<HBHB", head[12:18])
        return (high_width << 16 | low_width) + 1, (high_height << 16 | low_height) + 1
    if kind == b"VP8L":
        (bits,) = struct.unpack("<I", head[9:13])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", head[14:18])
        return width & 0x3FFF, height & 0x3FFF
    return None


def _jpeg(data: Readable) -> tuple[int, int] | None:
    position = 2
    for _ in range(_MOST_SEGMENTS):
        mark, kind = struct.unpack("BB", data[position : position + 2])
        if mark != 0xFF:
            return None
        if kind == 0xFF:
            position += 1
            continue
        position += 2
        if kind in _WITHOUT_LENGTH:
            continue
        (length,) = struct.unpack(">H", data[position : position + 2])
        if kind in _FRAME_HEADERS:
            height, width = struct.unpack(">HH", data[position + 3 : position + 7])
            return width, height
        if length < 2:
            return None
        position += length
    return None
