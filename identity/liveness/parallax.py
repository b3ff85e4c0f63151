"""What moves against what when the head turns: the nose stands out of a face, not of a picture.

The nose's tip is followed from a straight frame to a turned one in the pixels themselves,
against brow and upper lip above and below it. The mesh can't be asked: it puts a nose on
pictures too. A nose looks another from further aside, so a far turn is followed in steps. Only a
few small grey crops are kept, those of one turn at a time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from identity.liveness.geometry import pose
from identity.types import Parallax
from models.engine import Picture

CROP_SIDE: Final = 160
FACE_SIDE: Final = 90.0
"""Pixels across the face in a crop."""
WINDOW: Final = 17
MAX_BACK: Final = 1.0
"""A point followed there and back must come back to within so many pixels."""
STRAIGHT_DEGREES: Final = 4.0
TURNED_DEGREES: Final = 9.5
ANCHOR_SECONDS: Final = 0.4
STEP_DEGREES: Final = 3.0
"""How far a turn goes on before points are followed from the crop there."""
MAX_STEPS: Final = 16
PAIR_SECONDS: Final = 0.07
MAX_PAIRS: Final = 48
MAX_POSES: Final = 1000

_NOSE: Final = (1, 4, 19)
_BROW: Final = (168, 6, 8, 9)
_LIP: Final = (0, 164, 11)
_POINTS: Final = (*_NOSE, *_BROW, *_LIP)
# What a turned face is laid over a straight one by: points all over it, the nose left out.
_FIT: Final = (33, 263, 133, 362, 70, 300, 107, 336, 9, 168, 61, 291, 50, 280, 117, 346, 152, 151)
_FIT_MORE: Final = (205, 425, 10)
_FRAME: Final = (*_FIT, *_FIT_MORE)

Grey = NDArray[np.uint8]
Affine = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Step:
    """A frame laid over the straight one.

    Attributes:
        yaw: degrees from the straight frame.
        crop: shape (160, 160), uint8.
        points: where nose, brow and lip went, shape (P, 2), pixels of the crop; not a number
            where a point was lost.
    """

    yaw: float
    crop: Grey
    points: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class _Anchor:
    time_s: float
    yaw: float
    laid: NDArray[np.float64]
    steps: list[_Step]

    @property
    def points(self) -> NDArray[np.float32]:
        """Where nose, brow and lip are on the straight frame, shape (P, 2)."""
        return self.steps[0].points

    def away_from(self, yaw: float) -> float:
        """How far the nearest step is from a frame at `yaw` degrees, degrees."""
        return min(abs(step.yaw - yaw) for step in self.steps)


@dataclass(slots=True)
class ParallaxMeter:
    """Feed it every frame in order, then `finish`. It keeps crops of 160 × 160, up to 16."""

    _pairs: list[Parallax] = field(default_factory=list)
    _poses: list[tuple[float, float]] = field(default_factory=list)
    _usual: tuple[float, float] = (math.nan, math.nan)
    _anchor: _Anchor | None = None
    _last_pair: float = -math.inf

    def note(self, time_s: float, picture: Picture, points: NDArray[np.float32] | None) -> None:
        """Takes the next frame.

        Args:
            time_s: of the frame.
            picture: RGB uint8, (height, width, 3); not kept.
            points: the mesh on it, shape (468, 3), pixels; None where no face is.
        """
        if points is None or not np.isfinite(points).all():
            return
        yaw, pitch, _ = (float(angle[0]) for angle in pose(points[None]))
        self._note_pose(yaw, pitch)
        anchor = self._anchor
        if anchor is not None and abs(yaw - anchor.yaw) >= STEP_DEGREES:
            new = anchor.away_from(yaw - anchor.yaw) >= STEP_DEGREES
            if new or time_s - self._last_pair >= PAIR_SECONDS:
                self._follow(anchor, time_s, yaw, picture, points)
        elif anchor is None or time_s - anchor.time_s >= ANCHOR_SECONDS:
            away = max(abs(yaw - self._usual[0]), abs(pitch - self._usual[1]) / 2)
            if away <= STRAIGHT_DEGREES:
                self._anchor = _anchored(time_s, yaw, picture, points)

    def _follow(
        self,
        anchor: _Anchor,
        time_s: float,
        yaw: float,
        picture: Picture,
        points: NDArray[np.float32],
    ) -> None:
        if len(self._pairs) >= MAX_PAIRS:
            return
        self._last_pair = time_s
        found = _followed(anchor, yaw - anchor.yaw, picture, points)
        if abs(yaw - anchor.yaw) >= TURNED_DEGREES:
            shift = math.nan if found is None else _shift(anchor, found)
            self._pairs.append(Parallax(time_s, anchor.time_s, shift))

    def finish(self) -> tuple[Parallax, ...]:
        """Returns what was measured, in the order of time."""
        return tuple(self._pairs)

    def _note_pose(self, yaw: float, pitch: float) -> None:
        """Keeps the usual pose so far: what is straight is known only when the clip is over."""
        if len(self._poses) < MAX_POSES:
            self._poses.append((yaw, pitch))
            if len(self._poses) % 8 == 1:
                middle = np.median(np.array(self._poses), axis=0)
                self._usual = (float(middle[0]), float(middle[1]))


def _anchored(
    time_s: float, yaw: float, picture: Picture, points: NDArray[np.float32]
) -> _Anchor | None:
    flat = points[:, :2].astype(np.float64)
    across = flat[263] - flat[33]
    width = float(np.linalg.norm(points[454].astype(np.float64) - points[234]))
    if width < 1.0 or not np.linalg.norm(across) > 0:
        return None
    cos, sin = across / np.linalg.norm(across) * (FACE_SIDE / width)
    turn = np.array([[cos, sin], [-sin, cos]])
    middle = (flat.min(axis=0) + flat.max(axis=0)) / 2
    matrix = np.column_stack([turn, CROP_SIDE / 2 - turn @ middle])
    laid = flat @ turn.T + matrix[:, 2]
    straight = _Step(0.0, _crop(picture, matrix), laid[list(_POINTS)].astype(np.float32))
    return _Anchor(time_s, yaw, laid[list(_FRAME)], [straight])


def _followed(
    anchor: _Anchor, yaw: float, picture: Picture, points: NDArray[np.float32]
) -> _Step | None:
    """Follows the points to a turned frame, from the step that is nearest to it in yaw.

    The turned face is laid over the straight one by the mesh's affine map first, so that only
    what doesn't follow it is left to be found (pyramidal Lucas-Kanade, Bouguet 2001).
    """
    source = np.column_stack([points[list(_FRAME), :2].astype(np.float64), np.ones(len(_FRAME))])
    matrix, _, rank, _ = np.linalg.lstsq(source, anchor.laid, rcond=None)
    if rank < 3 or not np.isfinite(matrix).all():
        return None
    turned = _crop(picture, np.asarray(matrix.T, dtype=np.float64))
    base = min(anchor.steps, key=lambda step: abs(step.yaw - yaw))
    went = _went(base, turned, None)
    if np.isnan(went[: len(_NOSE)]).all():
        # Far out of reach: looked for once more, from where the mesh says it went.
        guess = points[list(_POINTS), :2] @ matrix[:2] + matrix[2]
        went = _went(anchor.steps[0], turned, guess.astype(np.float32))
    found = _Step(yaw, turned, went)
    far = abs(yaw - base.yaw) >= STEP_DEGREES and len(anchor.steps) < MAX_STEPS
    if far and math.isfinite(_shift(anchor, found)):
        anchor.steps.append(found)
    return found


def _shift(anchor: _Anchor, step: _Step) -> float:
    """How far the nose moved against brow and lip, over the face's width; nan where it is lost."""
    moved = (step.points - anchor.points)[:, 0].astype(np.float64) / FACE_SIDE
    first, second = len(_NOSE), len(_NOSE) + len(_BROW)
    parts = [moved[:first], moved[first:second], moved[second:]]
    if any(np.isnan(part).all() for part in parts):
        return math.nan
    nose, brow, lip = (float(np.nanmedian(part)) for part in parts)
    return nose - (brow + lip) / 2


