"""From the bytes of a clip to a verdict: decoder, tracker, sampler and signals in one pass.

Nothing of a picture outlives its frame but the crops that wait to be described; what stays are
meshes and numbers. The decoder works ahead in its own process meanwhile, the embedders in a
thread of their own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from identity.capture.memory import Source
from identity.capture.stream import open_clip
from identity.capture.types import INTAKE, ClipInfo, ClipLimits, DecodeStats
from identity.comparison import MIN_SAMPLES, Template, TooFewSamples, template_from_vectors
from identity.liveness.signals import good_samples
from identity.liveness.verdict import judge
from identity.prompts import Script
from identity.runtime.watching import Watcher
from identity.types import Track, Verdict
from models.engine import Calibration, Engines, PadEngine

WORKING_SIDE: Final = 640
"""Longer side of the pictures that are analysed, pixels."""
PROGRESS_SECONDS: Final = 0.5

Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """What became of a clip.

    Attributes:
        info: what the clip's header and first frame said.
        track: all that was measured; no picture.
        verdict: what the signals say of it.
        template: of the good samples; None where there are fewer than 8.
        pack, template_format: of the models used.
        script: what was asked, or None.
        timings: processor seconds by stage (decode in its own process, embed in its own
            thread, detect, mesh, measure, signals, other), and `wall`, `waited` (for the
            decoder) in seconds that passed.
        stats: what decoding cost.
    """

    info: ClipInfo
    track: Track
    verdict: Verdict
    template: Template | None
    pack: str
    template_format: str
    script: Script | None
    timings: Mapping[str, float]
    stats: DecodeStats


def analyse(
    clip: Source,
    script: Script | None,
    engines: Engines,
    progress: Progress | None = None,
    *,
    pad: PadEngine | None = None,
    limits: ClipLimits = INTAKE,
    working_side: int = WORKING_SIDE,
) -> Analysis:
    """Analyses a clip.

    Args:
        clip: the file's bytes, an open binary file or a descriptor.
        script: what the person was asked; None where nothing was.
        engines: of one pack; not shared with another thread meanwhile.
        progress: called with 0 to 1, about twice for each second of the clip.
        pad: the PAD engine; None where the deployment has none.
        limits: what the clip may be.
        working_side: longer side, in pixels, of the pictures that are analysed.

    Raises:
        CameoError: every error of `identity.capture.stream.open_clip` and of its frames.
    """
    started, cpu_started = time.perf_counter(), time.thread_time()
    told = 0.0
    with (
        ThreadPoolExecutor(max_workers=1, thread_name_prefix="embed") as aside,
        open_clip(clip, limits, working_side) as stream,
    ):
        watcher = Watcher(engines, aside, pad)
        info = stream.info
        length = info.duration_s or limits.max_seconds
        for frame in stream:
            watcher.see(frame.time_s, frame.picture)
            if progress is not None and frame.time_s >= told:
                told = frame.time_s + PROGRESS_SECONDS
                progress(min(1.0, frame.time_s / length))
        stats = stream.stats
        track = watcher.finish(info)
    before = time.perf_counter()
    verdict = judge(track, script, engines.calibration)
    template = template_of(track, engines.template_format)
    signals = time.perf_counter() - before
    if progress is not None:
        progress(1.0)
    wall = time.perf_counter() - started
    stages = {
        "detect": watcher.tracker.detect_seconds,
        "mesh": watcher.tracker.mesh_seconds,
        "measure": watcher.measure_seconds,
        "signals": signals,
    }
    cpu = time.thread_time() - cpu_started
    return Analysis(
        info=info,
        track=track,
        verdict=verdict,
        template=template,
        pack=engines.pack,
        template_format=engines.template_format,
        script=script,
        timings={
            "decode": stats.cpu_seconds,
            "embed": watcher.sampler.embed_seconds,
            **_shares(stages, cpu, wall - stats.waited_seconds),
            "wall": wall,
            "waited": stats.waited_seconds,
        },
        stats=stats,
    )


def _shares(stages: Mapping[str, float], cpu: float, busy: float) -> dict[str, float]:
    """Processor seconds of each stage, and of the rest.

    Reading the processor's clock for every frame would cost more than some stages do, so it is
    read once, and shared out by the time that each stage took.
    """
    part = min(1.0, cpu / busy) if busy > 0 else 1.0
    shared = {stage: seconds * part for stage, seconds in stages.items()}
    return {**shared, "other": max(0.0, cpu - sum(shared.values()))}


def judge_again(track: Track, script: Script | None, calibration: Calibration) -> Verdict:
    """Returns the verdict on a stored track: the same one, bit for bit."""
    return judge(track, script, calibration)


def template_of(
    track: Track, template_format: str, *, minimum: int = MIN_SAMPLES
) -> Template | None:
    """Returns the template of a clip's good samples; None where there are under `minimum`."""
    vectors = [sample.vectors for sample in good_samples(track)]
    try:
        return template_from_vectors(vectors, template_format, minimum=minimum)
    except TooFewSamples:
        return None
