"""Saying what happens, with the time each step took."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


class StoryFailed(Exception):
    """A step did not do what it must."""


class Narrator:
    """Writes one line a step: what happened and how long it took."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out
        self._started = time.monotonic()
        self.steps = 0

    def chapter(self, title: str) -> None:
        self._out.write(f"\n{title}\n")
        self._out.flush()

    @contextmanager
    def step(self, text: str) -> Iterator[list[str]]:
        """Time a step; what is appended to the list is said after its name.

        Raises:
            StoryFailed: if the step raised.
        """
        said: list[str] = []
        self._out.write(f"  {text} … ")
        self._out.flush()
        before = time.monotonic()
        try:
            yield said
        except Exception as error:
            self._out.write(f"FAILED: {type(error).__name__}: {error}\n")
            raise StoryFailed(text) from error
        took = time.monotonic() - before
        self.steps += 1
        self._out.write(f"{'; '.join(said) or 'done'} ({took:.2f} s)\n")
        self._out.flush()

    def end(self) -> None:
        took = time.monotonic() - self._started
        self._out.write(f"\nAll {self.steps} steps did what they must, in {took:.0f} s.\n")


def must(condition: bool, what: str) -> None:
    """Raise `StoryFailed` unless `condition` holds."""
    if not condition:
        raise StoryFailed(what)
