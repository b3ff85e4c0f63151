"""The small process that decoders are forked from: everything imported, one thread, no secrets.

It is started with an empty environment by `pool`, reads requests of a fixed size from one
socket, forks a decoder for each, and tells over that request's own socket how it ended. When the
service closes that socket, the decoder is killed; when the service is gone, so is the zygote.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import mmap
import os
import pkgutil
import selectors
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # numpy would start threads, and a fork keeps only one

import av
import av.logging
import numpy as np
import pyseccomp

from identity.capture import messages, sandbox

DESCRIPTORS = 4

Work = Callable[[messages.Request, mmap.mmap, mmap.mmap, socket.socket], None]
"""What a decoder does once it is confined: the request, the file, the ring, the control socket."""


@dataclass(frozen=True, slots=True)
class _Child:
    pid: int
    handle: int
    line: socket.socket


def main(number: int) -> None:
    """Serve decoders over the socket with this descriptor number, until it closes."""
    from identity.capture import decoder

    serve(socket.socket(fileno=number), decoder.work)


def serve(requests: socket.socket, work: Work) -> None:
    """Fork a confined process that does `work` for each request, until `requests` closes."""
    # A service that is asked to stop finishes its clip first; the zygote leaves when it does.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    _load_everything()
    rules = sandbox.build_filter()
    children: dict[int, _Child] = {}
    selector = selectors.DefaultSelector()
    selector.register(requests, selectors.EVENT_READ)
    gc.collect()
    gc.freeze()
    open_for_requests = True
    requests.send(b"ready")
    while open_for_requests or children:
        for key, _ in selector.select():
            if key.fileobj is requests:
                open_for_requests = _accept(requests, selector, children, rules, work)
                if not open_for_requests:
                    selector.unregister(requests)
            elif (child := children.get(key.fd)) is None:
                continue
            elif key.fd == child.handle:
                _bury(child, selector, children)
            else:
                # The service has hung up: it wants no more of this file.
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child.pid, signal.SIGKILL)
                selector.unregister(child.line)


def _load_everything() -> None:
    # Whatever is imported on first use can't be read from disk once the filter is in place.
    for module in pkgutil.walk_packages(av.__path__, "av."):
        if module.name != "av.__main__":
            importlib.import_module(module.name)
    av.logging.set_level(None)
    np.zeros((2, 2, 3), np.uint8).transpose(1, 0, 2)[::-1].copy()
    for name in ("ascii", "utf-8", "latin-1"):
        "".encode(name)


def _accept(
    requests: socket.socket,
    selector: selectors.BaseSelector,
    children: dict[int, _Child],
    rules: pyseccomp.SyscallFilter,
    work: Work,
) -> bool:
    message, descriptors, flags, _ = socket.recv_fds(requests, messages.MAX_MESSAGE, DESCRIPTORS)
    if not message:
        return False
    if flags or len(descriptors) != DESCRIPTORS:
        for descriptor in descriptors:
            os.close(descriptor)
        return True
    file, ring, control, line = descriptors
    pid = os.fork()
    if pid == 0:
        _be_decoder(messages.Request.unpack(message), file, ring, control, rules, work)
    for descriptor in (file, ring, control):
        os.close(descriptor)
    child = _Child(pid, os.pidfd_open(pid), socket.socket(fileno=line))
    for where in (child.handle, child.line.fileno()):
        children[where] = child
        selector.register(where, selectors.EVENT_READ)
    return True


def _bury(child: _Child, selector: selectors.BaseSelector, children: dict[int, _Child]) -> None:
    _, status, usage = os.wait4(child.pid, 0)
    report = messages.Exit(
        os.waitstatus_to_exitcode(status),
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss * 1024,
    )
    with contextlib.suppress(OSError):
        child.line.send(report.pack(), socket.MSG_NOSIGNAL | socket.MSG_DONTWAIT)
    for where in (child.handle, child.line.fileno()):
        del children[where]
        with contextlib.suppress(KeyError):
            selector.unregister(where)
    os.close(child.handle)
    child.line.close()


def _be_decoder(
    request: messages.Request,
    file: int,
    ring: int,
    control: int,
    rules: pyseccomp.SyscallFilter,
    work: Work,
) -> None:
    code = 1
    try:
        parent = os.getppid()
        line = socket.socket(fileno=control)
        gc.disable()
        # Kernels before 6.7 refuse shared mappings of a file sealed against writing.
        data = mmap.mmap(file, request.file_bytes, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)
        pictures = mmap.mmap(ring, request.slots * request.slot_bytes)
        _close_all_but(control)
        try:
            sandbox.confine(
                rules,
                parent=parent,
                cpu_seconds=request.cpu_seconds,
                memory_bytes=request.memory_bytes,
            )
        except OSError:
            line.send(messages.Failed(messages.Fault.SANDBOX).pack())
        else:
            work(request, data, pictures, line)
            code = 0
    except BaseException:
        # A traceback would go nowhere, and looking its lines up would only ask for files.
        code = 1
    finally:
        os._exit(code)


def _close_all_but(kept: int) -> None:
    os.closerange(3, kept)
    os.closerange(kept + 1, os.sysconf("SC_OPEN_MAX"))


if __name__ == "__main__":
    main(int(sys.argv[1]))
