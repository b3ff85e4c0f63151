"""The deployment's keyring, as the settings name it."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from django.conf import settings

from common.keyring import FileKeyring


@lru_cache(maxsize=4)
def _keyring(path: Path) -> FileKeyring:
    return FileKeyring(path)


def keyring() -> FileKeyring:
    """The keyring; it reads its file again when that changes."""
    return _keyring(Path(settings.CAMEO_KEYRING_FILE))
