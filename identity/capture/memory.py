"""Nameless files in memory, the only thing the service and a decoder share."""

from __future__ import annotations

import fcntl
import io
import os
from collections.abc import Iterator
from typing import IO

from common.errors import TooLarge

_CHUNK = 1 << 20

Source = bytes | bytearray | memoryview | IO[bytes] | int
"""Bytes in memory, an open binary file, or a descriptor; the last two are read from where they
stand to their end."""


def sealed_copy(source: Source, max_bytes: int, error: type[TooLarge]) -> tuple[int, int]:
    """Copy the source into a file that nobody can change any more.

    Returns:
        The descriptor, which the caller closes, and the size in bytes.

    Raises:
        error: the source has more than `max_bytes`; no more than that is read.
    """
    descriptor = os.memfd_create("clip", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        size = 0
        for chunk in _chunks(source):
            size += len(chunk)
            if size > max_bytes:
                raise error
            _write(descriptor, chunk)
        fcntl.fcntl(
            descriptor,
            fcntl.F_ADD_SEALS,
            fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL,
        )
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor, size


def ring(size: int) -> int:
    """Make a file of this many bytes whose size is fixed: one cut short would crash its reader.

    Returns:
        The descriptor, which the caller closes.
    """
    descriptor = os.memfd_create("ring", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        os.ftruncate(descriptor, size)
        fcntl.fcntl(
            descriptor,
            fcntl.F_ADD_SEALS,
            fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL,
        )
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _chunks(source: Source) -> Iterator[memoryview]:
    if isinstance(source, (bytes, bytearray, memoryview)):
        yield memoryview(source).cast("B")
        return
    if isinstance(source, int):
        with io.FileIO(source, closefd=False) as file:
            while chunk := file.read(_CHUNK):
                yield memoryview(chunk)
        return
    while chunk := source.read(_CHUNK):
        yield memoryview(chunk)


def _write(descriptor: int, chunk: memoryview) -> None:
    while chunk:
        chunk = chunk[os.write(descriptor, chunk) :]
