"""How often a script's light flashes: WCAG 2.2, success criterion 2.3.1.

A *general flash* is a pair of opposing changes of relative luminance by 0.1 or more where the
darker one is below 0.80. A *red flash* is a pair of opposing transitions involving a saturated
red: R / (R + G + B) is 0.8 or more at one end, and (R − G − B) · 320, negative values taken for
0, changes by over 20 (both as WCAG's glossary says, under "general flash and red flash
thresholds"; R, G and B linear). Safe is what flashes no more than three times in any second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from identity.capture.screen import change_points, screen_at
from identity.prompts import Script

MAX_FLASHES: Final = 3
LUMINANCE_CHANGE: Final = 0.1
DARKER_BELOW: Final = 0.80
SATURATED_RED: Final = 0.8
RED_CHANGE: Final = 20.0
_WINDOW_S: Final = 1.0
_STEP_S: Final = 0.001
_LUMINANCE: Final = np.array([0.2126, 0.7152, 0.0722])

Series = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Flashes:
    """The most flashes in any second; a pair that lies in it with one half only counts whole.

    Attributes:
        general: pairs of opposing changes of luminance.
        red: pairs of opposing transitions involving saturated red.
    """

    general: int
    red: int

    @property
    def safe(self) -> bool:
        """Whether neither is over three."""
        return max(self.general, self.red) <= MAX_FLASHES


def flashes(script: Script) -> Flashes:
    """Returns how often the screen flashes at most in any second of a script.

    The screen is looked at every millisecond, and the whole of it is taken to flash: WCAG would
    let small areas flash more often.
    """
    at, _ = change_points(script)
    times = np.union1d(np.arange(at[0], at[-1] + _STEP_S, _STEP_S), at)
    return flashes_of(times, screen_at(script, times))


def flashes_of(times: Series, light: Series) -> Flashes:
    """Returns the most flashes in any second of a series of colours.

    Args:
        times: seconds, rising, shape (N,).
        light: RGB, linear, 0 to 1, shape (N, 3).
    """
    luminance = relative_luminance(light)
    general = [
        (times[start], times[end])
        for start, end in swings(luminance, LUMINANCE_CHANGE)
        if min(luminance[start], luminance[end]) < DARKER_BELOW
    ]
    redness = np.maximum(0.0, light[:, 0] - light[:, 1] - light[:, 2]) * 320.0
    saturated = red_share(light) >= SATURATED_RED
    red = [
        (times[start], times[end])
        for start, end in swings(redness, RED_CHANGE)
        if saturated[start] or saturated[end]
    ]
    return Flashes(_most(general), _most(red))


def relative_luminance(light: Series) -> Series:
    """Returns WCAG's relative luminance, 0 to 1, of linear RGB, shape (..., 3)."""
    return np.asarray(light @ _LUMINANCE, dtype=np.float64)


def red_share(light: Series) -> Series:
    """Returns R / (R + G + B) of linear RGB, shape (..., 3); 0 of black."""
    return np.asarray(light[..., 0] / np.maximum(light.sum(axis=-1), 1e-12), dtype=np.float64)


def swings(values: Series, least: float) -> list[tuple[int, int]]:
    """Returns (first, last) index of each rise or fall by at least `least`.

    Rises and falls take turns, from the last moment at one turning point to the first at the
    next; smaller ripples inside one belong to it.
    """
    found: list[tuple[int, int]] = []
    first = {1: 0, -1: 0}
    last = {1: 0, -1: 0}
    way, since = 0, 0
    for i, value in enumerate(values):
        for side in (1, -1):
            ahead = side * (value - values[last[side]])
            if ahead > 0:
                first[side] = i
            if ahead >= 0:
                last[side] = i
        for side in (1, -1):
            if way != -side and side * (values[last[side]] - value) >= least:
                if way:
                    found.append((since, first[side]))
                way, since = -side, last[side]
                first[-side] = last[-side] = i
                break
    if way:
        found.append((since, first[way]))
    return found


def _most(transitions: list[tuple[float, float]]) -> int:
    """Pairs in the second that holds the most transitions, or parts of them."""
    most = 0
    for _, end in transitions:
        held = sum(1 for s, e in transitions if e >= end and s <= end + _WINDOW_S)
        most = max(most, held)
    return (most + 1) // 2
