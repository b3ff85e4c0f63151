"""What a file is, by its own bytes, read in plain Python before any decoder sees it.

The outline of the container is walked to its end: a file that stops in the middle of an element
was cut, and one that goes on after its last element has something else in its tail. Neither the
file's name nor what the sender calls it is asked. Formats: ISO/IEC 14496-12 (boxes),
RFC 8794 (EBML) and RFC 9559 (Matroska).
"""

from __future__ import annotations

import struct
from typing import Protocol

from identity.capture.messages import Container
from identity.errors import ClipEmpty, ClipTruncated, NotAPicture, NotAVideo, PictureEmpty

_STILL_BRANDS = frozenset(
    (b"heic", b"heix", b"heif", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif",
     b"avis", b"crx ", b"jxl ", b"jp2 ", b"jpx ")
)  # fmt: skip
_BOXES = frozenset(
    (b"ftyp", b"styp", b"moov", b"mdat", b"free", b"skip", b"wide", b"uuid", b"meta", b"moof",
     b"mfra", b"sidx", b"ssix", b"prft", b"emsg", b"pdin", b"udta", b"pnot", b"PICT", b"sefd",
     b"mpvd", b"meco", b"junk")
)  # fmt: skip

_EBML = 0x1A45DFA3
_DOC_TYPE = 0x4282
_SEGMENT = 0x18538067
_CLUSTER = 0x1F43B675
_IN_SEGMENT = frozenset(
    (_CLUSTER, 0x114D9B74, 0x1549A966, 0x1654AE6B, 0x1C53BB6B, 0x1941A469, 0x1043A770,
     0x1254C367, 0xEC, 0xBF)
)  # fmt: skip
_IN_CLUSTER = frozenset((0xE7, 0x5854, 0xA7, 0xAB, 0xA3, 0xA0, 0xAF, 0xEC, 0xBF))
_MOST_ELEMENTS = 200_000


class Readable(Protocol):
    """A file in memory: what `mmap` and `bytes` have in common."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: slice, /) -> bytes: ...


def clip_container(data: Readable) -> Container:
    """Tell which container a clip is in.

    Raises:
        ClipEmpty: there are no bytes.
        NotAVideo: it is none that is taken, or something else is attached to it.
        ClipTruncated: its last part is missing.
    """
    if len(data) == 0:
        raise ClipEmpty
    head = data[:12]
    if head[4:8] == b"ftyp":
        return _mp4(data)
    if head[:4] == b"\x1aE\xdf\xa3":
        return _matroska(data)
    raise NotAVideo


def picture_container(data: Readable) -> Container:
    """Tell which format a still picture is in.

    Raises:
        PictureEmpty: there are no bytes.
        NotAPicture: it is none that is taken.
    """
    if len(data) == 0:
        raise PictureEmpty
    head = data[:16]
    if head[:3] == b"\xff\xd8\xff":
        return Container.JPEG
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        return Container.PNG
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return Container.WEBP
    raise NotAPicture


def is_picture(head: bytes) -> bool:
    """Whether a file that starts with these (at least 12) bytes is a still picture we take."""
    try:
        picture_container(head)
    except (NotAPicture, PictureEmpty):
        return False
    return True


def _mp4(data: Readable) -> Container:
    end = len(data)
    brand = data[8:12]
    if brand in _STILL_BRANDS:
        raise NotAVideo
    position, boxes, found_movie = 0, 0, False
    while position < end:
        boxes += 1
        if boxes > _MOST_ELEMENTS:
            raise NotAVideo
        start = data[position : position + 16]
        if len(start) < 8:
            # Fewer bytes than any box has: zeros are padding, others the start of a cut box.
            if any(start):
                raise ClipTruncated
            break
        size, kind = struct.unpack(">I4s", start[:8])
        if kind not in _BOXES:
            raise NotAVideo
        found_movie = found_movie or kind == b"moov"
        if size == 1:
            if len(start) < 16:
                raise ClipTruncated
            size = struct.unpack(">Q", start[8:])[0]
            if size < 16:
                raise NotAVideo
        elif size == 0:
            size = end - position
        elif size < 8:
            raise NotAVideo
        if size > end - position:
            raise ClipTruncated
        position += size
    if not found_movie:
        # Recorders write it last: a file cut at a box's edge has none.
        raise ClipTruncated
    return Container.MOV if brand == b"qt  " else Container.MP4


def _matroska(data: Readable) -> Container:
    end = len(data)
    identifier, size, position = _element(data, 0, end)
    if identifier != _EBML or size is None or size > 4096:
        raise NotAVideo
    if size > end - position:
        raise ClipTruncated
    kind = _doc_type(data, position, position + size)
    position += size
    if position == end:
        raise ClipTruncated
    identifier, size, position = _element(data, position, end)
    if identifier != _SEGMENT:
        raise NotAVideo
    if size is not None:
        if size > end - position:
            raise ClipTruncated
        if size < end - position:
            raise NotAVideo
    _walk_segment(data, position, end)
    return kind


def _doc_type(data: Readable, position: int, end: int) -> Container:
    while position < end:
        identifier, size, position = _element(data, position, end)
        if size is None or size > end - position:
            raise NotAVideo
        if identifier == _DOC_TYPE:
            name = data[position : position + size].rstrip(b"\0")
            if name == b"webm":
                return Container.WEBM
            if name == b"matroska":
                return Container.MKV
            raise NotAVideo
        position += size
    raise NotAVideo


def _walk_segment(data: Readable, position: int, end: int) -> None:
    elements, clusters, in_cluster = 0, 0, False
    while position < end:
        elements += 1
        if elements > _MOST_ELEMENTS:
            raise NotAVideo
        identifier, size, position = _element(data, position, end)
        if identifier in _IN_SEGMENT and identifier not in _IN_CLUSTER:
            in_cluster = identifier == _CLUSTER and size is None
            clusters += identifier == _CLUSTER
        elif identifier not in (_IN_CLUSTER if in_cluster else _IN_SEGMENT):
            raise NotAVideo
        if size is None:
            # Only a cluster may leave its end open; its children follow at the same level here.
            if identifier != _CLUSTER:
                raise NotAVideo
            continue
        if size > end - position:
            raise ClipTruncated
        position += size
    if clusters == 0:
        raise ClipTruncated


def _element(data: Readable, position: int, end: int) -> tuple[int, int | None, int]:
    """Identifier, size (None: unknown) and where the content starts."""
    identifier, position, _ = _number(data, position, end, 4, keep_marker=True)
    size, position, unknown = _number(data, position, end, 8, keep_marker=False)
    return identifier, None if unknown else size, position


def _number(
    data: Readable, position: int, end: int, longest: int, *, keep_marker: bool
) -> tuple[int, int, bool]:
    if position >= end:
        raise ClipTruncated
    first = data[position : position + 1][0]
    length = 9 - first.bit_length()
    if length > longest:
        raise NotAVideo
    if length > end - position:
        raise ClipTruncated
    value = int.from_bytes(data[position : position + length], "big")
    mask = (1 << (7 * length)) - 1
    return (value if keep_marker else value & mask), position + length, value & mask == mask
