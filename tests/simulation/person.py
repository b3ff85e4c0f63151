"""The simulated person: answers a capture script with a rendered clip.

What it shows is a photograph of a real person, the astronaut Eileen Collins, by NASA (public
domain; `skimage.data.astronaut()`). No endorsement by her or by NASA is implied. Every clip it
makes is synthetic: no camera has seen it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from models.engine import Engines
from tests.simulation.camera import Camera
from tests.simulation.encoding import Codec, SensorNoise, Timing, encode, frame_times
from tests.simulation.geometry import build_head
from tests.simulation.light import Screen, build_surface
from tests.simulation.morphs import morphed_portrait
from tests.simulation.motion import Moment, Reach, Sway, moment_at
from tests.simulation.portrait import (
    Picture,
    as_picture,
    enlarge,
    frame_canvas,
    source_picture,
    without_eyes,
)
from tests.simulation.reading import Reading, find_mesh, read
from tests.simulation.rendering import Shot, Stage, render, shoot
from tests.simulation.scene import NO_CHEAT, Cheat, Scene
from tests.simulation.script import Prompt, Script, read_script

_MARGIN: Final = 16
_EYE_DISTANCE: Final = 0.144  # of the frame's shorter side: 92 pixels of 640
# In a small frame people come closer, until the head fills it.
_LEAST_EYE_PIXELS, _NEAREST = 66.0, 0.19
_LOOK_SCALE: Final = 3.0
_TRIAL_SIZE: Final = (640, 640)
_TRIALS: Final = {"left": 32.0, "right": 32.0, "up": 26.0, "down": 26.0}
_BLINK_LIFTS: Final = (0.0, 3.0, 6.0, 9.0)
_BLINK_PITCH: Final = 3.0
_SIDE_PART: Final = 0.42  # of the frame's width, for a second person
_EYES: Final = ((33, 133, 159, 145), (362, 263, 386, 374))

__all__ = ["Cheat", "Scene", "SimulatedPerson", "nobody"]


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedPerson:
    """A portrait that can turn, blink and open its mouth.

    Attributes:
        identity: 0 is the portrait itself; others are morphs of it (see `morphs.IDENTITIES`).
        portrait: (h, w, 3) RGB.
        mesh: (468, 3), pixels of the portrait.
        reach: how far it must turn for the mesh engine to read so many degrees.
    """

    identity: int
    portrait: Picture
    mesh: NDArray[np.float64]
    reach: Reach
    _stages: dict[tuple[int, int], Stage] = field(default_factory=dict, repr=False)

    @classmethod
    def from_portrait(cls, engines: Engines, *, identity: int = 0) -> Self:
        """Looks at the portrait with a pack's engines.

        Raises:
            ValueError: the detector or the mesh engine finds no face in the (morphed) portrait.
        """
        picture = source_picture()
        mesh = _mesh_of(engines, picture)
        if identity:
            picture = morphed_portrait(picture, mesh, identity)
            mesh = _mesh_of(engines, picture)
        person = cls(identity=identity, portrait=picture, mesh=mesh, reach=Reach({}))
        return replace(person, reach=_measure_reach(engines, person))

    def answer(
        self,
        script: Script,
        *,
        seconds: float | None = None,
        fps: int = 30,
        size: tuple[int, int] = (640, 640),
        codec: Codec = "h264",
        seed: int = 0,
        delay_s: float = 0.0,
        scene: Scene | None = None,
        cheat: Cheat = NO_CHEAT,
        timing: Timing | None = None,
        crf: int | None = None,
        bit_rate: int | None = None,
    ) -> bytes:
        """A clip in which the person does what the script asks, lit as it says.

        Args:
            script: prompts in the API's JSON form.
            seconds: length; by default a little longer than the script.
            fps: frames a second.
            size: width and height, both even.
            codec: "h264" (mp4), "vp8" or "vp9" (webm).
            seed: of the sway, the shake of the hand, the sensor's noise and the timing.
            delay_s: how much later than usual the person reacts (the light doesn't).
            scene: room, camera and company.
            cheat: what is not as it should be.
            timing: frames that come unevenly or not at all.
            crf, bit_rate: of the encoder; see `encode`.

        Raises:
            ValueError: the script asks for what the person can't do.
        """
        frames = self.frames(
            script,
            seconds=seconds,
            fps=fps,
            size=size,
            seed=seed,
            delay_s=delay_s,
            scene=scene,
            cheat=cheat,
            timing=timing,
        )
        length = _length(read_script(script), delay_s) if seconds is None else seconds
        times = None if timing is None else frame_times(length, fps, timing, seed)
        return encode(frames, fps=fps, codec=codec, crf=crf, bit_rate=bit_rate, times=times)

    def frames(
        self,
        script: Script,
        *,
        seconds: float | None = None,
        fps: int = 30,
        size: tuple[int, int] = (640, 640),
        seed: int = 0,
        delay_s: float = 0.0,
        scene: Scene | None = None,
        cheat: Cheat = NO_CHEAT,
        timing: Timing | None = None,
    ) -> Iterator[Picture]:
        """The frames of `answer` before they are encoded: (height, width, 3) uint8, RGB.

        They are taken at `frame_times(seconds, fps, timing, seed)`.
        """
        asked = read_script(script)
        prompts = tuple(
            replace(prompt, start=prompt.start + delay_s, end=prompt.end + delay_s)
            for prompt in asked
        )
        seconds = _length(asked, delay_s) if seconds is None else seconds
        scene = scene or Scene()
        shown = asked if cheat.lit_by is None else read_script(cheat.lit_by)
        screen = Screen(shown, scene.latency_s + cheat.light_delay_s)
        asks = any(prompt.colours for prompt in asked)
        camera, sway = Camera(scene, screen, size, seed, lit=asks), Sway(seed)
        for t in frame_times(seconds, fps, timing, seed):
            moment = moment_at(t, prompts, self.reach, sway, size[0], shake=scene.shake)
            stage = cheat.person_at(t, self).stage(size)
            if scene.beside is None:
                shot = shoot(stage, moment, lit=camera.lit)
            else:
                there = scene.beside_during[0] <= t < scene.beside_during[1]
                other = scene.beside.stage(size) if there else None
                shot = _with_company(stage, moment, other, lit=camera.lit)
            yield camera(shot, t)

    def still(
        self,
        seconds: float = 12.0,
        *,
        fps: int = 30,
        size: tuple[int, int] = (640, 640),
        codec: Codec = "h264",
    ) -> bytes:
        """One picture of the person over and over, as a clip: a presentation attack."""
        picture = SensorNoise(size, seed=0)(render(self.stage(size), Moment()))
        return encode((picture for _ in range(round(seconds * fps))), fps=fps, codec=codec)

    def picture(self, moment: Moment | None = None, size: tuple[int, int] = (640, 640)) -> Picture:
        """One picture (height, width, 3) uint8 RGB without noise, at rest unless told."""
        return render(self.stage(size), moment or Moment())

    def stage(self, size: tuple[int, int]) -> Stage:
        """What is rendered in frames of a size."""
        if size not in self._stages:
            self._stages[size] = _build_stage(self.portrait, self.mesh, size)
        return self._stages[size]


def nobody(
    seconds: float = 12.0,
    *,
    fps: int = 30,
    size: tuple[int, int] = (640, 640),
    codec: Codec = "h264",
    seed: int = 0,
) -> bytes:
    """A clip of the studio's backdrop, with nobody before it."""
    backdrop = source_picture()[20:120, 20:120]
    wall = as_picture(cv2.resize(backdrop, size, interpolation=cv2.INTER_CUBIC))
    noise = SensorNoise(size, seed)
    return encode((noise(wall) for _ in range(round(seconds * fps))), fps=fps, codec=codec)


def _mesh_of(engines: Engines, picture: Picture) -> NDArray[np.float64]:
    found = find_mesh(engines, enlarge(picture, _LOOK_SCALE))
    if found is None:
        raise ValueError("the engines find no face in this portrait")
    # Pixel centres: the middle of the first pixel is (0, 0) on either scale.
    points = np.asarray(found.points, dtype=np.float64) / _LOOK_SCALE
    points[:, :2] += 0.5 / _LOOK_SCALE - 0.5
    return points


def _build_stage(portrait: Picture, mesh: NDArray[np.float64], size: tuple[int, int]) -> Stage:
    right, left = (mesh[list(eye), :2].mean(axis=0) for eye in _EYES)
    short = min(size)
    eyes = min(max(_EYE_DISTANCE * short, _LEAST_EYE_PIXELS), _NEAREST * short)
    scale = eyes / float(np.linalg.norm(left - right))
    big = enlarge(portrait, scale)
    points = mesh * scale
    points[:, :2] += 0.5 * scale - 0.5
    middle = points[:, :2].mean(axis=0)
    face_height = float(points[152, 1] - points[10, 1])
    centre = (float(middle[0]), float(middle[1]) + 0.12 * face_height)
    canvas, corner = frame_canvas(big, centre, size, _MARGIN)
    points[:, :2] -= corner
    head = build_head(points, canvas.shape[1], canvas.shape[0])
    return Stage(
        canvas=canvas,
        lids=without_eyes(canvas, points),
        head=head,
        surface=build_surface(head, canvas.shape[1], canvas.shape[0]),
        size=size,
    )


def _measure_reach(engines: Engines, person: SimulatedPerson) -> Reach:
    """What the mesh engine reads on this head, as the person's own sense of how far to turn."""

    def look(moment: Moment) -> Reading:
        mesh = find_mesh(engines, person.picture(moment, _TRIAL_SIZE))
        if mesh is None:
            raise ValueError("the engines lose this face when it moves")
        return read(mesh.points)

    rest = look(Moment())
    readings: dict[str, tuple[tuple[float, float], ...]] = {}
    for direction, farthest in _TRIALS.items():
        pairs = [(0.0, 0.0)]
        sign = 1 if direction in ("left", "up") else -1
        for true in (0.4 * farthest, 0.7 * farthest, farthest):
            if direction in ("left", "right"):
                got = sign * (look(Moment(yaw=sign * true)).yaw - rest.yaw)
            else:
                got = sign * (look(Moment(pitch=sign * true)).pitch - rest.pitch)
            pairs.append((true, max(got, pairs[-1][1] + 0.1)))
        readings[direction] = tuple(pairs)
    blinks = {lift: look(Moment(lids=1.0, pitch=lift)) for lift in _BLINK_LIFTS}
    level = [lift for lift in blinks if abs(blinks[lift].pitch - rest.pitch) < _BLINK_PITCH]
    return Reach(
        readings,
        chin_lift=look(Moment(mouth=1.0)).pitch - rest.pitch,
        blink_lift=min(level, key=lambda lift: blinks[lift].eyes, default=0.0),
    )


def _length(prompts: tuple[Prompt, ...], delay_s: float) -> float:
    """Seconds of a clip that is a little longer than its script."""
    return max((prompt.end for prompt in prompts), default=3.0 - delay_s) + delay_s + 0.4


def _with_company(stage: Stage, moment: Moment, other: Stage | None, *, lit: bool) -> Shot:
    """The person moved aside, with or without another one in the room made."""
    width = stage.size[0]
    aside = replace(moment, shake_x=moment.shake_x - 0.5 * _SIDE_PART * width)
    shot = shoot(stage, aside, lit=lit)
    if other is None:
        return shot
    calm = replace(moment, yaw=0.0, pitch=0.0, lids=0.0, mouth=0.0)
    company = shoot(other, calm, lit=lit)
    _beside(shot.picture, company.picture)
    if shot.screen is not None and company.screen is not None:
        _beside(shot.screen, company.screen)
    return shot


def _beside(first: NDArray[Any], second: NDArray[Any]) -> None:
    """Writes the middle of the second array (h, w, ...) over the side of the first."""
    width = first.shape[1]
    share = round(_SIDE_PART * width)
    left = (width - share) // 2
    first[:, width - share :] = second[:, left : left + share]
