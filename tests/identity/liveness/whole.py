"""Tracks that have all a verdict asks for: a camera's noise, a nose that stands out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from identity.types import Changes, Parallax, Track
from tests.identity.liveness.build import Curve

NOSE = 0.1
"""How far the nose's tip stands out, in face widths."""


def noisy_changes(n: int, seed: int = 0) -> Changes:
    """Changes as a camera's noise makes them: about the same size, never the same."""
    chance = np.random.default_rng(seed)
    prints = chance.normal(size=(n, 32)).astype(np.float32)
    size = (1.5 + 0.1 * chance.normal(size=n)).astype(np.float32)
    size[:1] = np.nan
    return Changes(size, size.copy(), prints)


def whole(track: Track, yaw: Curve = lambda t: 0.0) -> Track:
    """The track of a head that turned as `yaw` says, before a camera."""
    turned = [t for t in track.times.tolist() if abs(yaw(t)) > 9.5]
    pairs = tuple(Parallax(t, 0.5, NOSE * float(np.sin(np.radians(yaw(t))))) for t in turned)
    # Nobody does the same twice: this one comes nearer all along.
    meshes = track.meshes * (1.0 + 0.02 * track.times[:, None, None]).astype(np.float32)
    return replace(track, meshes=meshes, changes=noisy_changes(track.times.size), parallaxes=pairs)
