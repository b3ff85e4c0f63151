"""What an attacker has to work with: somebody's clips, the script, and somebody else."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.pad.frames import Picture, Pictures
from benchmarks.pad.species.pictures import Album
from benchmarks.pad.species.timeline import Recording
from identity.capture.script import Without, generate_script
from identity.prompts import Kind, Prompt, Script
from models.engine import Engines
from tests.simulation.reading import find_mesh, read

if TYPE_CHECKING:
    from tests.simulation.scene import Scene

Points = NDArray[np.floating]

_LOOK_EVERY: Final = 2


def nonce(*parts: object) -> bytes:
    """A session's nonce (32 bytes), the same for the same words."""
    return hashlib.sha256("\0".join(str(part) for part in parts).encode()).digest()


def seed(*parts: object) -> int:
    """A generator's seed, the same for the same words."""
    return int.from_bytes(nonce("seed", *parts)[:6], "big")


class Material(ABC):
    """Frames are made or decoded when they are first asked for, and kept.

    Attributes:
        engines: find faces, for the attacker's own tools.
        face: whose; a name for the report.
        fps: of all frames.
        script: what the session asks.
    """

    def __init__(self, engines: Engines, face: str, fps: float, script: Script) -> None:
        self.engines, self.face, self.fps, self.script = engines, face, fps, script

    @property
    @abstractmethod
    def answer(self) -> list[Picture]:
        """A good answer to the script, light and all."""

    @property
    @abstractmethod
    def unlit(self) -> list[Picture]:
        """An answer to the script but for its light."""

    @property
    @abstractmethod
    def recording(self) -> Recording:
        """A clip of another session, without light, from which pieces are cut."""

    @property
    @abstractmethod
    def picture_script(self) -> Script:
        """What somebody is asked who holds up a picture: always with turns."""

    @property
    @abstractmethod
    def piece_script(self) -> Script:
        """What somebody is asked who puts pieces of `recording` together."""

    @abstractmethod
    def late(self, seconds: float) -> tuple[Pictures, Script]:
        """A good answer that comes so much later than it is asked (negative: earlier)."""

    @abstractmethod
    def lit_by(self, script: Script | None, scene: Scene | None = None) -> list[Picture]:
        """The same answer under another script's light (none: a neutral screen) in a room.

        Raises:
            ValueError: these frames are a real clip's.
        """

    @abstractmethod
    def guest(self, which: int, first: int, count: int) -> list[Picture]:
        """Frames of somebody else, as like in pose to `answer[first:first + count]` as can be."""

    def points(self, picture: Picture) -> Points | None:
        """The mesh (468, 3) of the face in a picture, its pixels; None without one."""
        mesh = find_mesh(self.engines, picture)
        return None if mesh is None else mesh.points

    @cached_property
    def album(self) -> Album:
        """Three pictures out of `recording`: at rest, with shut eyes, with an open mouth."""
        recording = self.recording
        rest = self._best(0.2, 0.9, lambda points: abs(read(points).yaw))
        shut = mouth = rest
        for prompt in recording.prompts:
            if prompt.kind is Kind.BLINK:
                shut = self._best(prompt.start, prompt.end, lambda points: read(points).eyes)
                break
        for prompt in recording.prompts:
            if prompt.kind is Kind.OPEN_MOUTH:
                mouth = self._best(prompt.start, prompt.end, lambda points: -read(points).mouth)
                break
        frames = recording.frames
        return Album(frames[rest], frames[shut], frames[mouth])

    def _best(self, start: float, end: float, cost: Callable[[Points], float]) -> int:
        """Where the recording has the least cost among the frames of a window."""
        frames, fps = self.recording.frames, self.fps
        first = min(round(start * fps), len(frames) - 1)
        last = max(first + 1, min(round(end * fps), len(frames)))
        best, least = first, float("inf")
        for index in range(first, last, _LOOK_EVERY):
            points = self.points(frames[index])
            if points is None:
                continue
            value = cost(points)
            if value < least:
                best, least = index, value
        return best


class RealMaterial(Material):
    """A folder's clip, cut to its first seconds, with the script that its labels stand for."""

    def __init__(
        self,
        engines: Engines,
        face: str,
        frames: list[Picture],
        fps: float,
        script: Script,
        guests: Sequence[tuple[list[Picture], float]],
    ) -> None:
        super().__init__(engines, face, fps, script)
        self._frames, self._guests = frames, guests

    @property
    def answer(self) -> list[Picture]:
        return self._frames

    @property
    def unlit(self) -> list[Picture]:
        return self._frames

    @cached_property
    def recording(self) -> Recording:
        """The clip itself, with those of its labels that don't overlap."""
        prompts: list[Prompt] = []
        until = 0.0
        for prompt in self.script.prompts:
            middle = (prompt.start + prompt.end) / 2
            start, end = max(0.0, middle - 0.7), middle + 0.7
            if prompt.kind in (Kind.TURN, Kind.OPEN_MOUTH, Kind.BLINK) and start >= until:
                prompts.append(_moved(prompt, start, min(end, len(self._frames) / self.fps)))
                until = end
        return Recording(self._frames, self.fps, tuple(prompts))

    @cached_property
    def picture_script(self) -> Script:
        if any(prompt.kind is Kind.TURN for prompt in self.script.prompts):
            return self.script
        return generate_script(nonce("pictures", self.face), Without.LIGHT)

    @cached_property
    def piece_script(self) -> Script:
        """What the labels say, asked in another order."""
        prompts = self.recording.prompts
        turns = [prompt for prompt in prompts if prompt.kind is Kind.TURN]
        if len(turns) < 2:
            return self.script
        moved = [*prompts[1:], prompts[0]]
        return Script(tuple(_moved(p, q.start, q.end) for p, q in zip(moved, prompts, strict=True)))

    def late(self, seconds: float) -> tuple[Pictures, Script]:
        """The clip is as it is; what is asked is asked earlier (or later)."""
        prompts = [
            _moved(p, round(p.start - seconds, 3), round(p.end - seconds, 3))
            for p in self.script.prompts
            if p.start - seconds >= 0
        ]
        return self._frames, Script(tuple(prompts)) if prompts else self.script

    def lit_by(self, script: Script | None, scene: Scene | None = None) -> list[Picture]:
        raise ValueError("a real clip's light is what it was")

    def guest(self, which: int, first: int, count: int) -> list[Picture]:
        frames, fps = self._guests[which % len(self._guests)]
        return [
            frames[round((first + index) / self.fps * fps) % len(frames)] for index in range(count)
        ]


def _moved(prompt: Prompt, start: float, end: float) -> Prompt:
    return replace(prompt, start=start, end=end)
