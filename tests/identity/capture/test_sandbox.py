"""What a decoder that was taken over can do: nothing."""

from __future__ import annotations

import os
import signal
import time

import pytest

from identity.capture import memory, messages
from identity.capture.pool import DecoderPool
from identity.capture.session import DecoderSession
from identity.errors import ClipTooManyBytes, DecoderFailed, DecoderTimeout
from tests.identity.capture.hostile_zygote import named

REFUSED = (
    "open_file", "write_file", "look_at_file", "list_folder", "network", "local_socket", "fork",
    "kill_parent", "raise_limit", "become_root", "make_dumpable", "duplicate",
)  # fmt: skip
FATAL = ("execute", "trace", "read_other_memory", "new_namespace")


def _session(
    pool: DecoderPool, experiment: str, *, cpu: int = 5, wall: float = 10.0
) -> DecoderSession:
    file, size = memory.sealed_copy(named(b"", experiment), 10_000, ClipTooManyBytes)
    request = messages.Request(
        job=messages.Job.CLIP,
        container=messages.Container.MP4,
        working_side=64,
        max_side=1920,
        slots=2,
        min_side=1,
        cpu_seconds=cpu,
        max_frames=10,
        max_pixels=10_000,
        file_bytes=size,
        max_milliseconds=1000,
        slot_bytes=4096,
        memory_bytes=200_000_000,
    )
    return DecoderSession(pool, request, file, wall)


def _outcome(session: DecoderSession) -> str:
    return bytes(session.picture(0, 32, 32).tobytes()).split(b"\0")[0].decode()


def _run(pool: DecoderPool, experiment: str) -> str:
    session = _session(pool, experiment)
    try:
        assert isinstance(session.receive(), messages.End)
        return _outcome(session)
    finally:
        session.close()


@pytest.mark.parametrize("experiment", REFUSED)
def test_a_call_outside_the_list_is_refused(hostile: DecoderPool, experiment: str) -> None:
    assert _run(hostile, experiment) == "EPERM"


@pytest.mark.parametrize("experiment", FATAL)
def test_a_call_only_an_exploit_makes_ends_the_decoder(
    hostile: DecoderPool, experiment: str
) -> None:
    session = _session(hostile, experiment)
    try:
        with pytest.raises(DecoderFailed):
            session.receive()
        ended = session.wait()
        assert ended is not None
        assert ended.code == -signal.SIGSYS
    finally:
        session.close()


def test_memory_is_never_executable(hostile: DecoderPool) -> None:
    assert _run(hostile, "executable_memory") in ("EPERM", "PermissionError")


def test_memory_is_bounded(hostile: DecoderPool) -> None:
    assert _run(hostile, "exhaust_memory") == "MemoryError"
    assert _run(hostile, "exhaust_memory_by_maps") == "ENOMEM"


def test_the_file_can_not_be_changed(hostile: DecoderPool) -> None:
    assert _run(hostile, "change_the_file") == "TypeError"


def test_it_has_no_environment_and_is_not_root(hostile: DecoderPool) -> None:
    assert _run(hostile, "environment") == "empty"
    assert _run(hostile, "identity") == "nobody special"


def test_it_has_no_descriptor_but_its_control_line(hostile: DecoderPool) -> None:
    session = _session(hostile, "leaked_descriptors")
    try:
        with pytest.raises(DecoderFailed):
            session.receive()
        assert _outcome(session) == "1"
    finally:
        session.close()


def test_it_can_still_start_threads(hostile: DecoderPool) -> None:
    assert _run(hostile, "thread") == "done 1"


def test_processor_time_is_bounded(hostile: DecoderPool) -> None:
    session = _session(hostile, "burn", cpu=1)
    try:
        with pytest.raises(DecoderTimeout):
            session.receive()
    finally:
        session.close()


def test_waiting_is_bounded(hostile: DecoderPool) -> None:
    session = _session(hostile, "sleep", wall=0.3)
    started = time.monotonic()
    try:
        with pytest.raises(DecoderTimeout):
            session.receive()
        assert time.monotonic() - started < 3
    finally:
        session.close()


def test_a_crash_is_an_error_and_no_more(hostile: DecoderPool) -> None:
    session = _session(hostile, "crash")
    try:
        with pytest.raises(DecoderFailed):
            session.receive()
        ended = session.wait()
        assert ended is not None
        assert ended.code == -signal.SIGSEGV
    finally:
        session.close()
    assert _run(hostile, "thread") == "done 1"


def test_the_ring_keeps_its_size() -> None:
    descriptor = memory.ring(8192)
    try:
        with pytest.raises(PermissionError):
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def test_the_copy_of_the_file_is_sealed() -> None:
    descriptor, size = memory.sealed_copy(b"abc", 3, ClipTooManyBytes)
    try:
        assert size == 3
        with pytest.raises(PermissionError):
            os.pwrite(descriptor, b"x", 0)
        with pytest.raises(PermissionError):
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)
