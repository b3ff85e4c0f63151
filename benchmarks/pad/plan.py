"""What is evaluated: tasks that a worker can do for itself, each with one script to render."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.pad.catalogue import INSTRUMENTS, Instrument
from benchmarks.pad.errors import NothingToDo
from benchmarks.pad.folder import BonaFide
from benchmarks.pad.material import nonce, seed
from identity.capture.script import Without, generate_script
from identity.prompts import Script
from tests.simulation.morphs import IDENTITIES

SCRIPTS: Final = 3
"""Scripts (sessions) of each face and level among which the instruments are shared out."""
SESSIONS_A_PERSON: Final = 6
ATTACK_FPS: Final = 24
ATTACK_SIZE: Final = (480, 480)
REAL_SECONDS: Final = 14.0
LEVELS: Final = ("standard", "basic")


@dataclass(frozen=True, slots=True)
class Options:
    """What a run is asked for; travels to the workers.

    Attributes:
        folder: of bona fide clips, or None.
        people: how many simulated people, 0 to 7.
        levels: of the simulated sessions, out of `LEVELS`.
        species: which, or empty for all.
        limit: most instruments of each species, or None.
        variants: most instruments of each species for clips of the folder, or None.
        pack, models_dir: of the engines.
        cache: folder of kept results. keep_tracks, rejudge: see `Cache`.
    """

    folder: Path | None
    people: int
    pack: str
    models_dir: Path
    cache: Path
    levels: tuple[str, ...] = LEVELS
    species: tuple[str, ...] = ()
    limit: int | None = None
    variants: int | None = None
    keep_tracks: bool = False
    rejudge: bool = False


@dataclass(frozen=True, slots=True)
class Task:
    """Some rows that share their frames.

    Attributes:
        kind: "real" (a folder's clip), "person" (a simulated one's attacks) or "session" (one
            bona fide session of a simulated person).
        face: place in the folder, or in `IDENTITIES`.
        index: of the script, or of the session.
        level: "basic" or "standard".
        instruments: numbers into `INSTRUMENTS`.
    """

    kind: str
    face: int
    index: int
    level: str
    instruments: tuple[int, ...] = ()


def instruments(options: Options, *, real: bool, level: str) -> list[int]:
    """Numbers of the instruments that apply."""
    most = options.variants if real else None
    limits = [n for n in (options.limit, most) if n is not None]
    out = []
    for index, instrument in enumerate(INSTRUMENTS):
        if options.species and instrument.species not in options.species:
            continue
        if limits and instrument.number >= min(limits):
            continue
        if real and instrument.simulated_only:
            continue
        if instrument.needs_light and level != "standard":
            continue
        out.append(index)
    return out


def plan(options: Options, clips: Sequence[BonaFide]) -> list[Task]:
    """All tasks of a run, the longest first.

    Raises:
        NothingToDo: there is none.
    """
    if not 0 <= options.people <= len(IDENTITIES):
        raise NothingToDo(f"There are 0 to {len(IDENTITIES)} simulated people.")
    tasks: list[Task] = []
    for face in range(len(clips)):
        chosen = instruments(options, real=True, level="basic")
        if len(clips) == 1:
            # There is nobody else to swap in.
            chosen = [number for number in chosen if INSTRUMENTS[number].species != "swap"]
        tasks += [
            Task("real", face, part, "basic", _share(chosen, part)) for part in range(SCRIPTS)
        ]
    for level in options.levels if options.people else ():
        chosen = instruments(options, real=False, level=level)
        tasks += [
            Task("person", face, part, level, _share(chosen, part))
            for face in range(options.people)
            for part in range(SCRIPTS)
        ]
    for level in options.levels if options.people else ():
        sessions = SESSIONS_A_PERSON if options.limit is None else min(options.limit, 2)
        tasks += [
            Task("session", face, index, level)
            for face in range(options.people)
            for index in range(sessions)
        ]
    tasks = [task for task in tasks if task.kind != "person" or task.instruments]
    if not tasks:
        raise NothingToDo
    return tasks


def _share(chosen: Sequence[int], part: int) -> tuple[int, ...]:
    """The instruments that a script of a face is for."""
    return tuple(i for i in chosen if INSTRUMENTS[i].number % SCRIPTS == part)


def fresh_script(level: str, *parts: object) -> Script:
    """A session's script, the same for the same words."""
    without = None if level == "standard" else Without.LIGHT
    return generate_script(nonce("session", level, *parts), without)


def generator(*parts: object) -> np.random.Generator:
    """A generator, the same for the same words."""
    return np.random.default_rng(seed(*parts))


def instrument_parameters(
    task: Task, instrument: Instrument, face: str, folder: str
) -> dict[str, Any]:
    """What makes an attack's clip the one it is, beside the code."""
    return {
        "kind": task.kind,
        "face": face,
        "folder": folder if task.kind == "real" else None,
        "script": task.index,
        "level": task.level,
        "instrument": instrument.name,
        "parameters": dict(instrument.parameters),
        "size": list(ATTACK_SIZE),
        "fps": ATTACK_FPS,
    }


SIZES: Final = ((640, 480), (480, 640), (480, 480), (720, 720), (1280, 720), (1080, 1080))
RATES: Final = (30, 24, 25, 15, 30, 60)
CODECS: Final = ("h264", "vp8", "vp9", "h264", "vp8", "vp9")


def session_parameters(task: Task) -> dict[str, Any]:
    """How a bona fide session is taken: spread over what liveness.md names.

    Sizes, frame rates and codecs come in turn, so that each is met; the room, the camera and
    the hand are drawn. At 60 frames a second sizes stay at 640 × 480, as phones do.
    """
    chance = generator("session", task.level, task.face, task.index)
    turn = task.face * 5 + task.index
    rate = RATES[(task.index + task.face) % len(RATES)]
    size = SIZES[turn % len(SIZES)] if rate < 60 else (640, 480)
    low, high = (0.5, 2.0)
    return {
        "kind": "session",
        "identity": IDENTITIES[task.face],
        "index": task.index,
        "level": task.level,
        "size": list(size),
        "fps": rate,
        "codec": CODECS[(task.index + 2 * task.face) % len(CODECS)],
        "ambient": round(float(np.exp(chance.uniform(np.log(low), np.log(high)))), 2),
        "ambient_colour": [round(float(v), 2) for v in chance.uniform(0.85, 1.15, 3)],
        "exposure": round(float(chance.uniform(0.7, 1.15)), 2),
        "latency": round(float(chance.uniform(0.0, 0.4)), 2),
        "white_balance": round(float(chance.choice([0.0, 0.3, 0.6])), 2),
        "auto_exposure": round(float(chance.choice([0.0, 0.3, 0.6])), 2),
        "noise": round(float(chance.uniform(1.0, 4.0)), 1),
        "shake": round(float(chance.uniform(0.3, 2.0)), 1),
        "jitter": round(float(chance.choice([0.0, 0.002, 0.006])), 3),
        "dropped": round(float(chance.choice([0.0, 0.0, 0.02])), 2),
        "delay": round(float(chance.uniform(-0.1, 0.35)), 2),
        "seed": int(chance.integers(1, 1 << 30)),
    }
