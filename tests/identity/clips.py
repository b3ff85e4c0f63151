"""Small clips that are well-formed and show nobody, for what never looks at them."""

from __future__ import annotations

from tests.adversarial.clips import clip


def plain_clip(seed: int = 0) -> bytes:
    """A 3.2 s clip; another seed gives other bytes."""
    return clip(size=(64 + 16 * seed, 64), seconds=3.2)
