"""The simulated person: answers a capture script with a rendered clip.

What it shows is a photograph of a real person, the astronaut Eileen Collins, by NASA (public
domain; `skimage.data.astronaut()`). No endorsement by her or by NASA is implied. Every clip it
makes is synthetic: no camera has seen it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from models.engine import Engines
from tests.simulation.encoding import Codec, SensorNoise, encode
from tests.simulation.geometry import build_head
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
from tests.simulation.rendering import Stage, render
from tests.simulation.script import Script, read_script

_MARGIN: Final = 16
_EYE_DISTANCE: Final = 0.144  # of the frame's shorter side: 92 pixels of 640
_LOOK_SCALE: Final = 3.0
_TRIAL_SIZE: Final = (640, 640)
_TRIALS: Final = {"left": 32.0, "right": 32.0, "up": 26.0, "down": 26.0}
_BLINK_LIFTS: Final = (0.0, 3.0, 6.0, 9.0)
_BLINK_PITCH: Final = 3.0
_SIDE_PART: Final = 0.42  # of the frame's width, for a second person
_EYES: Final = ((33, 133, 159, 145), (362, 263, 386, 374))


@dataclass(frozen=True, slots=True)
class Scene:
    """What else there is to a clip than the person: for clips that must be refused.

    Attributes:
        exposure: factor on linear light; 0.02 is too dark to see anybody.
        beside: another person at the first one's left hand.
        beside_during: seconds (from, until) in which that person is there.
    """

    exposure: float = 1.0
    beside: SimulatedPerson | None = None
    beside_during: tuple[float, float] = (0.0, float("inf"))


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
    ) -> bytes:
        """A clip in which the person does what the script asks.

        Args:
            script: prompts in the API's JSON form.
            seconds: length; by default a little longer than the script.
            fps: frames a second.
            size: width and height, both even.
            codec: "h264" (mp4) or "vp8" (webm).
            seed: of the sway, the shake of the hand and the sensor's noise.
            delay_s: how much later than usual the person reacts.
            scene: what else there is.

        Raises:
            ValueError: the script asks for what the person can't do.
        """
        frames = self.frames(
            script, seconds=seconds, fps=fps, size=size, seed=seed, delay_s=delay_s, scene=scene
        )
        return encode(frames, fps=fps, codec=codec)

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
    ) -> Iterator[Picture]:
        """The frames of `answer` before they are encoded: (height, width, 3) uint8, RGB."""
        prompts = tuple(
            replace(prompt, start=prompt.start + delay_s, end=prompt.end + delay_s)
            for prompt in read_script(script)
        )
        if seconds is None:
            seconds = max((prompt.end for prompt in prompts), default=3.0) + 0.4
        stage, sway, scene = self.stage(size), Sway(seed), scene or Scene()
        noise, exposure = SensorNoise(size, seed), _exposure_table(scene.exposure)
        for index in range(round(seconds * fps)):
            t = index / fps
            moment = moment_at(t, prompts, self.reach, sway, size[0])
            if scene.beside is None:
                picture = render(stage, moment)
            else:
                there = scene.beside_during[0] <= t < scene.beside_during[1]
                picture = self._with_company(stage, moment, scene.beside if there else None)
            if scene.exposure != 1.0:
                picture = as_picture(cv2.LUT(picture, exposure))
            yield noise(picture)

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

    def _with_company(self, stage: Stage, moment: Moment, other: SimulatedPerson | None) -> Picture:
        """The person moved aside, with or without another one in the room made."""
        width = stage.size[0]
        aside = replace(moment, shake_x=moment.shake_x - 0.5 * _SIDE_PART * width)
        picture = render(stage, aside)
        if other is not None:
            share = round(_SIDE_PART * width)
            calm = replace(moment, yaw=0.0, pitch=0.0, lids=0.0, mouth=0.0)
            company = render(other.stage(stage.size), calm)
            left = (width - share) // 2
            picture[:, width - share :] = company[:, left : left + share]
        return picture


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
    scale = _EYE_DISTANCE * min(size) / float(np.linalg.norm(left - right))
    big = enlarge(portrait, scale)
    points = mesh * scale
    points[:, :2] += 0.5 * scale - 0.5
    middle = points[:, :2].mean(axis=0)
    face_height = float(points[152, 1] - points[10, 1])
    centre = (float(middle[0]), float(middle[1]) + 0.12 * face_height)
    canvas, corner = frame_canvas(big, centre, size, _MARGIN)
    points[:, :2] -= corner
    head = build_head(points, canvas.shape[1], canvas.shape[0])
    return Stage(canvas=canvas, lids=without_eyes(canvas, points), head=head, size=size)


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


def _exposure_table(exposure: float) -> NDArray[np.uint8]:
    """(256,) lookup for a factor on linear light, with sRGB's gamma taken as 2.2."""
    levels = np.arange(256) / 255.0
    return as_picture(np.clip(np.rint(255.0 * levels * exposure ** (1 / 2.2)), 0, 255))
