"""Sessions of light as numbers: what a camera makes of a face that a screen shines on.

Skin and background are albedo times (ambient light + screen light), seen by a sensor whose
channels overlap a little, with automatic exposure and white balance, noise that is alike from
frame to frame as compressed chroma's is, and eight bits. No picture is rendered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from identity.capture.screen import linear, screen_at
from identity.capture.script import Without, generate_script
from identity.prompts import NEUTRAL, Kind, Prompt, Script
from identity.types import Colours, Track

Series = NDArray[np.float64]

NO_LIGHT: Final = 0.0
AMBIENT: Final = {"dim": 0.30, "room": 0.10, "bright": 0.04}
"""A white screen's light on the face over the ambient light there."""
DROWNED: Final = 0.0005
_PIXELS: Final = 200


@dataclass(frozen=True, slots=True)
class Session:
    """What a simulated session is made of.

    Attributes:
        script: what the person is asked.
        shown: what the screen shows instead, where it isn't the script.
        gain: a white screen's light on the face over the ambient light there.
        behind: the same on the background, as a part of `gain`.
        latency_s: how late the screen is.
        fps: frames a second.
        seed: of everything that is left to chance.
        tint: whether the whole picture is coloured afterwards, and no face lit.
        exposure: factor on all light.
        calm: of movement and noise, 0 for none.
    """

    script: Script
    gain: float
    seed: int
    shown: Script | None = None
    behind: float = 0.1
    latency_s: float = 0.2
    fps: float = 30.0
    tint: bool = False
    exposure: float = 1.0
    calm: float = 1.0


def a_session(seed: int, gain: float, without: Without | None = None) -> Session:
    """An honest session of its own script, screen delay, frame rate and surroundings."""
    chance = np.random.default_rng([seed, 1])
    return Session(
        script=generate_script(seed.to_bytes(16, "big"), without),
        gain=gain,
        seed=seed,
        behind=float(chance.uniform(0.02, 0.3)),
        latency_s=float(chance.uniform(0.0, 0.5)),
        fps=float(chance.choice([15, 20, 24, 25, 30, 30, 30, 60])),
    )


def track_of(session: Session) -> Track:
    """The track of a session: colours measured, a face in every frame."""
    chance = np.random.default_rng([session.seed, 2])
    length = session.script.seconds + 0.6
    count = round(length * session.fps)
    times = np.arange(count) / session.fps
    times[1:] += chance.normal(0, 0.003, count - 1).clip(-0.4 / session.fps, 0.4 / session.fps)
    screen = screen_at(session.shown or session.script, times - session.latency_s)
    ambient = np.array([1.0, chance.uniform(0.7, 1.0), chance.uniform(0.35, 1.1)])
    depth = 1.0 + session.calm * 0.04 * _waves(chance, times, 0.05, 0.4)
    light = session.gain * depth[:, None] * (np.zeros(3) if session.tint else screen)
    shine = chance.uniform(0.7, 1.3, 3)
    skin = np.array([1.0, chance.uniform(0.42, 0.62), chance.uniform(0.25, 0.5)])
    skin = skin * chance.uniform(0.15, 0.6)
    shading = _shading(session, chance, times)
    lit = np.stack(
        [
            skin * chance.uniform(0.85, 1.15, 3) * (ambient * shading[:, k] + shine[k] * light)
            for k in range(3)
        ],
        axis=1,
    )
    wall = np.array(chance.uniform(0.2, 0.8, 3)) * (ambient + session.behind * light)
    tinted = 1.0 + session.gain * screen if session.tint else np.ones_like(screen)
    seen = _camera(
        session, chance, times, np.concatenate([lit, wall[:, None]], axis=1) * tinted[:, None]
    )
    return track_with(times, seen[:, :3], seen[:, 3])


def track_with(times: Series, skin: Series, background: Series) -> Track:
    """A track with these colours and nothing else but a face in every frame."""
    count = len(times)
    return Track(
        times=times,
        meshes=np.zeros((count, 468, 3), dtype=np.float32),
        present=np.ones(count, dtype=np.bool_),
        passes=(),
        jumps=(),
        samples=(),
        width=640,
        height=480,
        scale=1.0,
        colours=Colours(skin.astype(np.float32), background.astype(np.float32)),
    )


def light_script(*colours: str, start: float = 2.0) -> Script:
    """A hold and one `light` prompt."""
    light = Prompt(Kind.LIGHT, start, start + 0.8 * len(colours), colours=colours)
    return Script((Prompt(Kind.HOLD, 0.0, 1.0), light))


def without_light(session: Session) -> Session:
    """The same session before a screen that never changes."""
    return replace(session, shown=Script((Prompt(Kind.HOLD, 0.0, 1.0),)))


