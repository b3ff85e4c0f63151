"""Renewing the key-encryption key, so that what was erased can't be opened with the old one.

Work left is nothing but the rows that aren't wrapped under the active key, so a renewal that was
cut off anywhere is gone on with by whoever comes next, and several at once share it. The old key
is destroyed when no data key and no waiting clip is wrapped under it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from common.envelope import SealBroken
from common.key_encryption import KeyEncryption, WrappingKey, active_key
from identity.keystore.models import DataKey
from identity.protection import clips
from identity.protection.data_keys import EXCLUSIVE, SHARED, keystore
from identity.protection.keyring import key_encryption

log = logging.getLogger(__name__)

BATCH = 100
# A clip's key is wrapped a moment before its session's row is committed. A clip that takes longer
# than this for it ends as `retry`.
IN_FLIGHT = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Renewal:
    """What a run did.

    Attributes:
        active: id of the key that wraps now.
        renewed: whether this run made it.
        rewrapped: data keys that this run wrapped anew.
        destroyed: ids of the keys it destroyed.
        kept: ids of retired keys that something still needs, or may for some minutes.
        broken: data keys that don't open under the key they name; while there are any, that
            key is kept. Erasing their cameos lets it go.
    """

    active: str
    renewed: bool
    rewrapped: int
    destroyed: tuple[str, ...]
    kept: tuple[str, ...]
    broken: int


def renew_key(*, now: datetime, at_once: bool = False) -> Renewal:
    """Renew the key-encryption key if it is due, and go on with what an earlier run left.

    Args:
        now: when.
        at_once: renew it although it isn't due, unless an earlier renewal isn't done yet: that
            one is gone on with instead.

    Raises:
        Unavailable: if keystore or key-encryption key can't be reached.
        Misconfigured: if the keys can't be used.
    """
    encryption = key_encryption()
    before = active_key(encryption)
    unfinished = any(key.retired for key in encryption.wrapping_keys())
    due = now - before.created >= settings.CAMEO_KEK_LIFE or (at_once and not unfinished)
    active = encryption.renew(replacing=before.id, now=now) if due else before
    rewrapped, broken = _rewrap(encryption)
    if broken:
        log.error("data keys don't open", extra={"fields": {"count": broken}})
    destroyed, kept = _destroy_retired(encryption, now)
    return Renewal(active.id, active.id != before.id, rewrapped, destroyed, kept, broken)


def _rewrap(encryption: KeyEncryption) -> tuple[int, int]:
    rewrapped = broken = 0
    after: str | None = ""
    while after is not None:
        after, done, failed = _rewrap_batch(encryption, after)
        rewrapped += done
        broken += failed
    return rewrapped, broken


def _rewrap_batch(encryption: KeyEncryption, after: str) -> tuple[str | None, int, int]:
    """One transaction: the last id it looked at (None at the end), rewrapped and broken rows."""
    with keystore(SHARED):
        left = DataKey.objects.filter(wrapped__isnull=False, cameo_id__gt=after)
        # Rows that are held are another run's, or about to be tombstones.
        rows = list(
            left.exclude(kek=active_key(encryption).id)
            .select_for_update(skip_locked=True)
            .order_by("cameo_id")[:BATCH]
        )
        changed = []
        for row in rows:
            bound_to = row.cameo_id.encode("ascii")
            try:
                key = encryption.unwrap(bytes(row.wrapped or b""), bound_to=bound_to)
            except SealBroken:
                continue
            row.wrapped = encryption.wrap(key, bound_to=bound_to)
            row.kek = encryption.wrapped_by(row.wrapped)
            changed.append(row)
        DataKey.objects.bulk_update(changed, ["wrapped", "kek"])
    return (rows[-1].cameo_id if rows else None), len(changed), len(rows) - len(changed)


def _destroy_retired(
    encryption: KeyEncryption, now: datetime
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    destroyed, kept = [], []
    for key in encryption.wrapping_keys():
        if key.retired is None:
            continue
        if _destroy_if_unused(encryption, key, now):
            destroyed.append(key.id)
        else:
            kept.append(key.id)
    return tuple(destroyed), tuple(kept)


def _destroy_if_unused(encryption: KeyEncryption, key: WrappingKey, now: datetime) -> bool:
    if key.retired is None or now - key.retired < IN_FLIGHT:
        return False
    with keystore(EXCLUSIVE):
        if DataKey.objects.filter(kek=key.id).exists() or clips.wait_under(key.id):
            return False
        encryption.destroy(key.id)
    return True
