"""A coloured screen in front of the person: what it shows when, and how much of it arrives where.

Written from the specification of the `light` prompt; nothing here knows how a checker looks at
it. Light is added where light adds up, in linear sRGB (IEC 61966-2-1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import LinearNDInterpolator

from tests.simulation import landmarks as lm
from tests.simulation.geometry import Floats, Head
from tests.simulation.script import COLOUR_SECONDS, NEUTRAL, PALETTE, RAMP_SECONDS, Prompt

SCREEN_GAIN: Final = 0.30
"""What a white screen adds to ambient light 1.0 on skin that faces it at arm's length."""
NODE: Final = 8
"""Pixels of the canvas or the frame between two nodes of a light map."""

_FACE_WIDTH_CM: Final = 14.0
_ARM_CM: Final = 45.0
_SCREEN_BELOW_CM: Final = 7.0  # the lens is above the middle of the screen
_WALL_CM: Final = 150.0  # from the face to what is behind the person
_HAIR, _BODY = 0.7, 0.45
# A screen is no point and skin scatters: light reaches a little round the edge.
_WRAP: Final = 0.15


def to_linear(srgb: NDArray[Any] | tuple[int, int, int]) -> Floats:
    """sRGB in 0..255 to linear light in 0..1."""
    value = np.asarray(srgb, dtype=np.float64) / 255.0
    above = ((np.maximum(value, 0.04045) + 0.055) / 1.055) ** 2.4
    return np.where(value <= 0.04045, value / 12.92, above)


class Screen:
    """What the person's screen shows at each moment: neutral, and the colours of light prompts."""

    def __init__(self, prompts: tuple[Prompt, ...], late_s: float = 0.0) -> None:
        """Args:
        prompts: a script's; those that are not of light play no part.
        late_s: how much later than the script the screen shows everything.
        """
        steps: list[tuple[float, tuple[int, int, int]]] = []
        for prompt in sorted(prompts, key=lambda p: p.start):
            if prompt.colours:
                while steps and steps[-1][0] > prompt.start - 1e-9:
                    steps.pop()
                steps += [
                    (prompt.start + COLOUR_SECONDS * slot, PALETTE[name])
                    for slot, name in enumerate(prompt.colours)
                ]
                steps.append((prompt.end, NEUTRAL))
        self._late_s = late_s
        self._steps: list[tuple[float, Floats, Floats]] = []
        for start, colour in steps:
            before = self._srgb(start)
            self._steps.append((start, before, np.asarray(colour, dtype=np.float64)))

    @property
    def changes(self) -> bool:
        """Whether it ever shows anything else than neutral."""
        return bool(self._steps)

    def srgb(self, t: float) -> Floats:
        """(3,), 0..255, at second `t` of the clip."""
        return self._srgb(t - self._late_s)

    def linear(self, t: float) -> Floats:
        """(3,), 0..1 of linear light, at second `t` of the clip."""
        return to_linear(self.srgb(t))

    def _srgb(self, t: float) -> Floats:
        now = np.asarray(NEUTRAL, dtype=np.float64)
        for start, before, colour in self._steps:
            if t < start:
                break
            part = min(1.0, (t - start) / RAMP_SECONDS)
            now = before + part * (colour - before)
        return now


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """How the canvas lies in space, at nodes every `NODE` pixels, for light from the screen.

    Attributes:
        places: (h, w, 3), centimetres from the pivot: right, down, away.
        normals: (h, w, 3), unit vectors out of the surface.
        head: (h, w) in 0..1, how much of the light that reaches the head there is to be seen.
        rest: (h, w), what arrives at body and wall, which don't turn.
        screen: (3,), the middle of the screen, centimetres from the pivot.
    """

    places: Floats
    normals: Floats
    head: Floats
    rest: Floats
    screen: Floats

    def arriving(self, turn: Floats) -> NDArray[np.float32]:
        """(h, w): light of the screen, 1 where skin faces it at arm's length.

        `turn` (3, 3) is the head's, as in `pose_head`.
        """
        return (self.head * self.facing(turn) + self.rest).astype(np.float32)

    def facing(self, turn: Floats) -> Floats:
        """(h, w): Lambert's cosine over the square of the distance, as if all were the head."""
        toward = self.screen - self.places @ turn.T
        square = np.einsum("ijk,ijk->ij", toward, toward)
        cosine = np.einsum("ijk,ijk->ij", self.normals @ turn.T, toward) / np.sqrt(square)
        soft = np.maximum(cosine + _WRAP, 0.0) / (1.0 + _WRAP)
        return np.asarray(soft * (_ARM_CM**2 / square), dtype=np.float64)


def build_surface(head: Head, width: int, height: int) -> Surface:
    """The surface of a canvas of `width` by `height` pixels."""
    mesh = head.vertices[: lm.POINTS]
    face_width = float(mesh[lm.LEFT_CHEEK_EDGE, 0] - mesh[lm.RIGHT_CHEEK_EDGE, 0])
    cm = _FACE_WIDTH_CM / face_width
    x, y = np.meshgrid(np.arange(0, width + NODE, NODE), np.arange(0, height + NODE, NODE))
    share = np.zeros(len(head.vertices))
    share[head.known] = _HAIR
    share[: len(head.open_mouth)] = 1.0
    values = np.column_stack([head.vertices[:, 2], share])
    field = LinearNDInterpolator(head.vertices[:, :2], values)(x, y)
    field[:, :, 0] = np.where(np.isnan(field[:, :, 0]), head.pivot[2], field[:, :, 0])
    soft = max(1.0, 0.06 * face_width / NODE)
    depth = cv2.GaussianBlur(field[:, :, 0], (0, 0), soft)
    mask = cv2.GaussianBlur(np.nan_to_num(field[:, :, 1]), (0, 0), soft)
    by_y, by_x = np.gradient(depth, NODE)
    normals = np.dstack([by_x, by_y, np.full_like(by_x, -1.0)])
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    places = (np.dstack([x, y, depth]) - head.pivot) * cm
    nose = (mesh[lm.NOSE_TIP] - head.pivot) * cm
    eyes = (mesh[[*lm.RIGHT_EYE_CORNERS, *lm.LEFT_EYE_CORNERS], 1].mean() - head.pivot[1]) * cm
    screen = np.array([0.0, eyes + _SCREEN_BELOW_CM, nose[2] - _ARM_CM])
    bare = Surface(places, normals, mask, np.zeros_like(mask), screen)
    body = _BODY * _body(mesh, x, y, face_width) * (1.0 - mask)
    wall = (_ARM_CM / (_ARM_CM + _WALL_CM)) ** 2
    rest = body * bare.facing(np.eye(3))
    rest += wall * (1.0 - np.clip(mask + body / _BODY, 0.0, 1.0))
    return Surface(places, normals, mask, rest, screen)


def _body(mesh: Floats, x: NDArray[np.int64], y: NDArray[np.int64], face_width: float) -> Floats:
    """(h, w) in 0..1: neck and shoulders, as a bell that widens downward from the chin."""
    chin = mesh[lm.CHIN]
    down = (y - chin[1]) / face_width
    half = 0.4 + 1.1 * np.clip(down - 0.1, 0.0, 0.9)
    inside = (half - np.abs(x - chin[0]) / face_width) / 0.2
    return np.asarray(
        np.clip(inside, 0.0, 1.0) * np.clip((down + 0.15) / 0.2, 0.0, 1.0), dtype=np.float64
    )
