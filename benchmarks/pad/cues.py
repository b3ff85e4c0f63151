"""What an attacker reads off a script: where to move his instrument at each frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from identity.prompts import (
    COLOUR_SECONDS,
    NEUTRAL,
    PALETTE,
    RAMP_SECONDS,
    Direction,
    Kind,
    Script,
)

REACTION: Final = 0.25
BACK_BEFORE: Final = 0.15
RAMP: Final = 0.5
SHUT: Final = 0.25

Colour = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Cue:
    """What to do at one frame.

    Attributes:
        right: -1 to 1, toward the picture's right edge (the subject's own left).
        up: -1 to 1.
        shut: whether eyes ought to be shut.
        mouth: whether the mouth ought to be open.
    """

    right: float = 0.0
    up: float = 0.0
    shut: bool = False
    mouth: bool = False


def cues(script: Script, fps: float, count: int) -> list[Cue]:
    """What to do at each of `count` frames to follow a script as well as can be."""
    return [_cue(script, index / fps) for index in range(count)]


def _cue(script: Script, t: float) -> Cue:
    right = up = 0.0
    shut = mouth = False
    for prompt in script.prompts:
        if not prompt.start <= t <= prompt.end:
            continue
        begin, end = prompt.start + REACTION, prompt.end - BACK_BEFORE
        if prompt.kind is Kind.TURN:
            ramp = min(RAMP, (end - begin) / 3)
            part = _smooth((t - begin) / ramp) * _smooth((end - t) / ramp)
            match prompt.direction:
                case Direction.LEFT:
                    right += part
                case Direction.RIGHT:
                    right -= part
                case Direction.UP:
                    up += part
                case _:
                    up -= part
        elif prompt.kind is Kind.BLINK:
            times = prompt.count or 1
            pause = (end - begin) / times
            middles = (begin + pause * (k + 0.5) for k in range(times))
            shut = shut or any(abs(t - middle) <= SHUT / 2 for middle in middles)
        elif prompt.kind is Kind.OPEN_MOUTH:
            mouth = mouth or begin <= t <= end
    return Cue(right, up, shut, mouth)


def _smooth(part: float) -> float:
    x = min(1.0, max(0.0, part))
    return x * x * (3.0 - 2.0 * x)


def screen_colour(script: Script, t: float) -> Colour:
    """What the screen shows at second `t`: sRGB, 0 to 255, with its ramps."""
    for prompt in script.prompts:
        if prompt.kind is not Kind.LIGHT or t < prompt.start:
            continue
        shown = [NEUTRAL, *(PALETTE[name] for name in prompt.colours), NEUTRAL]
        slot = min(int((t - prompt.start) / COLOUR_SECONDS), len(prompt.colours))
        part = (t - prompt.start - slot * COLOUR_SECONDS) / RAMP_SECONDS
        if slot == len(prompt.colours) and part >= 1.0:
            continue
        part = min(1.0, max(0.0, part))
        red, green, blue = (
            a + part * (b - a) for a, b in zip(shown[slot], shown[slot + 1], strict=True)
        )
        return red, green, blue
    return float(NEUTRAL[0]), float(NEUTRAL[1]), float(NEUTRAL[2])


def without_light(script: Script) -> Script | None:
    """The script with its light prompts left out; None where nothing is left."""
    left = tuple(prompt for prompt in script.prompts if prompt.kind is not Kind.LIGHT)
    return Script(left) if left else None
