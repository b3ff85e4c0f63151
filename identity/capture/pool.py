"""The service's side of the zygote: start it, ask it for decoders, start it again when it is gone.

No decoder outlives the line it was asked for with: closing that line kills it.
"""

from __future__ import annotations

import atexit
import os
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from identity.capture import messages
from identity.errors import SandboxUnavailable

PRODUCTION = "identity.capture.zygote"

_ROOT = Path(__file__).resolve().parents[2]
_START = (
    "import sys; sys.path.insert(0, sys.argv[1]); import importlib; "
    "importlib.import_module(sys.argv[3]).main(int(sys.argv[2]))"
)
_START_SECONDS = 30.0
_STOP_SECONDS = 3.0
_DECODERS_PER_ZYGOTE = 500
"""Decoders of one zygote share its memory layout, so it is renewed now and then."""


@dataclass(slots=True)
class Lines:
    """The two lines to one decoder: `control` to itself, `exit` to the zygote about it."""

    control: socket.socket
    exit: socket.socket

    def close(self) -> None:
        self.control.close()
        self.exit.close()


class DecoderPool:
    """Starts confined decoders, one for each file. Safe to use from several threads."""

    def __init__(self, module: str = PRODUCTION) -> None:
        self._module = module
        self._lock = threading.Lock()
        self._zygote: subprocess.Popen[bytes] | None = None
        self._requests: socket.socket | None = None
        self._asked = 0
        self._retired: list[subprocess.Popen[bytes]] = []
        atexit.register(self.close)
        os.register_at_fork(after_in_child=self._forget)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def zygote_pid(self) -> int | None:
        """Process id of the zygote, if one was started."""
        return self._zygote.pid if self._zygote else None

    def start(self, request: messages.Request, file: int, ring: int) -> Lines:
        """Fork a decoder for the file and the ring with these descriptors (which stay open here).

        Raises:
            SandboxUnavailable: the zygote can't be started.
        """
        control, control_there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        line, line_there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        lines = Lines(control, line)
        descriptors = [file, ring, control_there.fileno(), line_there.fileno()]
        try:
            with self._lock:
                if self._asked >= _DECODERS_PER_ZYGOTE:
                    self._retire()
                try:
                    self._ask(request, descriptors)
                except OSError:
                    self._retire()
                    self._ask(request, descriptors)
        except OSError:
            lines.close()
            raise SandboxUnavailable from None
        except BaseException:
            lines.close()
            raise
        finally:
            control_there.close()
            line_there.close()
        return lines

    def warm(self) -> None:
        """Start the zygote now, so that the first file needn't wait for it.

        Raises:
            SandboxUnavailable: it can't be started.
        """
        with self._lock:
            self._running()

    def close(self) -> None:
        """Stop the zygote; decoders at work are killed. The next request starts another."""
        with self._lock:
            self._retire()
            for process in self._retired:
                try:
                    process.wait(_STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
            self._retired.clear()

    def _ask(self, request: messages.Request, descriptors: list[int]) -> None:
        socket.send_fds(self._running(), [request.pack()], descriptors)
        self._asked += 1

    def _running(self) -> socket.socket:
        if self._requests is not None and self._zygote is not None and self._zygote.poll() is None:
            return self._requests
        self._retire()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._zygote = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [
                    sys.executable,
                    "-I",
                    "-c",
                    _START,
                    str(_ROOT),
                    str(theirs.fileno()),
                    self._module,
                ],
                env={},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
            theirs.close()
            ours.settimeout(_START_SECONDS)
            if not ours.recv(messages.MAX_MESSAGE):
                raise SandboxUnavailable("The decoder can't be started; is libseccomp2 installed?")
            ours.settimeout(None)
        except OSError:
            ours.close()
            self._retire()
            raise SandboxUnavailable from None
        except BaseException:
            ours.close()
            self._retire()
            raise
        finally:
            theirs.close()
        self._requests, self._asked = ours, 0
        return ours

    def _retire(self) -> None:
        if self._requests is not None:
            self._requests.close()
            self._requests = None
        if self._zygote is not None:
            self._retired.append(self._zygote)
            self._zygote = None
        self._retired = [process for process in self._retired if process.poll() is None]

    def _forget(self) -> None:
        # A forked copy of the service has no zygote of its own, and must not hold this one's line.
        self._lock = threading.Lock()
        if self._requests is not None:
            self._requests.close()
            self._requests = None
        if self._zygote is not None:
            self._zygote.returncode = 0
            self._zygote = None
        for process in self._retired:
            process.returncode = 0
        self._retired = []
