"""Attack instruments made of a picture or of a clip's frames: synthetic, injected digitally.

Frames are RGB uint8 arrays of shape (height, width, 3) with even sides.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.simulation.encoding import SensorNoise

Picture = NDArray[np.uint8]
Points = NDArray[np.float32]

_EYE_OF_CAMERA = 4.0  # face widths away
_WIDEST_BEND = 1.5  # radians from the print's middle
_TABLE = (118, 112, 105)


def turned_picture(
    picture: Picture,
    mesh: Points,
    *,
    degrees: float,
    curvature: float = 0.0,
    lying: bool = False,
    nodding: bool = False,
    frames: int = 120,
    fps: int = 30,
) -> list[Picture]:
    """A print held still for a second, then turned to both sides, in a hand that isn't steady.

    Args:
        picture: what is on the print.
        mesh: of the face on it, shape (468, 3), pixels.
        degrees: how far it is turned.
        curvature: of a bent print, 1 / face widths; 0 is flat, a positive one has its middle
            nearest to the camera.
        lying: bent about an axis that lies from side to side, not an upright one.
        nodding: turned up and down, not to the sides.
        frames: number of frames.
        fps: frames a second.
    """
    height, width = picture.shape[:2]
    noise = SensorNoise((width, height), seed=0)
    shown = []
    for i in range(frames):
        t = i / fps
        angle = degrees * float(np.sin(2 * np.pi * (t - 1) / 3)) if t > 1 else 0.0
        yaw, pitch = (0.0, angle) if nodding else (angle, 0.0)
        posed = _posed(picture, mesh, yaw, pitch, curvature, lying=lying)
        hand = np.array(
            [[1, 0, 2 * np.sin(1.3 * t)], [0, 1, 1.5 * np.sin(0.9 * t + 1)]], dtype=np.float32
        )
        moved = cv2.warpAffine(posed, hand, (width, height), borderMode=cv2.BORDER_REPLICATE)
        shown.append(noise(moved.astype(np.uint8)))
    return shown


def _posed(
    picture: Picture, mesh: Points, yaw: float, pitch: float, curvature: float, *, lying: bool
) -> Picture:
    """The print turned by so many degrees, seen by a camera four face widths away.

    Each pixel's ray is followed to where it meets the plane or the cylinder.
    """
    height, width = picture.shape[:2]
    centre = mesh[:, :2].mean(axis=0).astype(np.float64)
    face = float(np.ptp(mesh[:, 0]))
    focal = _EYE_OF_CAMERA * face
    a, b = np.radians(yaw), np.radians(pitch)
    about_y = np.array([[np.cos(a), 0, -np.sin(a)], [0, 1, 0], [np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), np.sin(b)], [0, -np.sin(b), np.cos(b)]])
    back = (about_y @ about_x).T
    x, y = np.meshgrid(np.arange(width) - centre[0], np.arange(height) - centre[1])
    ray = np.stack([x, y, np.full_like(x, focal)], axis=-1) @ back.T
    eye = back @ np.array([0.0, 0.0, -focal])
    if lying:
        ray, eye = ray[..., (1, 0, 2)], eye[[1, 0, 2]]
    bent, along = _met(ray, eye, curvature / face)
    place = np.stack([along, bent] if lying else [bent, along], axis=-1) + centre
    maps = np.nan_to_num(place, nan=-1e4).astype(np.float32)
    return np.asarray(
        cv2.remap(
            picture,
            maps[..., 0],
            maps[..., 1],
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=_TABLE,
        ),
        dtype=np.uint8,
    )


def _met(
    ray: NDArray[np.float64], eye: NDArray[np.float64], bend: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where rays meet the print: pixels along its bent and its straight side; nan beside it."""
    if not bend:
        way = -eye[2] / ray[..., 2]
        return eye[0] + way * ray[..., 0], eye[1] + way * ray[..., 1]
    radius = 1.0 / bend
    square = ray[..., 0] ** 2 + ray[..., 2] ** 2
    half = eye[0] * ray[..., 0] + (eye[2] - radius) * ray[..., 2]
    rest = half**2 - square * (eye[0] ** 2 + (eye[2] - radius) ** 2 - radius**2)
    way = (-half - np.sqrt(np.where(rest < 0, np.nan, rest))) / square
    turn = np.arctan2(eye[0] + way * ray[..., 0], radius - eye[2] - way * ray[..., 2])
    turn[np.abs(turn) > _WIDEST_BEND] = np.nan
    return turn * radius, eye[1] + way * ray[..., 1]


def frozen(frames: Sequence[Picture], at: int, count: int) -> list[Picture]:
    """One frame stands for so many; the clip keeps its length."""
    return [*frames[:at], *([frames[at]] * count), *frames[at + count :]]


def looped(frames: Sequence[Picture], begin: int, end: int, times: int = 2) -> list[Picture]:
    """Up to a frame as it was, the last part again and again."""
    return [*frames[:begin], *(list(frames[begin:end]) * times)]


def to_and_fro(frames: Sequence[Picture]) -> list[Picture]:
    """Forward, then backwards."""
    return [*frames, *frames[::-1]]


def repeated(frames: Sequence[Picture], seed: int = 0) -> list[Picture]:
    """What a busy phone makes: every fifth frame or so shown two to four times. Honest."""
    chance = np.random.default_rng(seed)
    return [
        frame
        for frame in frames
        for _ in range(int(chance.integers(2, 5)) if chance.random() < 0.2 else 1)
    ]


def recaptured(
    frames: Sequence[Picture], *, pitch: float = 3.0, degrees: float = 1.5, bezel: bool = True
) -> list[Picture]:
    """The clip on a screen in front of a camera: sub-pixel stripes, gamma, flicker, bezel, noise.

    No optics: there is no lens, no focus, no exposure and no glare in it.

    Args:
        frames: what the screen shows.
        pitch: of the screen's pixels, in pixels of the frames drawn three times as large.
        degrees: by which the screen is held aslant.
        bezel: whether its dark rim and the line of light along it are in sight.
    """
    height, width = frames[0].shape[:2]
    noise = SensorNoise((width, height), seed=1)
    across = np.arange(3 * width) / pitch % 1.0
    stripes = np.stack([(np.floor(across * 3) == k) for k in range(3)], axis=-1) * 1.6 + 0.25
    rows = np.where(np.arange(3 * height) / pitch % 1.0 < 0.8, 1.1, 0.6)
    mask = (stripes[None] * rows[:, None, None]).astype(np.float32)
    shrink = 0.9 / 3
    turn = cv2.getRotationMatrix2D((1.5 * width, 1.5 * height), degrees, shrink)
    turn[:, 2] += np.array([width / 2 - 1.5 * width, height / 2 - 1.5 * height])
    shown = []
    for i, frame in enumerate(frames):
        light = (frame.astype(np.float32) / 255.0) ** 2.2
        large = cv2.resize(light, (3 * width, 3 * height), interpolation=cv2.INTER_LINEAR) * mask
        if bezel:
            cv2.rectangle(large, (0, 0), (3 * width - 1, 3 * height - 1), (0.9, 0.9, 0.9), 12)
        large *= 1.0 + 0.04 * float(np.sin(2.1 * i))
        blurred = cv2.GaussianBlur(large, (0, 0), 0.9)
        seen = cv2.warpAffine(blurred, turn, (width, height), borderValue=(0.004, 0.004, 0.004))
        picture = np.clip(255.0 * np.clip(seen, 0, 1) ** (1 / 2.2), 0, 255).astype(np.uint8)
        shown.append(noise(picture))
    return shown
