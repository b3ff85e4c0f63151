"""Files as dlib writes them, with random weights.

The skeleton in fixtures/ is everything in such a file but its weights: what stands between
two runs of numbers, in hexadecimal, and how many numbers follow.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_SKELETON = Path(__file__).parent / "fixtures" / "dlib_resnet_skeleton.json"


def random_resnet(seed: int) -> bytes:
    """Returns a file of dlib's face recognition network; activations keep their size."""
    rng = np.random.default_rng(seed)
    parts = json.loads(_SKELETON.read_text())
    pieces: list[bytes] = []
    for index, (between, count) in enumerate(parts):
        pieces.append(bytes.fromhex(between))
        if count:
            following = parts[index + 1][1] if index % 2 == 0 else 0
            pieces.append(_weights(rng, count, following).astype("<f4").tobytes())
    return b"".join(pieces)


def _weights(rng: np.random.Generator, count: int, following: int) -> NDArray[np.float64]:
    """A convolution's numbers where an affine layer of `following` numbers comes next."""
    filters = following // 2
    if filters:
        fan_in = (count - filters) // filters
        return rng.normal(0, (1 / fan_in) ** 0.5, count)
    if count <= 512:
        half = count // 2
        return np.concatenate([rng.uniform(0.7, 1.3, half), rng.normal(0, 0.2, half)])
    return rng.normal(0, 1 / 16, count)
