"""Production's decision beside the model's, world by world."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from consent.decision import Decision, decide
from consent.facts import Snapshot
from consent.request import DecisionRequest
from tests.consent.worlds import build
from tests.reference.model import Answer, World, answer
from tests.reference.worlds import generate

BLOCK = 10_000
"""Worlds of one seed are drawn in blocks of this many, so that processes can share them."""
SHOWN = 3

Decide = Callable[[DecisionRequest, Snapshot], Decision]


@dataclass
class Tally:
    """What a run counted; `examples` are the first worlds on which the two differ."""

    effects: Counter[str] = field(default_factory=Counter)
    ways: Counter[str] = field(default_factory=Counter)
    mismatches: int = 0
    examples: list[dict[str, Any]] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Count what another process counted."""
        self.effects += other.effects
        self.ways += other.ways
        self.mismatches += other.mismatches
        self.examples = (self.examples + other.examples)[:SHOWN]


def told(decision: Decision) -> Answer:
    """A decision in the words of the model."""
    return {
        "effect": decision.effect.value,
        "obligations": list(decision.obligations),
        "likenesses": [
            {
                "cameo": basis.cameo,
                "way": basis.way,
                "grant": basis.grant,
                "approval": basis.approval,
                "price": basis.price.document() if basis.price is not None else None,
            }
            for basis in decision.basis
        ],
        "valid_until": decision.valid_until,
    }


def compare(world: World, tally: Tally, decider: Decide = decide) -> None:
    """Judge one world by both."""
    expected, found = answer(world), told(decider(*build(world)))
    tally.effects[expected["effect"]] += 1
    tally.ways.update(one["way"] for one in expected["likenesses"])
    if expected != found:
        tally.mismatches += 1
        if len(tally.examples) < SHOWN:
            tally.examples.append({"world": world, "model": expected, "production": found})


def run_block(seed: int, block: int, size: int = BLOCK, decider: Decide = decide) -> Tally:
    """Judge the first `size` worlds of one block of a seed."""
    quiet = logging.getLogger("consent.decision")
    before, quiet.disabled = quiet.disabled, True
    try:
        tally, rng = Tally(), Random(f"{seed}:{block}")
        for _ in range(size):
            compare(generate(rng), tally, decider)
        return tally
    finally:
        quiet.disabled = before


def blocks(worlds: int) -> list[tuple[int, int]]:
    """The blocks of a run: (number, how many worlds of it)."""
    return [
        (number, min(BLOCK, worlds - number * BLOCK))
        for number in range((worlds + BLOCK - 1) // BLOCK)
    ]


def report(seed: int, worlds: int, tally: Tally, started: float) -> dict[str, Any]:
    """A run as one JSON object."""
    return {
        "seed": seed,
        "worlds": worlds,
        "effects": {name: tally.effects[name] for name in ("permit", "pending", "deny")},
        "ways": dict(sorted(tally.ways.items())),
        "mismatches": tally.mismatches,
        "examples": tally.examples,
        "seconds": round(time.monotonic() - started, 1),
    }
