"""Looks at a clip as the service will, with none of its code, and says what it finds amiss.

Used by the simulation's own tests and by the search for identities. Only the engines of the
pack are shared with the service.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Final

import av
import numpy as np
from numpy.typing import NDArray

from models.engine import Engines, FaceMesh, region_from_detection, region_from_points
from tests.simulation.portrait import Picture, as_picture
from tests.simulation.reading import Reading, read
from tests.simulation.script import Prompt, Script, read_script

SAMPLE_EVERY_S: Final = 0.4
DETECT_EVERY_S: Final = 0.5

# What a good answer looks like.
MOST_LOST_FRAMES: Final = 0.01
SPARE_DEGREES: Final = 3.0
REST_DEGREES: Final = 5.0
SHUT_EYES: Final = 0.6
OPEN_EYES: Final = 0.7
OPEN_MOUTH: Final = 0.35
SHUT_MOUTH: Final = 0.2
LEAST_CONTINUITY: Final = 6.0

Vectors = tuple[NDArray[np.float64], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """What a clip shows.

    Attributes:
        times: (n,), seconds. yaw, pitch: (n,), degrees. eyes, mouth: (n,), ratios. All of them
            NaN where there is no face.
        faces: how many the detector found, whenever it looked.
        samples: for each sampled frame one unit vector an embedder.
    """

    times: NDArray[np.float64]
    yaw: NDArray[np.float64]
    pitch: NDArray[np.float64]
    eyes: NDArray[np.float64]
    mouth: NDArray[np.float64]
    faces: tuple[int, ...]
    samples: tuple[Vectors, ...]


def watch(engines: Engines, clip: bytes) -> Watched:
    """Decodes a clip that this package has made, and reads every frame."""
    times: list[float] = []
    readings: list[Reading] = []
    faces: list[int] = []
    samples: list[Vectors] = []
    mesh: FaceMesh | None = None
    next_look = next_sample = 0.0
    nothing = Reading(np.nan, np.nan, np.nan, np.nan)
    with av.open(io.BytesIO(clip), mode="r") as container:
        for frame in container.decode(video=0):
            picture, t = as_picture(frame.to_ndarray(format="rgb24")), float(frame.time or 0.0)
            if mesh is None or t >= next_look:
                found = engines.detector.detect(picture)
                faces.append(len(found))
                next_look = t + DETECT_EVERY_S
                if mesh is None and found:
                    mesh = engines.mesh.landmarks(picture, region_from_detection(found[0]))
            if mesh is not None:
                mesh = engines.mesh.landmarks(picture, region_from_points(mesh.points))
                mesh = mesh if mesh.presence > 0.5 else None
            times.append(t)
            readings.append(nothing if mesh is None else read(mesh.points))
            if mesh is not None and t >= next_sample:
                samples.append(embed(engines, picture, mesh))
                next_sample = t + SAMPLE_EVERY_S
    return Watched(
        times=np.array(times),
        yaw=np.array([reading.yaw for reading in readings]),
        pitch=np.array([reading.pitch for reading in readings]),
        eyes=np.array([reading.eyes for reading in readings]),
        mouth=np.array([reading.mouth for reading in readings]),
        faces=tuple(faces),
        samples=tuple(samples),
    )


def embed(engines: Engines, picture: Picture, mesh: FaceMesh) -> Vectors:
    """One unit vector an embedder."""
    return tuple(
        np.asarray(embedder.embed(picture, mesh.points), dtype=np.float64)
        for embedder in engines.embedders
    )


def template(samples: tuple[Vectors, ...]) -> Vectors:
    """The mean of unit vectors, to unit length again, for each embedder."""
    means = (np.mean(vectors, axis=0) for vectors in zip(*samples, strict=True))
    return tuple(np.asarray(mean / np.linalg.norm(mean)) for mean in means)


def score(a: Vectors, b: Vectors) -> float:
    """Comparison score of pack `open`: 22.3 · c1 + 24.9 · c2 − 34.0 (docs/models.md)."""
    dlib, hse = (float(x @ y) for x, y in zip(a, b, strict=True))
    return 22.3 * dlib + 24.9 * hse - 34.0


def continuity(samples: tuple[Vectors, ...]) -> list[float]:
    """Each sample's score against the template of all the others."""
    return [
        score(sample, template(samples[:index] + samples[index + 1 :]))
        for index, sample in enumerate(samples)
    ]


