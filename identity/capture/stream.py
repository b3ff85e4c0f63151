"""Open a clip and take its frames one by one; read one still picture.

    with open_clip(data) as clip:
        for frame in clip:
            ...  # frame.picture is valid until the next turn of the loop

A decoder in a sandbox works ahead of the caller by a few frames, so that both processors are
busy and memory stays flat. What the file may be is checked again on this side, frame by frame.
"""

from __future__ import annotations

import math
import mmap
import os
from collections.abc import Iterator
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from common.errors import CameoError
from identity.capture import memory, messages, orientation, sniff
from identity.capture.memory import Source
from identity.capture.pace import Pace
from identity.capture.picture_size import picture_size
from identity.capture.pool import DecoderPool
from identity.capture.session import DecoderSession
from identity.capture.types import (
    DEFAULT_WORKING_SIDE,
    INTAKE,
    MAX_WORKING_SIDE,
    PICTURE,
    ClipInfo,
    ClipLimits,
    DecodeStats,
    Frame,
    PictureLimits,
    working_size,
)
from identity.errors import (
    ClipCodecNotTaken,
    ClipDamaged,
    ClipEmpty,
    ClipNoVideo,
    ClipPixelShape,
    ClipTooManyBytes,
    ClipTooManyPixels,
    ClipTruncated,
    DecoderFailed,
    NotAPicture,
    NotAVideo,
    PictureDamaged,
    PictureEmpty,
    PictureTooManyBytes,
    PictureTooManyPixels,
)

SLOTS = 6
MAX_PICTURE_SIDE = 16_384

_PAGE = 4096
_LONGEST_NS = 10**15

_SAID_OF_PICTURES: dict[type[CameoError], type[CameoError]] = {
    NotAVideo: PictureDamaged,
    ClipEmpty: PictureDamaged,
    ClipDamaged: PictureDamaged,
    ClipTruncated: PictureDamaged,
    ClipNoVideo: PictureDamaged,
    ClipPixelShape: PictureDamaged,
    ClipCodecNotTaken: NotAPicture,
    ClipTooManyPixels: PictureTooManyPixels,
}

_pool = DecoderPool()


def open_clip(
    data: Source,
    limits: ClipLimits = INTAKE,
    working_side: int = DEFAULT_WORKING_SIDE,
    *,
    pool: DecoderPool | None = None,
) -> FrameStream:
    """Start decoding a clip; returns once its first frame is decoded.

    Args:
        data: the file's bytes, an open binary file or a descriptor (both read to their end).
        limits: what the clip may be and what decoding it may cost.
        working_side: the longer side, in pixels, that pictures are scaled down to, 64 to 960.
        pool: where decoders come from; the service's own if None.

    Raises:
        ClipTooManyBytes, ClipEmpty, NotAVideo, ClipTruncated: before any decoder sees it.
        ClipNoVideo, ClipManyVideos, ClipCodecNotTaken, ClipTooManyPixels, ClipTooFewPixels,
        ClipPixelShape, ClipTooLong, ClipTooManyFrames, ClipTooShort, ClipDamaged: by its header
        or first frame.
        DecoderTimeout, DecoderMemory, DecoderFailed: the decoder could not do it.
        SandboxUnavailable: nothing can be decoded at the moment.
        ValueError: `working_side` is out of range.
    """
    if not 64 <= working_side <= MAX_WORKING_SIDE:
        raise ValueError(f"working_side is {working_side}, not 64 to {MAX_WORKING_SIDE}")
    file, size = memory.sealed_copy(data, limits.max_bytes, ClipTooManyBytes)
    try:
        container = _sniffed_clip(file, size)
    except BaseException:
        os.close(file)
        raise
    request = messages.Request(
        job=messages.Job.CLIP,
        container=container,
        working_side=working_side,
        max_side=limits.max_side,
        slots=SLOTS,
        min_side=limits.min_side,
        cpu_seconds=limits.cpu_seconds,
        max_frames=limits.max_frames,
        max_pixels=limits.max_side * limits.max_side,
        file_bytes=size,
        max_milliseconds=math.ceil(limits.max_seconds * 1000) + 100,
        slot_bytes=_pages(working_side * working_side * 3),
        memory_bytes=limits.memory_bytes,
    )
    session = DecoderSession(pool or _pool, request, file, limits.wall_seconds)
    try:
        info = _clip_info(_header(session), request)
    except BaseException:
        session.close()
        raise
    return FrameStream(session, info, limits)


