"""Finds what happened in a clip: turns, blinks and open mouths, whether asked for or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from identity.liveness.geometry import Motion, Series
from identity.prompts import Direction, Kind, Script

TURN_PROMINENCE: Final = 2.5
"""Degrees a turn's peak stands out by, at least: below that it is the trembling of the mesh."""
TURN_MIN_DEGREES: Final = 4.0
BLINK_PROMINENCE: Final = 0.12
"""Part of the usual opening that a blink's lowest point stands out by."""
BLINK_OF_MEDIAN: Final = 0.76
BLINK_OF_AROUND: Final = 0.82
"""A lid that shuts between two frames leaves only a shallow dip: it then counts against the
opening just around it, where a downward look can't pass for one."""
BLINK_REACH: Final = 1.0
BLINK_APART: Final = 0.12
BLINK_DIP: Final = 0.35
MOUTH_OPEN: Final = 0.32
MOUTH_RISE: Final = 0.12
SHORTEST_MOVEMENT: Final = 0.12
"""Seconds that a turn or an open mouth stays above half of its peak, at least. People take three
times as long; frames of somebody else, put in for less than a sample's time, do not."""
HOLD_SPREAD: Final = 6.0
HOLD_SECONDS: Final = 0.4


@dataclass(frozen=True, slots=True)
class Event:
    """Something the person did: its peak, and by how much.

    Attributes:
        time_s: of the peak.
        size: degrees of a turn from neutral; opening of a mouth (height over width); of a
            blink, the opening over its usual.
    """

    time_s: float
    size: float


@dataclass(frozen=True, slots=True)
class Neutral:
    """The person's own straight look.

    Attributes:
        yaw, pitch: degrees as the mesh reads them.
        spread: degrees between the 10th and the 90th percentile of yaw or pitch, the larger,
            while holding; None where the clip's medians stand in for a hold.
    """

    yaw: float
    pitch: float
    spread: float | None


@dataclass(frozen=True, slots=True)
class Events:
    """Everything that happened, each kind in the order of time."""

    neutral: Neutral
    turns: Mapping[Direction, tuple[Event, ...]]
    blinks: tuple[Event, ...]
    mouths: tuple[Event, ...]


def find_events(motion: Motion, script: Script | None = None) -> Events:
    """Returns what happened.

    Args:
        motion: at least one frame.
        script: a `hold` in it says when the person's neutral pose is measured; without one
            the medians over the clip are taken.
    """
    neutral = find_neutral(motion, script)
    yaw = _steadied(motion.times, motion.yaw) - neutral.yaw
    pitch = _steadied(motion.times, motion.pitch) - neutral.pitch
    sides = (
        (Direction.LEFT, yaw),
        (Direction.RIGHT, -yaw),
        (Direction.UP, pitch),
        (Direction.DOWN, -pitch),
    )
    turns = {side: _turns(motion.times, degrees) for side, degrees in sides}
    return Events(neutral, turns, find_blinks(motion), find_mouths(motion))


def find_neutral(motion: Motion, script: Script | None = None) -> Neutral:
    """Returns the neutral pose: of the first `hold` where there is one, else the medians."""
    holds = [p for p in script.prompts if p.kind is Kind.HOLD] if script is not None else []
    if holds:
        inside = (motion.times >= holds[0].start) & (motion.times <= holds[0].end)
        if inside.sum() >= 3:
            yaw, pitch = motion.yaw[inside], motion.pitch[inside]
            spread = max(_spread(yaw), _spread(pitch))
            return Neutral(float(np.median(yaw)), float(np.median(pitch)), spread)
    return Neutral(float(np.median(motion.yaw)), float(np.median(motion.pitch)), None)


def _spread(values: Series) -> float:
    low, high = np.percentile(values, (10, 90))
    return float(high - low)


def _steadied(times: Series, values: Series) -> Series:
    """Takes single frames that stick out back to their neighbours (median of three).

    Below 20 frames a second a peak may be one frame wide, and is left alone.
    """
    if values.size < 3 or float(np.median(np.diff(times))) > 0.05:
        return values
    around = np.stack([values[:-2], values[1:-1], values[2:]])
    return np.concatenate([values[:1], np.median(around, axis=0), values[-1:]])


