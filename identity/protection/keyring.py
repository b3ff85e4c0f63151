"""The deployment's keys, as the settings name them."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.utils.module_loading import import_string

from common.errors import Misconfigured
from common.key_encryption import KeyEncryption
from common.keyring import FileKeyring


@lru_cache(maxsize=4)
def _keyring(path: Path) -> FileKeyring:
    return FileKeyring(path)


def keyring() -> FileKeyring:
    """The keyring; it reads its file again when that changes."""
    return _keyring(Path(settings.CAMEO_KEYRING_FILE))


def key_encryption() -> KeyEncryption:
    """What wraps data keys: what the callable `CAMEO_KEY_ENCRYPTION` names gives.

    Raises:
        Misconfigured: if there is no such callable.
    """
    try:
        make = import_string(settings.CAMEO_KEY_ENCRYPTION)
    except ImportError as error:
        raise Misconfigured("CAMEO_KEY_ENCRYPTION names nothing that can be imported.") from error
    made: KeyEncryption = make()
    return made
