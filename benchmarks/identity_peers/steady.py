"""Whether a worker's memory stays flat over many clips."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from benchmarks.identity_peers.jobs import Job
from benchmarks.identity_peers.workers import Worker

EVERY: Final = 50
FLAT_PART: Final = 0.05
"""Flat: over the run the fitted line rises by at most this part of the median."""
_KIB: Final = 1024


def steady(worker: Worker, job: Job, clips: int, every: int = EVERY) -> dict[str, Any]:
    """Returns the worker's resident size each `every` clips, and its slope.

    The first reading is after `every` clips (all of them where there are fewer), when
    everything is loaded. The size is the worker's plus that of the processes it started.

    Args:
        worker: with the pipeline.
        job: the clip that is analysed again and again.
        clips: how often.
        every: clips between two readings.
    """
    at: list[int] = []
    own: list[float] = []
    started: list[float] = []
    seconds = 0.0
    for number in range(1, clips + 1):
        seconds += worker.run(job).seconds
        if number % every == 0 or number == clips:
            resident = worker.resident_mb()
            at.append(number)
            own.append(round(resident[0], 1))
            started.append(round(resident[1], 1))
            print(f"steady: {number} of {clips}, {own[-1]} MiB", file=sys.stderr)
    total = [a + b for a, b in zip(own, started, strict=True)]
    slope = slope_kib(at, total)
    rise = slope * (at[-1] - at[0]) / _KIB
    return {
        "clips": clips,
        "every": every,
        "at": at,
        "worker_mb": own,
        "started_processes_mb": started,
        "largest_mb": round(max(total), 1),
        "slope_kib_per_clip": round(slope, 3) + 0.0,
        "rise_mb": round(rise, 2) + 0.0,
        "flat": bool(rise <= FLAT_PART * float(np.median(total))),
        "seconds_per_clip": round(seconds / clips, 4),
    }


def slope_kib(at: Sequence[int], mebibytes: Sequence[float]) -> float:
    """Returns the least-squares slope, KiB a clip; 0 for fewer than two readings.

    Args:
        at: numbers of clips.
        mebibytes: resident size after so many.
    """
    if len(at) < 2:
        return 0.0
    x = np.asarray(at, dtype=np.float64) - np.mean(at)
    y = np.asarray(mebibytes, dtype=np.float64)
    return float(np.dot(x, y) / np.dot(x, x)) * _KIB
