"""Deliberately broken services: what the checkers must find. Production knows nothing of these.

`unlocked`: issue and redeem read their snapshot first and take the cameos' locks afterwards, so
that what they act on may have ended meanwhile. `remembered`: each process answers from snapshots
that it read up to a second ago.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

FAULTS = ("unlocked", "remembered")
MEMORY_S = 1.0
WAIT_S = 0.003


def install(fault: str) -> None:
    """Break this process.

    Raises:
        ValueError: for a fault that isn't known.
        AttributeError: where there is nothing of that name to break any more.
    """
    from consent import issuing, redemption, selectors, snapshots
    from identity.interface import read_cameos

    if fault not in FAULTS:
        raise ValueError(fault)
    read, lock = snapshots.read_snapshot, snapshots.lock_likenesses

    def remember() -> Callable[[Any], Any]:
        kept: dict[Any, tuple[float, Any]] = {}

        def remembered(asked: Any) -> Any:
            key = (asked.requester, asked.generator, asked.render.digest())
            found = kept.get(key)
            if found is None or time.monotonic() - found[0] > MEMORY_S:
                kept[key] = found = (time.monotonic(), read(asked))
            return found[1]

        return remembered

    def unlocked(asked: Any) -> Any:
        snapshot = read(asked)
        # As long as a busy machine might take between the two.
        time.sleep(WAIT_S)
        lock(asked.render)
        return snapshot

    if fault == "unlocked":
        for module in (issuing, redemption):
            _replace(module, "lock_likenesses", lambda render: read_cameos(render.likenesses))
            _replace(module, "hold_snapshot", unlocked)
        return
    stale = remember()
    _replace(selectors, "read_snapshot", stale)
    for module in (issuing, redemption):
        _replace(module, "hold_snapshot", stale)
    _replace(redemption, "read_snapshot", stale)


def _replace(module: Any, name: str, value: Any) -> None:
    getattr(module, name)
    setattr(module, name, value)
