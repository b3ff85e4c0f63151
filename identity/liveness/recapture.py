"""Traces of a screen or a print in single frames. Soft: it never vetoes.

What is measured was tried on real clips and on simulated screens only; real optics, focus and
glare do more to a picture than any simulation (docs/adr/0012).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from identity.types import NOT_MEASURED, Signal, SignalOutcome, Trace, Track
from models.engine import Picture

TRACE_SECONDS: Final = 0.8
SIDE: Final = 256
MIN_SIDE: Final = 64
MIN_TRACES: Final = 3
MIN_FREQUENCY: Final = 0.10
"""Cycles a pixel: below lie the face's own features."""
AXIS: Final = 0.012
"""About both axes of the spectrum nothing counts: encoders' blocks leave their traces there."""
RINGS: Final = 40
EDGE: Final = 10.0
"""Step of grey from a column to the next but one, of 255, that counts as an edge."""
MAX_MOIRE: Final = 2.4
MAX_BEZEL: Final = 0.8
THRESHOLD: Final = 1.0

WHY: Final = ("ok", NOT_MEASURED, "too_few_frames", "moire", "bezel")

Grey = NDArray[np.float32]


@dataclass(slots=True)
class TraceMeter:
    """Feed it every frame in order, then `finish`. It keeps no picture."""

    _traces: list[Trace] = field(default_factory=list)
    _next: float = -math.inf

    def note(self, time_s: float, picture: Picture, points: NDArray[np.float32] | None) -> None:
        """Takes the next frame.

        Args:
            time_s: of the frame.
            picture: RGB uint8, (height, width, 3); not kept.
            points: the mesh on it, shape (468, 3), pixels; None where no face is.
        """
        if points is None or time_s < self._next or not np.isfinite(points[:, :2]).all():
            return
        height, width = picture.shape[:2]
        low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
        if high[0] <= 0 or high[1] <= 0 or low[0] >= width or low[1] >= height:
            return
        self._next = time_s + TRACE_SECONDS - 1e-6
        patch = _patch(picture, (low + high) / 2)
        if patch is None:
            return
        trace = Trace(
            time_s=time_s,
            moire=_highest_peak(patch),
            bezel=_bezel(picture, float(low[0]), float(high[0])),
            flatness=_flatness(picture, low, high),
        )
        self._traces.append(trace)

    def finish(self) -> tuple[Trace, ...]:
        """Returns what was measured, in the order of time."""
        return tuple(self._traces)


def recapture(track: Track) -> Signal:
    """Neither a screen's grid nor its rim is in the picture.

    Value: the larger of the median height of the spectrum's peak over 2.4 (powers of ten over
    its surroundings) and the median length of upright edges on both sides of the face over 0.8
    (of the picture's height); from 1 on the signal speaks against. `flatness` is recorded and
    doesn't count: honest faces in dull light have less colour than screens. `n` counts frames.
    """
    traces = [t for t in track.traces if math.isfinite(t.moire) and math.isfinite(t.bezel)]
    n = len(traces)
    if not n:
        return Signal("recapture", None, THRESHOLD, SignalOutcome.ABSTAIN, NOT_MEASURED, 0)
    if n < MIN_TRACES:
        return Signal("recapture", None, THRESHOLD, SignalOutcome.ABSTAIN, "too_few_frames", n)
    moire = float(np.median([t.moire for t in traces])) / MAX_MOIRE
    bezel = float(np.median([t.bezel for t in traces])) / MAX_BEZEL
    value = max(moire, bezel)
    if value < THRESHOLD:
        return Signal("recapture", value, THRESHOLD, SignalOutcome.PASS, "ok", n)
    why = "moire" if moire >= bezel else "bezel"
    return Signal("recapture", value, THRESHOLD, SignalOutcome.FAIL, why, n)


def _patch(picture: Picture, middle: NDArray[np.float32]) -> Grey | None:
    """Up to 256 × 256 pixels about the face, grey; at the working size, since resampling
    would wipe out or invent what is looked for."""
    height, width = picture.shape[:2]
    side = min(SIDE, height, width) // 2 * 2
    if side < MIN_SIDE:
        return None
    x = int(np.clip(float(middle[0]) - side / 2, 0, width - side))
    y = int(np.clip(float(middle[1]) - side / 2, 0, height - side))
    part = np.ascontiguousarray(picture[y : y + side, x : x + side])
    return np.asarray(cv2.cvtColor(part, cv2.COLOR_RGB2GRAY), dtype=np.float32)


def _highest_peak(patch: Grey) -> float:
    """Height of the strongest peak over the mean power at its distance, powers of ten."""
    side = patch.shape[0]
    window = np.hanning(side).astype(np.float32)
    power = np.abs(np.fft.rfft2((patch - patch.mean()) * window * window[:, None])) ** 2
    down, across = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None]
    radius = np.hypot(down, across)
    told = (radius >= MIN_FREQUENCY) & (radius < 0.5) & (np.abs(down) > AXIS) & (across > AXIS)
    ring = np.minimum((radius[told] * 2 * RINGS).astype(np.intp), RINGS - 1)
    levels = np.log10(power[told] + 1.0)
    count = np.bincount(ring, minlength=RINGS)
    usual = np.bincount(ring, weights=levels, minlength=RINGS) / np.maximum(count, 1)
    return float((levels - usual[ring]).max(initial=0.0))


def _bezel(picture: Picture, left: float, right: float) -> float:
    """The longest upright edge on either side of the face, the shorter of both, 0 to 1.

    An edge's length is the share of rows that step the same way at one column, give or take two.
    """
    grey = cv2.cvtColor(np.ascontiguousarray(picture[::2]), cv2.COLOR_RGB2GRAY).astype(np.int16)
    step = grey[:, 2:] - grey[:, :-2]
    lengths = np.zeros(step.shape[1])
    for sign in (1, -1):
        hit = (sign * step > EDGE).astype(np.uint8)
        near = cv2.dilate(hit, np.ones((1, 5), dtype=np.uint8))
        lengths = np.maximum(lengths, near.mean(axis=0))
    first = int(np.clip(left, 0, lengths.size))
    last = int(np.clip(right, 0, lengths.size))
    sides = (lengths[:first], lengths[last:])
    return min(float(side.max(initial=0.0)) for side in sides)


def _flatness(picture: Picture, low: NDArray[np.float32], high: NDArray[np.float32]) -> float:
    """Standard deviation of red less green over the face, of 255; a thin grid of pixels."""
    x0, y0 = (int(max(0.0, float(v))) for v in low)
    part = picture[y0 : int(high[1]) + 1 : 4, x0 : int(high[0]) + 1 : 4].astype(np.int16)
    return float((part[..., 0] - part[..., 1]).std()) if part.size else math.nan
