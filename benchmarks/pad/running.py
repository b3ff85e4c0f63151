"""Does all tasks in a few processes, each with engines of its own."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any, TypeVar

from benchmarks.pad.cache import Cache, judging_code, making_code
from benchmarks.pad.plan import Options, Task
from benchmarks.pad.tasks import Row, Worker
from models.runtime import load_engines

_T = TypeVar("_T")
_worker: Worker | None = None


def cache_of(options: Options) -> Cache:
    """The kept results of a run."""
    return Cache(options.cache, making_code(), judging_code(), options.keep_tracks, options.rejudge)


def start_worker(options: Options) -> None:
    """Loads what this process needs for tasks; they use `worker()`."""
    global _worker
    # Several processes share the cores: no library may take them all for itself.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    import cv2

    cv2.setNumThreads(1)
    engines = load_engines(options.pack, options.models_dir)
    _worker = Worker(options, engines, cache_of(options))


def worker() -> Worker:
    """This process's worker.

    Raises:
        RuntimeError: `start_worker` was not called.
    """
    if _worker is None:
        raise RuntimeError("the worker hasn't been started")
    return _worker


def do(task: Task) -> list[Row]:
    """The rows of a task, in a worker."""
    return worker().do(task)


def run(options: Options, tasks: Sequence[Task], processes: int) -> list[Row]:
    """The rows of all tasks, in the order of the tasks."""
    return [row for rows in spread(do, tasks, options, processes) for row in rows]


def spread(
    function: Callable[[Any], _T], items: Sequence[Any], options: Options, processes: int
) -> list[_T]:
    """What a function of this kind gives for each item, done in worker processes.

    Progress goes to standard error.

    Raises:
        Exception: whatever the function raises, once; what is done by then is in the cache.
    """
    started, out = time.monotonic(), {}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, start_worker, (options,)) as pool:
        waiting = {pool.submit(function, item): place for place, item in enumerate(items)}
        for done in _watched(as_completed(waiting), len(items), started):
            out[waiting[done]] = done.result()
    return [out[place] for place in range(len(items))]


def _watched(items: Iterable[_T], n: int, started: float) -> Iterable[_T]:
    for count, item in enumerate(items, 1):
        yield item
        minutes = (time.monotonic() - started) / 60
        sys.stderr.write(f"\r{count} of {n} tasks, {minutes:.1f} min ")
        sys.stderr.flush()
    sys.stderr.write("\n")
