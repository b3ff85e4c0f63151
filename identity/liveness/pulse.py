"""The signal `pulse`: the skin's colour beats as blood does.

POS of Wang, den Brinker, Stuijk and de Haan, "Algorithmic Principles of Remote PPG" (IEEE
Transactions on Biomedical Engineering 64, 2017): in windows of 1.6 s the channels, each over its
mean, are projected on the plane that stands upright on the colour of light; the two axes are
added with the weight that takes out what they share; windows overlap and add up. The ratio of
the beat and its harmonic to the rest of the spectrum is that of de Haan and Jeanne (2013).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from identity.liveness.lighting import stretches
from identity.prompts import Script
from identity.types import NOT_MEASURED, Signal, SignalOutcome, Track

NAME: Final = "pulse"
WHY: Final = ("ok", NOT_MEASURED, "no_face", "too_short", "too_few_frames", "weak")
MIN_SECONDS: Final = 8.0
MIN_RATE: Final = 15.0
MIN_DECIBEL: Final = 5.0
MAX_APART_HZ: Final = 0.15
_RATE: Final = 20.0
_WINDOW: Final = round(1.6 * _RATE)
_LOW_HZ: Final = 0.7
_HIGH_HZ: Final = 3.0
_TOP_HZ: Final = 2 * _HIGH_HZ
_SPECTRUM: Final = 2048
"""Points of the spectrum: 0.01 Hz apart, for stretches of up to 100 s."""
_CUT: Final = 4.0
"""A turn of the head moves colour far more than blood does; it is cut off at so many medians."""
_HALF_HZ: Final = 0.15
_GAP_S: Final = 0.25
_LEAST_S: Final = 5.0
"""A stretch shorter than this has too few beats to be worth its edges."""
_PLANE: Final = np.array([[0.0, 1.0, -1.0], [-2.0, 1.0, 1.0]])

Floats = NDArray[np.float64]


def pulse(track: Track, script: Script | None) -> Signal:
    """The skin of forehead and cheeks beats at one pace of 42 to 180 a minute.

    Value: the beat and its harmonic over the rest of the spectrum, decibel; threshold 5. Under
    it, or where fewer than two regions beat at that pace, it abstains with `weak`: compression
    takes most pulses out of honest clips. It never fails.
    """
    colours = track.colours
    count = len(track.times)
    if colours is None or count == 0 or len(colours.skin) != count:
        return _abstain(NOT_MEASURED)
    with np.errstate(invalid="ignore"):
        seen = np.isfinite(colours.skin).all(axis=(1, 2)) & (colours.skin > 0).all(axis=(1, 2))
    seen &= np.isfinite(track.times)
    if not seen.any():
        return _abstain("no_face")
    order = np.flatnonzero(seen)[np.argsort(track.times[seen], kind="stable")]
    times, skin = track.times[order], colours.skin[order].astype(np.float64)
    calm = _calm(times, script)
    runs = _runs(times, calm)
    seconds = sum(float(times[end] - times[start]) for start, end in runs)
    if seconds < MIN_SECONDS:
        return _abstain("too_short")
    frames = sum(end - start for start, end in runs)
    if frames / seconds < MIN_RATE - 0.5:
        return _abstain("too_few_frames")
    hertz = np.asarray(np.fft.rfftfreq(_SPECTRUM, 1.0 / _RATE), dtype=np.float64)
    powers = np.zeros((4, len(hertz)))
    for start, end in runs:
        even = np.arange(times[start], times[end], 1.0 / _RATE)
        for part in range(4):
            values = skin[:, part] if part < 3 else skin.mean(axis=1)
            series = np.stack(
                [
                    np.interp(even, times[start : end + 1], values[start : end + 1, c])
                    for c in range(3)
                ],
                axis=1,
            )
            powers[part] += _power(pos(series))
    pace, decibel = beat(hertz, powers[3])
    agreeing = sum(abs(beat(hertz, powers[part])[0] - pace) <= MAX_APART_HZ for part in range(3))
    if decibel < MIN_DECIBEL or agreeing < 2:
        return Signal(NAME, decibel, MIN_DECIBEL, SignalOutcome.ABSTAIN, "weak", frames)
    return Signal(NAME, decibel, MIN_DECIBEL, SignalOutcome.PASS, "ok", frames)


def _abstain(why: str) -> Signal:
    return Signal(NAME, None, MIN_DECIBEL, SignalOutcome.ABSTAIN, why, 0)


def _calm(times: Floats, script: Script | None) -> NDArray[np.bool_]:
    """Whether the screen leaves the face's colour alone."""
    calm = np.ones(len(times), dtype=np.bool_)
    for start, end in stretches(script) if script is not None else ():
        calm &= (times < start) | (times > end)
    return calm


def _runs(times: Floats, calm: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last index of each stretch without a gap that is long enough to be of use."""
    found: list[tuple[int, int]] = []
    start: int | None = None
    for i in range(len(times) + 1):
        ends = i == len(times) or not calm[i]
        if start is not None and (ends or times[i] - times[i - 1] > _GAP_S):
            if times[i - 1] - times[start] >= _LEAST_S:
                found.append((start, i - 1))
            start = None
        if not ends and start is None:
            start = i
    return found


def pos(series: Floats) -> Floats:
    """Returns the pulse of a series of colours, shape (N,), of no unit.

    Args:
        series: RGB over 0, shape (N, 3), evenly 20 a second, at least 1.6 s.
    """
    windows = np.lib.stride_tricks.sliding_window_view(series, _WINDOW, axis=0)
    even = windows / windows.mean(axis=2, keepdims=True)
    axes = np.einsum("ac,wct->wat", _PLANE, even)
    spread = axes.std(axis=2)
    tuned = spread[:, 0] / np.maximum(spread[:, 1], 1e-12)
    beats = axes[:, 0] + tuned[:, None] * axes[:, 1]
    beats = beats - beats.mean(axis=1, keepdims=True)
    out = np.zeros(len(series))
    for k in range(_WINDOW):
        out[k : k + len(beats)] += beats[:, k]
    return out


def _power(values: Floats) -> Floats:
    """Power spectrum of a pulse under a Hann window, what stands out by far cut off."""
    middle = float(np.median(np.abs(values)))
    cut = np.clip(values, -_CUT * middle, _CUT * middle)
    tapered = (cut - cut.mean()) * np.hanning(len(cut))
    return np.asarray(np.abs(np.fft.rfft(tapered, _SPECTRUM)) ** 2 / len(cut), dtype=np.float64)


def beat(hertz: Floats, power: Floats) -> tuple[float, float]:
    """Returns the pace of the strongest beat, Hz, and its ratio to the rest, decibel.

    Args:
        hertz: shape (F,), rising.
        power: at these, shape (F,).
    """
    inside = (hertz >= _LOW_HZ) & (hertz <= _HIGH_HZ)
    pace = float(hertz[inside][np.argmax(power[inside])])
    whole = (hertz >= _LOW_HZ - _HALF_HZ) & (hertz <= _TOP_HZ)
    own = (np.abs(hertz - pace) <= _HALF_HZ) | (np.abs(hertz - 2 * pace) <= _HALF_HZ)
    beating, rest = float(power[own & whole].sum()), float(power[whole & ~own].sum())
    return pace, 10.0 * float(np.log10(max(beating, 1e-30) / max(rest, 1e-30)))
