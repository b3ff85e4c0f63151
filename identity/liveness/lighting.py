"""How well light scripts explain what a face did: a linear model, scored for thousands at once.

The screen adds light to what the room gives. Where that is little, the logarithm of each colour
channel moves by the screen's linear light times a weight of its own, which grows as the room has
less of that channel; exposure moves all channels alike and drops out of log R/G and log B/G. So
a script's colours, known but for three weights and a delay, are fitted to these two series by
generalised least squares. The noise is taken for white with a random walk beside it, which also
takes the slow work of automatic white balance, drifting shade and compression out of account.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from common.canonical import canonical_bytes
from identity.capture.screen import linear
from identity.prompts import COLOUR_SECONDS, NEUTRAL, PALETTE, RAMP_SECONDS, Kind, Prompt, Script

LATENCIES: Final = np.arange(-2, 13) * 0.05
"""Seconds by which the screen may be late; 0 to 0.5, and 0.1 beyond."""
_NEAR: Final = 2
"""Scripts are tried at the delay at which any colours explain most, and so many to each side."""
_BEFORE_S: Final = 0.4
_AFTER_S: Final = 0.5
"""Seconds round a light that are looked at, too. The last colour of a late screen goes on so
long; soon after, the person does what comes next."""
_BINS_PER_S: Final = 15.0
_WALK: Final = 12.0
"""Variance that the random walk gains in a second, in that of a bin's white noise. Chosen on
the five real clips with light added to their numbers: from 4 to 40 it hardly matters."""
_EVEN: Final = 0.1
"""How strongly the weights of the channels are held together, in the mean of their information:
the light of a room is warm or cold, but never lacks a channel."""
_DARKEST: Final = 1.0 / 4096
_LEAST_NOISE: Final = 2e-4**2
"""Variance of a bin; without it a clip without noise would divide by nothing."""
_CHROMA: Final = np.array([[1.0, -1.0, 0.0], [0.0, -1.0, 1.0]])
NAMES: Final = tuple(PALETTE)
_SCREEN: Final = linear([PALETTE[name] for name in NAMES]) - linear(NEUTRAL)

Floats = NDArray[np.float64]
Sequences = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """A series against the slots of a script at each delay, whitened, without its mean and trend.

    Attributes:
        gram: shape (L, K, K): of the slots' indicators.
        cross: shape (L, K, 2): of the indicators with log R/G and log B/G.
        free: shape (L, 2, 2): what slots of any colour explain.
        noise: shape (2, 2): what they leave at the best delay, for each bin.
        best: index of that delay.
        n: bins.
    """

    gram: Floats
    cross: Floats
    free: Floats
    noise: Floats
    best: int
    n: int

    @property
    def strength(self) -> float:
        """What slots of any colour explain, for each bin, over what they leave."""
        return float(np.trace(np.linalg.solve(self.noise, self.free[self.best]))) / self.n


@dataclass(frozen=True, slots=True, eq=False)
class Fits:
    """How well scripts explain the evidence.

    Attributes:
        explained: shape (N,): what each explains over the noise.
        weights: shape (N, 3): of the channels, at the delay that explains most.
        latency: shape (N,): index of that delay.
        share: shape (N,): of what slots of any colour explain.
    """

    explained: Floats
    weights: Floats
    latency: NDArray[np.intp]
    share: Floats


def light_prompts(script: Script) -> tuple[Prompt, ...]:
    """Returns the script's `light` prompts that show a colour."""
    return tuple(p for p in script.prompts if p.kind is Kind.LIGHT and p.colours)


def colours_of(script: Script) -> Sequences:
    """Returns the script's colours as numbers of `NAMES`, all prompts in a row, shape (1, K)."""
    names = [name for prompt in light_prompts(script) for name in prompt.colours]
    return np.array([[NAMES.index(name) for name in names]], dtype=np.intp)


def other_colours(script: Script, count: int) -> Sequences:
    """Returns random colours for the script's slots, shape (count, K), never its own.

    They are drawn from the script's own bytes, each sequence as likely as its bytes allow, and
    never have the same colour twice in a row.
    """
    right = colours_of(script)
    slots = right.shape[1]
    seed = hashlib.sha256(b"cameo other light 1 " + canonical_bytes(script.to_json())).digest()
    spare = count + 16
    drawn = np.frombuffer(hashlib.shake_256(seed).digest(2 * spare * slots), dtype="<u2")
    steps = drawn.reshape(spare, slots)
    first, further = steps[:, :1] % len(NAMES), steps[:, 1:] % (len(NAMES) - 1) + 1
    walk = np.concatenate([first, further], axis=1).astype(np.intp)
    sequences = np.cumsum(walk, axis=1) % len(NAMES)
    return np.asarray(sequences[(sequences != right).any(axis=1)][:count], dtype=np.intp)


