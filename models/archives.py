"""Takes single files out of archives that nobody here has written.

No path of an archive is ever used as a path: the caller says where a member goes. An
archive that holds paths out of itself is refused as a whole, and no member may be longer
than its header says or than the caller wants.
"""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import IO, Final

from models.errors import HostileArchive

_BLOCK: Final = 1 << 20
_MAX_MEMBERS: Final = 100_000
# The largest archive of a known pack unpacks to under 400 MB.
_MAX_UNPACKED: Final = 2 << 30
ZIP_SUFFIXES: Final = (".whl", ".zip")
TAR_SUFFIXES: Final = (".tar.gz", ".tgz")

Choose = Callable[[str, int], Path | None]


def is_archive(path: Path) -> bool:
    """Returns whether the file's name is that of an archive that can be read here."""
    return path.name.lower().endswith(ZIP_SUFFIXES + TAR_SUFFIXES)


def extract(archive: Path, choose: Choose) -> None:
    """Writes the members that `choose` names a place for.

    Args:
        archive: a .zip, .whl, .tar.gz or .tgz file.
        choose: called with each regular member's path and length in bytes; returns the file
            to write it to, or None to leave it out.

    Raises:
        HostileArchive: it can't be read, leads out of itself, or is longer than it says.
    """
    try:
        if archive.name.lower().endswith(ZIP_SUFFIXES):
            _extract_zip(archive, choose)
        else:
            _extract_tar(archive, choose)
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        zlib.error,
        EOFError,
        OSError,
        NotImplementedError,
        RuntimeError,
        UnicodeError,
        ValueError,
    ) as error:
        raise HostileArchive(f"{archive.name} can't be read as an archive.") from error


def _extract_zip(archive: Path, choose: Choose) -> None:
    with zipfile.ZipFile(archive) as opened:
        members = opened.infolist()
        _check_names(archive, [member.filename for member in members])
        for member in members:
            # A symbolic link is a small file to zipfile: its digest would give it away.
            target = None if member.is_dir() else choose(member.filename, member.file_size)
            if target is not None:
                with opened.open(member) as stream:
                    _write(archive, stream, target, member.file_size)


def _extract_tar(archive: Path, choose: Choose) -> None:
    with tarfile.open(archive, mode="r:gz") as opened:
        names = []
        unpacked = 0
        for member in opened:
            names.append(member.name)
            unpacked += member.size
            if len(names) > _MAX_MEMBERS or unpacked > _MAX_UNPACKED:
                raise HostileArchive(f"{archive.name} unpacks to more than any pack needs.")
            _check_names(archive, [member.name])
            target = choose(member.name, member.size) if member.isreg() else None
            stream = None if target is None else opened.extractfile(member)
            if target is not None and stream is not None:
                _write(archive, stream, target, member.size)
        if len(set(names)) != len(names):
            raise HostileArchive(f"{archive.name} holds two members of one name.")


def _check_names(archive: Path, names: list[str]) -> None:
    if len(names) > _MAX_MEMBERS:
        raise HostileArchive(f"{archive.name} holds more members than any pack needs.")
    if len(set(names)) != len(names):
        raise HostileArchive(f"{archive.name} holds two members of one name.")
    for name in names:
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or "\0" in name:
            raise HostileArchive(f"{archive.name} holds a path that leads out of it.")


def _write(archive: Path, stream: IO[bytes], target: Path, size: int) -> None:
    written = 0
    with target.open("wb") as out:
        while block := stream.read(_BLOCK):
            written += len(block)
            if written > size:
                raise HostileArchive(f"{archive.name} holds a member longer than it says.")
            out.write(block)
    if written != size:
        raise HostileArchive(f"{archive.name} holds a member shorter than it says.")
