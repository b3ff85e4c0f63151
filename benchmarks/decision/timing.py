"""Timing calls one by one, and saying it in milliseconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

Case = TypeVar("Case")


@dataclass(slots=True)
class Timed:
    """Seconds of each call, and how many answers were wrong."""

    seconds: list[float] = field(default_factory=list)
    wrong: int = 0

    def take(self, cases: Iterable[tuple[Case, bool]], decide: Callable[[Case], bool]) -> None:
        """Decide each case and hold the answer to what is right."""
        for case, right in cases:
            began = time.perf_counter()
            answer = decide(case)
            self.seconds.append(time.perf_counter() - began)
            self.wrong += answer is not right

    def row(self) -> dict[str, Any]:
        """The figures: percentiles and decisions a second, as JSON."""
        return figures(self.seconds) | {"wrong": self.wrong}


def figures(seconds: Sequence[float]) -> dict[str, Any]:
    """Percentiles in milliseconds, and calls a second, one after the other."""
    if not seconds:
        return {"count": 0}
    found = np.percentile(seconds, [0, 50, 90, 99, 100]) * 1e3
    names = ("least_ms", "p50_ms", "p90_ms", "p99_ms", "most_ms")
    return {
        "count": len(seconds),
        **{name: round(float(one), 4) for name, one in zip(names, found, strict=True)},
        "per_second": round(len(seconds) / sum(seconds), 1),
    }
