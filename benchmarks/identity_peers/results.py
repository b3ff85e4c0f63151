"""From runs to the rows, ratios and goals of the result."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any, Final

from benchmarks.identity_peers.jobs import Measured

DECODING: Final = "bare_decoding"
PIPELINE: Final = "this_pipeline"
DLIB: Final = "face_recognition_style"
INSIGHTFACE: Final = "insightface_style"
PEERS: Final = (DLIB, INSIGHTFACE)

MAX_TO_DECODE: Final = 3.5
MIN_DLIB_TO_THIS: Final = 20.0
MAX_MEMORY_MB: Final = 600.0


def row(runs: Sequence[Measured], frames: int) -> dict[str, Any]:
    """Returns one contender's row: medians over its runs, and what it says beside.

    Args:
        runs: at least one.
        frames: of the clip; bare decoding doesn't count its own.
    """
    median_s = statistics.median(run.seconds for run in runs)
    return {
        "median_s": round(median_s, 4),
        "min_s": round(min(run.seconds for run in runs), 4),
        "per_frame_ms": round(median_s / frames * 1e3, 3),
        "frames_measured": runs[-1].frames_measured or frames,
        "cpu_s": round(statistics.median(run.cpu_s for run in runs), 4),
        "peak_mb": max(run.peak_mb for run in runs),
        **runs[-1].facts,
    }


def ratios(runs: Mapping[str, Sequence[Measured]]) -> dict[str, dict[str, float]]:
    """Returns the medians' ratios: of all to bare decoding, and of the peers to the pipeline.

    `to_decode` and `peers_to_this` of the seconds that passed; `cpu_to_decode` and
    `cpu_peers_to_this` of processor seconds, which a busy machine moves less.

    Args:
        runs: by contender; those that could not run are left out.
    """
    wall = {name: statistics.median(run.seconds for run in of) for name, of in runs.items()}
    cpu = {name: statistics.median(run.cpu_s for run in of) for name, of in runs.items()}
    others = [name for name in runs if name != DECODING]
    peers = [name for name in PEERS if name in runs]
    return {
        "to_decode": _over(wall, others, DECODING),
        "peers_to_this": _over(wall, peers, PIPELINE),
        "cpu_to_decode": _over(cpu, others, DECODING),
        "cpu_peers_to_this": _over(cpu, peers, PIPELINE),
    }


def _over(values: Mapping[str, float], names: Sequence[str], base: str) -> dict[str, float]:
    return {name: round(values[name] / values[base], 2) for name in names}


def goals(
    contenders: Mapping[str, Mapping[str, Any]],
    ratio: Mapping[str, Mapping[str, float]],
    steadiness: Mapping[str, Any] | None,
) -> list[dict[str, Any]]:
    """Returns what was to be reached, what was, and whether; `met` is null if not measured.

    Memory is the worker's peak and its decoder's, added, though they share pages.
    """
    this = contenders[PIPELINE]
    memory = round(float(this["peak_mb"]) + float(this["decoder_peak_mb"]), 1)
    to_decode = ratio["to_decode"][PIPELINE]
    faster = ratio["peers_to_this"].get(DLIB)
    fast = None if faster is None else faster >= MIN_DLIB_TO_THIS
    largest: float | None = None
    level: bool | None = None
    if steadiness is not None:
        largest = float(steadiness["largest_mb"])
        level = bool(steadiness["flat"]) and largest <= MAX_MEMORY_MB
    most, flat = f"<= {MAX_MEMORY_MB:g}", f"<= {MAX_MEMORY_MB:g}, flat"
    return [
        _goal(
            "pipeline / bare decoding",
            f"<= {MAX_TO_DECODE:g}",
            to_decode,
            to_decode <= MAX_TO_DECODE,
        ),
        _goal("face_recognition-style loop / pipeline", f">= {MIN_DLIB_TO_THIS:g}", faster, fast),
        _goal("memory of one clip, MiB", most, memory, memory <= MAX_MEMORY_MB),
        _goal("memory over many clips, MiB", flat, largest, level),
    ]


def _goal(what: str, goal: str, found: float | None, met: bool | None) -> dict[str, Any]:
    return {"what": what, "goal": goal, "found": found, "met": met}
