"""Makes the script of a capture session out of its secret nonce.

Motion only: one `hold`, then six prompts in any order: four turns, of which no two that
follow one another (over the other prompts too) are the same, one or two blinks, an open mouth.
"""

from __future__ import annotations

import hashlib
import hmac
import math
from typing import Final

from common.errors import InvalidInput
from identity.types import DEFAULT_PITCH, DEFAULT_YAW, Direction, Kind, Prompt, Script

HOLD_SECONDS: Final = 1.0
TURNS: Final = 4
GAP: Final = (0.2, 0.3)
TURN_SECONDS: Final = (1.4, 2.0)
BLINK_SECONDS: Final = {1: 1.4, 2: 1.8}
MOUTH_SECONDS: Final = 1.4
MIN_NONCE_BYTES: Final = 16
_LABEL: Final = b"cameo capture script 1"
_STEP: Final = 0.1


class _Draws:
    """A stream of unbiased whole numbers out of HMAC-SHA-256 in counter mode."""

    def __init__(self, nonce: bytes) -> None:
        self._nonce = nonce
        self._counter = 0
        self._bytes = b""

    def _byte(self) -> int:
        if not self._bytes:
            message = _LABEL + self._counter.to_bytes(4, "big")
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


def generate_script(secret_nonce: bytes) -> Script:
    """Returns the script of a session, the same for the same nonce; 10 to 14 s long.

    Raises:
        InvalidInput: the nonce is under 16 bytes.
    """
    if len(secret_nonce) < MIN_NONCE_BYTES:
        raise InvalidInput("The nonce is too short.", code="nonce_too_short")
    draws = _Draws(secret_nonce)
    places = TURNS + 2
    blink_place = draws.below(places)
    mouth_place = draws.below(places - 1)
    mouth_place += mouth_place >= blink_place
    prompts = [Prompt(Kind.HOLD, 0.0, HOLD_SECONDS)]
    last: Direction | None = None
    for place in range(places):
        start = prompts[-1].end + draws.between(*GAP)
        if place == blink_place:
            count = 1 + draws.below(2)
            prompts.append(_timed(Kind.BLINK, start, BLINK_SECONDS[count], count=count))
        elif place == mouth_place:
            prompts.append(_timed(Kind.OPEN_MOUTH, start, MOUTH_SECONDS))
        else:
            choices = [direction for direction in Direction if direction is not last]
            last = choices[draws.below(len(choices))]
            seconds = draws.between(*TURN_SECONDS)
            prompts.append(_timed(Kind.TURN, start, seconds, direction=last))
    return Script(tuple(prompts))


def _timed(
    kind: Kind,
    start: float,
    seconds: float,
    *,
    direction: Direction | None = None,
    count: int | None = None,
) -> Prompt:
    degrees = None
    if direction is not None:
        upright = direction in (Direction.UP, Direction.DOWN)
        degrees = DEFAULT_PITCH if upright else DEFAULT_YAW
    start, end = round(start, 1), round(start + seconds, 1)
    return Prompt(kind, start, end, direction, degrees, count)


def script_bits() -> float:
    """Bits of a script, counted over kinds, order, directions and counts, never times.

    Every such script is as likely as any other, so it is the logarithm of their number.
    """
    places = TURNS + 2
    turns = len(Direction) * (len(Direction) - 1) ** (TURNS - 1)
    return math.log2(places * (places - 1) * len(BLINK_SECONDS) * turns)


def told_apart_bits() -> float:
    """−log2 of the chance that the clip made for one script answers another's prompts.

    Two blinks answer a prompt for one (people blink unasked), so a blink's count tells less
    than one bit: three of the four pairs of counts go through.
    """
    return script_bits() - math.log2(len(BLINK_SECONDS)) - math.log2(3 / 4)
