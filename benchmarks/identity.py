"""`python -m benchmarks.identity [CLIP] [--json]`: this pipeline beside its peers, in one run.

For one clip, in alternated repeats, each contender in a process of its own: bare decoding, this
pipeline, a plain loop in the manner of face_recognition (dlib), and a loop of InsightFace's
`FaceAnalysis`. Then a comparison of two templates, the search for duplicates, and with
`--steady N` the memory of one worker over N clips. docs/evaluation/identity.md says what each
figure means.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from benchmarks.identity_peers.contenders import (
    DETECTOR_SIDE,
    UPSAMPLE,
    Pipeline,
    bare_decoding,
    face_recognition_style,
    insightface_style,
)
from benchmarks.identity_peers.jobs import Job, Measured, evenly
from benchmarks.identity_peers.one_to_one import comparison
from benchmarks.identity_peers.results import (
    DECODING,
    DLIB,
    INSIGHTFACE,
    PEERS,
    PIPELINE,
    goals,
    ratios,
    row,
)
from benchmarks.identity_peers.steady import steady
from benchmarks.identity_peers.tables import tables
from benchmarks.identity_peers.weights import DLIB_WEIGHTS, dlib_weights, insightface_folder
from benchmarks.identity_peers.workers import Worker, WorkerFailed
from benchmarks.machine import machine
from benchmarks.pipeline import Clip, _models_dir
from benchmarks.synthetic_clip import synthetic_clip

REPEATS: Final = 5
FRAMES: Final = 30
SIZES: Final = (1_000, 100_000)
MILLION: Final = 1_000_000
STEADY_SIZE: Final = (640, 360, 3.0, 1_000_000)
_PACKAGES: Final = ("dlib-bin", "insightface", "onnx", "faiss-cpu")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmark; returns the exit code."""
    options = _options(arguments)
    clip: Path | None = options.clip
    try:
        chosen = Clip(clip.name, clip.read_bytes()) if clip else _synthetic()
    except OSError as error:
        print(f"{clip} can't be read: {error.strerror}.", file=sys.stderr)
        return 2
    try:
        report = measure(
            chosen,
            pack=options.pack,
            models_dir=options.models_dir,
            repeats=max(1, options.repeats),
            frames=None if options.full else max(1, options.frames),
            steady_clips=max(0, options.steady),
        )
    except WorkerFailed as error:
        print(f"The clip could not be measured. {error}", file=sys.stderr)
        return 1
    report["comparison"] = comparison(max(1, options.repeats))
    sizes = () if options.no_duplicates else SIZES + ((MILLION,) if options.million else ())
    report["duplicates"] = duplicates(sizes)
    if options.json:
        print(json.dumps(report))
    else:
        print(tables(report))
    return 0


def measure(
    clip: Clip,
    *,
    pack: str,
    models_dir: Path,
    repeats: int = REPEATS,
    frames: int | None = FRAMES,
    steady_clips: int = 0,
) -> dict[str, Any]:
    """Returns the result but for the parts that need no clip.

    Args:
        clip: what to measure on.
        pack: model pack of this pipeline, installed in `models_dir`.
        models_dir: folder of the packs.
        repeats: alternated; medians are given.
        frames: that the peers work on, evenly spread; None for all.
        steady_clips: clips for one worker, 0 to leave it out.

    Raises:
        WorkerFailed: decoding or this pipeline could not do it.
    """
    pipeline = partial(Pipeline, pack, models_dir)
    with ExitStack() as stack:
        workers = {
            DECODING: stack.enter_context(Worker(DECODING, bare_decoding)),
            PIPELINE: stack.enter_context(Worker(PIPELINE, pipeline)),
        }
        first = workers[PIPELINE].run(Job(clip.data))
        rotation, marks = workers[PIPELINE].marks()
        chosen = evenly(first.frames, first.frames if frames is None else frames)
        near = {index: marks[index] for index in chosen if index in marks}
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        absent, facts = _start_peers(workers, stack, models_dir, scratch)
        jobs = {
            name: Job(clip.data, rotation, chosen, near) if name in PEERS else Job(clip.data)
            for name in workers
        }
        runs = _alternate(workers, jobs, absent, repeats)
    contenders: dict[str, dict[str, Any]] = {
        name: {**row(of, first.frames), **facts.get(name, {})} for name, of in runs.items()
    }
    contenders |= {name: {"absent": why} for name, why in absent.items()}
    found = ratios(runs)
    steadiness = _steady(pipeline, steady_clips) if steady_clips else None
    return {
        "machine": machine(),
        "packages": {name: version(name) for name in _PACKAGES},
        "clip": _clip_facts(clip, first, contenders[PIPELINE]),
        "repeats": repeats,
        "contenders": contenders,
        "ratios": found,
        "goals": goals(contenders, found, steadiness),
        "steady": steadiness,
    }


