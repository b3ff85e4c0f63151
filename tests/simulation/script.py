"""A capture script as the API gives it, and scripts that a person got wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

KINDS: Final = ("hold", "turn", "blink", "open_mouth")
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
    """

    kind: str
    start: float
    end: float
    direction: str = ""
    degrees: float = 0.0
    count: int = 0


def read_script(script: Script) -> tuple[Prompt, ...]:
    """The prompts of a script in its JSON form.

    Raises:
        ValueError: a kind or direction is not known, or a window is empty.
    """
    return tuple(_read_prompt(item) for item in script)


def mirrored(script: Script) -> list[dict[str, Any]]:
    """The script with every turn to the other side: what somebody does who got it wrong."""
    return [
        {**item, "direction": _OPPOSITE[item["direction"]]} if item["kind"] == "turn" else {**item}
        for item in script
    ]


def reordered(script: Script) -> list[dict[str, Any]]:
    """The script's windows with what fills them (but for holds) the other way round."""
    filled = [item for item in script if item["kind"] != "hold"]
    swapped = iter(reversed(filled))
    out: list[dict[str, Any]] = []
    for item in script:
        content = item if item["kind"] == "hold" else next(swapped)
        out.append({**content, "start": item["start"], "end": item["end"]})
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
    return Prompt(kind, start, end)
