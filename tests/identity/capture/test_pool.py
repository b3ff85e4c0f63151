"""The zygote's life: started once, started again, gone with the service."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from identity.capture.pool import DecoderPool
from identity.capture.stream import open_clip
from identity.errors import DecoderFailed, SandboxUnavailable

ROOT = Path(__file__).resolve().parents[3]


def _count(data: bytes, pool: DecoderPool) -> int:
    with open_clip(data, pool=pool) as clip:
        return sum(1 for _ in clip)


def _children(pid: int) -> list[int]:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def _soon(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def _zygote(pool: DecoderPool) -> int:
    assert pool.zygote_pid is not None
    return pool.zygote_pid


def test_one_zygote_serves_many_clips(own_pool: DecoderPool, honest_clip: bytes) -> None:
    own_pool.warm()
    zygote = _zygote(own_pool)
    assert [_count(honest_clip, own_pool) for _ in range(5)] == [60] * 5
    assert _zygote(own_pool) == zygote


def test_a_zygote_killed_in_mid_clip_is_an_error_and_the_next_clip_works(
    own_pool: DecoderPool, honest_clip: bytes
) -> None:
    with open_clip(honest_clip, pool=own_pool) as clip:
        next(clip)
        decoder = _children(_zygote(own_pool))
        os.kill(_zygote(own_pool), signal.SIGKILL)
        with pytest.raises(SandboxUnavailable):
            list(clip)
    assert len(decoder) == 1
    assert _soon(lambda: not _alive(decoder[0]))
    assert _count(honest_clip, own_pool) == 60


def test_a_zygote_lets_the_service_decide_when_to_stop(
    own_pool: DecoderPool, honest_clip: bytes
) -> None:
    with open_clip(honest_clip, pool=own_pool) as clip:
        next(clip)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(_zygote(own_pool), number)
        assert sum(1 for _ in clip) == 59


def test_a_decoder_killed_in_mid_clip_is_an_error(
    own_pool: DecoderPool, honest_clip: bytes
) -> None:
    with open_clip(honest_clip, pool=own_pool) as clip:
        next(clip)
        os.kill(_children(_zygote(own_pool))[0], signal.SIGKILL)
        with pytest.raises(DecoderFailed):
            list(clip)


def test_a_clip_that_is_given_up_stops_its_decoder(
    own_pool: DecoderPool, honest_clip: bytes
) -> None:
    with open_clip(honest_clip, pool=own_pool) as clip:
        next(clip)
        assert len(_children(_zygote(own_pool))) == 1
    assert _soon(lambda: _children(_zygote(own_pool)) == [])
    assert list(clip) == []


def test_clips_at_the_same_time_do_not_mix(own_pool: DecoderPool, honest_clip: bytes) -> None:
    counts: list[int] = []
    threads = [
        threading.Thread(target=lambda: counts.append(_count(honest_clip, own_pool)))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [60] * 6


def test_closing_stops_the_zygote_and_the_next_clip_starts_another(
    own_pool: DecoderPool, honest_clip: bytes
) -> None:
    own_pool.warm()
    zygote = _zygote(own_pool)
    own_pool.close()
    assert own_pool.zygote_pid is None
    assert not _alive(zygote)
    assert _count(honest_clip, own_pool) == 60


def test_no_descriptor_and_no_process_is_left_behind(
    own_pool: DecoderPool, honest_clip: bytes
) -> None:
    _count(honest_clip, own_pool)
    before = sorted(path.name for path in Path("/proc/self/fd").iterdir())
    for _ in range(20):
        _count(honest_clip, own_pool)
    assert len(list(Path("/proc/self/fd").iterdir())) <= len(before)
    assert _soon(lambda: _children(_zygote(own_pool)) == [])


def test_a_zygote_that_can_not_start_is_said_so(honest_clip: bytes) -> None:
    with (
        DecoderPool("identity.capture.no_such_zygote") as pool,
        pytest.raises(SandboxUnavailable),
    ):
        open_clip(honest_clip, pool=pool)


@pytest.mark.slow
def test_the_zygote_and_its_decoders_go_with_the_service(
    tmp_path: Path, honest_clip: bytes
) -> None:
    (tmp_path / "clip.mp4").write_bytes(honest_clip)
    service = subprocess.Popen(
        [
            sys.executable, "-c",
            "import pathlib, sys, time; from identity.capture import stream; "
            "clip = stream.open_clip(pathlib.Path(sys.argv[1]).read_bytes()); next(clip); "
            "print(stream._pool.zygote_pid, flush=True); time.sleep(60)",
            str(tmp_path / "clip.mp4"),
        ],
        stdout=subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    with service:
        assert service.stdout is not None
        zygote = int(service.stdout.readline())
        decoders = _children(zygote)
        service.kill()
    assert len(decoders) == 1
    assert _soon(lambda: not _alive(zygote))
    assert _soon(lambda: not _alive(decoders[0]))


def test_a_forked_copy_of_the_service_starts_its_own_zygote(
    own_pool: DecoderPool, honest_clip: bytes
) -> None:
    own_pool.warm()
    pid = os.fork()
    if pid == 0:
        try:
            alone = own_pool.zygote_pid is None
            fine = _count(honest_clip, own_pool) == 60
            own_pool.close()
            os._exit(0 if alone and fine else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert _count(honest_clip, own_pool) == 60