def duplicates(sizes: Sequence[int]) -> list[dict[str, Any]]:
    """Returns a row for each size of gallery, as `python -m benchmarks.duplicates --json` gives it.

    A size that can't be measured gives `{"size", "absent"}`.
    """
    # It is another benchmark, and brings its own libraries.
    from benchmarks.duplicates import measure as measure_gallery

    rows = []
    for size in sizes:
        print(f"duplicates: {size} templates", file=sys.stderr)
        try:
            rows.append(measure_gallery(size))
        except SystemExit as error:
            rows.append({"size": size, "absent": str(error)})
    return rows


def _start_peers(
    workers: dict[str, Worker], stack: ExitStack, models_dir: Path, scratch: Path
) -> tuple[dict[str, str], dict[str, dict[str, Any]]]:
    """Adds the peers that can run; returns why others can't, and what is to be said of each."""
    absent: dict[str, str] = {}
    weights = dlib_weights()
    insightface = insightface_folder(models_dir, scratch)
    facts: dict[str, dict[str, Any]] = {
        DLIB: {"weights": DLIB_WEIGHTS, "upsample": UPSAMPLE, "landmarks": "given, at no cost"},
        INSIGHTFACE: {**insightface.facts, "det_size": DETECTOR_SIDE},
    }
    builds = {
        INSIGHTFACE: partial(
            insightface_style, insightface.folder, random_weights=insightface.random_weights
        )
    }
    if weights is None:
        absent[DLIB] = f"{DLIB_WEIGHTS} is not in the cache: run `manage.py models install open`."
    else:
        builds[DLIB] = partial(face_recognition_style, weights)
    for name in PEERS:
        if name not in builds:
            continue
        try:
            workers[name] = stack.enter_context(Worker(name, builds[name]))
        except WorkerFailed as error:
            absent[name] = str(error)
    for name, why in absent.items():
        print(f"{name} is left out: {why}", file=sys.stderr)
    return absent, facts


def _alternate(
    workers: Mapping[str, Worker], jobs: Mapping[str, Job], absent: dict[str, str], repeats: int
) -> dict[str, list[Measured]]:
    """Runs every contender once in each repeat, after a first frame that doesn't count."""
    runs: dict[str, list[Measured]] = {name: [] for name in workers}
    for repeat in range(repeats + 1):
        for name, worker in workers.items():
            if name in absent:
                continue
            job = jobs[name]
            if not repeat:
                job = replace(job, chosen=job.chosen[:1])
            try:
                measured = worker.run(job)
            except WorkerFailed as error:
                if name not in PEERS:
                    raise
                absent[name] = str(error)
                print(f"{name} is left out: {error}", file=sys.stderr)
                continue
            if repeat:
                runs[name].append(measured)
                print(f"{repeat} of {repeats}: {name} {measured.seconds:.3f} s", file=sys.stderr)
    return {name: of for name, of in runs.items() if name not in absent}


def _steady(pipeline: partial[Pipeline], clips: int) -> dict[str, Any]:
    width, height, seconds, rate = STEADY_SIZE
    job = Job(synthetic_clip(width, height, seconds, rate))
    with Worker(PIPELINE, pipeline) as worker:
        facts = {"clip": f"synthetic-{width}x{height}-{seconds:g}s, again and again"}
        return {**facts, **steady(worker, job, clips)}


def _clip_facts(clip: Clip, first: Measured, this: dict[str, Any]) -> dict[str, Any]:
    seconds = float(this.pop("clip_seconds"))
    return {
        "clip": clip.name,
        "bytes": len(clip.data),
        "frames": first.frames,
        "width": this.pop("width"),
        "height": this.pop("height"),
        "seconds": seconds,
        "mbit_s": round(len(clip.data) * 8 / 1e6 / seconds, 2) if seconds else None,
    }


def _synthetic() -> Clip:
    return Clip("synthetic-720p", synthetic_clip(1280, 720, 10.0, 5_000_000))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.identity", description=__doc__)
    parser.add_argument("clip", nargs="?", type=Path, metavar="CLIP")
    parser.add_argument("--json", action="store_true", help="one JSON object, nothing else")
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--frames", type=int, default=FRAMES, help="that the peers work on")
    parser.add_argument("--full", action="store_true", help="the peers work on every frame")
    parser.add_argument("--steady", type=int, default=0, metavar="N", help="N clips, one worker")
    parser.add_argument("--million", action="store_true", help="also search a million templates")
    parser.add_argument("--no-duplicates", action="store_true", help="leave that search out")
    parser.add_argument("--pack", default=os.environ.get("CAMEO_MODEL_PACK") or "open")
    parser.add_argument("--models-dir", type=Path, default=_models_dir())
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
