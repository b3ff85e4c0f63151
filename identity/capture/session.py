"""One file in one decoder, seen from the service: what comes from it is checked, never trusted."""

from __future__ import annotations

import contextlib
import mmap
import os
import signal
import socket
import time

import numpy as np
from numpy.typing import NDArray

from common.errors import CameoError
from identity.capture import memory, messages
from identity.capture.pool import DecoderPool
from identity.capture.types import DecodeStats
from identity.errors import (
    ClipCodecNotTaken,
    ClipDamaged,
    ClipEmpty,
    ClipManyVideos,
    ClipNoVideo,
    ClipPixelShape,
    ClipSizeChanged,
    ClipTimestamps,
    ClipTooFewPixels,
    ClipTooLong,
    ClipTooManyFrames,
    ClipTooManyPixels,
    ClipTruncated,
    DecoderFailed,
    DecoderMemory,
    DecoderTimeout,
    NotAVideo,
    SandboxUnavailable,
)

_ERRORS: dict[messages.Fault, type[CameoError]] = {
    messages.Fault.UNREADABLE: NotAVideo,
    messages.Fault.NO_VIDEO: ClipNoVideo,
    messages.Fault.SEVERAL_VIDEOS: ClipManyVideos,
    messages.Fault.CODEC: ClipCodecNotTaken,
    messages.Fault.PIXELS: ClipTooManyPixels,
    messages.Fault.SMALL: ClipTooFewPixels,
    messages.Fault.SHAPE: ClipPixelShape,
    messages.Fault.SIZE_CHANGED: ClipSizeChanged,
    messages.Fault.TIMESTAMPS: ClipTimestamps,
    messages.Fault.DAMAGED: ClipDamaged,
    messages.Fault.TRUNCATED: ClipTruncated,
    messages.Fault.EMPTY: ClipEmpty,
    messages.Fault.MEMORY: DecoderMemory,
    messages.Fault.TOO_LONG: ClipTooLong,
    messages.Fault.TOO_MANY_FRAMES: ClipTooManyFrames,
    messages.Fault.SANDBOX: SandboxUnavailable,
    messages.Fault.INTERNAL: DecoderFailed,
}
_EXIT_SECONDS = 2.0


class DecoderSession:
    """Holds a decoder, its lines and its ring until `close`.

    Args:
        pool: where the decoder comes from.
        request: what is asked of it.
        file: descriptor of the sealed file; closed here in any case.
        wall_seconds: how long the caller may wait for the decoder, altogether.

    Raises:
        SandboxUnavailable: there is no decoder to be had.
    """

    def __init__(
        self, pool: DecoderPool, request: messages.Request, file: int, wall_seconds: float
    ) -> None:
        self._request = request
        self._patience = wall_seconds
        self._waited = 0.0
        self._started = time.monotonic()
        self._exit: messages.Exit | None = None
        self._abandoned = False
        size = request.slots * request.slot_bytes
        try:
            ring = memory.ring(size)
            try:
                self._memory = mmap.mmap(ring, size, prot=mmap.PROT_READ)
                self._lines = pool.start(request, file, ring)
            finally:
                os.close(ring)
        finally:
            os.close(file)

    def receive(self) -> messages.Header | messages.PictureReady | messages.End:
        """Wait for the decoder's next message.

        Raises:
            DecoderTimeout: it kept the caller waiting too long, or used up its processor time.
            DecoderFailed: it ended, or sent what is no message.
            SandboxUnavailable: the zygote ended, and the decoder with it.
            CameoError: of the class that its own report of a fault stands for.
        """
        started = time.monotonic()
        try:
            self._lines.control.settimeout(max(0.001, self._patience - self._waited))
            raw = self._receive()
        except TimeoutError:
            raise DecoderTimeout from None
        except OSError:
            raw = b""
        finally:
            self._waited += time.monotonic() - started
        if not raw:
            raise self._why_it_ended()
        try:
            message = messages.unpack(raw)
        except messages.MalformedMessage:
            raise DecoderFailed from None
        if isinstance(message, messages.Failed):
            raise _ERRORS[message.fault]
        return message

    def _receive(self) -> bytes:
        try:
            return self._lines.control.recv(messages.MAX_MESSAGE)
        except ConnectionResetError:
            # It ended without reading all that it was sent; its own last words still wait here.
            return self._lines.control.recv(messages.MAX_MESSAGE)

    def release(self) -> None:
        """Let the decoder write over the oldest picture."""
        # A decoder that has ended reads nothing more; `receive` says why.
        with contextlib.suppress(OSError):
            self._lines.control.send(messages.RELEASE, socket.MSG_NOSIGNAL)

    def picture(self, slot: int, width: int, height: int) -> NDArray[np.uint8]:
        """View (height, width, 3) uint8 RGB pixels of a slot, read-only."""
        flat = np.frombuffer(
            self._memory, np.uint8, width * height * 3, slot * self._request.slot_bytes
        )
        return flat.reshape(height, width, 3)

    def stats(self, frames: int) -> DecodeStats:
        """What it cost so far; the decoder's own share is known once it has ended."""
        ended = self._exit
        return DecodeStats(
            frames=frames,
            cpu_seconds=ended.cpu_seconds if ended else 0.0,
            wall_seconds=time.monotonic() - self._started,
            waited_seconds=self._waited,
            peak_rss_bytes=ended.peak_rss_bytes if ended else 0,
        )

    def wait(self) -> messages.Exit | None:
        """Wait a moment for the decoder's end, as the zygote reports it."""
        if self._exit is None:
            with contextlib.suppress(OSError, messages.MalformedMessage):
                self._lines.exit.settimeout(_EXIT_SECONDS)
                report = self._lines.exit.recv(messages.MAX_MESSAGE)
                self._abandoned = not report
                self._exit = messages.Exit.unpack(report)
        return self._exit

    def close(self) -> None:
        """Kill the decoder if it still works. The ring goes when nobody looks at it any more."""
        self._lines.close()
        with contextlib.suppress(BufferError):
            self._memory.close()

    def _why_it_ended(self) -> CameoError:
        ended = self.wait()
        if self._abandoned:
            # The zygote is gone too, which no file can bring about: not this one's fault.
            return SandboxUnavailable()
        # The kernel kills with SIGXCPU at the soft limit, with SIGKILL a second later.
        if ended is not None and ended.code == -signal.SIGXCPU:
            return DecoderTimeout()
        if (
            ended is not None
            and ended.code == -signal.SIGKILL
            and ended.cpu_seconds >= self._request.cpu_seconds
        ):
            return DecoderTimeout()
        return DecoderFailed()
