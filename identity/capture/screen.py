"""What the person's screen shows while a script's `light` prompts run: its colour over time."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from identity.prompts import COLOUR_SECONDS, NEUTRAL, PALETTE, RAMP_SECONDS, Kind, Script

Series = NDArray[np.float64]

_LOW_END: Final = 0.04045


def linear(srgb: ArrayLike) -> Series:
    """Returns linear light, 0 to 1, of sRGB values 0 to 255 (IEC 61966-2-1), of any shape."""
    part = np.asarray(srgb, dtype=np.float64) / 255.0
    curved = ((np.maximum(part, _LOW_END) + 0.055) / 1.055) ** 2.4
    return np.asarray(np.where(part <= _LOW_END, part / 12.92, curved), dtype=np.float64)


def screen_at(script: Script, times: ArrayLike) -> Series:
    """Returns the colour of the screen at some times: shape (N, 3), RGB, linear light, 0 to 1.

    Ramps are linear in sRGB, as the page draws them. Before the first `light` prompt and after
    the last the screen is `NEUTRAL`. Where one prompt starts before another has ended, it ramps
    from what the screen showed.

    Args:
        script: what was asked; without `light` the screen stays as it is.
        times: seconds after the first frame, shape (N,); finite.
    """
    at, shown = change_points(script)
    wanted = np.atleast_1d(np.asarray(times, dtype=np.float64))
    return linear(np.stack([np.interp(wanted, at, shown[:, k]) for k in range(3)], axis=1))


def change_points(script: Script) -> tuple[Series, Series]:
    """Returns where the screen's ramps begin and end, seconds, (P,), and its sRGB then, (P, 3).

    Between two of them the screen is a straight line in sRGB, before and after all of them it
    is constant.
    """
    at: list[float] = [0.0]
    shown: list[tuple[float, ...]] = [NEUTRAL]
    for prompt in sorted(script.prompts, key=lambda p: p.start):
        if prompt.kind is not Kind.LIGHT:
            continue
        names = (*(PALETTE[name] for name in prompt.colours), NEUTRAL)
        for k, colour in enumerate(names):
            start = prompt.start + k * COLOUR_SECONDS
            _ramp(at, shown, start, colour)
    return np.array(at, dtype=np.float64), np.array(shown, dtype=np.float64)


def _ramp(
    at: list[float], shown: list[tuple[float, ...]], start: float, colour: tuple[int, int, int]
) -> None:
    """Adds a ramp; what was planned for later gives way to it."""
    now = tuple(
        float(np.interp(start, at, [entry[channel] for entry in shown])) for channel in range(3)
    )
    while at and at[-1] >= start:
        at.pop()
        shown.pop()
    at += [start, start + RAMP_SECONDS]
    shown += [now, colour]