class FrameStream(Iterator[Frame]):
    """The frames of one clip, in order; a context manager that stops the decoder at its end.

    Attributes:
        info: what the header and the first frame say.
        stats: what decoding cost; complete after the last frame.
    """

    def __init__(self, session: DecoderSession, info: ClipInfo, limits: ClipLimits) -> None:
        self.info = info
        self._session = session
        self._pace = Pace(limits)
        self._done = False

    @property
    def stats(self) -> DecodeStats:
        return self._stats if self._done else self._session.stats(self._pace.frames)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __next__(self) -> Frame:
        """The next frame.

        Raises:
            ClipTimestamps, ClipFrameRate, ClipTooManyFrames, ClipTooLong, ClipTooShort,
            ClipSizeChanged, ClipTruncated, ClipDamaged, ClipEmpty: what the frames turned out
            to be. DecoderTimeout, DecoderMemory, DecoderFailed: the decoder could not do it.
            SandboxUnavailable: the helper process was ended from outside; try again.
        """
        if self._done:
            raise StopIteration
        try:
            return self._next()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop decoding. Pictures handed over before must not be used any more."""
        if not self._done:
            self._stats = self._session.stats(self._pace.frames)
            self._done = True
            self._session.close()

    def _next(self) -> Frame:
        expected = self._pace.frames
        if expected:
            self._session.release()
        message = self._session.receive()
        if isinstance(message, messages.End):
            if message.frames != expected:
                raise DecoderFailed
            self._pace.finish()
            self._session.wait()
            raise StopIteration
        if (
            not isinstance(message, messages.PictureReady)
            or message.index != expected
            or message.slot != expected % SLOTS
        ):
            raise DecoderFailed
        seconds = self._pace.count(message.time_ns)
        picture = self._session.picture(
            message.slot, self.info.working_width, self.info.working_height
        )
        return Frame(expected, seconds, picture)


def decode_picture(
    data: Source,
    limits: PictureLimits = PICTURE,
    working_side: int = 1920,
    *,
    pool: DecoderPool | None = None,
) -> NDArray[np.uint8]:
    """Decode one still picture (JPEG, PNG, WebP) in the same sandbox.

    Args:
        data: the file's bytes, an open binary file or a descriptor (both read to their end).
        limits: what the picture may be and what decoding it may cost.
        working_side: the longer side, in pixels, that it is scaled down to; never enlarged.
        pool: where decoders come from; the service's own if None.

    Returns:
        (height, width, 3) uint8, RGB, upright; the caller's own.

    Raises:
        PictureTooManyBytes, PictureEmpty, NotAPicture, PictureTooManyPixels, PictureDamaged.
        DecoderTimeout, DecoderMemory, DecoderFailed: the decoder could not do it.
        SandboxUnavailable: nothing can be decoded at the moment.
        ValueError: `working_side` is out of range.
    """
    if not 16 <= working_side <= MAX_PICTURE_SIDE:
        raise ValueError(f"working_side is {working_side}, not 16 to {MAX_PICTURE_SIDE}")
    file, size = memory.sealed_copy(data, limits.max_bytes, PictureTooManyBytes)
    try:
        container = _sniffed_picture(file, size, limits)
    except BaseException:
        os.close(file)
        raise
    request = messages.Request(
        job=messages.Job.PICTURE,
        container=container,
        working_side=working_side,
        max_side=min(limits.max_side, MAX_PICTURE_SIDE),
        slots=1,
        min_side=1,
        cpu_seconds=limits.cpu_seconds,
        max_frames=1,
        max_pixels=limits.max_pixels,
        file_bytes=size,
        max_milliseconds=0,
        slot_bytes=_pages(3 * min(working_side * working_side, limits.max_pixels)),
        memory_bytes=limits.memory_bytes,
    )
    session = DecoderSession(pool or _pool, request, file, limits.wall_seconds)
    try:
        header = _header(session)
        message = session.receive()
        if not isinstance(message, messages.PictureReady) or message.slot or message.index:
            raise DecoderFailed
        width, height = _working_size(header, request)
        return session.picture(0, width, height).copy()
    except CameoError as error:
        raise _SAID_OF_PICTURES.get(type(error), type(error)) from None
    finally:
        session.close()


def warm_decoders() -> None:
    """Start the helper process now, so that the first file needn't wait for it.

    Raises:
        SandboxUnavailable: it can't be started.
    """
    _pool.warm()


def close_decoders() -> None:
    """Stop the helper processes; decoders at work are killed. The next file starts them again."""
    _pool.close()


def _sniffed_clip(file: int, size: int) -> messages.Container:
    if size == 0:
        raise ClipEmpty
    with mmap.mmap(file, size, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ) as data:
        return sniff.clip_container(data)


def _sniffed_picture(file: int, size: int, limits: PictureLimits) -> messages.Container:
    if size == 0:
        raise PictureEmpty
    with mmap.mmap(file, size, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ) as data:
        container = sniff.picture_container(data)
        announced = picture_size(data, container)
    if announced is None or min(announced) == 0:
        raise PictureDamaged
    width, height = announced
    if max(announced) > limits.max_side or width * height > limits.max_pixels:
        raise PictureTooManyPixels
    return container


def _header(session: DecoderSession) -> messages.Header:
    header = session.receive()
    if not isinstance(header, messages.Header):
        raise DecoderFailed
    return header


def _working_size(header: messages.Header, request: messages.Request) -> tuple[int, int]:
    """The size of the pictures in the ring, worked out on this side from a checked header."""
    longest = request.max_side
    if not (0 < header.width <= longest and 0 < header.height <= longest):
        raise DecoderFailed
    if header.width * header.height > request.max_pixels or not 0 <= header.orientation <= 7:
        raise DecoderFailed
    width, height = working_size(header.width, header.height, request.working_side)
    if width * height * 3 > request.slot_bytes:
        raise DecoderFailed
    return orientation.upright_size(width, height, header.orientation)


def _clip_info(header: messages.Header, request: messages.Request) -> ClipInfo:
    working_width, working_height = _working_size(header, request)
    width, height = orientation.upright_size(header.width, header.height, header.orientation)
    degrees, mirrored = orientation.rotation(header.orientation)
    known_length = 0 < header.duration_ns < _LONGEST_NS
    known_rate = math.isfinite(header.rate) and 0 < header.rate < 1e6
    return ClipInfo(
        container=request.container.name.lower(),
        codec=header.codec.name.lower(),
        width=width,
        height=height,
        rotation=degrees,
        mirrored=mirrored,
        working_width=working_width,
        working_height=working_height,
        scale=max(working_width, working_height) / max(width, height),
        duration_s=header.duration_ns / 1e9 if known_length else None,
        average_rate=header.rate if known_rate else None,
    )


def _pages(size: int) -> int:
    return -(-size // _PAGE) * _PAGE
