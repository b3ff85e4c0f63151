"""A capture script as the API gives it, and scripts that a person got wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np

KINDS: Final = ("hold", "turn", "blink", "open_mouth", "light")

# Stated here a second time, from the specification; a test holds both to each other.
COLOUR_SECONDS: Final = 0.8
RAMP_SECONDS: Final = 0.2
NEUTRAL: Final = (160, 160, 160)
PALETTE: Final[Mapping[str, tuple[int, int, int]]] = {
    "red": (255, 112, 112),
    "green": (64, 255, 64),
    "blue": (96, 96, 255),
    "yellow": (255, 255, 64),
    "cyan": (64, 255, 255),
    "magenta": (255, 64, 255),
}

_DEFAULT_DEGREES: Final = {"left": 15.0, "right": 15.0, "up": 10.0, "down": 10.0}
_OPPOSITE: Final = {"left": "right", "right": "left", "up": "down", "down": "up"}

Script = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt; `start` and `end` in seconds after the first frame.

    Attributes:
        kind: one of `KINDS`.
        direction: the subject's own left, right, up or down; empty unless `kind` is turn.
        degrees: what a turn must at least read; 0 unless `kind` is turn.
        count: how often to blink; 0 unless `kind` is blink.
        colours: names of `PALETTE` that the screen shows; empty unless `kind` is light.
    """

    kind: str
    start: float
    end: float
    direction: str = ""
    degrees: float = 0.0
    count: int = 0
    colours: tuple[str, ...] = ()


def read_script(script: Script) -> tuple[Prompt, ...]:
    """The prompts of a script in its JSON form.

    Raises:
        ValueError: a kind, direction or colour is not known, a window is empty, or one of
            light is not filled by its colours or has the same twice in a row.
    """
    return tuple(_read_prompt(item) for item in script)


def mirrored(script: Script) -> list[dict[str, Any]]:
    """The script with every turn to the other side: what somebody does who got it wrong."""
    return [
        {**item, "direction": _OPPOSITE[item["direction"]]} if item["kind"] == "turn" else {**item}
        for item in script
    ]


def reordered(script: Script) -> list[dict[str, Any]]:
    """The script's windows with what fills them the other way round.

    Holds and light stay where they are: their length is their own.
    """
    filled = [item for item in script if item["kind"] not in ("hold", "light")]
    swapped = iter(reversed(filled))
    out: list[dict[str, Any]] = []
    for item in script:
        content = item if item["kind"] in ("hold", "light") else next(swapped)
        out.append({**content, "start": item["start"], "end": item["end"]})
    return out


def recoloured(script: Script, seed: int = 0) -> list[dict[str, Any]]:
    """The script with another colour in every slot of its light: the light of another session."""
    chance = np.random.default_rng(seed)
    out: list[dict[str, Any]] = []
    for item in script:
        if item["kind"] != "light":
            out.append({**item})
            continue
        colours: list[str] = []
        for right in item["colours"]:
            free = [name for name in PALETTE if name != right and name not in colours[-1:]]
            colours.append(free[int(chance.integers(len(free)))])
        out.append({**item, "colours": colours})
    return out


def _read_prompt(item: Mapping[str, Any]) -> Prompt:
    kind, start, end = str(item["kind"]), float(item["start"]), float(item["end"])
    if kind not in KINDS:
        raise ValueError(f"the simulated person doesn't know prompts of kind {kind!r}")
    if not end > start:
        raise ValueError("a prompt has to end after its start")
    if kind == "turn":
        direction = str(item["direction"])
        if direction not in _DEFAULT_DEGREES:
            raise ValueError(f"the simulated person can't turn {direction!r}")
        degrees = float(item.get("min_degrees") or _DEFAULT_DEGREES[direction])
        return Prompt(kind, start, end, direction=direction, degrees=degrees)
    if kind == "blink":
        return Prompt(kind, start, end, count=int(item.get("count") or 1))
    if kind == "light":
        return Prompt(kind, start, end, colours=_read_colours(item, end - start))
    return Prompt(kind, start, end)


def _read_colours(item: Mapping[str, Any], seconds: float) -> tuple[str, ...]:
    colours = tuple(str(name) for name in item.get("colours") or ())
    if not colours or not set(colours) <= set(PALETTE):
        raise ValueError("a light prompt needs colours of the palette")
    if any(one == other for one, other in pairwise(colours)):
        raise ValueError("a light prompt never has the same colour twice in a row")
    if abs(len(colours) * COLOUR_SECONDS - seconds) > 1e-6:
        raise ValueError("a light prompt is as long as its colours take")
    return colours
