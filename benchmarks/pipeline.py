"""`python -m benchmarks.pipeline [--json] [CLIP…]`: what a decision costs beside bare decoding.

For each clip, in alternation: bare decoding (PyAV, two threads, no conversion, no sandbox) in
this process, and the real pipeline, from the bytes to the verdict with the sandboxed decoder,
in a worker process that has its models loaded. The best of five rounds counts.
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import av

from benchmarks.machine import machine
from benchmarks.synthetic_clip import synthetic_clip

ROUNDS = 5
STAGES = ("decode", "detect", "mesh", "embed", "signals", "other")
_MIB = 2**20


@dataclass(frozen=True, slots=True)
class Clip:
    """One clip to measure: its name in the result, and its bytes."""

    name: str
    data: bytes


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmark; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pipeline", description=__doc__)
    parser.add_argument("clips", nargs="*", type=Path, metavar="CLIP")
    parser.add_argument("--json", action="store_true", help="one JSON object, nothing else")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--pack", default=os.environ.get("CAMEO_MODEL_PACK") or "open")
    parser.add_argument("--models-dir", type=Path, default=_models_dir())
    options = parser.parse_args(arguments)
    try:
        clips = [Clip(path.name, path.read_bytes()) for path in options.clips] or _synthetic()
    except OSError as error:
        parser.error(f"{error.filename} can't be read")
    rows = measure(clips, options.pack, options.models_dir, max(1, options.rounds))
    if options.json:
        print(json.dumps({"machine": machine(), "clips": rows}))
    else:
        _print_table(rows)
    return 0


def measure(
    clips: Sequence[Clip], pack: str, models_dir: Path, rounds: int = ROUNDS
) -> list[dict[str, Any]]:
    """Returns a row for each clip, as docs/analyse-clip.md says.

    Args:
        clips: what to measure.
        pack: model pack, installed in `models_dir`.
        models_dir: folder of the packs.
        rounds: of which the best counts.
    """
    rows = []
    for clip in clips:
        # A worker for each clip, so that its peak of memory is this clip's.
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        worker = context.Process(target=_work, args=(there, pack, models_dir), daemon=False)
        worker.start()
        there.close()
        try:
            _answer(here)
            rows.append(_measure(clip, here, rounds))
        finally:
            here.close()
            worker.join()
    return rows


def _measure(clip: Clip, worker: Connection, rounds: int) -> dict[str, Any]:
    decoding: list[float] = []
    whole: list[dict[str, Any]] = []
    for _ in range(rounds):
        decoding.append(_bare_decoding(clip.data))
        worker.send_bytes(clip.data)
        whole.append(_answer(worker))
    best = min(whole, key=lambda result: float(result["total_s"]))
    decode_s, total_s = min(decoding), float(best["total_s"])
    return {
        "clip": clip.name,
        "frames": best["frames"],
        "decode_s": round(decode_s, 4),
        "total_s": round(total_s, 4),
        "ratio": round(total_s / decode_s, 2),
        "cpu_s": best["cpu_s"],
        "peak_mb": max(result["peak_mb"] for result in whole),
        "decoder_peak_mb": max(result["decoder_peak_mb"] for result in whole),
        "width": best["width"],
        "height": best["height"],
        "mbit_s": round(len(clip.data) * 8 / 1e6 / best["seconds"], 2),
        "rounds": rounds,
    }


def _bare_decoding(data: bytes) -> float:
    started = time.perf_counter()
    with av.open(io.BytesIO(data), mode="r") as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = 2
        for _ in container.decode(stream):
            pass
    return time.perf_counter() - started


def _answer(connection: Connection) -> dict[str, Any]:
    answer: dict[str, Any] = connection.recv()
    if "error" in answer:
        raise SystemExit(f"The worker could not do it: {answer['error']}")
    return answer


def _work(connection: Connection, pack: str, models_dir: Path) -> None:
    """The worker process: loads the models once, then decides on each clip it is sent."""
    from common.errors import CameoError
    from identity.capture.stream import close_decoders, warm_decoders
    from identity.capture.types import OWN_FILES
    from identity.runtime.analysis import analyse
    from models.runtime import load_engines

    try:
        engines = load_engines(pack, models_dir)
        warm_decoders()
        connection.send({"ready": True})
        while True:
            data = connection.recv_bytes()
            started = time.perf_counter()
            analysis = analyse(data, None, engines, limits=OWN_FILES)
            total = time.perf_counter() - started
            peak = peak_bytes()
            frames = int(analysis.track.times.size)
            connection.send(
                {
                    "total_s": total,
                    "frames": frames,
                    "seconds": frames / (frames - 1) * float(analysis.track.times[-1]),
                    "width": analysis.info.width,
                    "height": analysis.info.height,
                    "cpu_s": {stage: round(analysis.timings[stage], 4) for stage in STAGES},
                    "peak_mb": round(peak / _MIB, 1),
                    "decoder_peak_mb": round(analysis.stats.peak_rss_bytes / _MIB, 1),
                }
            )
    except EOFError:
        pass
    except CameoError as error:
        connection.send({"error": f"{error.code}: {error.message}"})
    finally:
        close_decoders()


def peak_bytes() -> int:
    """Returns the largest resident size that this process has had since it was started."""
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            # Unlike `ru_maxrss` this doesn't begin with what the parent had when it forked.
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _models_dir() -> Path:
    home = Path(os.environ.get("CAMEO_HOME") or Path(__file__).resolve().parent.parent / ".cameo")
    return Path(os.environ.get("CAMEO_MODELS_DIR") or home / "models")


def _synthetic() -> list[Clip]:
    return [
        Clip("synthetic-720p", synthetic_clip(1280, 720, 10.0, 5_000_000)),
        Clip("synthetic-1080p", synthetic_clip(1920, 1080, 10.0, 8_000_000)),
    ]


def _print_table(rows: list[dict[str, Any]]) -> None:
    heads = ("clip", "frames", "decode_s", "total_s", "ratio", "peak_mb")
    print("".join(f"{head:>20}" if head == "clip" else f"{head:>10}" for head in heads), "cpu_s")
    for row in rows:
        cells = (f"{row[head]:>20}" if head == "clip" else f"{row[head]:>10}" for head in heads)
        stages = ", ".join(f"{stage} {value:.2f}" for stage, value in row["cpu_s"].items())
        print("".join(cells), stages)


if __name__ == "__main__":
    sys.exit(main())
