"""Takes the best frame of every 0.4 s and has the embedders describe it.

One candidate's crop is kept at a time, and those that still wait to be described: the embedders
may work aside, while the next frames are decoded and tracked. An interval also ends where the
track breaks, so that no sample stands for two faces, and a face shown for half a second has a
sample of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from common.errors import CameoError
from identity.liveness.geometry import eye_opening, mouth_opening, pose
from identity.liveness.quality import FrameQuality, measure_quality
from identity.types import Sample, Vector
from models.engine import Embedder, Picture

SAMPLE_SECONDS: Final = 0.4
EARLY_SECONDS: Final = 0.25
"""While there are few samples yet: a short clip shall give enough of them for a template."""
EARLY_SAMPLES: Final = 10
MAX_SAMPLES: Final = 700
"""Out of reach: a minute, the longest that is taken, holds 667 stretches of the shortest kind."""
SHORTEST_SECONDS: Final = 0.09
"""A stretch between two breaks that is shorter has no sample. So no movement that short counts
as an answer either (`events.SHORTEST_MOVEMENT`): nobody answers a prompt unseen."""
_CROP_MARGIN: Final = 0.45
_BETTER_BY: Final = 1.0
_DEGREES_FOR_MOVING: Final = 300.0
"""A face that moves by its own size between two frames counts as turned this far."""
_DEGREES_FOR_SHUT_EYES: Final = 8.0
_DEGREES_FOR_OPEN_MOUTH: Final = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    time_s: float
    cost: float
    crop: Picture
    points: NDArray[np.float32]
    origin: tuple[int, int]
    shape: tuple[int, int]
    yaw: float
    pitch: float


@dataclass(slots=True)
class Sampler:
    """Feed it every frame that has a face, in order, then `finish`.

    Attributes:
        embedders: of the pack; nobody else may use them until `finish` returned.
        aside: one thread that describes samples meanwhile; None to do it at once.
        embed_seconds: processor time spent on samples, once `finish` returned.
    """

    embedders: Sequence[Embedder]
    aside: Executor | None = None
    clock: Callable[[], float] = time.thread_time
    embed_seconds: float = 0.0
    _taken: list[Future[Sample | None]] = field(default_factory=list)
    _best: _Candidate | None = None
    _opened: float = 0.0
    _last_middle: NDArray[np.float32] | None = None

    def take(
        self, time_s: float, picture: Picture, points: NDArray[np.float32], *, broken: bool
    ) -> None:
        """Considers a frame.

        Args:
            time_s: of the frame.
            picture: RGB uint8, (height, width, 3); only a part of it is copied.
            points: the mesh, shape (468, 3), pixels.
            broken: whether the track broke just before this frame.
        """
        seconds = EARLY_SECONDS if len(self._taken) < EARLY_SAMPLES else SAMPLE_SECONDS
        if broken or time_s - self._opened >= seconds - 1e-6:
            self._close(broken=broken, time_s=time_s)
            self._opened = time_s
        low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
        side = max(float((high - low).max()), 1.0)
        middle = (low + high) / 2
        moved = 0.0
        if self._last_middle is not None and not broken:
            moved = float(np.linalg.norm(middle - self._last_middle)) / side
        self._last_middle = middle
        cost, yaw, pitch = _cost(points, moved)
        if self._best is not None and cost > self._best.cost - _BETTER_BY:
            return
        height, width = picture.shape[:2]
        margin = _CROP_MARGIN * side
        x0, y0 = (int(max(0, v)) for v in np.floor(low - margin))
        x1, y1 = int(min(width, high[0] + margin + 1)), int(min(height, high[1] + margin + 1))
        if x1 - x0 < 2 or y1 - y0 < 2:
            return
        moved_points = points - np.array([x0, y0, 0], dtype=np.float32)
        crop = np.ascontiguousarray(picture[y0:y1, x0:x1])
        if crop.base is not None or not crop.flags.owndata:
            crop = crop.copy()
        self._best = _Candidate(
            time_s, cost, crop, moved_points, (x0, y0), (height, width), yaw, pitch
        )

    def lost(self) -> None:
        """Says that a frame had no face: what comes next is a new interval."""
        self._close(broken=True, time_s=None)
        self._last_middle = None

    def finish(self) -> tuple[Sample, ...]:
        """Returns all samples, the last interval's too."""
        self._close(broken=True, time_s=None)
        found = [taken.result() for taken in self._taken]
        return tuple(sample for sample in found if sample is not None)

    def _close(self, *, broken: bool, time_s: float | None) -> None:
        best, self._best = self._best, None
        if best is None or len(self._taken) >= MAX_SAMPLES:
            return
        # The stretch's own length counts, whatever came before it: one that begins just after a
        # sample may show somebody else all the same.
        if broken and time_s is not None and time_s - self._opened < SHORTEST_SECONDS - 1e-6:
            return
        if self.aside is not None:
            self._taken.append(self.aside.submit(self._describe, best))
            return
        done: Future[Sample | None] = Future()
        done.set_result(self._describe(best))
        self._taken.append(done)

    def _describe(self, best: _Candidate) -> Sample | None:
        started = self.clock()
        quality = measure_quality(best.crop, best.points, best.shape, best.origin)
        vectors = self._embed(best)
        self.embed_seconds += self.clock() - started
        return None if vectors is None else _sample(best, quality, vectors)

    def _embed(self, best: _Candidate) -> tuple[Vector, ...] | None:
        try:
            return tuple(e.embed(best.crop, best.points) for e in self.embedders)
        except CameoError:
            # Nothing to describe there; too few samples is what the signals will say.
            return None


def _cost(points: NDArray[np.float32], moved: float) -> tuple[float, float, float]:
    """Degrees by which a frame is worse than a straight, still one; its yaw and pitch."""
    one = points[None]
    yaw, pitch, _ = (float(angle[0]) for angle in pose(one))
    cost = float(np.hypot(yaw, pitch)) + _DEGREES_FOR_MOVING * moved
    if float(eye_opening(one)[0]) < 0.15:
        cost += _DEGREES_FOR_SHUT_EYES
    if float(mouth_opening(one)[0]) > 0.25:
        cost += _DEGREES_FOR_OPEN_MOUTH
    return cost, yaw, pitch


def _sample(best: _Candidate, quality: FrameQuality, vectors: tuple[Vector, ...]) -> Sample:
    return Sample(
        time_s=best.time_s,
        vectors=vectors,
        brightness=quality.brightness,
        contrast=quality.contrast,
        sharpness=quality.sharpness,
        yaw=best.yaw,
        pitch=best.pitch,
        margin=quality.margin,
    )
