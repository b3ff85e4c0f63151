"""Makes the script of a capture session out of its secret nonce.

One `hold`, then the others in any order: two turns, one or two blinks, an open mouth, and five or
six colours of light. Who does without light turns four times; who does without motion sees light
twice. No two turns that follow one another (over the other prompts too) are the same, nor two
colours; and where there are turns one goes to a side, since that is what tells a head from a
picture.
"""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Sequence
from enum import StrEnum
from typing import Final, TypeVar

from common.errors import InvalidInput
from identity.prompts import (
    COLOUR_SECONDS,
    DEFAULT_PITCH,
    DEFAULT_YAW,
    PALETTE,
    Direction,
    Kind,
    Prompt,
    Script,
)

HOLD_SECONDS: Final = 1.0
TURNS: Final = {None: 2, "light": 4, "motion": 0}
"""How many turns a script has, by what it does without."""
COLOURS: Final = {None: ((5, 6),), "light": (), "motion": ((5, 5), (5, 5))}
"""Fewest and most colours of each light prompt, by what the script does without."""
GAP: Final = (0.2, 0.3)
TURN_SECONDS: Final = {None: (1.4, 1.7), "light": (1.4, 2.0)}
BLINK_SECONDS: Final = {1: 1.4, 2: 1.8}
MOUTH_SECONDS: Final = 1.4
MIN_NONCE_BYTES: Final = 16
_LABEL: Final = b"cameo capture script 2 "
_STEP: Final = 0.1
_UPRIGHT: Final = frozenset({Direction.UP, Direction.DOWN})
_T = TypeVar("_T")


class Without(StrEnum):
    """What a person chose not to be asked for."""

    LIGHT = "light"
    MOTION = "motion"


class _Draws:
    """A stream of unbiased whole numbers out of HMAC-SHA-256 in counter mode."""

    def __init__(self, nonce: bytes, label: bytes) -> None:
        self._nonce = nonce
        self._label = label
        self._counter = 0
        self._bytes = b""

    def _byte(self) -> int:
        if not self._bytes:
            message = self._label + self._counter.to_bytes(4, "big")
            self._bytes = hmac.new(self._nonce, message, hashlib.sha256).digest()
            self._counter += 1
        byte, self._bytes = self._bytes[0], self._bytes[1:]
        return byte

    def below(self, n: int) -> int:
        """Returns one of 0 to n - 1 (n ≤ 256), each as likely: bytes past a multiple are cast."""
        limit = 256 - 256 % n
        while True:
            byte = self._byte()
            if byte < limit:
                return byte % n

    def between(self, low: float, high: float) -> float:
        """Returns one of low, low + 0.1, …, high."""
        return low + _STEP * self.below(round((high - low) / _STEP) + 1)


def generate_script(secret_nonce: bytes, without: Without | None = None) -> Script:
    """Returns the script of a session, the same for the same nonce; 10 to 14 s long.

    Args:
        secret_nonce: at least 16 bytes.
        without: light, for people whom flickering harms; motion (turns), for people who can't
            move their head; None for neither.

    Raises:
        InvalidInput: the nonce is under 16 bytes.
    """
    if len(secret_nonce) < MIN_NONCE_BYTES:
        raise InvalidInput("The nonce is too short.", code="nonce_too_short")
    draws = _Draws(secret_nonce, _LABEL + (without or "nothing").encode("ascii"))
    prompts = [Prompt(Kind.HOLD, 0.0, HOLD_SECONDS)]
    turns = iter(_turns(draws, TURNS[without]))
    colour: str | None = None
    lights = iter(COLOURS[without])
    for kind in _shuffled(draws, _kinds(without)):
        start = prompts[-1].end + draws.between(*GAP)
        if kind is Kind.BLINK:
            count = 1 + draws.below(2)
            prompts.append(_timed(kind, start, BLINK_SECONDS[count], count=count))
        elif kind is Kind.OPEN_MOUTH:
            prompts.append(_timed(kind, start, MOUTH_SECONDS))
        elif kind is Kind.LIGHT:
            fewest, most = next(lights)
            colours = []
            for _ in range(fewest + draws.below(most - fewest + 1)):
                colour = _another(draws, tuple(PALETTE), colour)
                colours.append(colour)
            seconds = COLOUR_SECONDS * len(colours)
            prompts.append(_timed(kind, start, seconds, colours=tuple(colours)))
        else:
            seconds = draws.between(*TURN_SECONDS[without])
            prompts.append(_timed(kind, start, seconds, direction=next(turns)))
    return Script(tuple(prompts))


