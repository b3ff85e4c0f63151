"""What the pack's PAD engine says of the clip's good frames. Soft: it never vetoes.

An engine of this kind knows the attacks, cameras and light that it was trained on; docs/models.md
has what it gave on real clips.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from common.errors import CameoError
from identity.liveness.geometry import pose
from identity.types import NOT_MEASURED, PadScore, Signal, SignalOutcome, Track
from models.engine import PadEngine, Picture

MIN_SCORES: Final = 8
MAX_SCORES: Final = 24
SCORE_SECONDS: Final = 0.4
"""Between scores; longer once many are taken, so that 24 reach over any clip."""
LATE_SECONDS: Final = 1.2
LATE_FROM: Final = 12
MAX_YAW: Final = 20.0
MAX_PITCH: Final = 22.0
MAX_MOVED: Final = 0.03
"""Of the face's size between two frames: a face that moves faster is blurred."""
THRESHOLD: Final = 0.3
LOW_PERCENTILE: Final = 20

# Where the detector's box lies in the mesh's, in parts of its width and height: medians over 80
# frames of five real clips; a single box differs by 0.03 (standard deviation).
BOX_LEFT: Final = -0.06
BOX_TOP: Final = 0.09
BOX_RIGHT: Final = 1.03
BOX_BOTTOM: Final = 1.0

WHY: Final = ("ok", NOT_MEASURED, "too_few_frames", "low")

Box = tuple[float, float, float, float]


@dataclass(slots=True)
class PadMeter:
    """Feed it every frame in order, then `finish`. It keeps no picture.

    Attributes:
        engine: of the pack; None where none is installed, and then nothing is measured.
    """

    engine: PadEngine | None
    _scores: list[PadScore] = field(default_factory=list)
    _next: float = -math.inf
    _last: NDArray[np.float32] | None = None

    def note(self, time_s: float, picture: Picture, points: NDArray[np.float32] | None) -> None:
        """Takes the next frame.

        Args:
            time_s: of the frame.
            picture: RGB uint8, (height, width, 3); not kept.
            points: the mesh on it, shape (468, 3), pixels; None where no face is.
        """
        last, self._last = self._last, points
        if self.engine is None or points is None or last is None or time_s < self._next:
            return
        if len(self._scores) >= MAX_SCORES or not _is_good(last, points):
            return
        try:
            score = self.engine.score(picture, detector_box(points))
        except CameoError:
            # Nothing to judge there; too few scores is what the signal will say.
            return
        self._scores.append(PadScore(time_s, score))
        late = len(self._scores) >= LATE_FROM
        self._next = time_s + (LATE_SECONDS if late else SCORE_SECONDS) - 1e-6

    def finish(self) -> tuple[PadScore, ...]:
        """Returns what was measured, in the order of time."""
        return tuple(self._scores)


def detector_box(points: NDArray[np.float32]) -> Box:
    """Returns (x0, y0, x1, y1), about what the detector's box is on the face, pixels.

    Args:
        points: the mesh, shape (468, 3), pixels. Its box reaches from the hairline to the chin;
            the detector's begins lower and is a little wider.
    """
    x0, y0 = (float(v) for v in points[:, :2].min(axis=0))
    x1, y1 = (float(v) for v in points[:, :2].max(axis=0))
    wide, high = x1 - x0, y1 - y0
    return (
        x0 + BOX_LEFT * wide,
        y0 + BOX_TOP * high,
        x0 + BOX_RIGHT * wide,
        y0 + BOX_BOTTOM * high,
    )


def pad_model(track: Track) -> Signal:
    """The engine takes the face for bona fide.

    Value: the mean of the scores' median and their 20th percentile, 0 to 1; threshold 0.3, below
    which the signal is `low`. `n` counts scores. It abstains with fewer than 8, and where there
    is no engine.
    """
    scores = np.array([each.score for each in track.pad], dtype=np.float64)
    scores = scores[np.isfinite(scores)]
    n = int(scores.size)
    if not n:
        return Signal("pad_model", None, THRESHOLD, SignalOutcome.ABSTAIN, NOT_MEASURED, 0)
    if n < MIN_SCORES:
        return Signal("pad_model", None, THRESHOLD, SignalOutcome.ABSTAIN, "too_few_frames", n)
    value = float(np.median(scores) + np.percentile(scores, LOW_PERCENTILE)) / 2
    if value < THRESHOLD:
        return Signal("pad_model", value, THRESHOLD, SignalOutcome.FAIL, "low", n)
    return Signal("pad_model", value, THRESHOLD, SignalOutcome.PASS, "ok", n)


def _is_good(last: NDArray[np.float32], points: NDArray[np.float32]) -> bool:
    """Whether the face looks ahead, more or less, and holds still."""
    if not np.isfinite(points).all():
        return False
    yaw, pitch, _ = (float(angle[0]) for angle in pose(points[None]))
    size = float(np.ptp(points[:, :2], axis=0).max())
    moved = float(np.linalg.norm(points[:, :2].mean(axis=0) - last[:, :2].mean(axis=0)))
    return abs(yaw) <= MAX_YAW and abs(pitch) <= MAX_PITCH and moved <= MAX_MOVED * max(size, 1.0)
