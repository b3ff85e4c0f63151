"""The contenders: each builder loads its models and returns what runs one clip.

Builders run in a process of their own (benchmarks/identity_peers/workers.py), and import what
they need there, so that nobody's memory holds another's libraries.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.identity_peers.frames import over_chosen
from benchmarks.identity_peers.jobs import Job, Mark, Measured, mark_of
from benchmarks.pipeline import _bare_decoding, peak_bytes

UPSAMPLE: Final = 1
"""`number_of_times_to_upsample` of face_recognition's face_locations, its default."""
DETECTOR_SIDE: Final = 640
_MIB: Final = 2**20

Run = Callable[[Job], Measured]


def bare_decoding() -> Run:
    """Decodes and nothing else, by the function that benchmarks.pipeline has for it."""

    def run(job: Job) -> Measured:
        before = time.process_time()
        seconds = _bare_decoding(job.data)
        cpu, peak = time.process_time() - before, round(peak_bytes() / _MIB, 1)
        return Measured(seconds, cpu, frames=0, frames_measured=0, peak_mb=peak)

    return run


class Pipeline:
    """This project's, from the bytes to the verdict with the sandboxed decoder."""

    def __init__(self, pack: str, models_dir: Path) -> None:
        """Loads the pack.

        Raises:
            CameoError: the pack can't be used.
        """
        from identity.capture.stream import warm_decoders
        from models.runtime import load_engines

        self._engines = load_engines(pack, models_dir)
        self.marks: dict[int, Mark] = {}
        self.rotation = 0
        warm_decoders()

    def __call__(self, job: Job) -> Measured:
        """Analyses one clip, and keeps where the face was in each frame.

        Raises:
            CameoError: the clip can't be analysed.
        """
        from identity.capture.types import OWN_FILES
        from identity.runtime.analysis import analyse

        started, cpu_started = time.perf_counter(), time.process_time()
        analysis = analyse(job.data, None, self._engines, limits=OWN_FILES)
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu_started
        track, decoder = analysis.track, analysis.stats
        found = ((index, mark_of(mesh, track.scale)) for index, mesh in enumerate(track.meshes))
        peak = round(peak_bytes() / _MIB, 1)
        self.marks = {index: mark for index, mark in found if mark is not None}
        self.rotation = analysis.info.rotation
        frames = int(track.times.size)
        return Measured(
            seconds=seconds,
            cpu_s=cpu + decoder.cpu_seconds,
            frames=frames,
            frames_measured=frames,
            peak_mb=peak,
            facts={
                "decoder_peak_mb": round(decoder.peak_rss_bytes / _MIB, 1),
                "outcome": str(analysis.verdict.outcome),
                "width": analysis.info.width,
                "height": analysis.info.height,
                "clip_seconds": round(frames / max(1, frames - 1) * float(track.times[-1]), 3),
            },
        )

    def close(self) -> None:
        """Ends the decoders that wait."""
        from identity.capture.stream import close_decoders

        close_decoders()


def face_recognition_style(weights: Path) -> Run:
    """dlib's HOG detector on every frame, then dlib's descriptor of every face it finds.

    The landmarks are given: they come from our mesh, and cost this loop nothing.

    Args:
        weights: `dlib_face_recognition_resnet_model_v1.dat`, its digest already verified.
    """
    import dlib

    detector = dlib.get_frontal_face_detector()
    network = dlib.face_recognition_model_v1(str(weights))

    def run(job: Job) -> Measured:
        found = described = 0

        def work(index: int, picture: NDArray[np.uint8]) -> None:
            nonlocal found, described
            rectangles = detector(picture, UPSAMPLE)
            found += bool(rectangles)
            mark = job.marks.get(index)
            if mark is None:
                return
            points = [dlib.point(round(x), round(y)) for x, y in mark.dlib_five]
            for rectangle in rectangles:
                face = dlib.full_object_detection(rectangle, points)
                network.compute_face_descriptor(picture, face, 1)
                described += 1

        measured = over_chosen(job, "rgb24", work)
        return replace(measured, facts={"frames_with_face": found, "descriptors": described})

    return run


def insightface_style(folder: Path, *, random_weights: bool) -> Run:
    """InsightFace's `FaceAnalysis` on every frame, det_size 640×640, detection and recognition.

    Args:
        folder: holds a detector and a recogniser, ONNX.
        random_weights: whether the detector can't find faces; then the recogniser runs once a
            frame on the crop aligned by our mesh, which costs this loop nothing.
    """
    from insightface.app import FaceAnalysis
    from insightface.app.common import Face

    analysis: Any = FaceAnalysis(
        name=str(folder.resolve(strict=True)),
        allowed_modules=["detection", "recognition"],
        providers=["CPUExecutionProvider"],
    )
    analysis.prepare(ctx_id=-1, det_size=(DETECTOR_SIDE, DETECTOR_SIDE))
    recogniser = analysis.models["recognition"]

    def run(job: Job) -> Measured:
        found = described = 0

        def work(index: int, picture: NDArray[np.uint8]) -> None:
            nonlocal found, described
            faces = analysis.get(picture)
            found += bool(faces)
            described += len(faces)
            mark = job.marks.get(index)
            if random_weights and mark is not None:
                points = np.array(mark.arcface_five, dtype=np.float32)
                recogniser.get(picture, Face(kps=points))
                described += 1

        with warnings.catch_warnings():
            # scikit-image's word on a method that the library still calls.
            warnings.filterwarnings("ignore", r"`estimate` is deprecated", FutureWarning)
            measured = over_chosen(job, "bgr24", work)
        return replace(measured, facts={"frames_with_face": found, "descriptors": described})

    return run