def complaints(
    watched: Watched,
    script: Script,
    *,
    shut_eyes: float = SHUT_EYES,
    shut_mouth: float = SHUT_MOUTH,
) -> list[str]:
    """What of the script is not answered, or not well; empty where all is as it must be.

    Args:
        watched: the clip.
        script: what it should answer.
        shut_eyes: part of the person's own median opening that a blink must fall below.
        shut_mouth: ratio that a mouth which nobody asked to open must stay below.
    """
    prompts = read_script(script)
    rest = _neutral(watched, prompts)
    if rest is None:
        return ["there is no face while the person should hold still"]
    yaw, pitch = watched.yaw - rest.yaw, watched.pitch - rest.pitch
    eyes = watched.eyes / float(np.nanmedian(watched.eyes))
    out = _presence(watched)
    turning = np.zeros(len(watched.times), dtype=bool)
    blinking, speaking = turning.copy(), turning.copy()
    for prompt in prompts:
        inside = (watched.times >= prompt.start) & (watched.times <= prompt.end)
        name = f"{prompt.kind} {prompt.direction}".strip() + f" at {prompt.start:.1f} s"
        if prompt.kind == "turn":
            turning |= inside
            axis = yaw if prompt.direction in ("left", "right") else pitch
            sign = 1.0 if prompt.direction in ("left", "up") else -1.0
            most = float(np.nanmax(sign * axis[inside]))
            if most < prompt.degrees + SPARE_DEGREES:
                out.append(f"{name} reads {most:.1f} degrees")
        elif prompt.kind == "blink":
            blinking |= inside
            runs = _blinks(eyes[inside], shut_eyes)
            if runs != prompt.count:
                out.append(f"{name} shows {runs} blinks, not {prompt.count}")
        elif prompt.kind == "open_mouth":
            speaking |= inside
            widest = float(np.nanmax(watched.mouth[inside]))
            if widest <= OPEN_MOUTH:
                out.append(f"{name} opens to {widest:.2f}")
    for what, values, limit, busy in (
        ("yaw", np.abs(yaw), REST_DEGREES, turning),
        # An open mouth moves the chin, by which the mesh's pitch is read.
        ("pitch", np.abs(pitch), REST_DEGREES, turning | speaking),
        ("shut eyes", 1.0 - eyes, 1.0 - OPEN_EYES, blinking),
        ("open mouth", watched.mouth, shut_mouth, speaking),
    ):
        most = float(np.nanmax(values[~busy]))
        if most > limit:
            out.append(f"{what} of {most:.2f} where nobody asked for it")
    weakest = min(continuity(watched.samples))
    if weakest < LEAST_CONTINUITY:
        out.append(f"a sample scores {weakest:.1f} against the others")
    return out


def _presence(watched: Watched) -> list[str]:
    out = []
    lost = float(np.isnan(watched.yaw).mean())
    if lost > MOST_LOST_FRAMES:
        out.append(f"no face in {lost:.1%} of the frames")
    if set(watched.faces) != {1}:
        out.append(f"the detector counts {sorted(set(watched.faces))} faces")
    return out


def _neutral(watched: Watched, prompts: tuple[Prompt, ...]) -> Reading | None:
    """The median over the first hold, or over the first second without one."""
    hold = next((p for p in prompts if p.kind == "hold"), Prompt("hold", 0.0, 1.0))
    inside = (watched.times >= hold.start) & (watched.times <= hold.end)
    if not np.isfinite(watched.yaw[inside]).any():
        return None
    columns = (watched.yaw, watched.pitch, watched.eyes, watched.mouth)
    return Reading(*(float(np.nanmedian(column[inside])) for column in columns))


def _blinks(eyes: NDArray[np.float64], shut: float) -> int:
    """How often the eyes are not open, and quite shut for at least two frames of it."""
    closing = (eyes < OPEN_EYES).astype(np.int8)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], closing, [0]])))
    runs = zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    return sum(1 for start, end in runs if np.sum(eyes[start:end] < shut) >= 2)
