"""What the simulated person does when: from prompts to the state of the head at each moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from tests.simulation.script import Prompt

REACTION_S: Final = 0.25
MARGIN_DEGREES: Final = 6.0
_BACK_BEFORE_END_S: Final = 0.15
_BLINK_SHUT_S, _BLINK_MOVE_S = 0.20, 0.08


@dataclass(frozen=True, slots=True)
class Moment:
    """The head and the hand that holds the camera at one instant.

    Attributes:
        yaw, pitch, roll: degrees from neutral; positive yaw toward the picture's right edge
            (the subject's own left), positive pitch up.
        lids: 0 open, 1 shut. mouth: 0 shut, 1 wide open.
        smile: 1 keeps the portrait's own smile, 0 shuts the mouth.
        shake_x, shake_y: pixels of the frame. shake_roll: degrees. zoom: factor.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    lids: float = 0.0
    mouth: float = 0.0
    smile: float = 0.0
    shake_x: float = 0.0
    shake_y: float = 0.0
    shake_roll: float = 0.0
    zoom: float = 1.0


@dataclass(frozen=True, slots=True)
class Reach:
    """How far this head must really turn for the mesh to read so many degrees.

    Attributes:
        readings: for each direction, pairs (true degrees, what the mesh read), both rising.
        chin_lift: degrees of pitch that the mesh reads on a wide open mouth without any.
        blink_lift: degrees by which the head is best raised in a blink.
    """

    readings: Mapping[str, tuple[tuple[float, float], ...]]
    chin_lift: float = 0.0
    blink_lift: float = 0.0

    def true_degrees(self, direction: str, reading: float) -> float:
        """The turn that reads as `reading`, or the largest there is."""
        true, read = zip(*self.readings[direction], strict=True)
        return float(np.interp(reading, read, true))


class Sway:
    """Slow involuntary movement of head and hand: sums of sines, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        chance = np.random.default_rng(seed)
        # Rows: yaw, pitch, roll (degrees), shake x, y (parts of the frame), roll, zoom.
        reach = np.array([0.7, 0.5, 0.4, 0.003, 0.0025, 0.25, 0.002])
        slow, quick = chance.uniform(0.15, 0.45, (7, 2)), chance.uniform(0.8, 2.0, (7, 1))
        self._hertz = np.hstack([slow, quick])
        self._phase = chance.uniform(0.0, 2 * np.pi, (7, 3))
        self._size = reach[:, None] * np.array([0.55, 0.35, 0.10])

    def at(self, t: float) -> tuple[float, ...]:
        """The seven values at second `t`."""
        waves = self._size * np.sin(2 * np.pi * self._hertz * t + self._phase)
        return tuple(float(value) for value in waves.sum(axis=1))


def moment_at(
    t: float,
    prompts: tuple[Prompt, ...],
    reach: Reach,
    sway: Sway,
    width: int,
    *,
    shake: float = 1.0,
) -> Moment:
    """Where head, lids and mouth are at second `t` of a frame `width` pixels wide.

    `shake` is a factor on what the hand does, not on the head's own sway.
    """
    yaw, pitch, roll, x, y, shake_roll, zoom = sway.at(t)
    now = Moment(
        yaw=yaw,
        pitch=pitch,
        roll=roll,
        shake_x=shake * x * width,
        shake_y=shake * y * width,
        shake_roll=shake * shake_roll,
        zoom=1.0 + shake * zoom,
    )
    for prompt in prompts:
        if prompt.start <= t <= prompt.end:
            now = _answer(now, t, prompt, reach)
    return now


def _answer(now: Moment, t: float, prompt: Prompt, reach: Reach) -> Moment:
    begin, end = prompt.start + REACTION_S, prompt.end - _BACK_BEFORE_END_S
    if prompt.kind == "turn":
        part = _there_and_back(t, begin, end, 0.55)
        degrees = part * reach.true_degrees(prompt.direction, prompt.degrees + MARGIN_DEGREES)
        if prompt.direction in ("left", "right"):
            return replace(now, yaw=now.yaw + (degrees if prompt.direction == "left" else -degrees))
        return replace(now, pitch=now.pitch + (degrees if prompt.direction == "up" else -degrees))
    if prompt.kind == "blink":
        return replace(
            now, lids=max(_blink(t, at) for at in _blink_times(begin, end, prompt.count))
        )
    if prompt.kind == "open_mouth":
        mouth = _there_and_back(t, begin, end, 0.3)
        # The mesh reads a dropped jaw as a raised chin; people tuck it in a little.
        tuck = mouth * reach.true_degrees("down", max(0.0, reach.chin_lift))
        return replace(now, mouth=mouth, pitch=now.pitch - tuck)
    return now


def _blink_times(begin: float, end: float, count: int) -> list[float]:
    """The middles of `count` blinks, evenly within the window."""
    pause = (end - begin) / count
    return [begin + pause * (index + 0.5) for index in range(count)]


def _blink(t: float, middle: float) -> float:
    away = abs(t - middle) - _BLINK_SHUT_S / 2
    return 1.0 - _smooth(away / _BLINK_MOVE_S)


def _there_and_back(t: float, begin: float, end: float, ramp: float) -> float:
    """0 outside, 1 in the middle, with smooth ramps of `ramp` seconds (or a third of it all)."""
    ramp = min(ramp, (end - begin) / 3)
    return _smooth((t - begin) / ramp) * _smooth((end - t) / ramp)


def _smooth(part: float) -> float:
    """Minimum-jerk step from 0 at 0 to 1 at 1 (Flash and Hogan 1985)."""
    x = min(1.0, max(0.0, part))
    return x * x * x * (10.0 + x * (6.0 * x - 15.0))
