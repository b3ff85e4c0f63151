"""A zygote for the tests: its decoders try what an exploit in the real one would try.

The sandbox is the real one. The experiment is named at the end of the file; what came of it is
written to the ring as text. The real zygote has no such door: it only ever runs the decoder.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import resource
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path

from identity.capture import zygote
from identity.capture.messages import (
    Codec,
    End,
    Header,
    PictureReady,
    Request,
)

libc = ctypes.CDLL(None, use_errno=True)


def main(number: int) -> None:
    zygote.serve(socket.socket(fileno=number), work)


def work(request: Request, data: mmap.mmap, ring: mmap.mmap, control: socket.socket) -> None:
    name = data[-64:].split(b"experiment=")[-1].decode()
    if name in LIES:
        LIES[name](request, control)
        return
    try:
        outcome = EXPERIMENTS[name](request, data, ring)
    except OSError as error:
        outcome = errno.errorcode[error.errno or 0]
    except BaseException as error:
        outcome = type(error).__name__
    ring[: len(outcome) + 1] = outcome.encode() + b"\0"
    control.send(End(0).pack())


def _call(name: str, *arguments: object) -> str:
    if getattr(libc, name)(*arguments) in (-1, 2**64 - 1):
        return errno.errorcode[ctypes.get_errno()]
    return "done"


def open_file(*_: object) -> str:
    os.open("/etc/hostname", os.O_RDONLY)
    return "done"


def write_file(*_: object) -> str:
    os.open("/tmp/written", os.O_WRONLY | os.O_CREAT)  # noqa: S108
    return "done"


def look_at_file(*_: object) -> str:
    Path("/etc/passwd").stat()
    return "done"


def list_folder(*_: object) -> str:
    next(Path("/").iterdir())
    return "done"


def network(*_: object) -> str:
    libc.socket.restype = ctypes.c_int
    return _call("socket", 2, 1, 0)


def local_socket(*_: object) -> str:
    return _call("socket", 1, 1, 0)


def fork(*_: object) -> str:
    if os.fork() == 0:
        os._exit(0)
    return "done"


def execute(*_: object) -> str:
    os.execv("/bin/true", ["true"])  # noqa: S606


def trace(*_: object) -> str:
    return _call("ptrace", 16, os.getppid(), 0, 0)


def read_other_memory(*_: object) -> str:
    return _call("process_vm_readv", os.getppid(), None, 0, None, 0, 0)


def kill_parent(*_: object) -> str:
    os.kill(os.getppid(), signal.SIGKILL)
    return "done"


def executable_memory(*_: object) -> str:
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    return "done"


def raise_limit(*_: object) -> str:
    return _call("setrlimit", resource.RLIMIT_NOFILE, struct.pack("QQ", 0, 0))


def become_root(*_: object) -> str:
    os.setuid(0)
    return "done"


def make_dumpable(*_: object) -> str:
    return _call("prctl", 4, 1, 0, 0, 0)


def new_namespace(*_: object) -> str:
    return _call("unshare", 0x10000000)


def exhaust_memory(request: Request, *_: object) -> str:
    held = []
    for _number in range(40):
        held.append(bytearray(request.memory_bytes // 20))
    return "done"


def exhaust_memory_by_maps(request: Request, *_: object) -> str:
    held = [mmap.mmap(-1, request.memory_bytes // 4) for _ in range(40)]
    return f"done {len(held)}"


def change_the_file(_: Request, data: mmap.mmap, *__: object) -> str:
    data[0] = 0
    return "done"


def environment(*_: object) -> str:
    kept = sorted(name for name in os.environ if name not in ("LC_CTYPE", "OPENBLAS_NUM_THREADS"))
    return ",".join(kept) or "empty"


def leaked_descriptors(request: Request, data: mmap.mmap, ring: mmap.mmap) -> str:
    """Closing succeeds for what is open. The control line is, so it speaks through the ring."""
    found = 0
    for number in range(3, 1024):
        try:
            os.close(number)
        except OSError:
            continue
        found += 1
    ring[:2] = f"{found}\0".encode()
    os._exit(0)


def duplicate(*_: object) -> str:
    os.dup(0)
    return "done"


def thread(*_: object) -> str:
    done: list[int] = []
    worker = threading.Thread(target=lambda: done.append(1))
    worker.start()
    worker.join()
    return f"done {len(done)}"


def identity(*_: object) -> str:
    return "root" if os.geteuid() == 0 else "nobody special"


def burn(*_: object) -> str:
    while True:
        pass


def sleep(*_: object) -> str:
    time.sleep(600)
    return "done"


def crash(*_: object) -> str:
    ctypes.string_at(0)
    return "done"


EXPERIMENTS: dict[str, Callable[..., str]] = {
    function.__name__: function
    for function in (
        open_file, write_file, look_at_file, list_folder, network, local_socket, fork, execute,
        trace, read_other_memory, kill_parent, executable_memory, raise_limit, become_root,
        make_dumpable, new_namespace, exhaust_memory, exhaust_memory_by_maps, change_the_file,
        environment, leaked_descriptors, duplicate, thread, identity, burn, sleep, crash,
    )
}  # fmt: skip

HONEST = Header(Codec.H264, 0, 160, 120, -1, 15.0)


def _say(*messages: bytes) -> Callable[[Request, socket.socket], None]:
    def lie(_: Request, control: socket.socket) -> None:
        for message in messages:
            control.send(message)

    return lie


def _forever(_: Request, control: socket.socket) -> None:
    control.send(HONEST.pack())
    index = 0
    while True:
        control.send(PictureReady(index % 6, index, index * 66_000_000).pack())
        index += 1


LIES: dict[str, Callable[[Request, socket.socket], None]] = {
    "silence": lambda _, control: None,
    "noise": _say(bytes(range(40))),
    "long": _say(HONEST.pack() + bytes(60_000)),
    "short": _say(HONEST.pack()[:-1]),
    "unknown_codec": _say(HONEST.pack()[:1] + b"\xee" + HONEST.pack()[2:]),
    "unknown_fault": _say(struct.pack("<BxH", 4, 999)),
    "huge": _say(Header(Codec.H264, 0, 2**31, 2**31, -1, 15.0).pack()),
    "too_wide": _say(Header(Codec.H264, 0, 1921, 120, -1, 15.0).pack()),
    "nothing_wide": _say(Header(Codec.H264, 0, 0, 0, -1, 15.0).pack()),
    "odd_orientation": _say(Header(Codec.H264, 200, 160, 120, -1, 15.0).pack()),
    "picture_first": _say(PictureReady(0, 0, 0).pack()),
    "end_first": _say(End(0).pack()),
    "wrong_slot": _say(HONEST.pack(), PictureReady(250, 0, 0).pack()),
    "wrong_index": _say(HONEST.pack(), PictureReady(0, 2**31, 0).pack()),
    "two_headers": _say(HONEST.pack(), HONEST.pack()),
    "wrong_count": _say(HONEST.pack(), PictureReady(0, 0, 0).pack(), End(500).pack()),
    "forever": _forever,
}


def named(clip: bytes, experiment: str) -> bytes:
    """The clip with a box at its end that names an experiment, and that no decoder reads."""
    content = bytes(64) + b"experiment=" + experiment.encode()
    return clip + struct.pack(">I4s", 8 + len(content), b"free") + content
