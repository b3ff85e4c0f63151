"""The form of a capture script: what a person is asked to do, and when.

Degrees are what the mesh reads, seconds count from the first frame, directions are the
subject's own in an unmirrored clip (left: the face points to the picture's right edge).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any, Final

from common.errors import FieldError, InvalidInput

MAX_PROMPTS: Final = 64
MAX_SECONDS: Final = 60.0
MAX_DEGREES: Final = 60.0
MAX_BLINKS: Final = 5
MAX_COLOURS: Final = 12
DEFAULT_YAW: Final = 15.0
DEFAULT_PITCH: Final = 10.0

COLOUR_SECONDS: Final = 0.8
"""How long a `light` prompt shows each of its colours, the ramp to it counted in."""
RAMP_SECONDS: Final = 0.2
"""How long the screen takes from one colour to the next, and from the last one back."""
NEUTRAL: Final = (160, 160, 160)
"""What the screen shows before and after a `light` prompt, sRGB."""
PALETTE: Final[Mapping[str, tuple[int, int, int]]] = {
    "red": (255, 112, 112),
    "green": (64, 255, 64),
    "blue": (96, 96, 255),
    "yellow": (255, 255, 64),
    "cyan": (64, 255, 255),
    "magenta": (255, 64, 255),
}
"""The screen's colours, sRGB. Red has other light in it: WCAG 2.3.1 calls it saturated where red
is 0.8 of the sum of its linear parts or more, and this one is at 0.76."""


class Kind(StrEnum):
    """What a prompt asks for."""

    HOLD = "hold"
    TURN = "turn"
    BLINK = "blink"
    OPEN_MOUTH = "open_mouth"
    LIGHT = "light"


class Direction(StrEnum):
    """Where to turn: the subject's own left and right."""

    LEFT = "left"
    RIGHT = "right"
    UP = "up"
    DOWN = "down"


class ScriptInvalid(InvalidInput):
    """A script is not in the form that is documented; `fields` says where."""

    code = "script_invalid"
    message = "The script is not in the form that is documented."


