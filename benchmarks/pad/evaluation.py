"""From rows to the report's figures."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from benchmarks.machine import machine
from benchmarks.pad.cache import judging_code, making_code
from benchmarks.pad.catalogue import SPECIES
from benchmarks.pad.judging import CRASHED, NOT_MADE, PASS
from benchmarks.pad.leave_out import leave_one_out
from benchmarks.pad.statistics import (
    apcer,
    bpcer,
    caught_by,
    det,
    not_passed,
    soft_scores,
    worst,
)

Row = Mapping[str, Any]
SECTIONS: Final = {
    ("simulated", "standard"): "simulated people, standard (motion and light)",
    ("simulated", "basic"): "simulated people, basic (motion only)",
    ("real", "basic"): "clips of the folder, basic (scripts from their labels, no light)",
}
WITHOUT: Final = "simulated people, standard sessions judged without their light prompt"
STATEMENT: Final = (
    "Synthetic instruments, injected digitally; not an ISO/IEC 30107-3 evaluation. The terms and "
    "the way of counting are that standard's, the attacks are not: nobody held a print, a screen "
    "or a mask before a camera. The simulated people are morphs of one portrait "
    "(skimage.data.astronaut(), NASA, public domain; a real person's picture, no endorsement is "
    "implied), rendered and lit by the same program for bona fide clips and for attacks, so rates "
    "measured on them say nothing about people in front of cameras. Real clips hold no coloured "
    "light: with them everything runs at basic, under scripts made from their labels, and "
    "standard is measured on simulated people alone. A real-time avatar, which our own simulator "
    "is, passes everything but attestation: it stands on a line of its own."
)


def evaluate(
    rows: Sequence[Row], special: Mapping[str, Any], arguments: Sequence[str]
) -> dict[str, Any]:
    """All figures of a run, as JSON values."""
    sections = [
        _section(name, [r for r in rows if (r["origin"], r["level"]) == key])
        for key, name in SECTIONS.items()
        if any((r["origin"], r["level"]) == key for r in rows)
    ]
    again = [
        {**row, **row["without_light"], "signals": [], "soft": None}
        for row in rows
        if row.get("without_light")
    ]
    if again:
        sections.append(_section(WITHOUT, again))
    return {
        "statement": STATEMENT,
        "about": about(arguments),
        "sections": sections,
        "crashed": [_named(row) for row in rows if row["outcome"] in (CRASHED, NOT_MADE)],
        **special,
    }


def _section(name: str, rows: Sequence[Row]) -> dict[str, Any]:
    attacks = [row for row in rows if row["kind"] == "attack"]
    own = [row for row in rows if row["kind"] == "own_line"]
    bona_fide = [row for row in rows if row["kind"] == "bona_fide"]
    shares = {s: apcer(_of(attacks, s)) for s in SPECIES if _of(attacks, s)}
    headline = worst(shares)
    soft = {
        "vetoes": det(soft_scores(attacks, vetoes=True), soft_scores(bona_fide, vetoes=True)),
        "alone": det(soft_scores(attacks, vetoes=False), soft_scores(bona_fide, vetoes=False)),
    }
    groups: dict[str, list[Row]] = {}
    for row in bona_fide:
        groups.setdefault(str(row["species"] or "as taken"), []).append(row)
    return {
        "name": name,
        "worst": headline,
        "species": {species: share.to_json() for species, share in shares.items()},
        "own_line": {s: apcer(_of(own, s)).to_json() for s in SPECIES if _of(own, s)},
        "passed": [_named(row) for row in attacks if row["outcome"] == PASS],
        "bona_fide": {
            group: {"bpcer": bpcer(listed).to_json(), "not_passed": not_passed(listed).to_json()}
            for group, listed in groups.items()
        },
        "bona_fide_not_passed": [_named(row) for row in bona_fide if row["outcome"] != PASS],
        "signals": {
            "bona fide": caught_by(bona_fide),
            **{species: caught_by(_of(attacks, species)) for species in shares},
            **{s: caught_by(_of(own, s)) for s in SPECIES if _of(own, s)},
        },
        "soft": {
            key: None
            if curve is None
            else {
                "equal_error_rate": round(curve.equal_error_rate, 4),
                "points": [
                    [round(float(v), 4) for v in point]
                    for point in zip(curve.thresholds, curve.apcer, curve.bpcer, strict=True)
                ],
            }
            for key, curve in soft.items()
        },
        "leave_one_out": leave_one_out(attacks, bona_fide),
    }


def _of(rows: Sequence[Row], species: str) -> list[Row]:
    return [row for row in rows if row["species"] == species]


def _named(row: Row) -> dict[str, Any]:
    """What to find a row by."""
    kept = ("face", "level", "species", "instrument", "parameters", "outcome", "reasons", "soft")
    return {key: row.get(key) for key in kept}


def about(arguments: Sequence[str]) -> dict[str, Any]:
    """The command, the machine, the date, the versions and the digests of the code."""
    names = ("av", "matplotlib", "numpy", "opencv-python", "scikit-image", "scipy")
    return {
        "command": "python -m benchmarks.pad " + " ".join(_shown(a) for a in arguments),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "versions": {name: version(name) for name in names} | {"python": sys.version.split()[0]},
        "code": {"clips": making_code()[:16], "judging": judging_code()[:16]},
        "seeds": "SHA-256 of fixed words: face, level, instrument, number of the session",
    }


def _shown(argument: str) -> str:
    """An argument without what lies above the last folder of a full path."""
    return Path(argument).name if Path(argument).is_absolute() else argument
