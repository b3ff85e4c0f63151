"""`python -m benchmarks.pad [FOLDER] --out DIR`: what attacks pass, and which people don't.

FOLDER holds bona fide clips and may hold labels.json (docs/evaluation/README.md); `--people K`
adds simulated people. Writes pad.md, pad.json and pictures to DIR.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.pad.catalogue import SPECIES
from benchmarks.pad.evaluation import evaluate
from benchmarks.pad.folder import read_folder
from benchmarks.pad.lights import SESSIONS, measure_light
from benchmarks.pad.placements import PLACEMENTS, measure_swap
from benchmarks.pad.plan import LEVELS, Options, plan
from benchmarks.pad.plots import draw
from benchmarks.pad.replays import SCRIPTS, measure_replay
from benchmarks.pad.report import markdown, percent
from benchmarks.pad.running import run
from common.errors import CameoError

MEASUREMENTS = ("attacks", "swap", "light", "replay")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the evaluation; returns the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = _parser()
    asked = parser.parse_args(arguments)
    options = Options(
        folder=asked.folder,
        people=asked.people,
        pack=asked.pack,
        models_dir=asked.models_dir,
        cache=asked.cache or asked.out / "cache",
        levels=_words(parser, asked.levels, LEVELS),
        species=_words(parser, asked.species, SPECIES) if asked.species else (),
        limit=asked.limit,
        variants=asked.variants,
        keep_tracks=asked.keep_tracks or asked.rejudge,
        rejudge=asked.rejudge,
    )
    measured = _words(parser, asked.measure, MEASUREMENTS)
    try:
        report, rows = _measure(options, measured, asked, arguments)
    except CameoError as error:
        parser.error(f"{error.code}: {error.message}")
    _write(asked.out, report, rows)
    if asked.json:
        print(json.dumps(report))
    else:
        _print(report)
    return 0


def _measure(
    options: Options, measured: Sequence[str], asked: argparse.Namespace, arguments: Sequence[str]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    clips = [] if options.folder is None else read_folder(options.folder)
    tasks = plan(options, clips)
    part = 1.0 if options.limit is None else 0.05
    rows = run(options, tasks, asked.processes) if "attacks" in measured else []
    special: dict[str, Any] = {}
    if "swap" in measured:
        count = round(PLACEMENTS * part)
        special["swap"] = measure_swap(options, len(clips), asked.processes, count)
    if "light" in measured:
        special["light"] = measure_light(options, asked.processes, round(SESSIONS * part))
    if "replay" in measured:
        count = round(SCRIPTS * part)
        special["replay"] = measure_replay(options, len(clips), asked.processes, count)
    return evaluate(rows, special, arguments), rows


def _write(folder: Path, report: dict[str, Any], rows: Sequence[dict[str, Any]]) -> None:
    """Writes what there is; what an earlier run has measured beside it stays."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("swap", "light", "replay"):
        path = folder / f"pad-{name}.json"
        if name in report:
            path.write_text(json.dumps(report[name], indent=1) + "\n", encoding="utf-8")
        elif path.is_file():
            report[name] = json.loads(path.read_text(encoding="utf-8"))
    kept = folder / "pad.json"
    if not rows and kept.is_file():
        earlier = json.loads(kept.read_text(encoding="utf-8"))
        report.update({key: earlier[key] for key in ("sections", "crashed", "about")})
        pictures = sorted(path.name for path in folder.glob("*.png"))
    else:
        pictures = draw(report, rows, folder)
    for name in ("swap", "light", "replay"):
        # They have files of their own, with every single case in them.
        report.setdefault(name, None)
    body = {key: value for key, value in report.items() if key not in ("swap", "light", "replay")}
    kept.write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")
    shown = {key: value for key, value in report.items() if value is not None}
    (folder / "pad.md").write_text(markdown(shown, pictures), encoding="utf-8")


def _print(report: dict[str, Any]) -> None:
    for section in report["sections"]:
        print(f"{section['name']}; worst: {section['worst']}")
        for group, shares in section["bona_fide"].items():
            failed, missed = shares["bpcer"], shares["not_passed"]
            print(
                f"  bona fide, {group}: BPCER {percent(failed['rate'])} of {failed['n']}, "
                f"not passed {percent(missed['rate'])}"
            )
        for species, share in {**section["species"], **section["own_line"]}.items():
            print(
                f"  {species:14} {share['count']:3} of {share['n']:3}  "
                f"at most {percent(share['upper_95'])}"
            )


def _words(parser: argparse.ArgumentParser, text: str, known: Sequence[str]) -> tuple[str, ...]:
    words = tuple(word for word in text.split(",") if word)
    unknown = [word for word in words if word not in known]
    if unknown or not words:
        parser.error(f"only these are known: {', '.join(known)}")
    return words


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pad", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, metavar="FOLDER")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--people", type=int, default=0, metavar="K", help="simulated, 0 to 7")
    parser.add_argument("--json", action="store_true", help="the figures as JSON, nothing else")
    parser.add_argument("--measure", default="attacks", help=f"of {','.join(MEASUREMENTS)}")
    parser.add_argument("--species", default="", help=f"of {','.join(SPECIES)}")
    parser.add_argument("--levels", default=",".join(LEVELS), help="of simulated sessions")
    parser.add_argument("--limit", type=int, metavar="N", help="most instruments of a species")
    parser.add_argument(
        "--variants", type=int, metavar="N", help="the same, for clips of the folder only"
    )
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--cache", type=Path, help="default: DIR/cache")
    parser.add_argument(
        "--keep-tracks", action="store_true", help="keep what was measured, for --rejudge"
    )
    parser.add_argument(
        "--rejudge",
        action="store_true",
        help="judge kept tracks again: only where signals, not measurements, have changed",
    )
    home = Path(__file__).resolve().parents[2] / ".cameo"
    models = os.environ.get("CAMEO_MODELS_DIR") or home / "models"
    parser.add_argument("--pack", default=os.environ.get("CAMEO_MODEL_PACK") or "open")
    parser.add_argument("--models-dir", type=Path, default=Path(models))
    return parser


if __name__ == "__main__":
    sys.exit(main())
