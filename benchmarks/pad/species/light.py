"""The colours of a light prompt, where they shouldn't come from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.pad.cues import screen_colour
from benchmarks.pad.frames import Picture, as_picture
from identity.prompts import NEUTRAL, PALETTE, Kind, Script

_GAMMA: Final = 2.2


def recoloured(script: Script, how: str, chance: np.random.Generator) -> Script:
    """The script with other colours, never one twice in a row.

    Args:
        how: "any" draws afresh, "random" draws another one in each slot, "shifted" begins one
            slot later, "backwards" turns their order round, "complement" shows each one's
            opposite, "one_wrong" changes one slot.

    Raises:
        ValueError: `how` is none of these.
    """
    prompts = [
        replace(prompt, colours=_others(prompt.colours, how, chance))
        if prompt.kind is Kind.LIGHT
        else prompt
        for prompt in script.prompts
    ]
    return Script(tuple(prompts))


_OPPOSITE: Final = {
    "red": "cyan",
    "cyan": "red",
    "green": "magenta",
    "magenta": "green",
    "blue": "yellow",
    "yellow": "blue",
}


def _others(colours: Sequence[str], how: str, chance: np.random.Generator) -> tuple[str, ...]:
    if how == "complement":
        return tuple(_OPPOSITE[name] for name in colours)
    if how == "backwards":
        back = tuple(reversed(colours))
        return back if back != tuple(colours) else _others(colours, "complement", chance)
    if how == "shifted":
        last = _drawn(chance, {colours[-1]})
        return (*colours[1:], last)
    if how == "one_wrong":
        at = int(chance.integers(len(colours)))
        around = {colours[k] for k in (at - 1, at, at + 1) if 0 <= k < len(colours)}
        return (*colours[:at], _drawn(chance, around), *colours[at + 1 :])
    if how == "any":
        fresh: list[str] = []
        for _ in colours:
            fresh.append(_drawn(chance, set(fresh[-1:])))
        return tuple(fresh)
    if how == "random":
        out: list[str] = []
        for name in colours:
            out.append(_drawn(chance, {name, *out[-1:]}))
        return tuple(out)
    raise ValueError(f"there is no way {how!r} to change colours")


def _drawn(chance: np.random.Generator, but: set[str]) -> str:
    left = [name for name in PALETTE if name not in but]
    return left[int(chance.integers(len(left)))]


def tinted(
    frames: Iterable[Picture],
    fps: float,
    script: Script,
    *,
    strength: float,
    masks: Iterable[NDArray[np.float32]] | None = None,
    delay: float = 0.1,
) -> Iterator[Picture]:
    """The frames with the screen's colours multiplied on by software.

    Args:
        strength: how much of the light comes from the screen, 0 to 1.
        masks: (height, width), 0 to 1, where to; the whole frame without them.
        delay: seconds by which the software is late.
    """
    neutral = (np.array(NEUTRAL) / 255.0) ** _GAMMA
    where = iter(masks) if masks is not None else None
    levels = np.arange(256) / 255.0
    for index, frame in enumerate(frames):
        light = (np.array(screen_colour(script, index / fps - delay)) / 255.0) ** _GAMMA
        factor = 1.0 - strength + strength * light / neutral
        table = 255.0 * np.clip(levels[:, None] * factor[None, :] ** (1 / _GAMMA), 0.0, 1.0)
        lit = cv2.LUT(frame, np.rint(table).astype(np.uint8)[:, None, :].reshape(1, 256, 3))
        if where is None:
            yield as_picture(lit)
            continue
        mask = next(where)[:, :, None]
        yield as_picture(np.rint(lit * mask + frame * (1.0 - mask)))
