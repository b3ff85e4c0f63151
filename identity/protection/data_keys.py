"""Data keys in the keystore, and the only way to seal and open what lies under them.

The keystore and the main database can't commit together, so the order is what is safe to be cut
off at any point. A key is committed here before anything sealed under it is committed there: a key
without use is harmless, and swept up (`identity.enrolment.erasure`). A key is destroyed here only
after the main database has committed that its cameo is erased, with a job that does it.

A key-encryption key is destroyed under the exclusive lock, when nothing is wrapped under it.
Whoever reads or writes a wrapped key holds the shared lock while doing so, or the key that wrapped
it might go in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import InterfaceError, OperationalError, ProgrammingError, connections, transaction

from common.clock import utcnow
from common.envelope import SealBroken, new_key, seal, unseal
from common.errors import Unavailable
from identity.keystore import ALIAS
from identity.keystore.models import DataKey
from identity.protection.keyring import key_encryption

SHARED = "pg_advisory_xact_lock_shared"
EXCLUSIVE = "pg_advisory_xact_lock"
_LOCK = int.from_bytes(b"cameokey", "big")


class KeystoreUnavailable(Unavailable):
    """The database of wrapped data keys can't be reached, or isn't migrated."""

    code = "keystore_unavailable"
    message = "A part of the service is not available; try again later."


@contextmanager
def keystore(lock: str | None = None) -> Iterator[None]:
    """A transaction of the keystore, under `SHARED`, `EXCLUSIVE` or no lock.

    Raises:
        KeystoreUnavailable: if it can't be reached, or broke off.
    """
    try:
        with transaction.atomic(using=ALIAS):
            if lock is not None:
                with connections[ALIAS].cursor() as cursor:
                    cursor.execute(f"select {lock}(%s)", [_LOCK])
            yield
    except (OperationalError, InterfaceError, ProgrammingError) as error:
        raise KeystoreUnavailable from error


def check_keystore() -> None:
    """Raise `KeystoreUnavailable` unless the keystore answers and is migrated."""
    with keystore():
        DataKey.objects.exists()


def seal_for(cameo_id: str, plain: bytes, bound_to: bytes) -> bytes:
    """Encrypt `plain` under the cameo's data key, which is made and committed on first use.

    Args:
        cameo_id: whose; a key that was destroyed is never made again.
        plain: what to seal.
        bound_to: what it is, such as its kind and id; opening wants the same, and the cameo.

    Raises:
        SealBroken: if the cameo's key was destroyed, or doesn't open.
        Unavailable: if keystore or key-encryption key can't be reached.
    """
    return seal(_key_to_seal(cameo_id), plain, bound_to=_bound(cameo_id, bound_to))


def open_for(cameo_id: str, sealed: bytes, bound_to: bytes) -> bytes:
    """What `seal_for` was given.

    Raises:
        SealBroken: if the cameo has no key any more, or anything differs.
        Unavailable: if keystore or key-encryption key can't be reached.
    """
    key = data_keys([cameo_id]).get(cameo_id)
    if key is None:
        raise SealBroken
    return open_with(key, cameo_id, sealed, bound_to)


def open_with(key: bytes, cameo_id: str, sealed: bytes, bound_to: bytes) -> bytes:
    """As `open_for`, with a key out of `data_keys`: for many cameos in one go.

    Raises:
        SealBroken: if anything differs.
    """
    return unseal(key, sealed, bound_to=_bound(cameo_id, bound_to))


def data_keys(cameo_ids: Iterable[str]) -> dict[str, bytes]:
    """The data keys of these cameos by id; who has none, or no longer, is left out.

    Raises:
        SealBroken: if one doesn't open.
        Unavailable: if keystore or key-encryption key can't be reached.
    """
    with keystore(SHARED):
        rows = DataKey.objects.filter(cameo_id__in=set(cameo_ids), wrapped__isnull=False)
        return {row.cameo_id: _opened(row) for row in rows}


def destroy_data_key(cameo_id: str, *, erased: datetime) -> None:
    """Put a tombstone in the place of a cameo's key, whether it has one or not; never undone.

    Raises:
        KeystoreUnavailable: if it can't be reached; nothing has changed, or all has.
    """
    with keystore():
        DataKey.objects.bulk_create(
            [DataKey(cameo_id=cameo_id, created=erased, erased=erased)], ignore_conflicts=True
        )
        DataKey.objects.filter(cameo_id=cameo_id, wrapped__isnull=False).update(
            wrapped=None, kek="", erased=erased, unclaimed_since=None
        )


def _key_to_seal(cameo_id: str) -> bytes:
    encryption = key_encryption()
    with keystore(SHARED):
        row = DataKey.objects.filter(cameo_id=cameo_id).first()
        if row is None:
            wrapped = encryption.wrap(new_key(), bound_to=cameo_id.encode("ascii"))
            fresh = DataKey(
                cameo_id=cameo_id,
                wrapped=wrapped,
                kek=encryption.wrapped_by(wrapped),
                created=utcnow(),
            )
            # Another may be making it at this moment: the row that is there counts.
            DataKey.objects.bulk_create([fresh], ignore_conflicts=True)
            row = DataKey.objects.get(cameo_id=cameo_id)
        return _opened(row)


def _opened(row: DataKey) -> bytes:
    if row.wrapped is None:
        raise SealBroken
    return key_encryption().unwrap(bytes(row.wrapped), bound_to=row.cameo_id.encode("ascii"))


def _bound(cameo_id: str, bound_to: bytes) -> bytes:
    return cameo_id.encode("ascii") + b"|" + bound_to
