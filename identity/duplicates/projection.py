"""The secret projection of the deployment: what a template becomes in the duplicate index.

Two deployments' indexes can't be linked without their secrets. It is not encryption: who holds
the secret can turn an index row back into most of a template, and without it rows of one
deployment can still be compared with each other.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Final

import numpy as np
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import NDArray

from identity.comparison import UnusableVector
from identity.types import Vector

DIMS: Final = 256
_KEY_ID: Final = b"cameo projection key id"


def projection(secret: bytes, template_format: str, dims_in: int) -> NDArray[np.float32]:
    """Returns the projection of a template format, shape (dims_in, 256), float32.

    Its columns are orthonormal and span a random subspace: the Q of a matrix of independent
    normals, with R's diagonal positive so that there is one Q (Mezzadri 2007, "How to generate
    random matrices from the classical compact groups"). A format of fewer than 256 dimensions
    has orthonormal rows instead, and loses nothing.

    The normals come from SHAKE-256 of a key that HKDF-SHA-256 derives for the format, by Box
    and Muller's transform, so they depend on no library's generator.

    Args:
        secret: the deployment's projection secret, 32 bytes.
        template_format: of the pack.
        dims_in: length of the pack's comparison vectors.

    Raises:
        UnusableVector: `dims_in` isn't positive.
    """
    if dims_in < 1:
        raise UnusableVector
    tall = (max(dims_in, DIMS), min(dims_in, DIMS))
    key = _derive(secret, template_format.encode("utf-8"))
    q, r = np.linalg.qr(_normals(key, tall))
    q *= np.sign(np.diagonal(r))
    return np.ascontiguousarray(q if dims_in >= DIMS else q.T, dtype=np.float32)


def projection_key_id(secret: bytes) -> str:
    """Returns a name of the secret, 16 hexadecimal digits, that tells nothing about it."""
    return _derive(secret, _KEY_ID)[:8].hex()


def project(vectors: Vector, secret: bytes, template_format: str) -> NDArray[np.float16]:
    """Returns comparison vectors as the index holds them, half precision.

    Squared distances shrink by 256 / D on average. A distance is estimated with an error that
    is proportional to it, so the nearest are told apart best; an inner product is estimated
    with an error proportional to the vectors' lengths, which is why nothing orders by it (ADR
    0014).

    Args:
        vectors: shape (n, D), float32, all of one format.
        secret: the deployment's projection secret.
        template_format: of the vectors.

    Returns:
        Shape (n, 256), float16.

    Raises:
        UnusableVector: a vector isn't finite, or is too long for half precision.
    """
    if vectors.ndim != 2:
        raise UnusableVector
    projected = vectors.astype(np.float32) @ _cached(secret, template_format, vectors.shape[1])
    if not bool(np.all(np.abs(projected) < np.finfo(np.float16).max)):
        raise UnusableVector
    return projected.astype(np.float16)


@lru_cache(maxsize=4)
def _cached(secret: bytes, template_format: str, dims_in: int) -> NDArray[np.float32]:
    matrix = projection(secret, template_format, dims_in)
    matrix.setflags(write=False)
    return matrix


def _derive(secret: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret)


def _normals(key: bytes, shape: tuple[int, int]) -> NDArray[np.float64]:
    pairs = -(-shape[0] * shape[1] // 2)
    stream = hashlib.shake_256(key).digest(16 * pairs)
    # 53 bits each, and half a step so that none is 0.
    uniform = ((np.frombuffer(stream, dtype="<u8") >> np.uint64(11)) + 0.5) * 2.0**-53
    radius = np.sqrt(-2.0 * np.log(uniform[:pairs]))
    angle = 2.0 * np.pi * uniform[pairs:]
    both = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])
    return both[: shape[0] * shape[1]].reshape(shape)
