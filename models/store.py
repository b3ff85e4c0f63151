"""Where prepared files lie: the packs' folder, and the user's cache of files by digest."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from models.digests import sha256_of
from models.errors import PackError

_PARTIAL: Final = ".partial-"
_LOCK: Final = ".lock"


def cache_folder() -> Path:
    """Returns `$XDG_CACHE_HOME/cameo/models`, `~/.cache` where that isn't set or relative."""
    configured = Path(os.environ.get("XDG_CACHE_HOME", ""))
    root = configured if configured.is_absolute() else Path.home() / ".cache"
    return root / "cameo" / "models"


class Cache:
    """Files by their SHA-256. What can't be written is left out: the cache only saves time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def copy_to(self, sha256: str, target: Path) -> bool:
        """Copies the file of this digest to `target`; returns whether there is one.

        The digest is compared again, and a damaged entry is thrown away.
        """
        entry = self._folder / sha256
        if not entry.is_file():
            return False
        shutil.copyfile(entry, target)
        if sha256_of(target) == sha256:
            return True
        target.unlink()
        self.discard(sha256)
        return False

    def add(self, source: Path, sha256: str) -> None:
        """Keeps a copy of `source`, whose digest the caller has verified."""
        if (self._folder / sha256).is_file():
            return
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._folder, prefix=_PARTIAL)
            os.close(handle)
            try:
                shutil.copyfile(source, name)
                Path(name).replace(self._folder / sha256)
            finally:
                Path(name).unlink(missing_ok=True)

    def discard(self, sha256: str) -> None:
        """Forgets the file of this digest, if there is one."""
        with suppress(OSError):
            (self._folder / sha256).unlink(missing_ok=True)


@contextmanager
def workplace(models_dir: Path) -> Iterator[Path]:
    """Gives a folder beside the packs to prepare files in, alone; it is gone afterwards.

    What a killed installation has left is thrown away first.

    Raises:
        PackError: the packs' folder can't be written.
    """
    try:
        models_dir.mkdir(parents=True, exist_ok=True)
        lock = (models_dir / _LOCK).open("w")
    except OSError as error:
        raise PackError(f"The folder {models_dir} can't be written.") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left_over in models_dir.glob(f"{_PARTIAL}*"):
            shutil.rmtree(left_over, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(dir=models_dir, prefix=_PARTIAL))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def put_in_place(staged: Path, target: Path, keep: tuple[str, ...]) -> None:
    """Makes the folder `staged` the pack's folder `target`, in one step for whoever looks.

    Args:
        staged: complete, on the same file system.
        target: replaced if it is there.
        keep: names of files that are taken over from the folder that was there.
    """
    for name in keep:
        if (target / name).is_file():
            shutil.copyfile(target / name, staged / name)
    # mkdtemp's 0700 would lock a worker out that runs as another user.
    staged.chmod(0o755)
    if target.exists():
        target.rename(staged.parent / f"replaced-{target.name}")
    staged.rename(target)
