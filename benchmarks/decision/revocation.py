"""How long a withdrawn grant may still be felt, in process."""

from __future__ import annotations

import queue
import threading
import time
from datetime import UTC, datetime
from typing import Any

from benchmarks.decision.timing import figures
from benchmarks.decision.world import GENERATOR, POPULAR, name

PATIENCE = 5.0
AFTERWARDS = 3


def in_process(grants: list[tuple[str, Any]]) -> dict[str, Any]:
    """Withdraw each grant on one connection; decide on another from its return until it denies.

    Args:
        grants: ids, each with a request that it permits.

    Returns:
        Percentiles of the time from the withdrawal's return to the first denial's, and how many
        decisions that began after the return permitted.
    """
    from consent.interface import withdraw_grant

    asked: queue.Queue[tuple[float, Any] | None] = queue.Queue()
    answers: queue.Queue[tuple[float, int]] = queue.Queue()
    watcher = threading.Thread(target=_watch, args=(asked, answers), daemon=True)
    watcher.start()
    seconds, permits, before = [], 0, 0
    for grant, request in grants:
        before += _decide(request)
        withdraw_grant(grant=grant, now=datetime.now(UTC), by=name("acc", POPULAR))
        asked.put((time.perf_counter(), request))
        took, late = answers.get(timeout=60)
        seconds.append(took)
        permits += late
    asked.put(None)
    watcher.join(10)
    return figures(seconds) | {
        "permitted_before": before,
        "permits_after": permits,
        "withdrawals": len(grants),
    }


def _watch(asked: queue.Queue[Any], answers: queue.Queue[tuple[float, int]]) -> None:
    from django.db import connection

    try:
        while (task := asked.get()) is not None:
            since, request = task
            permits = 0
            while (permitted := _decide(request)) and time.perf_counter() - since < PATIENCE:
                permits += 1
            took = time.perf_counter() - since
            permits += permitted + sum(_decide(request) for _ in range(AFTERWARDS))
            answers.put((took, permits))
    finally:
        connection.close()


def _decide(asked: Any) -> bool:
    from consent.interface import decide_for

    return decide_for(
        generator=GENERATOR,
        requester=asked.requester,
        request=asked.render,
        now=datetime.now(UTC),
    ).permitted
