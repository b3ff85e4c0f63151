"""Raw clips that wait for their decision: sealed files under one-off keys.

The key is wrapped by the key-encryption key and kept with the session; the file holds nothing
else. When either is gone the clip is unreadable.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from common.envelope import new_key, seal, unseal
from common.ids import is_id, new_id
from identity.models import CaptureSession
from identity.protection.keyring import key_encryption
from identity.session_errors import ClipStoreUnavailable

_PREFIX = "clp"


@dataclass(frozen=True, slots=True)
class SealedClip:
    """Where a sealed clip lies, and its wrapped key."""

    file: str
    wrapped_key: bytes


def _folder() -> Path:
    folder = Path(settings.CAMEO_CLIP_DIR)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _path(file: str) -> Path:
    if not is_id(_PREFIX, file):
        raise ClipStoreUnavailable
    return _folder() / file


def keep(clip: bytes, *, session_id: str) -> SealedClip:
    """Seal `clip` to a new file with mode 0600, durable when this returns.

    Raises:
        ClipStoreUnavailable: if the file can't be written.
    """
    file, key, bound_to = new_id(_PREFIX), new_key(), session_id.encode("ascii")
    try:
        descriptor = os.open(_path(file), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(seal(key, clip, bound_to=bound_to))
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        forget(file)
        raise ClipStoreUnavailable from error
    return SealedClip(file=file, wrapped_key=key_encryption().wrap(key, bound_to=bound_to))


def read(sealed: SealedClip, *, session_id: str) -> bytes:
    """The clip's bytes.

    Raises:
        ClipStoreUnavailable: if the file is gone.
        SealBroken: if it doesn't open.
    """
    bound_to = session_id.encode("ascii")
    try:
        body = _path(sealed.file).read_bytes()
    except OSError as error:
        raise ClipStoreUnavailable from error
    key = key_encryption().unwrap(sealed.wrapped_key, bound_to=bound_to)
    return unseal(key, body, bound_to=bound_to)


def forget(file: str) -> None:
    """Delete a sealed clip; one that is gone already is no error."""
    with contextlib.suppress(OSError):
        _path(file).unlink(missing_ok=True)


def wait_under(key_id: str) -> bool:
    """Whether a waiting clip's key is wrapped under this key-encryption key."""
    encryption = key_encryption()
    waiting = CaptureSession.objects.filter(clip_key__isnull=False)
    return any(
        encryption.wrapped_by(bytes(wrapped or b"")) == key_id
        for wrapped in waiting.values_list("clip_key", flat=True).iterator()
    )


def files_older_than(moment: float) -> list[str]:
    """Names of sealed clips last written before `moment` (seconds since the epoch)."""
    found = []
    for path in _folder().iterdir():
        with contextlib.suppress(OSError):
            if is_id(_PREFIX, path.name) and path.stat().st_mtime < moment:
                found.append(path.name)
    return found
