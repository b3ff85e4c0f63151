"""Simulated people as material: tests/simulation renders what a real clip can't give."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, Final

from benchmarks.pad.frames import Picture, Pictures
from benchmarks.pad.material import Material
from benchmarks.pad.species.timeline import Recording
from identity.prompts import Direction, Kind, Prompt, Script
from models.engine import Engines
from tests.simulation.person import SimulatedPerson
from tests.simulation.scene import Cheat, Scene

_GAP: Final = 0.3
TAIL: Final = 0.4


def everything() -> Script:
    """A script with every movement that a session may ask for: what an attacker collects."""
    prompts = [Prompt(Kind.HOLD, 0.0, 1.0)]
    wanted: list[tuple[Kind, float, dict[str, Any]]] = [
        (Kind.TURN, 1.6, {"direction": direction, "min_degrees": degrees})
        for direction, degrees in (
            (Direction.LEFT, 15.0),
            (Direction.UP, 10.0),
            (Direction.RIGHT, 15.0),
            (Direction.DOWN, 10.0),
        )
    ]
    wanted += [(Kind.BLINK, 1.4, {"count": 1}), (Kind.BLINK, 1.8, {"count": 2})]
    wanted.append((Kind.OPEN_MOUTH, 1.4, {}))
    for kind, seconds, more in wanted:
        start = round(prompts[-1].end + _GAP, 1)
        prompts.append(Prompt(kind, start, round(start + seconds, 1), **more))
    return Script(tuple(prompts))


class SimulatedMaterial(Material):
    """A simulated person who is asked a script of a session.

    Attributes:
        person: whose face. guests: other people by any number.
        size: width and height of the frames. seed: of hand, sway and noise.
        scene: the room of the good answer.
    """

    def __init__(
        self,
        engines: Engines,
        person: SimulatedPerson,
        guests: Callable[[int], SimulatedPerson],
        script: Script,
        *,
        fps: int,
        size: tuple[int, int],
        seed: int,
        scene: Scene,
    ) -> None:
        super().__init__(engines, f"person-{person.identity}", float(fps), script)
        self.person, self.guests = person, guests
        self.rate, self.size, self.seed, self.scene = fps, size, seed, scene

    def render(
        self,
        script: Script,
        *,
        person: SimulatedPerson | None = None,
        seed: int | None = None,
        seconds: float | None = None,
        delay: float = 0.0,
        scene: Scene | None = None,
        cheat: Cheat | None = None,
    ) -> list[Picture]:
        """Frames of somebody who answers a script."""
        return list(
            (person or self.person).frames(
                script.to_json(),
                seconds=seconds or script.seconds + TAIL,
                fps=self.rate,
                size=self.size,
                seed=self.seed if seed is None else seed,
                delay_s=delay,
                scene=scene or self.scene,
                cheat=cheat or Cheat(),
            )
        )

    @cached_property
    def answer(self) -> list[Picture]:
        return self.render(self.script)

    @cached_property
    def unlit(self) -> list[Picture]:
        if not any(prompt.colours for prompt in self.script.prompts):
            return self.answer
        return self.render(self.script, cheat=Cheat(lit_by=[]))

    @cached_property
    def recording(self) -> Recording:
        script = everything()
        frames = self.render(script, seed=self.seed + 1)
        return Recording(frames, self.fps, script.prompts)

    @property
    def picture_script(self) -> Script:
        return self.script

    @property
    def piece_script(self) -> Script:
        return self.script

    def late(self, seconds: float) -> tuple[Pictures, Script]:
        length = self.script.seconds + TAIL + max(0.0, seconds)
        return self.render(self.script, delay=seconds, seconds=length), self.script

    def lit_by(self, script: Script | None, scene: Scene | None = None) -> list[Picture]:
        shown = [] if script is None else script.to_json()
        return self.render(self.script, scene=scene, cheat=Cheat(lit_by=shown))

    def guest(self, which: int, first: int, count: int) -> list[Picture]:
        """Rendered from the same script at the same moment; only the sway is another."""
        person = self.guests(which)
        start = first / self.fps
        return self.render(
            self.script,
            person=person,
            seconds=count / self.fps,
            delay=-start,
            cheat=Cheat(light_delay_s=-start),
        )
