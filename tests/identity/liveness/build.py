"""Tracks made by hand: a head of a few points that turns, blinks and opens its mouth on demand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from identity.liveness.geometry import Motion
from identity.prompts import Direction, Kind, Script
from identity.types import DetectionPass, Jump, Sample, Track
from models.engine import Calibration

RATE = 30.0
OPEN_EYES = 0.3
CALIBRATION = Calibration(
    weights=(22.3, 24.9),
    bias=-34.0,
    picture_threshold=1.84,
    template_threshold=3.0,
    continuity_threshold=4.0,
)

Curve = Callable[[float], float]


def mesh_at(
    yaw: float = 0.0,
    pitch: float = 0.0,
    eyes: float = OPEN_EYES,
    mouth: float = 0.02,
    *,
    size: float = 200.0,
    centre: tuple[float, float] = (320.0, 240.0),
) -> NDArray[np.float32]:
    """A mesh (468, 3) whose pose and openings read as asked; `size` is its width in pixels."""
    points = np.zeros((468, 3))
    ring = np.linspace(0, 2 * np.pi, 468, endpoint=False)
    points[:, 0], points[:, 1] = 0.5 * np.cos(ring), 0.6 * np.sin(ring)
    points[234], points[454] = (-0.5, 0, 0), (0.5, 0, 0)
    points[10], points[152] = (0, -0.6, 0), (0, 0.6, 0)
    for outer, inner, upper, lower, side in ((33, 133, 159, 145, -1), (263, 362, 386, 374, 1)):
        points[outer], points[inner] = (side * 0.32, -0.2, 0), (side * 0.12, -0.2, 0)
        gap = 0.2 * eyes / 2
        points[upper], points[lower] = (side * 0.22, -0.2 - gap, 0), (side * 0.22, -0.2 + gap, 0)
    points[61], points[291] = (-0.15, 0.3, 0), (0.15, 0.3, 0)
    points[13], points[14] = (0, 0.3 - 0.15 * mouth, 0), (0, 0.3 + 0.15 * mouth, 0)
    a, b = np.radians(yaw), np.radians(-pitch)
    tip = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    turn = np.array([[np.cos(a), 0, -np.sin(a)], [0, 1, 0], [np.sin(a), 0, np.cos(a)]])
    turned = points @ tip.T @ turn.T * size
    turned[:, :2] += centre
    return np.asarray(turned, dtype=np.float32)


def a_track(
    seconds: float = 4.0,
    *,
    yaw: Curve = lambda t: 0.0,
    pitch: Curve = lambda t: 0.0,
    eyes: Curve = lambda t: OPEN_EYES,
    mouth: Curve = lambda t: 0.02,
    missing: Callable[[float], bool] = lambda t: False,
    others: Callable[[float], int] = lambda t: 0,
    samples: Sequence[Sample] | None = None,
    jumps: Sequence[Jump] = (),
    size: float = 300.0,
    light: float = 120.0,
) -> Track:
    """A track at 30 frames a second, one look every 0.2 s, Alice's samples every 0.4 s."""
    times = np.arange(round(seconds * RATE)) / RATE
    present = np.array([not missing(t) for t in times], dtype=np.bool_)
    nothing = np.full((468, 3), np.nan, dtype=np.float32)
    meshes = np.array(
        [
            mesh_at(yaw(t), pitch(t), eyes(t), mouth(t), size=size) if here else nothing
            for t, here in zip(times, present, strict=True)
        ],
        dtype=np.float32,
    ).reshape(-1, 468, 3)
    # Nobody sits quite still: this one leans aside.
    meshes[:, :, 0] += 0.01 * size * times[:, None].astype(np.float32)
    if samples is None:
        samples = [a_sample(float(t)) for t in times[::12]]
    looks = [DetectionPass(float(t), others(float(t)), light) for t in times[::6]]
    return Track(times, meshes, present, tuple(looks), tuple(jumps), tuple(samples), 640, 480, 1.0)


def a_motion(
    seconds: float,
    *,
    yaw: Curve = lambda t: 0.0,
    pitch: Curve = lambda t: 0.0,
    eyes: Curve = lambda t: OPEN_EYES,
    mouth: Curve = lambda t: 0.02,
    rate: float = RATE,
) -> Motion:
    """Head motion without any mesh behind it."""
    times = np.arange(round(seconds * rate)) / rate
    series = [np.array([curve(t) for t in times]) for curve in (yaw, pitch, eyes, mouth)]
    return Motion(times, series[0], series[1], np.zeros_like(times), series[2], series[3])


def a_sample(
    time_s: float,
    person: int = 0,
    *,
    noise: float = 0.02,
    brightness: float = 120.0,
    contrast: float = 40.0,
    sharpness: float = 0.02,
    yaw: float = 0.0,
    pitch: float = 0.0,
    margin: float = 1.0,
) -> Sample:
    """A sample of one of the cast (0 is Alice): two unit vectors near that person's own."""
    chance = np.random.default_rng([person, round(time_s * 1000)])
    vectors = tuple(
        unit(np.random.default_rng([person, k]).normal(size=64) + noise * chance.normal(size=64))
        for k in range(2)
    )
    return Sample(time_s, vectors, brightness, contrast, sharpness, yaw, pitch, margin)


def unit(vector: NDArray[np.float64]) -> NDArray[np.float32]:
    """At unit length."""
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


def bump(peak: float, height: float, width: float = 0.4) -> Curve:
    """A smooth bump of that height about a time, `width` being a third of its foot."""
    return lambda t: height * float(np.exp(-(((t - peak) / width) ** 2)))


def total(curves: Sequence[Curve], base: float = 0.0) -> Curve:
    """The sum of curves above a base."""
    return lambda t: base + sum(curve(t) for curve in curves)


def answering(script: Script, degrees: float = 22.0) -> dict[str, Any]:
    """Curves of somebody who does what the script asks in the middle of each window."""
    yaw: list[Curve] = []
    pitch: list[Curve] = []
    eyes: list[Curve] = []
    mouth: list[Curve] = []
    for prompt in script.prompts:
        middle, length = (prompt.start + prompt.end) / 2, prompt.end - prompt.start
        if prompt.kind is Kind.TURN:
            sign = 1.0 if prompt.direction in (Direction.LEFT, Direction.UP) else -1.0
            side = yaw if prompt.direction in (Direction.LEFT, Direction.RIGHT) else pitch
            side.append(bump(middle, sign * degrees, 0.3 * length))
        elif prompt.kind is Kind.BLINK:
            count = prompt.count or 1
            eyes += [
                bump(prompt.start + length * (k + 0.5) / count, -0.2, 0.06) for k in range(count)
            ]
        elif prompt.kind is Kind.OPEN_MOUTH:
            mouth.append(bump(middle, 0.6, 0.3 * length))
    return {
        "yaw": total(yaw),
        "pitch": total(pitch),
        "eyes": total(eyes, OPEN_EYES),
        "mouth": total(mouth, 0.02),
    }


def motion_answering(script: Script) -> Motion:
    """The head motion of `answering`."""
    return a_motion(script.seconds + 0.5, **answering(script))
