"""Finds numbers that give different people: `python -m tests.simulation.search`.

Goes through the numbers from 1 on. A number is kept if a clip of it answers a script of every
kind of prompt, and if its template scores below a limit against every one kept before it. The
limit is stricter than the pack's threshold for templates, so that another clip of the same
people stays below that. What it prints belongs into `morphs.IDENTITIES`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, Final

from models.engine import Engines
from models.runtime import load_engines
from tests.simulation.oracle import Vectors, complaints, score, template, watch
from tests.simulation.person import SimulatedPerson

LIMIT: Final = 1.0
PROJECT: Final = Path(__file__).resolve().parents[2]

EVERY_KIND: Final[tuple[dict[str, Any], ...]] = (
    {"kind": "hold", "start": 0.0, "end": 1.0},
    {"kind": "turn", "direction": "left", "start": 1.0, "end": 2.6, "min_degrees": 15},
    {"kind": "blink", "start": 2.6, "end": 4.2, "count": 2},
    {"kind": "turn", "direction": "up", "start": 4.2, "end": 5.8, "min_degrees": 10},
    {"kind": "open_mouth", "start": 5.8, "end": 7.2},
    {"kind": "turn", "direction": "right", "start": 7.2, "end": 8.8, "min_degrees": 15},
    {"kind": "blink", "start": 8.8, "end": 10.0, "count": 1},
    {"kind": "turn", "direction": "down", "start": 10.0, "end": 11.6, "min_degrees": 10},
)


def clip_template(engines: Engines, identity: int) -> tuple[Vectors, list[str]]:
    """The template of a number's clip, and what is wrong with that clip.

    Raises:
        ValueError: the engines find no face in the morph.
    """
    clip = SimulatedPerson.from_portrait(engines, identity=identity).answer(EVERY_KIND)
    watched = watch(engines, clip)
    return template(watched.samples), complaints(watched, EVERY_KIND)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=PROJECT / ".cameo" / "models")
    parser.add_argument("--people", type=int, default=8, help="how many to find")
    parser.add_argument("--last", type=int, default=200, help="the last number to try")
    options = parser.parse_args()
    engines = load_engines("open", options.models)
    kept: dict[int, Vectors] = {}
    for identity in range(options.last + 1):
        try:
            found, wrong = clip_template(engines, identity)
        except ValueError as error:
            sys.stdout.write(f"{identity}: {error}\n")
            continue
        highest = max((score(found, other) for other in kept.values()), default=float("-inf"))
        if wrong or highest >= LIMIT:
            sys.stdout.write(f"{identity}: highest score {highest:.1f}; {'; '.join(wrong)}\n")
            continue
        kept[identity] = found
        sys.stdout.write(f"{identity}: kept, highest score {highest:.1f}\n")
        sys.stdout.flush()
        if len(kept) == options.people:
            break
    sys.stdout.write(f"IDENTITIES = {tuple(kept)}\n")


if __name__ == "__main__":
    main()
