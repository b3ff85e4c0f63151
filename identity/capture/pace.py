"""Counting frames and seconds while they come, since headers lie."""

from __future__ import annotations

from dataclasses import dataclass, field

from identity.capture.types import ClipLimits
from identity.errors import (
    ClipEmpty,
    ClipFrameRate,
    ClipTimestamps,
    ClipTooLong,
    ClipTooManyFrames,
    ClipTooShort,
)

_SETTLED_FRAMES = 30
_SETTLED_SECONDS = 3.0
_NEGATIVE_START_NS = -500_000_000
"""Reordered frames may start a few frames before zero; half a second is no reordering."""
_SLACK = 1.002
"""A clip of just the limit must not fail for how its times were rounded."""


@dataclass(slots=True)
class Pace:
    """The times of a clip so far, in nanoseconds as the file gives them."""

    limits: ClipLimits
    frames: int = field(default=0, init=False)
    first_ns: int = field(default=0, init=False)
    last_ns: int = field(default=0, init=False)

    def count(self, time_ns: int) -> float:
        """Count one frame; its time in seconds from the first.

        Raises:
            ClipTimestamps: it isn't after the one before, or the first lies before zero.
            ClipTooManyFrames, ClipTooLong, ClipFrameRate: a limit is passed already.
        """
        if self.frames == 0:
            if time_ns < _NEGATIVE_START_NS:
                raise ClipTimestamps
            self.first_ns = time_ns
        elif time_ns <= self.last_ns:
            raise ClipTimestamps
        self.frames += 1
        self.last_ns = time_ns
        if self.frames > self.limits.max_frames:
            raise ClipTooManyFrames
        seconds = (time_ns - self.first_ns) / 1e9
        if seconds > self.limits.max_seconds:
            raise ClipTooLong
        if self.frames > _SETTLED_FRAMES:
            self._check_not_fast(seconds)
        if seconds > _SETTLED_SECONDS:
            self._check_not_slow(seconds)
        return seconds

    def finish(self) -> None:
        """Judge the whole, after the last frame.

        Raises:
            ClipEmpty, ClipTooShort, ClipFrameRate: as their names say.
        """
        if self.frames == 0:
            raise ClipEmpty
        seconds = (self.last_ns - self.first_ns) / 1e9
        if self.frames > 1:
            self._check_not_fast(seconds)
        # The last frame lasts as long as the others on the whole.
        length = seconds * self.frames / max(1, self.frames - 1)
        if length > self.limits.max_seconds * _SLACK:
            raise ClipTooLong
        if length * _SLACK < self.limits.min_seconds:
            raise ClipTooShort
        if self.frames > 1:
            self._check_not_slow(seconds)

    def _check_not_fast(self, seconds: float) -> None:
        if (self.frames - 1) > self.limits.max_rate * seconds * _SLACK:
            raise ClipFrameRate

    def _check_not_slow(self, seconds: float) -> None:
        if (self.frames - 1) * _SLACK < self.limits.min_rate * seconds:
            raise ClipFrameRate
