"""Whether what turns is a head or a picture of one.

Two measures, both on frames turned to the side against straight ones (docs/adr/0012). A flat
picture that is turned gets narrower; the mesh engine, which knows heads only, has to make up for
that by a head of other proportions. A bent one keeps its proportions, but nothing stands out of
it: on a head the nose's tip moves against brow and lip, in the pixels.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from identity.liveness.events import find_neutral
from identity.liveness.geometry import Motion, Series, eye_distance, motion_of
from identity.prompts import DEFAULT_YAW, Direction, Kind, Script
from identity.types import NOT_APPLICABLE, Signal, SignalOutcome, Track

FRONTAL_YAW: Final = 5.0
FRONTAL_PITCH: Final = 6.0
TURNED_YAW: Final = 12.0
"""From here on a frame counts as turned: peaks of turns of 15° have few frames above them."""
TURNED_PITCH: Final = 10.0
MIN_FRONTAL: Final = 5
MIN_TURNED: Final = 3
MAX_CHANGE: Final = 0.08
"""By how much the face's proportion may change: on heads up to 0.06, on flat pictures from 0.09."""
PAIR_YAW: Final = 10.0
MIN_PAIRS: Final = 3
SHARE: Final = 60
"""Percentile over the pairs; above the median, since a nose that is lost reads as none."""
MIN_PARALLAX: Final = 0.028
"""Of the face's width for a turn by 90°: on heads from 0.04, on pictures up to 0.02."""

WHY: Final = (
    "ok",
    NOT_APPLICABLE,
    "no_face",
    "turn_not_seen",
    "not_followed",
    "flat",
    "bent",
)

_SIDES: Final = (Direction.LEFT, Direction.RIGHT)


def depth(track: Track, script: Script | None) -> Signal:
    """The head keeps its proportions when it turns, and its nose stands out of it.

    Value and threshold: by what part the distance of the eyes over the length of the nose
    differs between turned and frontal frames (medians, of the mesh in three dimensions), at most
    0.08; where that holds, how far the nose's tip moves against brow and lip over the face's
    width and the sine of the turn (60th percentile over pairs of frames), at least 0.028. `n`
    counts turned frames or pairs.

    Not applicable without a prompt for a turn to the left or right; where none asks for 15° or
    more, it only counts if so much of a turn is seen that both can be measured.

    Args:
        track: of the clip.
        script: what was asked, or None.
    """
    if script is None or not any(_is_sideways(p.kind, p.direction) for p in script.prompts):
        return _abstain(NOT_APPLICABLE, 0)
    wide = asks_for_depth(script)
    present = track.present
    if not present.any():
        return _abstain("no_face" if wide else NOT_APPLICABLE, 0)
    motion = motion_of(track)
    neutral = find_neutral(motion, script)
    yaw, pitch = motion.yaw - neutral.yaw, np.abs(motion.pitch - neutral.pitch)
    frontal = (np.abs(yaw) <= FRONTAL_YAW) & (pitch <= FRONTAL_PITCH)
    turned = (np.abs(yaw) >= TURNED_YAW) & (pitch <= TURNED_PITCH)
    n = int(np.count_nonzero(turned))
    if n < MIN_TURNED or np.count_nonzero(frontal) < MIN_FRONTAL:
        return _abstain("turn_not_seen" if wide else NOT_APPLICABLE, n)
    shape = proportion(track.meshes[present])
    change = abs(float(np.exp(np.median(shape[turned]) - np.median(shape[frontal]))) - 1.0)
    if not change <= MAX_CHANGE:
        return Signal("depth", change, MAX_CHANGE, SignalOutcome.FAIL, "flat", n)
    shifts = relative_shifts(track, motion, yaw, pitch)
    if shifts.size < MIN_PAIRS:
        return _abstain("not_followed" if wide else NOT_APPLICABLE, int(shifts.size))
    value, pairs = float(np.percentile(shifts, SHARE)), int(shifts.size)
    if value < MIN_PARALLAX:
        return Signal("depth", value, MIN_PARALLAX, SignalOutcome.FAIL, "bent", pairs)
    return Signal("depth", value, MIN_PARALLAX, SignalOutcome.PASS, "ok", pairs)


def asks_for_depth(script: Script) -> bool:
    """Whether a prompt asks for a turn to the side of at least 15°."""
    return any(
        _is_sideways(prompt.kind, prompt.direction) and (prompt.min_degrees or 0.0) >= DEFAULT_YAW
        for prompt in script.prompts
    )


def proportion(meshes: NDArray[np.float32]) -> Series:
    """Returns the log of the eyes' distance over the nose's length, in 3-D, shape (N,).

    The nose's length is the geometric mean of those from between the brows (9) and from
    between the eyes (168) to its base (2): no expression moves these much.
    """
    points = meshes.astype(np.float64)
    base = points[:, 2]
    lengths = [np.linalg.norm(points[:, k] - base, axis=1) for k in (9, 168)]
    noses = [np.log(np.maximum(length, 1e-9)) for length in lengths]
    eyes = np.log(np.maximum(eye_distance(meshes), 1e-9))
    return np.asarray(eyes - (noses[0] + noses[1]) / 2, dtype=np.float64)


def relative_shifts(track: Track, motion: Motion, yaw: Series, pitch: Series) -> Series:
    """Returns the nose's shift over the sine of the turn for each pair that can be used.

    Args:
        track: of the clip.
        motion: of the head, N frames with a face.
        yaw: degrees from neutral, shape (N,).
        pitch: degrees from neutral either way, shape (N,).
    """
    found = []
    for pair in track.parallaxes:
        after, before = _index(motion.times, pair.time_s), _index(motion.times, pair.before_s)
        if after is None or before is None or not np.isfinite(pair.shift):
            continue
        if abs(yaw[after]) < PAIR_YAW or pitch[after] > TURNED_PITCH:
            continue
        if abs(yaw[before]) > FRONTAL_YAW:
            continue
        turn = np.sin(np.radians(yaw[after])) - np.sin(np.radians(yaw[before]))
        if abs(turn) > 1e-3:
            found.append(pair.shift / float(turn))
    return np.asarray(found, dtype=np.float64)


def _index(times: Series, time_s: float) -> int | None:
    """The frame of a time; None where that frame has no face."""
    i = int(np.searchsorted(times, time_s - 1e-6))
    return i if i < times.size and abs(float(times[i]) - time_s) <= 1e-6 else None


def _is_sideways(kind: Kind, direction: Direction | None) -> bool:
    return kind is Kind.TURN and direction in _SIDES


def _abstain(why: str, n: int) -> Signal:
    return Signal("depth", None, MAX_CHANGE, SignalOutcome.ABSTAIN, why, n)
