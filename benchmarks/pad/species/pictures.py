"""One flat picture before the camera: still, panned, turned, bent.

The attacker does his best to follow the script: he moves the picture where the prompts say, at
their times, and where he has them he shows a picture with shut eyes or an open mouth instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.pad.cues import Cue
from benchmarks.pad.frames import Picture, as_picture, warped

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Album:
    """The pictures that an attacker has of somebody, all of one size.

    Attributes:
        rest: facing the camera. shut: with shut eyes. mouth: with an open mouth; either may
            be `rest` again where there is none.
    """

    rest: Picture
    shut: Picture
    mouth: Picture

    def at(self, cue: Cue) -> Picture:
        """The picture for a moment."""
        if cue.shut:
            return self.shut
        return self.mouth if cue.mouth else self.rest


def still(picture: Picture, count: int) -> Iterator[Picture]:
    """The same picture over and over."""
    for _ in range(count):
        yield picture


def breathing(picture: Picture, count: int, fps: float, depth: float) -> Iterator[Picture]:
    """A still whose brightness goes up and down by the part `depth`, as room light does."""
    levels = np.arange(256)
    for index in range(count):
        factor = 1.0 + depth * np.sin(2 * np.pi * 0.3 * index / fps)
        yield as_picture(cv2.LUT(picture, np.clip(np.rint(levels * factor), 0, 255).astype("u1")))


def panned(
    album: Album, cues: Sequence[Cue], *, reach: float, zoom: float = 1.0, shear: float = 0.0
) -> Iterator[Picture]:
    """A picture that is pushed where the prompts say.

    Args:
        reach: how far, as a part of the width.
        zoom: of the picture, to have something left at its edges.
        shear: how far the top is pushed further than the middle, as a part of `reach`.
    """
    for cue in cues:
        picture = album.at(cue)
        height, width = picture.shape[:2]
        dx, dy = reach * width * cue.right, -reach * width * cue.up
        lean = -shear * 2 * dx / height
        matrix = np.array([[zoom, lean, 0.0], [0.0, zoom, 0.0]])
        middle = np.array([width / 2, height / 2])
        matrix[:, 2] = middle - matrix[:, :2] @ middle + (dx, dy)
        yield warped(picture, matrix, (width, height))


def turned(
    album: Album,
    cues: Sequence[Cue],
    *,
    yaw: float,
    pitch: float,
    focal: float = 1.6,
    cover: float = 1.25,
    wall: Picture | None = None,
) -> Iterator[Picture]:
    """A flat picture that is turned in space where the prompts say.

    Args:
        yaw, pitch: degrees of the plane at the height of a prompt.
        focal: of the camera, in widths: how strong the perspective is.
        cover: size of the picture at rest, in frames; under 1 its edges are seen.
        wall: what is seen beyond its edges; mirrored edges without it.
    """
    for cue in cues:
        picture = album.at(cue)
        height, width = picture.shape[:2]
        matrix = plane(width, height, yaw * cue.right, pitch * cue.up, focal * width, cover)
        seen = warped(picture, matrix, (width, height))
        if wall is not None:
            solid = np.full((height, width), 255, dtype=np.uint8)
            mask = cv2.warpPerspective(solid, matrix, (width, height))[:, :, None] / 255.0
            seen = as_picture(np.rint(seen * mask + wall * (1.0 - mask)))
        yield seen


def plane(width: int, height: int, yaw: float, pitch: float, focal: float, cover: float) -> Floats:
    """Homography (3, 3) of a plane turned by yaw and pitch (degrees) about its middle."""
    turn = _rotation(yaw, pitch)
    back = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 1]], dtype=np.float64)
    lens = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])
    placed = np.column_stack([cover * turn[:, 0], cover * turn[:, 1], [0.0, 0.0, focal]])
    matrix: Floats = lens @ placed @ back
    scaled: Floats = matrix / matrix[2, 2]
    return scaled


def bent(
    album: Album,
    cues: Sequence[Cue],
    *,
    yaw: float,
    pitch: float,
    radius: float,
    upright: bool = True,
    focal: float = 1.6,
    cover: float = 1.2,
) -> Iterator[Picture]:
    """A picture round a cylinder, turned in space where the prompts say.

    Args:
        yaw, pitch: degrees at the height of a prompt.
        radius: of the cylinder, in widths of the picture; its middle is nearest to the camera,
            or farthest where the radius is negative.
        upright: whether the cylinder stands (bent about the vertical) or lies.
        focal, cover: as in `turned`.
    """
    for cue in cues:
        picture = album.at(cue)
        height, width = picture.shape[:2]
        maps = cylinder(
            width, height, yaw * cue.right, pitch * cue.up, radius * width, upright, focal, cover
        )
        yield as_picture(
            cv2.remap(picture, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        )


def cylinder(
    width: int,
    height: int,
    yaw: float,
    pitch: float,
    radius: float,
    upright: bool,
    focal: float,
    cover: float,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where in the picture each pixel (height, width) of the frame looks, as x and y.

    Each pixel's ray is cut with the turned cylinder. Rays that miss it look at its rim.
    """
    distance = focal * width / cover
    turn = _rotation(yaw, pitch).T
    x = (np.arange(width, dtype=np.float64) - width / 2)[None, :] / (focal * width)
    y = (np.arange(height, dtype=np.float64) - height / 2)[:, None] / (focal * width)
    start = turn @ np.array([0.0, 0.0, -distance])
    ray = [turn[k, 0] * x + turn[k, 1] * y + turn[k, 2] for k in range(3)]
    across, along = (0, 1) if upright else (1, 0)
    # Cylinder: across² + (z - radius)² = radius², for either sign of the radius.
    a = ray[across] ** 2 + ray[2] ** 2
    b = ray[across] * start[across] + ray[2] * (start[2] - radius)
    c = start[across] ** 2 + (start[2] - radius) ** 2 - radius**2
    root = np.sqrt(np.maximum(b**2 - a * c, 0.0))
    t = (-b - np.sign(radius) * root) / a
    side = start[across] + t * ray[across]
    deep = start[2] + t * ray[2]
    bow = np.abs(radius) * np.arctan2(side, np.abs(radius - deep))
    flat = start[along] + t * ray[along]
    u, v = (bow, flat) if upright else (flat, bow)
    return (u + width / 2).astype(np.float32), (v + height / 2).astype(np.float32)


def _rotation(yaw: float, pitch: float) -> Floats:
    """(3, 3), degrees; x right, y down, z away; positive yaw faces right, positive pitch up."""
    a, b = np.radians([yaw, pitch])
    about_y = np.array([[np.cos(a), 0, -np.sin(a)], [0, 1, 0], [np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), np.sin(b)], [0, -np.sin(b), np.cos(b)]])
    turned: Floats = np.asarray(about_y @ about_x, dtype=np.float64)
    return turned
