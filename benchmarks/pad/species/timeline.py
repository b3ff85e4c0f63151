"""Time: frames that stand still, come again, come backwards, or come from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2

from benchmarks.pad.frames import Picture, Pictures, as_picture
from identity.prompts import Kind, Prompt, Script


def frozen(frames: Pictures, fps: float, start: float, seconds: float) -> list[Picture]:
    """The clip standing still from `start` for `seconds`, then going on where it would be."""
    first, length = round(start * fps), round(seconds * fps)
    out = list(frames)
    for index in range(first, min(first + length, len(out))):
        out[index] = frames[first]
    return out


def waiting(frames: Pictures, fps: float, start: float, seconds: float) -> list[Picture]:
    """The clip standing still from `start` for `seconds`, then going on where it stood."""
    first, length = round(start * fps), round(seconds * fps)
    return [*frames[:first], *[frames[first]] * length, *frames[first:]]


def looped(
    frames: Pictures, fps: float, start: float, seconds: float, times: int, bounce: bool = False
) -> list[Picture]:
    """A part of the clip shown `times` more in place of what follows it.

    Args:
        bounce: every second time backwards, so that no picture jumps.
    """
    first, length = round(start * fps), round(seconds * fps)
    part = list(frames[first : first + length])
    out = list(frames)
    for turn in range(times):
        again = part[::-1] if bounce and turn % 2 == 0 else part
        at = first + length * (turn + 1)
        for index, frame in enumerate(again):
            if at + index < len(out):
                out[at + index] = frame
    return out


def reversed_windows(
    frames: Pictures, fps: float, windows: Sequence[tuple[float, float]]
) -> list[Picture]:
    """Each window (start, end in seconds) backwards, the rest as it is."""
    out = list(frames)
    for start, end in windows:
        first, last = round(start * fps), min(round(end * fps), len(out))
        out[first:last] = out[first:last][::-1]
    return out


@dataclass(frozen=True, slots=True)
class Recording:
    """A clip of earlier with what is done in it: what an attacker cuts pieces from.

    Attributes:
        frames: RGB. fps: frames a second. prompts: what is done when.
    """

    frames: Pictures
    fps: float
    prompts: tuple[Prompt, ...]


def spliced(
    recording: Recording, script: Script, seconds: float, *, fade: int = 0, backwards: bool = False
) -> Iterator[Picture]:
    """Pieces of a recording, put in the order and at the times that a script asks for.

    Between the pieces the recording's first hold (or its beginning) is shown, forwards and
    backwards. A prompt that the recording has no answer to is left out.

    Args:
        seconds: length of the result.
        fade: frames of cross-fading at each cut.
        backwards: whether the pieces come backwards (a turn there and back is still one).
    """
    fps = recording.fps
    hold = next((p for p in recording.prompts if p.kind is Kind.HOLD), None)
    begin, end = (hold.start, hold.end) if hold else (0.0, 1.0)
    rest = list(recording.frames[round(begin * fps) : max(round(end * fps), 2)])
    order = [*range(len(rest)), *range(len(rest) - 2, 0, -1)]
    count = round(seconds * fps)
    out = [rest[order[index % len(order)]] for index in range(count)]
    used: dict[Prompt, int] = {}
    cuts: list[int] = []
    for prompt in script.prompts:
        source = _piece(recording.prompts, prompt, used)
        if source is None:
            continue
        used[source] = used.get(source, 0) + 1
        at, first = round(prompt.start * fps), round(source.start * fps)
        length = min(round(min(source.end, _limit(source, prompt)) * fps) - first, count - at)
        piece = list(recording.frames[first : first + max(0, length)])
        if backwards:
            piece.reverse()
        out[at : at + len(piece)] = piece
        cuts += [at, at + len(piece)]
    yield from _faded(out, cuts, fade)


def _limit(source: Prompt, prompt: Prompt) -> float:
    """Where to cut a piece that is longer than its window: a little over is no harm."""
    return source.start + (prompt.end - prompt.start) + 0.2


def _piece(prompts: Sequence[Prompt], wanted: Prompt, used: dict[Prompt, int]) -> Prompt | None:
    """The answer that fits best: of the kind and direction, the count if can be, least used."""
    fitting = [
        p
        for p in prompts
        if p.kind is wanted.kind and p.direction is wanted.direction and not p.colours
    ]
    return min(fitting, key=lambda p: (p.count != wanted.count, used.get(p, 0)), default=None)


def _faded(frames: list[Picture], cuts: Sequence[int], fade: int) -> Iterator[Picture]:
    """The frames with every cut softened over `fade` frames to its either side."""
    for index, frame in enumerate(frames):
        near = next((c for c in cuts if 0 < c < len(frames) and abs(index - c) < fade), None)
        if near is None or fade == 0:
            yield frame
            continue
        part = (index - near + fade) / (2 * fade)
        before, after = frames[near - 1], frames[near]
        other = before if index >= near else after
        own = part if index >= near else 1.0 - part
        yield as_picture(cv2.addWeighted(frame, own, other, 1.0 - own, 0.0))