def prominent_peaks(values: Series, prominence: float) -> tuple[tuple[int, float], ...]:
    """Returns (index, prominence) of the peaks that stand out by at least `prominence`.

    A peak's prominence is its height over the higher of the two lowest points that lie
    between it and higher ground, or the end of the series, on either side (the topographic
    definition). A peak at the end of the series has its prominence from its one side.
    """
    peaks = []
    for i in _tops(values):
        left = values[: i + 1][::-1]
        right = values[i:]
        # Of equal tops the first one counts, so that a plateau or a tie gives one peak.
        higher_left = np.flatnonzero(left >= values[i])[1:]
        higher_right = np.flatnonzero(right > values[i])
        higher_left = higher_left[left[higher_left] > values[i]]
        low_left = left[: higher_left[0]].min() if higher_left.size else left.min()
        low_right = right[: higher_right[0]].min() if higher_right.size else right.min()
        if i == 0:
            base = low_right
        elif i == values.size - 1:
            base = low_left
        else:
            base = max(low_left, low_right)
        height = float(values[i] - base)
        if height >= prominence:
            peaks.append((int(i), height))
    return tuple(peaks)


def _tops(values: Series) -> list[int]:
    """Indices of local maxima; of a plateau its middle; the ends where the series falls off."""
    if values.size < 2:
        return []
    starts = np.concatenate([[0], np.flatnonzero(np.diff(values)) + 1])
    ends = np.concatenate([starts[1:], [values.size]])
    levels = values[starts]
    padded = np.concatenate([[-np.inf], levels, [-np.inf]])
    tops = np.flatnonzero((padded[1:-1] > padded[:-2]) & (padded[1:-1] > padded[2:]))
    edge = {0: 0, len(levels) - 1: values.size - 1}
    return [edge.get(int(k), int((starts[k] + ends[k] - 1) // 2)) for k in tops]


def _turns(times: Series, degrees: Series) -> tuple[Event, ...]:
    peaks = prominent_peaks(degrees, TURN_PROMINENCE)
    return tuple(
        Event(float(times[i]), float(degrees[i]))
        for i, _ in peaks
        if degrees[i] >= TURN_MIN_DEGREES
        and _seconds_above(times, degrees, i, float(degrees[i]) / 2) >= SHORTEST_MOVEMENT
    )


def _seconds_above(times: Series, values: Series, i: int, level: float) -> float:
    """How long the values around i stay above a level, a frame's own time included."""
    below = np.flatnonzero(values < level)
    first = int(below[below < i][-1]) + 1 if (below < i).any() else 0
    last = int(below[below > i][0]) - 1 if (below > i).any() else values.size - 1
    frame = float(np.median(np.diff(times))) if times.size > 1 else 0.0
    return float(times[last] - times[first]) + frame


def find_blinks(motion: Motion) -> tuple[Event, ...]:
    """Returns the blinks: their lowest points, sizes over the clip's median opening."""
    usual = max(float(np.median(motion.eyes)), 1e-6)
    opening = motion.eyes / usual
    blinks: list[Event] = []
    for i in _tops(-opening):
        if i in (0, opening.size - 1) or not _is_blink(motion.times, opening, i):
            continue
        event = Event(float(motion.times[i]), float(opening[i]))
        if blinks and event.time_s - blinks[-1].time_s < BLINK_APART:
            if event.size < blinks[-1].size:
                blinks[-1] = event
        else:
            blinks.append(event)
    return tuple(blinks)


def _is_blink(times: Series, opening: Series, i: int) -> bool:
    """Whether the lids come down to frame i and go up again."""
    near = np.abs(times - times[i]) <= BLINK_REACH
    before = opening[: i + 1][near[: i + 1]]
    after = opening[i:][near[i:]]
    # Only as far as the next lower point: what is beyond belongs to that one.
    lower = np.flatnonzero(before < opening[i])
    before = before[lower[-1] :] if lower.size else before
    lower = np.flatnonzero(after < opening[i])
    after = after[: lower[0] + 1] if lower.size else after
    if min(before.max(), after.max()) - opening[i] < BLINK_PROMINENCE:
        return False
    close = np.abs(times - times[i]) <= BLINK_DIP
    around = min(opening[: i + 1][close[: i + 1]].max(), opening[i:][close[i:]].max())
    return bool(opening[i] <= BLINK_OF_MEDIAN or opening[i] <= BLINK_OF_AROUND * around)


def find_mouths(motion: Motion) -> tuple[Event, ...]:
    """Returns the times at which the mouth was wide open, sizes being height over width."""
    return tuple(
        Event(float(motion.times[i]), float(motion.mouth[i]))
        for i, rise in prominent_peaks(motion.mouth, MOUTH_RISE)
        if motion.mouth[i] >= MOUTH_OPEN
        and _seconds_above(motion.times, motion.mouth, i, float(motion.mouth[i]) - rise / 2)
        >= SHORTEST_MOVEMENT
    )