@dataclass(frozen=True, slots=True)
class Prompt:
    """One thing asked of the person.

    Attributes:
        kind: hold, turn, blink, open_mouth or light.
        start, end: seconds after the first frame.
        direction: of a turn, else None.
        min_degrees: how far a turn has to go from the person's own neutral, else None.
        count: how many blinks, else None.
        colours: names of `PALETTE` that the screen shows one after the other, else empty.
    """

    kind: Kind
    start: float
    end: float
    direction: Direction | None = None
    min_degrees: float | None = None
    count: int | None = None
    colours: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Returns the prompt as the API and script files write it."""
        body: dict[str, Any] = {"kind": self.kind.value, "start": self.start, "end": self.end}
        if self.direction is not None:
            body["direction"] = self.direction.value
        if self.min_degrees is not None:
            body["min_degrees"] = self.min_degrees
        if self.count is not None:
            body["count"] = self.count
        if self.colours:
            body["colours"] = list(self.colours)
        return body


@dataclass(frozen=True, slots=True)
class Script:
    """Prompts in the order of their start; windows may overlap."""

    prompts: tuple[Prompt, ...]

    def to_json(self) -> list[dict[str, Any]]:
        """Returns the prompts as the API and script files write them."""
        return [prompt.to_json() for prompt in self.prompts]

    @property
    def seconds(self) -> float:
        """The end of the last prompt."""
        return max(prompt.end for prompt in self.prompts)

    @classmethod
    def from_json(cls, body: object) -> Script:
        """Returns the script that a decoded JSON array says, sorted by start.

        A turn's `min_degrees` is 15 of yaw or 10 of pitch where it isn't given, a blink's
        `count` is 1.

        Raises:
            ScriptInvalid: it isn't a list of 1 to 64 prompts, a key is unknown, missing or of
                no use to its kind, a value is of the wrong type or out of range; `fields` has
                JSON pointers to all that is wrong.
        """
        if not isinstance(body, list):
            raise ScriptInvalid(fields=(FieldError("", "not_a_list", "A list of prompts."),))
        if not 1 <= len(body) <= MAX_PROMPTS:
            message = f"1 to {MAX_PROMPTS} prompts."
            raise ScriptInvalid(fields=(FieldError("", "out_of_range", message),))
        errors: list[FieldError] = []
        prompts = [_prompt(f"/{i}", entry, errors) for i, entry in enumerate(body)]
        if errors:
            raise ScriptInvalid(fields=tuple(errors))
        found = [prompt for prompt in prompts if prompt is not None]
        return cls(tuple(sorted(found, key=lambda p: (p.start, p.end))))


_KEYS: Final[Mapping[Kind, frozenset[str]]] = {
    Kind.HOLD: frozenset(),
    Kind.TURN: frozenset({"direction", "min_degrees"}),
    Kind.BLINK: frozenset({"count"}),
    Kind.OPEN_MOUTH: frozenset(),
    Kind.LIGHT: frozenset({"colours"}),
}


def _number(
    pointer: str, value: object, low: float, high: float, errors: list[FieldError]
) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        errors.append(FieldError(pointer, "not_a_number", "A number."))
        return low
    if not low <= value <= high:
        errors.append(FieldError(pointer, "out_of_range", f"{low:g} to {high:g}."))
        return low
    return float(value)


def _prompt(pointer: str, entry: object, errors: list[FieldError]) -> Prompt | None:
    """Reads one prompt; what is wrong with it is added to `errors`."""
    if not isinstance(entry, dict):
        errors.append(FieldError(pointer, "not_an_object", "An object."))
        return None
    kinds = {kind.value: kind for kind in Kind}
    kind = kinds.get(entry["kind"]) if isinstance(entry.get("kind"), str) else None
    if kind is None:
        message = f"One of {', '.join(kinds)}."
        errors.append(FieldError(f"{pointer}/kind", "unknown_kind", message))
        return None
    before = len(errors)
    for key in entry:
        if key not in _KEYS[kind] | {"kind", "start", "end"}:
            safe = str(key)[:40].replace("~", "~0").replace("/", "~1")
            errors.append(FieldError(f"{pointer}/{safe}", "unknown_key", "Not known here."))
    start = _number(f"{pointer}/start", entry.get("start"), 0.0, MAX_SECONDS, errors)
    end = _number(f"{pointer}/end", entry.get("end"), 0.0, MAX_SECONDS, errors)
    if len(errors) == before and end <= start:
        errors.append(FieldError(f"{pointer}/end", "not_after_start", "Later than the start."))
    direction = _direction(pointer, entry, errors) if kind is Kind.TURN else None
    degrees = None
    if kind is Kind.TURN:
        upright = direction in (Direction.UP, Direction.DOWN)
        usual = DEFAULT_PITCH if upright else DEFAULT_YAW
        where = f"{pointer}/min_degrees"
        degrees = _number(where, entry.get("min_degrees", usual), 1.0, MAX_DEGREES, errors)
    count = None
    if kind is Kind.BLINK:
        count = entry.get("count", 1)
        if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MAX_BLINKS:
            message = f"A whole number, 1 to {MAX_BLINKS}."
            errors.append(FieldError(f"{pointer}/count", "out_of_range", message))
    colours: tuple[str, ...] = ()
    if kind is Kind.LIGHT:
        colours = _colours(f"{pointer}/colours", entry.get("colours"), end - start, errors)
    if len(errors) > before:
        return None
    return Prompt(kind, start, end, direction, degrees, count, colours)


def _colours(
    pointer: str, value: object, seconds: float, errors: list[FieldError]
) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(v, str) and v in PALETTE for v in value):
        message = f"A list of {', '.join(PALETTE)}."
        errors.append(FieldError(pointer, "unknown_colour", message))
        return ()
    if not 1 <= len(value) <= MAX_COLOURS:
        errors.append(FieldError(pointer, "out_of_range", f"1 to {MAX_COLOURS} colours."))
    if any(one == other for one, other in pairwise(value)):
        message = "Never the same colour twice in a row."
        errors.append(FieldError(pointer, "same_colour_twice", message))
    if abs(len(value) * COLOUR_SECONDS - seconds) > 1e-6:
        message = f"A window of {COLOUR_SECONDS:g} s for each colour."
        errors.append(FieldError(pointer, "window_not_filled", message))
    return tuple(value)


def _direction(
    pointer: str, entry: Mapping[str, object], errors: list[FieldError]
) -> Direction | None:
    known = {direction.value: direction for direction in Direction}
    value = entry.get("direction")
    if isinstance(value, str) and value in known:
        return known[value]
    message = f"One of {', '.join(known)}."
    errors.append(FieldError(f"{pointer}/direction", "unknown_direction", message))
    return None
