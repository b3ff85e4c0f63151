"""A plain loop over a clip's frames, of which the chosen ones are worked on."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import Final

import av
import numpy as np
from numpy.typing import NDArray

from benchmarks.identity_peers.jobs import Job, Measured
from benchmarks.pipeline import peak_bytes

THREADS: Final = 2
_MIB: Final = 2**20

Work = Callable[[int, NDArray[np.uint8]], None]


def over_chosen(job: Job, colours: str, work: Work) -> Measured:
    """Decodes every frame, converts and works on the chosen ones, and scales to the clip.

    Seconds = what decoding all frames took + the chosen frames' own seconds × frames / chosen.
    Converting to RGB and turning upright is the chosen frames' own; with every frame chosen
    nothing is scaled.

    Args:
        job: the clip, and which frames.
        colours: `rgb24` or `bgr24`, of the pictures that `work` gets.
        work: is given index and picture, full size, (height, width, 3) uint8.
    """
    chosen = frozenset(job.chosen)
    started, cpu_started = time.perf_counter(), time.process_time()
    inside = cpu_inside = 0.0
    frames = measured = 0
    with av.open(io.BytesIO(job.data), mode="r") as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = THREADS
        for index, frame in enumerate(container.decode(stream)):
            frames += 1
            if index not in chosen:
                continue
            before, cpu_before = time.perf_counter(), time.process_time()
            picture = np.asarray(frame.to_ndarray(format=colours), dtype=np.uint8)
            if job.rotation:
                picture = np.ascontiguousarray(np.rot90(picture, -(job.rotation // 90)))
            work(index, picture)
            inside += time.perf_counter() - before
            cpu_inside += time.process_time() - cpu_before
            measured += 1
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu_started
    more = frames / measured - 1.0 if measured else 0.0
    return Measured(
        seconds=wall + inside * more,
        cpu_s=cpu + cpu_inside * more,
        frames=frames,
        frames_measured=measured,
        peak_mb=round(peak_bytes() / _MIB, 1),
    )
