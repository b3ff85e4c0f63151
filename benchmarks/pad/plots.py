"""The report's pictures: rates by species, score distributions, trade-off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from scipy.stats import norm

Row = Mapping[str, Any]
TICKS: Final = (0.001, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99)
_BONA_FIDE, _ATTACK = "#2b6cb0", "#c05621"


def draw(report: Mapping[str, Any], rows: Sequence[Row], folder: Path) -> list[str]:
    """Writes all pictures; returns their file names."""
    mpl.use("Agg")
    names = []
    for number, section in enumerate(report["sections"], 1):
        if section["species"]:
            names.append(_rates(section, folder / f"apcer-{number}.png"))
    names.append(_scores(rows, folder / "scores.png"))
    if any(section["soft"]["alone"] for section in report["sections"]):
        names.append(_trade_off(report["sections"], folder / "det.png"))
    return names


def _rates(section: Mapping[str, Any], path: Path) -> str:
    """APCER of each species, with its bound as a line."""
    from matplotlib import pyplot as plt

    shares = section["species"] | {f"({k})": v for k, v in section["own_line"].items()}
    names = list(shares)
    figure, axes = plt.subplots(figsize=(7, 0.32 * len(names) + 1.4))
    rates = [shares[name]["rate"] or 0.0 for name in names]
    places = np.arange(len(names))
    axes.barh(places, rates, color=_ATTACK, height=0.6)
    bounds = [shares[name]["upper_95"] for name in names]
    axes.hlines(places, rates, bounds, color="black", linewidth=1)
    axes.plot(bounds, places, "|", color="black")
    axes.set_yticks(places, [f"{name} (n={shares[name]['n']})" for name in names])
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xlabel("APCER by face and instrument, with its one-sided 95 % bound")
    axes.set_title(section["name"], fontsize=9)
    return _saved(figure, path)


def _scores(rows: Sequence[Row], path: Path) -> str:
    """Distribution of every signal's value, bona fide beside attacks."""
    from matplotlib import pyplot as plt

    values: dict[str, dict[bool, list[float]]] = {}
    for row in rows:
        if row["kind"] == "own_line":
            continue
        entries = [(s["name"], s["value"]) for s in row["signals"]]
        for name, value in [*entries, ("soft sum", row.get("soft"))]:
            if value is not None and np.isfinite(value):
                sides = values.setdefault(name, {True: [], False: []})
                sides[row["kind"] == "bona_fide"].append(float(value))
    names = list(values) or ["nothing measured"]
    lines = (len(names) + 2) // 3
    figure, grid = plt.subplots(lines, 3, figsize=(10, 2.4 * lines), squeeze=False)
    for axes in grid.flat[len(names) :]:
        axes.set_axis_off()
    for name, axes in zip(names, grid.flat, strict=False):
        sides = values.get(name, {True: [], False: []})
        both = np.array(sides[True] + sides[False])
        axes.set_title(name, fontsize=9)
        axes.tick_params(labelsize=7)
        if not both.size:
            continue
        low, high = np.quantile(both, [0.01, 0.99])
        bins = np.linspace(low, high if high > low else low + 1.0, 31)
        for bona_fide, colour, label in (
            (True, _BONA_FIDE, "bona fide"),
            (False, _ATTACK, "attacks"),
        ):
            inside = np.clip(sides[bona_fide], bins[0], bins[-1])
            weights = np.full(len(inside), 1 / max(1, len(inside)))
            label = f"{label} (n={len(inside)})"
            axes.hist(inside, bins, weights=weights, color=colour, alpha=0.55, label=label)
        axes.legend(fontsize=6)
    return _saved(figure, path)


def _trade_off(sections: Sequence[Mapping[str, Any]], path: Path) -> str:
    """APCER over BPCER of the soft sum, on normal deviates."""
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 6))
    low, high = TICKS[0], TICKS[-1]
    for section in sections:
        for key, style in (("alone", "--"), ("vetoes", "-")):
            curve = section["soft"][key]
            if curve is None:
                continue
            points = np.clip(np.array(curve["points"])[:, 1:], low, high)
            label = f"{section['name'][:40]}, {'soft sum alone' if key == 'alone' else 'all'}"
            axes.plot(norm.ppf(points[:, 1]), norm.ppf(points[:, 0]), style, label=label)
    ticks = norm.ppf(TICKS)
    axes.set_xticks(ticks, [f"{t:.1%}" for t in TICKS], fontsize=7)
    axes.set_yticks(ticks, [f"{t:.1%}" for t in TICKS], fontsize=7)
    axes.set_xlabel("BPCER (clips below the threshold of the soft sum)")
    axes.set_ylabel("attack clips at or above it")
    axes.grid(visible=True, alpha=0.3)
    axes.legend(fontsize=6)
    return _saved(figure, path)


def _saved(figure: Any, path: Path) -> str:
    from matplotlib import pyplot as plt

    figure.tight_layout()
    # Without the date and the version, the same figures give the same bytes.
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)
    return path.name
