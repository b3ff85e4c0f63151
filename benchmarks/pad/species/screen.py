"""Screen recapture: a clip shown on a screen and filmed off it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.pad.frames import Picture, as_picture

_PATTERNS: Final = 5
_TAPS: Final = 4


@dataclass(frozen=True, slots=True)
class Screen:
    """A screen and how it is filmed.

    Attributes:
        pitch: screen pixels to a pixel of the camera.
        roll: degrees between the two grids.
        contrast: how much of the sub-pixel grid the optics leave, 0 to 1.
        gamma: of screen and camera together.
        black: what a black pixel still shines, 0 to 255.
        flicker: part of the brightness by which bands that wander go up and down.
        bezel: width of the dark frame as a part of the picture's width; 0 shows none.
        cover: part of the frame's width that the screen fills.
        blur: sigma of the optics, pixels.
    """

    pitch: float = 1.6
    roll: float = 2.0
    contrast: float = 0.35
    gamma: float = 1.1
    black: float = 8.0
    flicker: float = 0.03
    bezel: float = 0.0
    cover: float = 1.0
    blur: float = 0.6


def recaptured(
    frames: Iterable[Picture], fps: float, chance: np.random.Generator, screen: Screen
) -> Iterator[Picture]:
    """The frames as a camera before a screen sees them (without the sensor's noise)."""
    patterns: list[NDArray[np.float32]] = []
    table = _tone(screen)
    beat, drift = chance.uniform(0.7, 3.0), chance.uniform(2.0, 6.0)
    for index, frame in enumerate(frames):
        height, width = frame.shape[:2]
        if not patterns:
            patterns = [grid(width, height, chance, screen) for _ in range(_PATTERNS)]
        shown = cv2.LUT(frame, table)
        if screen.blur > 0:
            shown = cv2.GaussianBlur(shown, (0, 0), screen.blur)
        rows = np.arange(height, dtype=np.float32)[:, None, None] / height
        bands = 1.0 + screen.flicker * np.sin(2 * np.pi * (drift * rows + beat * index / fps))
        lit = shown.astype(np.float32) * patterns[int(chance.integers(_PATTERNS))]
        lit *= bands.astype(np.float32)
        yield _framed(as_picture(np.clip(np.rint(lit), 0, 255)), screen)


def grid(
    width: int, height: int, chance: np.random.Generator, screen: Screen
) -> NDArray[np.float32]:
    """What the screen's sub-pixels leave of each camera pixel: (height, width, 3), mean 1.

    A screen pixel is three upright stripes, red, green and blue, with a dark line below; each
    camera pixel sees the mean of 4 × 4 points. Where pitches are near one another, or a
    multiple, that beats: moiré.
    """
    x0, y0 = chance.uniform(0.0, 1.0, 2)
    angle = np.radians(screen.roll)
    total = np.zeros((height, width, 3), dtype=np.float32)
    for i in range(_TAPS):
        for j in range(_TAPS):
            x = (np.arange(width, dtype=np.float32) + (i + 0.5) / _TAPS)[None, :]
            y = (np.arange(height, dtype=np.float32) + (j + 0.5) / _TAPS)[:, None]
            across = screen.pitch * (x * np.cos(angle) - y * np.sin(angle)) + x0
            down = screen.pitch * (x * np.sin(angle) + y * np.cos(angle)) + y0
            stripe = np.floor(3 * (across % 1.0)).astype(np.int8)
            row = (down % 1.0) < 0.8
            for channel in range(3):
                total[:, :, channel] += (stripe == channel) & row
    total /= total.mean(axis=(0, 1), keepdims=True)
    out: NDArray[np.float32] = 1.0 + np.float32(screen.contrast) * (total - 1.0)
    return out


def _tone(screen: Screen) -> NDArray[np.uint8]:
    levels = np.arange(256) / 255.0
    shown = screen.black + (255.0 - screen.black) * levels**screen.gamma
    return as_picture(np.clip(np.rint(shown), 0, 255))


def _framed(picture: Picture, screen: Screen) -> Picture:
    """The screen in its dark frame before a dim wall, where it doesn't fill the frame."""
    if screen.cover >= 1.0:
        return picture
    height, width = picture.shape[:2]
    cols, rows = round(screen.cover * width), round(screen.cover * height)
    edge = round(screen.bezel * width)
    out = np.full_like(picture, 96)
    x, y = (width - cols) // 2, (height - rows) // 2
    out[max(0, y - edge) : y + rows + edge, max(0, x - edge) : x + cols + edge] = 14
    small = cv2.resize(picture, (cols, rows), interpolation=cv2.INTER_AREA)
    out[y : y + rows, x : x + cols] = small
    return out
