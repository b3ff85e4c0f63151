"""What a web server must have before it takes its first request."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from common.keyring import FileKeyring
from models.install import verify
from models.manifest import load_manifest


def refuse_unusable() -> None:
    """Check the keyring, and the pack's files against their digests.

    Raises:
        KeyringError: if the keyring is missing, readable by others, or not a keyring.
        PackError: if the pack isn't known or installed, or a file isn't the one in its manifest.
    """
    FileKeyring(Path(settings.CAMEO_KEYRING_FILE)).check()
    for pack in filter(None, (settings.CAMEO_MODEL_PACK, settings.CAMEO_PAD_PACK)):
        verify(load_manifest(pack), Path(settings.CAMEO_MODELS_DIR))
