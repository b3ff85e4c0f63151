"""Measurement `light`: how surely the screen's colours tell the right script from others."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any, Final

from benchmarks.pad.judging import judge_clip
from benchmarks.pad.plan import Options, fresh_script, generator
from benchmarks.pad.running import spread, worker
from benchmarks.pad.species.light import recoloured
from benchmarks.pad.statistics import clopper_pearson_lower, clopper_pearson_upper
from identity.prompts import Kind, Prompt, Script
from tests.simulation.morphs import IDENTITIES
from tests.simulation.scene import Scene

SESSIONS: Final = 300
OTHERS: Final = 10_000
WRONG: Final = 50
AMBIENT: Final = (0.5, 1.0, 2.0)
DAYLIGHT: Final = 50.0
_LEAD: Final = 1.3


@dataclass(frozen=True, slots=True)
class LightSession:
    """One session: its number, the room's light, whose face, how many wrong scripts to try."""

    number: int
    ambient: float
    face: int
    wrong: int


def measure_light(
    options: Options, processes: int, sessions: int = SESSIONS, wrong: int = WRONG
) -> dict[str, Any]:
    """Rank of the right script among 10,000 others, and how often wrong ones pass, by level.

    Only a hold and the light prompt of each session are rendered and analysed. Beside the three
    levels, one in ten sessions more is in daylight, where the signal has to abstain.
    """
    people = max(1, options.people)
    items = [
        LightSession(number, AMBIENT[number % 3], (number // 3) % people, wrong)
        for number in range(sessions)
    ]
    items += [
        LightSession(sessions + number, DAYLIGHT, number % people, wrong)
        for number in range(max(1, sessions // 10))
    ]
    rows = spread(_lit, items, options, processes)
    levels = {str(level): _level([r for r in rows if r["ambient"] == level]) for level in AMBIENT}
    return {
        "others": OTHERS,
        "levels": levels,
        "all": _level([row for row in rows if row["ambient"] != DAYLIGHT]),
        "daylight": _level([row for row in rows if row["ambient"] == DAYLIGHT]),
        "sessions": rows,
    }


def _level(rows: list[dict[str, Any]]) -> dict[str, Any]:
    first = sum(1 for row in rows if row["rank"] == 1)
    wrong, passed = sum(r["wrong"] for r in rows), sum(r["wrong_passed"] for r in rows)
    return {
        "n": len(rows),
        "ranked_first": first,
        "share": first / len(rows) if rows else None,
        "lower_95": round(clopper_pearson_lower(first, len(rows)), 4) if rows else None,
        "signal": dict(Counter(row["signal"] for row in rows)),
        "why": dict(Counter(row["why"] for row in rows)),
        "wrong": wrong,
        "wrong_passed": passed,
        "wrong_upper_95": round(clopper_pearson_upper(passed, wrong), 6),
    }


def light_only(script: Script) -> Script:
    """A hold, then the script's light prompt, as soon as may be."""
    light = next(prompt for prompt in script.prompts if prompt.kind is Kind.LIGHT)
    end = round(_LEAD + light.end - light.start, 1)
    return Script((Prompt(Kind.HOLD, 0.0, 1.0), replace(light, start=_LEAD, end=end)))


def _lit(session: LightSession) -> dict[str, Any]:
    from identity.liveness.light import light_response, rank_of

    own, chance = worker(), generator("light", session.number)
    script = light_only(fresh_script("standard", "light", session.number))
    words = {
        "light": session.number,
        "ambient": session.ambient,
        "face": IDENTITIES[session.face],
        "wrong": session.wrong,
    }
    key = own.cache.clip_key(words)
    kept = own.cache.result(key)
    if kept is not None:
        return kept
    red, green, blue = (round(float(v), 3) for v in chance.uniform(0.85, 1.15, 3))
    scene = Scene(
        ambient=session.ambient,
        ambient_colour=(red, green, blue),
        latency_s=round(float(chance.uniform(0.0, 0.4)), 3),
        auto_white_balance=float(chance.choice([0.0, 0.3, 0.6])),
        auto_exposure=float(chance.choice([0.0, 0.3, 0.6])),
        noise=round(float(chance.uniform(1.0, 4.0)), 1),
    )
    clip = own.person(session.face).answer(
        script.to_json(), fps=24, size=(480, 480), seed=session.number, scene=scene
    )
    said, track = judge_clip(clip, script, own.engines)
    row: dict[str, Any] = {**words, "outcome": said["outcome"], "rank": None}
    row |= {"signal": "none", "why": "refused", "wrong": 0, "wrong_passed": 0}
    if track is not None:
        signal = light_response(track, script)
        row |= {"signal": signal.outcome.value, "why": signal.why}
        row["rank"] = rank_of(track, script, OTHERS)
        others = {recoloured(script, "any", chance) for _ in range(session.wrong)} - {script}
        told = [light_response(track, other).outcome.value for other in others]
        row |= {"wrong": len(others), "wrong_passed": told.count("pass")}
    own.cache.keep(key, row)
    return row
