"""Measurement `swap`: another face for half a second, anywhere in a clip."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.pad.builders import swap_in
from benchmarks.pad.frames import encode
from benchmarks.pad.judging import judge_clip
from benchmarks.pad.material import Material
from benchmarks.pad.plan import Options, Task, generator
from benchmarks.pad.running import spread, worker
from benchmarks.pad.statistics import clopper_pearson_lower, clopper_pearson_upper

PLACEMENTS: Final = 200
SECONDS: Final = 0.5
HOW: Final = ("cut", "mesh", "similar")


@dataclass(frozen=True, slots=True)
class Host:
    """A clip in which somebody is swapped in so many times.

    Attributes:
        task: whose material it is. placements: numbers of the swaps.
    """

    task: Task
    placements: tuple[int, ...]


def measure_swap(
    options: Options, clips: int, processes: int, placements: int = PLACEMENTS
) -> dict[str, Any]:
    """Share of swaps that are caught, by how, and false alarms on the clips as they are.

    Caught is a clip that fails: with `continuity`, or with whatever else.
    """
    tasks = [Task("real", face, 0, "basic") for face in range(clips if clips > 1 else 0)]
    tasks += [
        Task("person", face, part, level)
        for face in range(options.people)
        for part in range(2)
        for level in options.levels
    ]
    hosts = [
        Host(task, tuple(range(place, placements, len(tasks)))) for place, task in enumerate(tasks)
    ]
    done = spread(_swaps, [host for host in hosts if host.placements], options, processes)
    rows = [row for host in done for row in host]
    swaps = [row for row in rows if row["how"] != "none"]
    bona_fide = [row for row in rows if row["how"] == "none"]
    by_how = {
        how: _caught([row for row in swaps if row["how"] == how])
        for how in HOW
        if any(row["how"] == how for row in swaps)
    }
    alarms = sum(1 for row in bona_fide if row["continuity"] == "fail")
    return {
        "seconds": SECONDS,
        "all": _caught(swaps),
        "by_how": by_how,
        "by_origin": {
            origin: _caught([row for row in swaps if row["origin"] == origin])
            for origin in ("real", "person")
            if any(row["origin"] == origin for row in swaps)
        },
        "false_alarms": {
            "count": alarms,
            "n": len(bona_fide),
            "upper_95": round(clopper_pearson_upper(alarms, len(bona_fide)), 4),
            "outcomes": dict(Counter(row["outcome"] for row in bona_fide)),
        },
        "missed": [row for row in swaps if row["outcome"] != "fail"],
    }


def _caught(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    caught = sum(1 for row in rows if row["outcome"] == "fail")
    return {
        "n": len(rows),
        "caught": caught,
        "by_continuity": sum(1 for row in rows if row["continuity"] == "fail"),
        "passed": sum(1 for row in rows if row["outcome"] == "pass"),
        "share": caught / len(rows) if rows else None,
        "lower_95": round(clopper_pearson_lower(caught, len(rows)), 4) if rows else None,
    }


def _swaps(host: Host) -> list[dict[str, Any]]:
    own, task = worker(), host.task
    real = task.kind == "real"
    material: Material = own.real(task.face) if real else own.simulated(task)
    head = {"origin": task.kind, "face": material.face, "level": task.level}
    rows = [{**head, "how": "none", "start": None, **_looked_at(material, None, real)}]
    count = round(SECONDS * material.fps)
    for number in host.placements:
        chance = generator("placement", number)
        first = int(chance.integers(0, max(1, len(material.answer) - count)))
        how = HOW[number % len(HOW)]
        place = (first, count, int(chance.integers(100)), how)
        start = round(first / material.fps, 2)
        rows.append({**head, "how": how, "start": start, **_looked_at(material, place, real)})
    return rows


def _looked_at(
    material: Material, place: tuple[int, int, int, str] | None, real: bool
) -> dict[str, Any]:
    own = worker()
    words = {
        "swap": place,
        "face": material.face,
        "folder": own.folder if real else None,
        "script": material.script.to_json(),
    }
    key = own.cache.clip_key(words)
    row = own.cache.result(key)
    if row is None:
        frames = material.answer if place is None else swap_in(material, *place)
        data = encode(frames, fps=material.fps)
        row, _ = judge_clip(data, material.script, own.engines, own_file=real)
        own.cache.keep(key, row)
    continuity = next((s["outcome"] for s in row["signals"] if s["name"] == "continuity"), None)
    return {"outcome": row["outcome"], "reasons": row["reasons"], "continuity": continuity}