def near_colours(script: Script) -> Sequences:
    """Returns every sequence that differs from the script's in one slot, shape (M, K).

    Random ones often miss these, and they are the hardest to tell from it.
    """
    right = colours_of(script)[0]
    found = []
    for slot in range(len(right)):
        around = right[max(0, slot - 1) : slot + 2]
        for colour in range(len(NAMES)):
            if colour not in around:
                changed = right.copy()
                changed[slot] = colour
                found.append(changed)
    return np.array(found, dtype=np.intp).reshape(-1, len(right))


def stretches(script: Script) -> list[tuple[float, float]]:
    """Returns from when until when each of the script's lights can be seen, seconds, merged."""
    found: list[tuple[float, float]] = []
    for prompt in sorted(light_prompts(script), key=lambda p: p.start):
        start, end = prompt.start - _BEFORE_S, prompt.end + _AFTER_S
        if found and start <= found[-1][1]:
            start, last = found.pop()
            end = max(end, last)
        found.append((start, end))
    return found


def chromaticity(colours: NDArray[np.float32]) -> Floats:
    """Returns log R/G and log B/G of linear RGB, shape (..., 3) to (..., 2).

    Not a number where a channel is; a channel under 1/4096 counts as that.
    """
    light = np.where(np.isfinite(colours), colours, np.nan).astype(np.float64)
    return np.asarray(np.log(np.maximum(light, _DARKEST)) @ _CHROMA.T, dtype=np.float64)


def gather(times: Floats, chroma: Floats, script: Script) -> Evidence | None:
    """Returns the evidence of a series of colours; None where hardly anything is there.

    Args:
        times: shape (N,), finite, rising.
        chroma: log R/G and log B/G, shape (N, 2), finite.
        script: with `light`.
    """
    slots = colours_of(script).shape[1]
    delays = len(LATENCIES)
    gram, cross = np.zeros((delays, slots, slots)), np.zeros((delays, slots, 2))
    total, n = np.zeros((2, 2)), 0
    for start, end in stretches(script):
        inside = (times >= start) & (times <= end)
        shown = _shown(script, times[inside])
        if np.count_nonzero(inside) < 4:
            continue
        joined = np.concatenate([chroma[inside], shown.reshape(len(shown), -1)], axis=1)
        white = _whitened(times[inside], joined)
        y, h = white[:, :2], white[:, 2:].reshape(-1, delays, slots).transpose(1, 0, 2)
        gram += h.transpose(0, 2, 1) @ h
        cross += h.transpose(0, 2, 1) @ y
        total += y.T @ y
        n += len(y)
    if n < 2 * slots:
        return None
    ridge = 1e-9 * (1.0 + np.trace(gram, axis1=1, axis2=2))[:, None, None] * np.eye(slots)
    free = cross.transpose(0, 2, 1) @ np.linalg.solve(gram + ridge, cross)
    best = int(np.argmax(np.trace(free, axis1=1, axis2=2)))
    noise = (total - free[best]) / n
    noise = (noise + noise.T) / 2 + _LEAST_NOISE * np.eye(2)
    return Evidence(gram, cross, free, noise, best, n)


def _shown(script: Script, times: Floats) -> Floats:
    """How far the screen shows each slot's colour at each time and delay, shape (N, L, K)."""
    starts = np.array(
        [p.start + k * COLOUR_SECONDS for p in light_prompts(script) for k in range(len(p.colours))]
    )
    since = times[:, None, None] - LATENCIES[:, None] - starts
    return np.asarray(
        np.clip(since / RAMP_SECONDS, 0, 1) - np.clip((since - COLOUR_SECONDS) / RAMP_SECONDS, 0, 1)
    )


def _whitened(times: Floats, columns: Floats) -> Floats:
    """Columns averaged over bins, with noise and walk made white, without mean and trend."""
    bins = np.floor((times - times[0]) * _BINS_PER_S).astype(np.intp)
    _, index, counts = np.unique(bins, return_inverse=True, return_counts=True)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    ordered = np.concatenate([times[:, None], columns], axis=1)[np.argsort(index, kind="stable")]
    means = np.add.reduceat(ordered, starts, axis=0) / counts[:, None]
    at = means[:, 0] - means[0, 0]
    white = np.diag(np.median(counts) / counts)
    lower = np.linalg.cholesky(white + _WALK * np.minimum.outer(at, at))
    trend = np.stack([np.ones_like(at), at], axis=1)
    made = np.linalg.solve(lower, np.concatenate([trend, means[:, 1:]], axis=1))
    basis, _ = np.linalg.qr(made[:, :2])
    rest = made[:, 2:]
    return np.asarray(rest - basis @ (basis.T @ rest))


