"""The result as Markdown tables, aligned so that they read well in a terminal too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_ROW = ("median_s", "min_s", "per_frame_ms", "frames_measured", "cpu_s", "peak_mb")
_RATIOS = ("to_decode", "peers_to_this", "cpu_to_decode", "cpu_peers_to_this")
_DUPLICATES = ("size", "shortlist_p50_ms", "search_p50_ms", "recall", "absent")
_STEADY = (
    "clips", "worker_mb", "started_processes_mb", "largest_mb", "slope_kib_per_clip", "rise_mb",
    "flat", "seconds_per_clip",
)  # fmt: skip
_MET = {True: "met", False: "NOT MET", None: "not measured"}


def tables(report: Mapping[str, Any]) -> str:
    """Returns all that a reader wants of the result: clip, contenders, comparison, goals."""
    clip, machine = report["clip"], report["machine"]
    parts = [
        f"{machine['processor']}, {machine['cores']} cores, load {machine['load_average']} at the "
        f"end. {clip['clip']}: {clip['width']}×{clip['height']}, {clip['frames']} frames, "
        f"{clip['seconds']} s, {clip['mbit_s']} Mbit/s; medians of {report['repeats']}.",
        _contenders(report),
        _ratios(report),
        _comparison(report["comparison"]),
        _goals(report["goals"]),
    ]
    if report["duplicates"]:
        parts.insert(4, _duplicates(report["duplicates"]))
    if report["steady"]:
        parts.insert(-1, _steady(report["steady"]))
    return "\n\n".join(parts)


def _contenders(report: Mapping[str, Any]) -> str:
    rows = [
        [name, *(_cell(values.get(head)) for head in _ROW)]
        for name, values in report["contenders"].items()
        if "absent" not in values
    ]
    absent = [
        f"{name}: {values['absent']}"
        for name, values in report["contenders"].items()
        if "absent" in values
    ]
    return "\n\n".join([_table(["contender", *_ROW], rows), *absent])


def _ratios(report: Mapping[str, Any]) -> str:
    names = [name for name in report["contenders"] if name in report["ratios"]["to_decode"]]
    rows = [
        [name, *(_cell(report["ratios"][ratio].get(name)) for ratio in _RATIOS)] for name in names
    ]
    return _table(["ratio of medians", *_RATIOS], rows)


def _comparison(comparison: Mapping[str, Any]) -> str:
    rows = [
        [name, _cell(values["median_us"]), _cell(values["min_us"])]
        for name, values in comparison.items()
        if isinstance(values, dict)
    ]
    return _table(["one comparison", "median_us", "min_us"], rows)


def _duplicates(rows: Sequence[Mapping[str, Any]]) -> str:
    heads = [head for head in _DUPLICATES if any(head in row for row in rows)]
    return _table(heads, [[_cell(row.get(head)) for head in heads] for row in rows])


def _steady(steady: Mapping[str, Any]) -> str:
    rows = []
    for key in _STEADY:
        value = steady[key]
        # Of the readings the first and the last, between them the line says enough.
        text = f"{value[0]} … {value[-1]}" if isinstance(value, list) else _cell(value)
        rows.append([key, text])
    return _table(["one worker, many clips", ""], rows)


def _goals(goals: Sequence[Mapping[str, Any]]) -> str:
    rows = [[goal["what"], goal["goal"], _cell(goal["found"]), _MET[goal["met"]]] for goal in goals]
    return _table(["goal", "to reach", "found", ""], rows)


def _cell(value: object) -> str:
    return "" if value is None else str(value)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    lines = [_line(heads, widths), "|" + "|".join("-" * (width + 2) for width in widths) + "|"]
    return "\n".join([*lines, *(_line(row, widths) for row in rows)])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (
        f"{cell:>{width}}" if index else f"{cell:<{width}}"
        for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return f"| {' | '.join(padded)} |"
