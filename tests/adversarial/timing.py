"""Telling two kinds of answers apart by their time: how it is measured, and how well it works.

Kinds are asked in rounds, each kind once a round and in an order drawn anew, so that whatever
else the machine does falls on all alike. How well they can be told apart is the area under the
ROC curve of guessing by time alone (Mann and Whitney 1947): 0.5 is not at all, and no single
slow answer moves it much. It is taken among answers of about the same moment and then averaged:
a machine that is busy for a minute would hide from anybody who compares across that minute.

A kind counts as told apart if it is in every one of a few tries with fresh measurements. Where
there is nothing to be told, a try goes beyond the bound by chance only, and seldom: the standard
error is near 0.01 with 2,000 rounds. What really differs does so every time.
"""

from __future__ import annotations

import gc
import random
import statistics
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

WARM_UP = 100
ROUNDS = 2000
BLOCK = 40
BOUND = 0.03
TRIES = 3


def auc(one: Sequence[float], other: Sequence[float]) -> float:
    """How often a value of `one` is above one of `other`; ties count half."""
    ordered = sorted(other)
    above = sum(bisect_left(ordered, value) + bisect_right(ordered, value) for value in one)
    return above / (2 * len(one) * len(other))


def auc_by_blocks(one: Sequence[float], other: Sequence[float]) -> float:
    """The mean of `auc` over blocks of answers of the same rounds."""
    starts = range(0, len(one), BLOCK)
    return statistics.fmean(
        auc(one[start : start + BLOCK], other[start : start + BLOCK]) for start in starts
    )


def told_apart(
    asks: Mapping[str, Callable[[], object]], base: str, *, rounds: int = ROUNDS
) -> dict[str, list[float]]:
    """The kinds that are told apart from `base` in every try, each with its AUC of each try."""
    found: dict[str, list[float]] = {kind: [] for kind in asks if kind != base}
    for number in range(TRIES):
        took = measure({kind: asks[kind] for kind in (base, *found)}, rounds, seed=number)
        for kind, before in found.items():
            before.append(auc_by_blocks(took[kind], took[base]))
        found = {kind: each for kind, each in found.items() if abs(each[-1] - 0.5) > BOUND}
        if not found:
            break
    return found


def measure(
    asks: Mapping[str, Callable[[], object]], rounds: int, seed: int
) -> dict[str, list[float]]:
    """Ask each kind once a round; gives the seconds that each answer took, by kind."""
    rand, kinds = random.Random(seed), list(asks)
    found: dict[str, list[float]] = {kind: [] for kind in kinds}
    with _undisturbed():
        for number in range(WARM_UP + rounds):
            rand.shuffle(kinds)
            for kind in kinds:
                began = time.perf_counter()
                asks[kind]()
                took = time.perf_counter() - began
                if number >= WARM_UP:
                    found[kind].append(took)
    return found


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Without garbage collection, which falls on whichever answer happens to be next."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