def fit(evidence: Evidence, sequences: Sequences) -> Fits:
    """Returns how well each sequence of colours explains the evidence, at its own best delay.

    Args:
        evidence: of a script's slots.
        sequences: numbers of `NAMES`, shape (N, K).
    """
    near = np.arange(max(0, evidence.best - _NEAR), min(len(LATENCIES), evidence.best + _NEAR + 1))
    shown = np.ascontiguousarray(_SCREEN[sequences].transpose(2, 0, 1))
    precision = np.linalg.inv(evidence.noise)
    products = _products(evidence.gram[near], shown)
    mixing = _CHROMA.T @ precision @ _CHROMA
    cross = evidence.cross[near] @ precision @ _CHROMA
    response = np.stack([shown[a] @ cross[:, :, a].T for a in range(3)])
    held = products * mixing[_ROWS, _COLUMNS][:, None, None]
    mean = held[0] + held[3] + held[5]
    for at, part in ((0, 2 / 3), (3, 2 / 3), (5, 2 / 3), (1, -1 / 3), (2, -1 / 3), (4, -1 / 3)):
        held[at] += (_EVEN * part + (1e-9 if part > 0 else 0.0)) * mean
    weights = _solved(held, response)
    explained = (response * weights).sum(axis=0)
    # A screen adds light; what answers with the opposite colour answers another script.
    explained = np.where(weights.sum(axis=0) > 0, explained, 0.0)
    best = explained.argmax(axis=1)
    rows = np.arange(len(sequences))
    most = explained[rows, best]
    whole = evidence.strength * evidence.n
    return Fits(most, weights[:, rows, best].T, near[best], most / max(whole, 1e-12))


_ROWS: Final = (0, 0, 0, 1, 1, 2)
_COLUMNS: Final = (0, 1, 2, 1, 2, 2)
"""The six entries on and over the diagonal of a symmetric 3 × 3 matrix, in the order used here."""


def _products(gram: Floats, shown: Floats) -> Floats:
    """Products of the scripts' channels under the Gram matrices, shape (6, N, L)."""
    delays, slots = gram.shape[:2]
    count = shown.shape[1]
    flat = gram.transpose(1, 0, 2).reshape(slots, delays * slots)
    out = np.empty((6, count, delays))
    halves = [(shown[a] @ flat).reshape(count, delays, slots) for a in range(3)]
    for k, (a, b) in enumerate(zip(_ROWS, _COLUMNS, strict=True)):
        out[k] = np.einsum("nlk,nk->nl", halves[a], shown[b])
    return out


def _solved(entries: Floats, vectors: Floats) -> Floats:
    """Solves symmetric 3 × 3 systems by their cofactors: many times faster than LAPACK.

    Args:
        entries: shape (6, ...), in the order of `_ROWS` and `_COLUMNS`.
        vectors: shape (3, ...).
    """
    a, b, c, d, e, f = entries
    x, y, z = vectors
    aa, bb, cc = d * f - e * e, c * e - b * f, b * e - c * d
    dd, ee, ff = a * f - c * c, b * c - a * e, a * d - b * b
    scale = 1.0 / np.maximum(a * aa + b * bb + c * cc, 1e-300)
    rows = (aa * x + bb * y + cc * z, bb * x + dd * y + ee * z, cc * x + ee * y + ff * z)
    return np.asarray(np.stack(rows) * scale)


def answer_of(
    evidence: Evidence, face: Evidence, fits: Fits, script: Script
) -> tuple[float, float]:
    """Returns how strongly another part of the picture moves as the face does: (part, error).

    1 is as much as the face, in the logarithm of its colours; `error` is a standard error.

    Args:
        evidence: of that part.
        face: of the face.
        fits: of the script to the face; the first of them counts.
        script: whose colours these are.
    """
    weights, at = fits.weights[0], int(fits.latency[0])
    shown = _SCREEN[colours_of(script)].transpose(2, 0, 1)
    precision = np.linalg.inv(face.noise)
    mixing = _CHROMA.T @ precision @ _CHROMA
    products = np.empty((3, 3))
    products[_ROWS, _COLUMNS] = products[_COLUMNS, _ROWS] = _products(
        evidence.gram[at : at + 1], shown
    )[:, 0, 0]
    energy = float(weights @ (products * mixing) @ weights)
    seen = (shown[:, 0] @ evidence.cross[at]) @ precision @ _CHROMA
    spread = _CHROMA.T @ precision @ evidence.noise @ precision @ _CHROMA
    variance = float(weights @ (products * spread) @ weights)
    if energy <= 0.0:
        return 0.0, float("inf")
    return float(np.diag(seen) @ weights) / energy, max(variance, 0.0) ** 0.5 / energy
