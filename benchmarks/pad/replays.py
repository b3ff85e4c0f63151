"""Measurement `replay`: a good clip of one session, handed in at thousands of others."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.pad.frames import encode
from benchmarks.pad.judging import judge_clip
from benchmarks.pad.material import Material, nonce
from benchmarks.pad.plan import Options, Task
from benchmarks.pad.running import spread, worker
from benchmarks.pad.statistics import clopper_pearson_upper
from identity.capture.script import Without, generate_script
from identity.runtime.analysis import judge_again

SCRIPTS: Final = 250


@dataclass(frozen=True, slots=True)
class Replay:
    """A good clip and how many fresh scripts it is held against."""

    task: Task
    scripts: int


def measure_replay(
    options: Options, clips: int, processes: int, scripts: int = SCRIPTS
) -> dict[str, Any]:
    """How many fresh scripts another session's good clip passes, with light and without.

    A clip that doesn't pass its own script is no good clip: it is counted, and left out.
    """
    items = [Replay(Task("real", face, 0, "basic"), scripts) for face in range(clips)]
    items += [
        Replay(Task("person", face, part, level), scripts)
        for level in options.levels
        for face in range(options.people)
        for part in range(3)
    ]
    rows = spread(_replayed, items, options, processes)
    out: dict[str, Any] = {"scripts_a_clip": scripts}
    for name, chosen in (
        ("with_light", [r for r in rows if r["level"] == "standard"]),
        ("without_light", [r for r in rows if r["level"] == "basic" and r["origin"] == "person"]),
        ("real_without_light", [r for r in rows if r["origin"] == "real"]),
    ):
        good = [row for row in chosen if row["own"] == "pass"]
        tried, passed = sum(r["tried"] for r in good), sum(r["passed"] for r in good)
        outcomes: Counter[str] = Counter()
        for row in good:
            outcomes.update(row["outcomes"])
        out[name] = {
            "clips": len(good),
            "clips_not_good": len(chosen) - len(good),
            "tried": tried,
            "passed": passed,
            "per_thousand": 1000 * passed / tried if tried else None,
            "upper_95_per_thousand": round(1000 * clopper_pearson_upper(passed, tried), 3),
            "outcomes": dict(outcomes),
        }
    return {**out, "clips": rows}


def _replayed(item: Replay) -> dict[str, Any]:
    own, task = worker(), item.task
    real = task.kind == "real"
    material: Material = own.real(task.face) if real else own.simulated(task)
    words = {"replay": task.kind, "face": material.face, "part": task.index, "level": task.level}
    folder = own.folder if real else None
    key = own.cache.clip_key({**words, "scripts": item.scripts, "folder": folder})
    kept = own.cache.result(key)
    if kept is not None:
        return kept
    data = encode(material.answer, fps=material.fps)
    said, track = judge_clip(data, material.script, own.engines, own_file=real)
    row: dict[str, Any] = {"origin": task.kind, "face": material.face, "level": task.level}
    row |= {"own": said["outcome"], "tried": 0, "passed": 0, "outcomes": {}}
    if track is not None and said["outcome"] == "pass":
        without = None if task.level == "standard" else Without.LIGHT
        outcomes: Counter[str] = Counter()
        for number in range(item.scripts):
            script = generate_script(nonce("replay", *words.values(), number), without)
            outcomes[judge_again(track, script, own.engines.calibration).outcome.value] += 1
        row |= {"tried": item.scripts, "passed": outcomes["pass"], "outcomes": dict(outcomes)}
    own.cache.keep(key, row)
    return row