def masked(track: Track, hidden: Callable[[float], bool]) -> Track:
    """The track without a face in some frames."""
    assert track.colours is not None
    away = np.array([hidden(float(t)) for t in track.times], dtype=np.bool_)
    skin, background = track.colours.skin.copy(), track.colours.background.copy()
    skin[away], background[away] = np.nan, np.nan
    return replace(track, present=track.present & ~away, colours=Colours(skin, background))


def _shading(session: Session, chance: np.random.Generator, times: Series) -> Series:
    """Ambient light on each region while the head moves: shape (N, 3, 3), region, channel."""
    moving = np.full(len(times), 1.0)
    for prompt in session.script.prompts:
        if prompt.kind is Kind.TURN:
            middle, third = (prompt.start + prompt.end) / 2, (prompt.end - prompt.start) / 3
            moving += 5.0 * np.exp(-(((times - middle) / third) ** 2))
        elif prompt.kind is Kind.OPEN_MOUTH:
            moving += 1.5 * np.exp(-(((times - (prompt.start + prompt.end) / 2) / 0.5) ** 2))
    regions = []
    for _ in range(3):
        level = 0.03 * moving * _waves(chance, times, 0.1, 1.2)
        hue = (
            0.004
            * moving[:, None]
            * np.stack([_waves(chance, times, 0.1, 1.2) for _ in range(3)], axis=1)
        )
        regions.append(1.0 + session.calm * (level[:, None] + hue))
    drift = 0.02 * session.calm * _waves(chance, times, 0.02, 0.08)
    moved = np.stack(regions, axis=1) + drift[:, None, None] * np.array([1.0, 0.0, -1.0])
    return np.asarray(moved, dtype=np.float64)


def _camera(session: Session, chance: np.random.Generator, times: Series, light: Series) -> Series:
    """What the camera makes of light, shape (N, 4, 3): linear values of sRGB after the codec."""
    leak = chance.uniform(0.02, 0.10, (3, 3))
    np.fill_diagonal(leak, 0.0)
    mixed = light @ (np.eye(3) + leak)
    mixed /= mixed[: max(1, len(times) // 10)].mean(axis=(0, 1))
    whole = mixed.mean(axis=1)
    balance = _adapted(times, np.log(whole / whole[0]), chance.uniform(0.8, 4.0))
    balance *= session.calm * chance.uniform(0.0, 0.5)
    balance -= balance.mean(axis=1, keepdims=True)
    metered = _adapted(times, np.log(whole.mean(axis=1, keepdims=True)), chance.uniform(0.3, 1.0))
    gains = np.exp(-balance - session.calm * chance.uniform(0.3, 1.0) * metered)
    bright = session.exposure * chance.uniform(0.12, 0.35)
    values = bright * mixed * gains[:, None]
    noise = session.calm * chance.uniform(0.5, 1.5)
    smear = np.empty_like(values)
    keep = chance.uniform(0.7, 0.95)
    steps = chance.normal(size=values.shape)
    smear[0] = steps[0]
    for i in range(1, len(values)):
        smear[i] = keep * smear[i - 1] + np.sqrt(1 - keep**2) * steps[i]
    grain = chance.normal(size=values.shape)
    values = values * (1 + noise * (0.0035 * smear + 0.003 * grain))
    fine = chance.normal(0, 1, values.shape) * 0.29 / np.sqrt(_PIXELS)
    shown = np.clip(255 * _gamma(values), 0, 255) + session.calm * fine
    levels: Series = np.clip(np.rint(shown * 16) / 16, 0, 255)
    return linear(levels)


def _gamma(values: Series) -> Series:
    part = np.clip(values, 0.0, 1.0)
    return np.asarray(np.where(part <= 0.0031308, 12.92 * part, 1.055 * part ** (1 / 2.4) - 0.055))


def _adapted(times: Series, target: Series, constant_s: float) -> Series:
    """What follows a target with a time constant."""
    out = np.zeros_like(target)
    for i in range(1, len(times)):
        part = 1 - np.exp(-(times[i] - times[i - 1]) / constant_s)
        out[i] = out[i - 1] + part * (target[i] - out[i - 1])
    return out


def _waves(chance: np.random.Generator, times: Series, low: float, high: float) -> Series:
    """A slow movement of standard deviation 1: a sum of sines of random pace."""
    paces = chance.uniform(low, high, 4)
    phases = chance.uniform(0, 2 * np.pi, 4)
    return np.asarray(np.sin(2 * np.pi * paces * times[:, None] + phases).sum(axis=1) / np.sqrt(2))


NEUTRAL_LIGHT: Final = linear(NEUTRAL)
