"""The deployment's keyring, as the settings name it."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from django.conf import settings

from common.keyring import FileKeyring


@lru_cache(maxsize=4)
def _open(path: Path) -> FileKeyring:
    return FileKeyring(path)


def keyring() -> FileKeyring:
    """The keyring of `CAMEO_KEYRING_FILE`; one object per file, which sees rotations itself."""
    return _open(Path(settings.CAMEO_KEYRING_FILE))
