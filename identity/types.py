"""What passes between capture, liveness and the analysis: frozen types, and the script's form.

Degrees are what the mesh reads, seconds count from the first frame, directions are the
subject's own in an unmirrored clip (left: the face points to the picture's right edge).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from common.errors import FieldError, InvalidInput

MAX_PROMPTS: Final = 64
MAX_SECONDS: Final = 60.0
MAX_DEGREES: Final = 60.0
MAX_BLINKS: Final = 5
DEFAULT_YAW: Final = 15.0
DEFAULT_PITCH: Final = 10.0

Vector = NDArray[np.float32]


class Kind(StrEnum):
    """What a prompt asks for."""

    HOLD = "hold"
    TURN = "turn"
    BLINK = "blink"
    OPEN_MOUTH = "open_mouth"


class Direction(StrEnum):
    """Where to turn: the subject's own left and right."""

    LEFT = "left"
    RIGHT = "right"
    UP = "up"
    DOWN = "down"


class Outcome(StrEnum):
    """What becomes of a clip."""

    PASS = "pass"  # noqa: S105 (no password)
    REVIEW = "review"
    RETRY = "retry"
    FAIL = "fail"
    UNSUPPORTED = "unsupported"


class SignalOutcome(StrEnum):
    """What one signal says; a missing measurement abstains, and abstaining never passes."""

    PASS = "pass"  # noqa: S105 (no password)
    FAIL = "fail"
    ABSTAIN = "abstain"


class ScriptInvalid(InvalidInput):
    """A script is not in the form that is documented; `fields` says where."""

    code = "script_invalid"
    message = "The script is not in the form that is documented."


@dataclass(frozen=True, slots=True)
class Prompt:
    """One thing asked of the person.

    Attributes:
        kind: hold, turn, blink or open_mouth.
        start, end: seconds after the first frame.
        direction: of a turn, else None.
        min_degrees: how far a turn has to go from the person's own neutral, else None.
        count: how many blinks, else None.
    """

    kind: Kind
    start: float
    end: float
    direction: Direction | None = None
    min_degrees: float | None = None
    count: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Returns the prompt as the API and script files write it."""
        body: dict[str, Any] = {"kind": self.kind.value, "start": self.start, "end": self.end}
        if self.direction is not None:
            body["direction"] = self.direction.value
        if self.min_degrees is not None:
            body["min_degrees"] = self.min_degrees
        if self.count is not None:
            body["count"] = self.count
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
    if len(errors) > before:
        return None
    return Prompt(kind, start, end, direction, degrees, count)


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


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """What the embedders say of one frame.

    Attributes:
        time_s: of the frame.
        vectors: one of unit length for each embedder, float32.
        brightness: mean luma of the face, 0 to 255.
        contrast: standard deviation of the face's luma.
        sharpness: see liveness.quality.
        yaw, pitch: degrees as the mesh reads them, not from neutral.
        margin: part of the face's points that lie inside the picture, 0 to 1.
    """

    time_s: float
    vectors: tuple[Vector, ...]
    brightness: float
    contrast: float
    sharpness: float
    yaw: float
    pitch: float
    margin: float


@dataclass(frozen=True, slots=True)
class DetectionPass:
    """One look over the whole picture.

    Attributes:
        time_s: of the frame.
        others: faces beside the tracked one.
        light: mean luma of the whole picture, 0 to 255.
    """

    time_s: float
    others: int
    light: float


@dataclass(frozen=True, slots=True)
class Jump:
    """A moment at which the tracked face isn't where, or what, it was one frame before.

    Attributes:
        time_s: of the later frame.
        kind: "place", "size", "shape" or "look" (see liveness.tracking).
        size: by how much, in the unit of its limit.
    """

    time_s: float
    kind: str
    size: float


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """All that was measured of a clip.

    Attributes:
        times: shape (N,), float64, seconds.
        meshes: shape (N, 468, 3), float32, working pixels; not a number where no face was.
        present: shape (N,), bool.
        passes: the looks over the whole picture, in order.
        jumps: sudden changes of place or shape, in order.
        samples: in the order of time.
        width, height: pixels of the original.
        scale: working pixels per original pixel.
    """

    times: NDArray[np.float64]
    meshes: NDArray[np.float32]
    present: NDArray[np.bool_]
    passes: tuple[DetectionPass, ...]
    jumps: tuple[Jump, ...]
    samples: tuple[Sample, ...]
    width: int
    height: int
    scale: float


@dataclass(frozen=True, slots=True)
class MeasuredPrompt:
    """How one prompt was answered.

    Attributes:
        prompt: what was asked.
        found: whether it was answered.
        times: when, seconds; one for each blink, else at most one (a turn's peak).
        measured: degrees of a turn from neutral, opening of a mouth (height over width), eye
            opening at its smallest over its usual, spread in degrees of a hold; None where
            nothing was measured.
        why: stable code, docs/liveness.md.
    """

    prompt: Prompt
    found: bool
    times: tuple[float, ...]
    measured: float | None
    why: str


@dataclass(frozen=True, slots=True)
class Signal:
    """What one measurement says.

    Attributes:
        name: single_face, quality, compliance or continuity.
        value, threshold: what was compared; None where nothing was measured.
        outcome: pass, fail or abstain.
        why: stable code, docs/liveness.md.
        n: how many measurements it rests on.
    """

    name: str
    value: float | None
    threshold: float | None
    outcome: SignalOutcome
    why: str
    n: int

    def to_json(self) -> dict[str, Any]:
        """Returns the signal as the command line and the decision record write it."""
        return {
            "name": self.name,
            "value": None if self.value is None else round(self.value, 4),
            "threshold": self.threshold,
            "outcome": self.outcome.value,
            "why": self.why,
            "n": self.n,
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """What all signals together say.

    Attributes:
        outcome: of the clip.
        signals: in a fixed order.
        prompts: in the order of the script; empty without one.
        reasons: "signal:why" of each signal that stands in the way of a pass.
    """

    outcome: Outcome
    signals: tuple[Signal, ...]
    prompts: tuple[MeasuredPrompt, ...]
    reasons: tuple[str, ...]
