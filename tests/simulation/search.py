"""Finds numbers that give different people: `python -m tests.simulation.search`.

First the morphs of all numbers up to `--last` are compared as pictures. Then, beginning with
the portrait itself, the number that is least like those already kept is tried: a clip of it
must answer a script of every kind of prompt, and its template must score below a limit against
the template of every one kept. The limit is stricter than the pack's threshold for templates,
so that another clip of the same people stays below that. What is printed last belongs into
`morphs.IDENTITIES`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
from tqdm import tqdm

from models.engine import Engines
from models.runtime import load_engines
from tests.simulation.morphs import morphed_portrait
from tests.simulation.motion import Moment
from tests.simulation.oracle import Vectors, complaints, embed, score, template, watch
from tests.simulation.person import SimulatedPerson
from tests.simulation.portrait import source_picture
from tests.simulation.reading import find_mesh, read

LIMIT: Final = 2.3
# Small eyes blink less visibly; the mesh reads 0.44 to 0.70 on blinks of real people.
SHUT_EYES_OF_MORPHS: Final = 0.66
SHUT_MOUTH_OF_MORPHS: Final = 0.25
FRAMES_A_SECOND: Final = 15
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


def picture_vectors(engines: Engines, identity: int) -> Vectors | None:
    """The vectors of a number's portrait, or None where no face is found in it."""
    portrait = source_picture()
    mesh = find_mesh(engines, portrait)
    if mesh is not None and identity:
        points = np.asarray(mesh.points, dtype=np.float64)
        portrait = morphed_portrait(portrait, points, identity)
        mesh = find_mesh(engines, portrait)
    return None if mesh is None else embed(engines, portrait, mesh)


def fitness(engines: Engines, person: SimulatedPerson) -> list[str]:
    """What can be told to be wrong from two pictures, without a clip."""
    rest = find_mesh(engines, person.picture())
    shut = find_mesh(engines, person.picture(Moment(lids=1.0, pitch=person.reach.blink_lift)))
    if rest is None or shut is None:
        return ["no face"]
    ratio = read(shut.points).eyes / read(rest.points).eyes
    return [] if ratio < SHUT_EYES_OF_MORPHS else [f"shut eyes read {ratio:.2f} of open ones"]


def clip_template(engines: Engines, person: SimulatedPerson) -> tuple[Vectors, list[str]]:
    """The template of a person's clip, and what is wrong with that clip."""
    watched = watch(engines, person.answer(EVERY_KIND, fps=FRAMES_A_SECOND))
    wrong = complaints(
        watched, EVERY_KIND, shut_eyes=SHUT_EYES_OF_MORPHS, shut_mouth=SHUT_MOUTH_OF_MORPHS
    )
    return template(watched.samples), wrong


def search(engines: Engines, *, last: int, people: int, limit: float) -> dict[int, Vectors]:
    """Numbers and their templates, the portrait's first."""
    numbers = tqdm(range(last + 1), desc="portraits", disable=not sys.stderr.isatty())
    pictures = {number: picture_vectors(engines, number) for number in numbers}
    left = {number: vectors for number, vectors in pictures.items() if vectors is not None}
    likeness = dict.fromkeys(left, float("-inf"))
    kept: dict[int, Vectors] = {}
    while left and len(kept) < people:
        number = min(left, key=likeness.__getitem__) if kept else 0
        vectors = left.pop(number)
        try:
            person = SimulatedPerson.from_portrait(engines, identity=number)
        except ValueError as error:
            report(f"{number}: left out, {error}")
            continue
        if wrong := fitness(engines, person):
            report(f"{number}: left out, {'; '.join(wrong)}")
            continue
        found, wrong = clip_template(engines, person)
        highest = max((score(found, other) for other in kept.values()), default=float("-inf"))
        if wrong or highest >= limit:
            report(f"{number}: left out, highest score {highest:.1f}; {'; '.join(wrong)}")
            continue
        report(f"{number}: kept, highest score {highest:.1f}")
        kept[number] = found
        for other in left:
            likeness[other] = max(likeness[other], score(left[other], vectors))
    return kept


def report(line: str) -> None:
    """To standard output, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=PROJECT / ".cameo" / "models")
    parser.add_argument("--people", type=int, default=7, help="how many to find")
    parser.add_argument("--last", type=int, default=240, help="the last number to try")
    options = parser.parse_args()
    engines = load_engines("open", options.models)
    kept = search(engines, last=options.last, people=options.people, limit=LIMIT)
    report(f"IDENTITIES = {tuple(kept)}")


if __name__ == "__main__":
    main()