def _went(base: _Step, turned: Grey, guess: NDArray[np.float32] | None) -> NDArray[np.float32]:
    """Where the points of a step went, shape (P, 2); not a number where one was lost."""
    known = np.asarray(np.isfinite(base.points).all(axis=1), dtype=np.bool_)
    before = np.where(known[:, None], base.points, CROP_SIDE / 2).astype(np.float32)[:, None]
    start = None if guess is None else guess[:, None]
    after, there = _follow(base.crop, turned, before, start)
    back, returned = _follow(turned, base.crop, after, None if guess is None else before)
    near = np.linalg.norm((back - before)[:, 0], axis=1) < MAX_BACK
    kept = np.asarray(known & there & returned & near, dtype=np.bool_)
    return np.where(kept[:, None], after[:, 0], np.float32(np.nan)).astype(np.float32)


def _follow(
    one: Grey,
    other: Grey,
    points: NDArray[np.float32],
    guess: NDArray[np.float32] | None,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    found, status, _ = cv2.calcOpticalFlowPyrLK(
        one,
        other,
        points,
        np.empty_like(points) if guess is None else guess.copy(),
        winSize=(WINDOW, WINDOW),
        maxLevel=2,
        criteria=(cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 15, 0.03),
        flags=0 if guess is None else cv2.OPTFLOW_USE_INITIAL_FLOW,
    )
    return np.asarray(found, dtype=np.float32), np.asarray(status[:, 0] > 0, dtype=np.bool_)


def _crop(picture: Picture, matrix: Affine) -> Grey:
    size = (CROP_SIDE, CROP_SIDE)
    part = cv2.warpAffine(
        picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(cv2.cvtColor(part, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
