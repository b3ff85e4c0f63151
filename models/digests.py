"""SHA-256 of files, and the one place where a digest is compared with its manifest's."""

from __future__ import annotations

import hashlib
from pathlib import Path

from models.errors import DigestMismatch

_BLOCK = 1 << 20


def sha256_of(path: Path) -> str:
    """Returns the SHA-256 of a file, hexadecimal, in constant memory."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def verify_bytes(name: str, content: bytes, expected: str) -> bytes:
    """Returns the content as it is.

    Raises:
        DigestMismatch: it has another SHA-256.
    """
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise DigestMismatch(name, expected=expected, found=found)
    return content


def verify_file(path: Path, expected: str) -> Path:
    """Returns the path as it is.

    Raises:
        DigestMismatch: the file has another SHA-256.
    """
    found = sha256_of(path)
    if found != expected:
        raise DigestMismatch(path.name, expected=expected, found=found)
    return path