def _kinds(without: Without | None) -> list[Kind]:
    return [
        *[Kind.TURN] * TURNS[without],
        Kind.BLINK,
        Kind.OPEN_MOUTH,
        *[Kind.LIGHT] * len(COLOURS[without]),
    ]


def _shuffled(draws: _Draws, kinds: list[Kind]) -> list[Kind]:
    """Fisher and Yates' shuffle: every order is as likely."""
    for i in range(len(kinds) - 1, 0, -1):
        j = draws.below(i + 1)
        kinds[i], kinds[j] = kinds[j], kinds[i]
    return kinds


def _turns(draws: _Draws, length: int) -> list[Direction]:
    """Drawn again while none goes to a side, so that all that are left are as likely."""
    while True:
        turns: list[Direction] = []
        for _ in range(length):
            turns.append(_another(draws, tuple(Direction), turns[-1] if turns else None))
        if not turns or not _UPRIGHT.issuperset(turns):
            return turns


def _another(draws: _Draws, choices: Sequence[_T], last: _T | None) -> _T:
    left = [choice for choice in choices if choice != last]
    return left[draws.below(len(left))]


def _timed(
    kind: Kind,
    start: float,
    seconds: float,
    *,
    direction: Direction | None = None,
    count: int | None = None,
    colours: tuple[str, ...] = (),
) -> Prompt:
    degrees = None
    if direction is not None:
        degrees = DEFAULT_PITCH if direction in _UPRIGHT else DEFAULT_YAW
    start, end = round(start, 1), round(start + seconds, 1)
    return Prompt(kind, start, end, direction, degrees, count, colours)


def script_bits(without: Without | None = None) -> float:
    """Bits of a script, counted over kinds, order, directions, colours and counts, never times.

    Orders, turns and counts are all as likely. Of light scripts those with fewer colours are the
    likelier ones, so it is the min-entropy: minus the logarithm of the likeliest script's chance.
    """
    kinds = _kinds(without)
    orders = math.factorial(len(kinds)) // math.prod(
        math.factorial(kinds.count(kind)) for kind in set(kinds)
    )
    length = TURNS[without]
    turns = _sequences(len(Direction), length) - (
        _sequences(len(_UPRIGHT), length) if length else 0
    )
    sequences = [orders, len(BLINK_SECONDS), turns]
    shown = 0
    for fewest, most in COLOURS[without]:
        sequences.append(most - fewest + 1)
        # After an earlier light prompt its last colour is out.
        first = _sequences(len(PALETTE), fewest)
        sequences.append(first if not shown else first // len(PALETTE) * (len(PALETTE) - 1))
        shown += fewest
    return math.log2(math.prod(sequences))


def _sequences(choices: int, length: int) -> int:
    """How many sequences there are of which no two neighbours are the same."""
    return choices * (choices - 1) ** (length - 1) if length else 1


def told_apart_bits(without: Without | None = None) -> float:
    """−log2 of the chance that the clip made for one script answers another's prompts.

    Two blinks answer a prompt for one (people blink unasked), so a blink's count tells less
    than one bit: three of the four pairs of counts go through.
    """
    return script_bits(without) - math.log2(len(BLINK_SECONDS)) - math.log2(3 / 4)
