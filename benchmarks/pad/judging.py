"""From a clip's bytes to a row of the evaluation: what the pipeline says, in words and numbers."""

from __future__ import annotations

import time
from typing import Any, Final

from benchmarks.pad.cues import without_light
from common.errors import CameoError
from identity.capture.types import INTAKE, OWN_FILES
from identity.prompts import Kind, Script
from identity.runtime.analysis import analyse, judge_again
from identity.types import Track, Verdict
from models.engine import Engines

PASS: Final = "pass"  # noqa: S105 (no password)
NON_RESPONSE: Final = ("review", "retry", "unsupported", "refused")
"""What is neither a pass nor a fail: a person must look, try again, or go another way."""
CRASHED: Final = "crashed"
NOT_MADE: Final = "not_made"
"""An instrument that broke before there was a clip: no attempt, and listed."""


def judged(verdict: Verdict) -> dict[str, Any]:
    """What a verdict says."""
    soft = getattr(verdict, "soft", None)
    return {
        "outcome": verdict.outcome.value,
        "reasons": list(verdict.reasons),
        "soft": None if soft is None else float(soft),
        "signals": [signal.to_json() for signal in verdict.signals],
    }


def judge_track(track: Track, script: Script, engines: Engines) -> dict[str, Any]:
    """What is said of a track under a script, and where it asks for light, also without that."""
    row = judged(judge_again(track, script, engines.calibration))
    dark = without_light(script)
    if dark is not None and any(prompt.kind is Kind.LIGHT for prompt in script.prompts):
        again = judge_again(track, dark, engines.calibration)
        row["without_light"] = {"outcome": again.outcome.value, "reasons": list(again.reasons)}
    return row


def judge_clip(
    data: bytes, script: Script, engines: Engines, *, own_file: bool = False
) -> tuple[dict[str, Any], Track | None]:
    """What is said of a clip, and its track.

    Args:
        data: the clip. script: what was asked. engines: of one pack.
        own_file: whether it may be longer than a session's clip.

    A clip that intake refuses has the outcome `refused` with the error's code; an exception
    that the pipeline must not raise has the outcome `crashed` with its class, and no track.
    """
    started = time.perf_counter()
    try:
        limits = OWN_FILES if own_file else INTAKE
        track = analyse(data, script, engines, limits=limits).track
        row = judge_track(track, script, engines)
    except CameoError as error:
        return {"outcome": "refused", "reasons": [error.code], "soft": None, "signals": []}, None
    except Exception as error:
        name = type(error).__name__
        return {"outcome": CRASHED, "reasons": [name], "soft": None, "signals": []}, None
    row["frames"] = int(track.times.size)
    row["analysis_s"] = round(time.perf_counter() - started, 2)
    return row, track
