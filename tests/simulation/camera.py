"""The camera: light that adds up, exposure and white balance that follow slowly, noise."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.simulation.encoding import SensorNoise
from tests.simulation.geometry import Floats
from tests.simulation.light import SCREEN_GAIN, Screen, to_linear
from tests.simulation.portrait import Picture, as_picture
from tests.simulation.rendering import Shot, cells
from tests.simulation.scene import Scene
from tests.simulation.script import NEUTRAL

# sRGB but for its darkest 4 % is 1.055 L^(1/2.4) - 0.055: a gain on light is one on p + OFFSET.
_OFFSET: Final = 255.0 * 0.055
_POWER: Final = 1 / 2.4
_RAISED: Final = (np.arange(256) + _OFFSET).astype(np.float32)
_LINEAR: Final = to_linear(np.arange(256.0)).astype(np.float32)
_TYPICAL_SKIN: Final = 0.65
_LUMINANCE: Final = np.array([0.2126, 0.7152, 0.0722])


class Camera:
    """Turns shots, given in the order of their times, into the frames of one clip."""

    def __init__(
        self,
        scene: Scene,
        screen: Screen,
        size: tuple[int, int],
        seed: int,
        *,
        lit: bool = False,
    ) -> None:
        """Args:
        scene: room and camera.
        screen: what lights the person.
        size: width and height of the frames.
        seed: of the noise.
        lit: reckon with the screen even if it stays neutral.
        """
        self._scene, self._screen = scene, screen
        self._noise = SensorNoise(size, seed, scene.noise, offset=-_OFFSET)
        self._dark = _exposure_table(scene.exposure)
        self._automatic = scene.auto_white_balance > 0 or scene.auto_exposure > 0
        tinted = scene.ambient_colour != (1.0, 1.0, 1.0)
        self.lit = lit or screen.changes or self._automatic or tinted
        self._colour = np.array(scene.ambient_colour)
        added = SCREEN_GAIN / scene.ambient * _TYPICAL_SKIN * to_linear(NEUTRAL)
        self._exposure = scene.exposure / float(_LUMINANCE @ (self._colour + added))
        # Kept from frame to frame: to have pages of this size made anew takes longer than the sums.
        self._sheets = np.empty((2, size[1], size[0], 3) if self.lit else (2, 0), dtype=np.float32)
        self._auto, self._usual, self._before = np.ones(3), np.zeros(3), 0.0

    def __call__(self, shot: Shot, t: float) -> Picture:
        """The frame (height, width, 3) uint8 RGB at second `t`.

        Raises:
            ValueError: the light matters in this clip and the shot doesn't know where it falls.
        """
        if not self.lit:
            picture = shot.picture
            if self._scene.exposure != 1.0:
                picture = as_picture(cv2.LUT(picture, self._dark))
            return self._noise(picture)
        if shot.screen is None:
            raise ValueError("a shot for lit frames has to be made with `lit`")
        share = SCREEN_GAIN / self._scene.ambient * self._screen.linear(t)
        gain = self._colour + share * shot.screen[:, :, None]
        if self._automatic:
            self._follow(shot.picture, gain, t)
        gain = (gain * (self._exposure * self._auto)) ** _POWER
        return self._expose(shot.picture, gain.astype(np.float32))

    def _expose(self, picture: Picture, gain: NDArray[np.float32]) -> Picture:
        height, width = picture.shape[:2]
        light, gains = self._sheets
        cv2.LUT(picture, _RAISED, dst=light)
        cv2.resize(gain, (width, height), dst=gains)
        light *= gains
        return self._noise.onto(light)

    def _follow(self, picture: Picture, gain: Floats, t: float) -> None:
        """Moves the camera's own gains on, toward what it takes for a usual picture."""
        rows, cols = cells(picture.shape[0]), cells(picture.shape[1])
        now = (_LINEAR[picture[rows[:, None], cols]] * gain).mean(axis=(0, 1))
        if not self._usual.any():
            self._usual, self._before = now, t
        level = float(_LUMINANCE @ self._usual) / float(_LUMINANCE @ now)
        cast = (self._usual / now) / level
        target = cast**self._scene.auto_white_balance * level**self._scene.auto_exposure
        part = 1.0 - np.exp(-(t - self._before) / self._scene.auto_s)
        self._auto = self._auto + part * (target - self._auto)
        self._before = t


def _exposure_table(exposure: float) -> NDArray[np.uint8]:
    """(256,) lookup for a factor on linear light, with sRGB's gamma taken as 2.2."""
    levels = np.arange(256) / 255.0
    return as_picture(np.clip(np.rint(255.0 * levels * exposure ** (1 / 2.2)), 0, 255))
