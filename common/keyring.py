"""The keys of a deployment, and where they are kept.

`KeyEncryption` (of `common.key_encryption`) and `Signer` are what the rooms use; `FileKeyring`
keeps both kinds in one JSON file that only its owner can read.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from joserfc.jwk import OKPKey

from common.clock import from_rfc3339, rfc3339
from common.envelope import SealBroken, new_key, seal, unseal
from common.errors import Misconfigured
from common.ids import new_id
from common.key_encryption import WrappingKey, active_key

TOKEN = "token"  # noqa: S105 - a purpose, not a secret
RECORD = "record"
KEY_ENCRYPTION = "key-encryption"
PROJECTION = "projection"
ROTATED = (TOKEN, RECORD, KEY_ENCRYPTION)
# What is derived from these is stored for good, so they are never renewed by schedule.
FIXED = (PROJECTION,)
PURPOSES = ROTATED + FIXED

NEXT = "next"
ACTIVE = "active"
RETIRED = "retired"

# A retired token key stays published until the last token it signed is dead: tokens live at
# most 120 s, verifiers may be 5 s off, and web workers re-read the file within a request.
TOKEN_KEY_OVERLAP = timedelta(seconds=300)


class KeyringError(Misconfigured):
    """The keyring is missing, readable by others, or not what it should be."""

    code = "keyring_unusable"
    message = "The keyring can't be used."


@dataclass(frozen=True, slots=True)
class Key:
    """One key: `secret` is 32 raw bytes (AES-256 or an Ed25519 seed) in unpadded base64url."""

    kid: str
    purpose: str
    state: str
    created: str
    secret: str
    retired: str | None = None

    def __repr__(self) -> str:
        return f"Key({self.kid!r}, {self.purpose!r}, {self.state!r})"

    @property
    def raw(self) -> bytes:
        return base64.urlsafe_b64decode(self.secret + "=" * (-len(self.secret) % 4))


class Signer(Protocol):
    """Gives the Ed25519 keys of a purpose (`TOKEN` or `RECORD`)."""

    def signing_key(self, purpose: str) -> OKPKey: ...

    def public_keys(self, purpose: str, *, now: datetime) -> tuple[OKPKey, ...]: ...


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def _okp(key: Key) -> OKPKey:
    # Imported through the raw seed, so that the file holds one form for every purpose.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    public = Ed25519PrivateKey.from_private_bytes(key.raw).public_key().public_bytes_raw()
    return OKPKey.import_key(
        {
            "kty": "OKP",
            "crv": "Ed25519",
            "x": _b64(public),
            "d": key.secret,
            "kid": key.kid,
            "use": "sig",
            "alg": "Ed25519",
        }
    )


class FileKeyring:
    """`KeyEncryption` and `Signer` over one JSON file with mode 0600.

    The file is read again when it changes, so a rotation by command reaches every process
    without a restart. Its parent folder's mode is never relied on.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int, int] | None = None
        self._keys: tuple[Key, ...] = ()
        self._okp: dict[str, OKPKey] = {}

    @classmethod
    def create(cls, path: Path, *, now: datetime) -> FileKeyring:
        """Write a new keyring with an active key for every purpose and the next token key.

        Raises:
            KeyringError: if there is a file already.
        """
        keys = [_new(purpose, ACTIVE, now) for purpose in PURPOSES]
        keys.append(_new(TOKEN, NEXT, now))
        ring = cls(path)
        with ring._locked():
            if path.exists():
                raise KeyringError("There is a keyring already.")
            ring._write(tuple(keys))
        return ring

    def upgrade(self, *, now: datetime) -> tuple[Key, ...]:
        """Add the fixed secrets that a keyring made by an older version lacks; gives what it added.

        A missing key of another purpose is damage, which is not papered over.
        """
        with self._locked():
            keys = self._load()
            held = {key.purpose for key in keys}
            added = tuple(_new(purpose, ACTIVE, now) for purpose in FIXED if purpose not in held)
            if added:
                self._write(keys + added)
        return added

    def check(self) -> None:
        """Raise `KeyringError` unless every purpose has an active key and the file is private."""
        for purpose in PURPOSES:
            self._active(purpose)

    def keys(self) -> tuple[Key, ...]:
        """Every key, oldest first. `repr` of a key shows no secret."""
        return self._load()

    def wrap(self, data_key: bytes, *, bound_to: bytes) -> bytes:
        """`kid ‖ 0x00 ‖ sealed key`, under the active key-encryption key."""
        key = self._active(KEY_ENCRYPTION)
        return key.kid.encode("ascii") + b"\x00" + seal(key.raw, data_key, bound_to=bound_to)

    def unwrap(self, wrapped: bytes, *, bound_to: bytes) -> bytes:
        """What `wrap` was given.

        Raises:
            SealBroken: if the key that wrapped it is gone, or anything differs.
        """
        kid, _, sealed = wrapped.partition(b"\x00")
        for key in self._load():
            if key.purpose == KEY_ENCRYPTION and key.kid.encode("ascii") == kid:
                return unseal(key.raw, sealed, bound_to=bound_to)
        raise SealBroken

    def secret(self, purpose: str) -> bytes:
        """The 32 bytes of a purpose in `FIXED`, the same for the deployment's whole life.

        Raises:
            KeyringError: for any other purpose, or if a keyring of an older version lacks it.
        """
        if purpose not in FIXED:
            raise KeyringError("Keys of this purpose are not given out.")
        return self._active(purpose).raw

    def signing_key(self, purpose: str) -> OKPKey:
        """The active Ed25519 key of `purpose`, with its private part."""
        return self._as_okp(self._active(purpose))

    def public_keys(self, purpose: str, *, now: datetime) -> tuple[OKPKey, ...]:
        """Keys a verifier may need: the next, the active, and retired ones within the overlap.

        Record keys never leave the list: a decision record is checked for years.
        """
        return tuple(
            self._as_okp(key)
            for key in self._load()
            if key.purpose == purpose and (purpose != TOKEN or _is_published(key, now))
        )

    def rotate(self, purpose: str, *, now: datetime, remove_old: bool = False) -> Key:
        """Make the next key of `purpose` active (or a fresh one), and retire the active one.

        Args:
            purpose: one of `ROTATED`.
            now: when.
            remove_old: forget the old key at once: what it signed or wrapped is dead
                (emergency removal of a token key).

        Raises:
            KeyringError: if key-encryption keys would be removed while they may still be needed,
                or `purpose` is one that is never renewed.
        """
        if purpose not in ROTATED:
            raise KeyringError("Keys of this purpose are never renewed.")
        if remove_old and purpose != TOKEN:
            raise KeyringError("Only a token key can be removed at once.")
        with self._locked():
            keys, promoted = _rotated(self._load(), purpose, now=now, remove_old=remove_old)
            self._write(keys)
        return promoted

    def wrapped_by(self, wrapped: bytes) -> str:
        """Id of the key that `wrap` used."""
        return wrapped.partition(b"\x00")[0].decode("ascii", "replace")

    def wrapping_keys(self) -> tuple[WrappingKey, ...]:
        """The key-encryption keys that are still held, oldest first."""
        return tuple(
            WrappingKey(
                key.kid,
                from_rfc3339(key.created),
                from_rfc3339(key.retired) if key.retired else None,
            )
            for key in self._load()
            if key.purpose == KEY_ENCRYPTION
        )

    def renew(self, *, replacing: str, now: datetime) -> WrappingKey:
        """A new active key-encryption key in the place of `replacing`, unless that is done."""
        with self._locked():
            if active_key(self).id == replacing:
                keys, _ = _rotated(self._load(), KEY_ENCRYPTION, now=now)
                self._write(keys)
        return active_key(self)

    def destroy(self, key_id: str) -> None:
        """Forget a retired key-encryption key, and write zeros over the file that held it.

        A file system that copies on write, or a disk that remaps blocks, may keep the old bytes
        all the same (docs/operations.md).

        Raises:
            KeyringError: if it is the active one.
        """
        with self._locked():
            if active_key(self).id == key_id:
                raise KeyringError("The active key-encryption key can't be destroyed.")
            keys = self._load()
            kept = tuple(k for k in keys if (k.purpose, k.kid) != (KEY_ENCRYPTION, key_id))
            if len(kept) < len(keys):
                self._write(kept, overwrite_old=True)

    def _active(self, purpose: str) -> Key:
        for key in self._load():
            if (key.purpose, key.state) == (purpose, ACTIVE):
                return key
        if purpose in FIXED:
            raise KeyringError(
                f"The keyring is of an older version: it has no {purpose} secret. "
                "Add it with `manage.py keys upgrade`."
            )
        raise KeyringError(f"The keyring has no active {purpose} key.")

    def _as_okp(self, key: Key) -> OKPKey:
        if key.kid not in self._okp:
            self._okp[key.kid] = _okp(key)
        return self._okp[key.kid]

    def _load(self) -> tuple[Key, ...]:
        stamp = self._look()
        while stamp != self._stamp:
            try:
                keys = _parsed(self._path)
            except KeyringError:
                # A file that was replaced while it was read may be zeros by now.
                if (newer := self._look()) == stamp:
                    raise
                stamp = newer
                continue
            self._keys, self._stamp, self._okp = keys, stamp, {}
        return self._keys

    def _look(self) -> tuple[int, int, int]:
        try:
            found = self._path.stat()
        except OSError as error:
            raise KeyringError("The keyring file is missing.") from error
        if stat.S_IMODE(found.st_mode) & 0o077:
            raise KeyringError("The keyring file can be read by others; its mode must be 0600.")
        if found.st_uid != os.geteuid():
            raise KeyringError("The keyring file belongs to somebody else.")
        return (found.st_ino, found.st_mtime_ns, found.st_size)

    def _write(self, keys: tuple[Key, ...], *, overwrite_old: bool = False) -> None:
        temporary = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        body = json.dumps({"version": 1, "keys": [asdict(key) for key in keys]}, indent=1)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        old = self._path.open("r+b") if overwrite_old else None
        temporary.replace(self._path)
        # What is wrapped under a new key must not outlive it: its name has to be on the disk too.
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        if old is not None:
            with old:
                old.write(bytes(os.fstat(old.fileno()).st_size))
                old.flush()
                os.fsync(old.fileno())
        self._stamp = None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lock = self._path.with_name(f".{self._path.name}.lock")
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _parsed(path: Path) -> tuple[Key, ...]:
    try:
        document = json.loads(path.read_text("utf-8"))
        keys = tuple(Key(**entry) for entry in document["keys"])
        if document["version"] != 1 or any(len(key.raw) != 32 for key in keys):
            raise ValueError("unknown version or key length")
        for key in keys:
            from_rfc3339(key.created)
            from_rfc3339(key.retired or key.created)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise KeyringError("The keyring file is not a keyring.") from error
    return keys


def _rotated(
    keys: tuple[Key, ...], purpose: str, *, now: datetime, remove_old: bool = False
) -> tuple[tuple[Key, ...], Key]:
    waiting = next((k for k in keys if (k.purpose, k.state) == (purpose, NEXT)), None)
    promoted = replace(waiting or _new(purpose, NEXT, now), state=ACTIVE)
    kept = [
        replace(k, state=RETIRED, retired=rfc3339(now))
        if (k.purpose, k.state) == (purpose, ACTIVE)
        else k
        for k in keys
        if k is not waiting and not (remove_old and k.purpose == purpose and k.state != NEXT)
    ]
    kept = [k for k in kept if k.purpose != TOKEN or _is_published(k, now)]
    kept.append(promoted)
    if purpose == TOKEN:
        kept.append(_new(TOKEN, NEXT, now))
    return tuple(kept), promoted


def _new(purpose: str, state: str, now: datetime) -> Key:
    return Key(
        kid=new_id("key"),
        purpose=purpose,
        state=state,
        created=rfc3339(now),
        secret=_b64(new_key()),
    )


def _is_published(key: Key, now: datetime) -> bool:
    if key.retired is None:
        return True
    return now - from_rfc3339(key.retired) < TOKEN_KEY_OVERLAP
