"""Galleries of made-up templates whose scores spread like those of real ones.

An embedder's template is √c·m + √(1 − c)·g: m is what all faces share, g a direction of the
person's own in a subspace of as many dimensions as give the cosines of two people their spread.
Mean and spread were measured on templates of five real clips with the pack `open`: ten pairs,
so they are rough. The embedders are independent here; on those pairs they agreed about who is
like whom, and scores spread 1.26 times as far (`WIDE`). Nobody's template is in here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]
BIAS: Final = -34.0
BLOCK: Final = 20_000
WIDE: Final = 1.26


@dataclass(frozen=True, slots=True)
class Embedder:
    """One embedder of the pack.

    Attributes:
        dims: length of its vectors.
        weight: in the score.
        mean: of the cosines of two people's templates.
        spread: their standard deviation.
    """

    dims: int
    weight: float
    mean: float
    spread: float

    def own_dims(self, times: float) -> int:
        """Dimensions in which people differ: random directions there give that spread."""
        return round(((1.0 - self.mean) / (self.spread * times)) ** 2)


EMBEDDERS: Final = (
    Embedder(dims=128, weight=22.3, mean=0.870, spread=0.033),
    Embedder(dims=1024, weight=24.9, mean=0.415, spread=0.076),
)
DIMS: Final = sum(embedder.dims for embedder in EMBEDDERS)
_LENGTH: Final = sum(embedder.weight for embedder in EMBEDDERS)
_SHARED: Final = sum(embedder.weight * embedder.mean for embedder in EMBEDDERS)


class Gallery:
    """`size` made-up comparison vectors, the same for the same seed; made in blocks, not kept."""

    def __init__(self, size: int, *, spread: float = 1.0, seed: int = 1) -> None:
        self.size = size
        self._own_dims = [embedder.own_dims(spread) for embedder in EMBEDDERS]
        self._seed = seed
        generator = np.random.default_rng([seed, 0])
        self._bases = [
            _basis(generator, embedder.dims, own)
            for embedder, own in zip(EMBEDDERS, self._own_dims, strict=True)
        ]

    def blocks(self) -> Iterator[tuple[int, Rows]]:
        """Gives the place of each block's first vector, and the block, shape (≤ 20,000, D)."""
        for start in range(0, self.size, BLOCK):
            yield start, self._vectors(self._own(start))

    def at(self, places: NDArray[np.intp]) -> Rows:
        """Gives the gallery's vectors at `places`, shape (n, D)."""
        return self._vectors(self._own_at(places))

    def like(self, places: NDArray[np.intp], scores: NDArray[np.float64], *, seed: int) -> Rows:
        """Gives vectors that score as told against the gallery's at `places`, shape (n, D)."""
        generator = np.random.default_rng([seed, 2])
        # As far from "a stranger" to "the same" with both embedders.
        part = (scores - BIAS - _SHARED) / (_LENGTH - _SHARED)
        own = self._own_at(places)
        turned = []
        for directions in own:
            away = generator.standard_normal(directions.shape)
            away -= np.sum(away * directions, axis=1, keepdims=True) * directions
            away = _unit(away)
            turned.append(part[:, None] * directions + np.sqrt(1 - part[:, None] ** 2) * away)
        return self._vectors(turned)

    def _own(self, start: int) -> list[NDArray[np.float64]]:
        generator = np.random.default_rng([self._seed, 1, start])
        count = min(BLOCK, self.size - start)
        return [_unit(generator.standard_normal((count, own))) for own in self._own_dims]

    def _own_at(self, places: NDArray[np.intp]) -> list[NDArray[np.float64]]:
        found = [np.empty((len(places), own)) for own in self._own_dims]
        for start in np.unique(places // BLOCK * BLOCK):
            here = places // BLOCK * BLOCK == start
            for rows, block in zip(found, self._own(int(start)), strict=True):
                rows[here] = block[places[here] - start]
        return found

    def _vectors(self, own: list[NDArray[np.float64]]) -> Rows:
        parts = [
            np.float32(np.sqrt(embedder.weight))
            * (
                np.float32(np.sqrt(embedder.mean)) * shared
                + np.float32(np.sqrt(1 - embedder.mean)) * (directions.astype(np.float32) @ basis)
            )
            for embedder, (shared, basis), directions in zip(
                EMBEDDERS, self._bases, own, strict=True
            )
        ]
        return np.concatenate(parts, axis=1)


def _basis(generator: np.random.Generator, dims: int, own: int) -> tuple[Rows, Rows]:
    """What all share, shape (dims,), and directions at right angles to it, (own, dims)."""
    axes = np.linalg.qr(generator.standard_normal((dims, own + 1)))[0].T.astype(np.float32)
    return axes[0], np.ascontiguousarray(axes[1:])


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float64)
