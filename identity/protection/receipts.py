"""Erasure receipts: what was erased when, and from when on nothing can bring it back, signed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from audit import interface as audit
from common.clock import rfc3339
from common.key_encryption import active_key
from identity.models import Cameo, ErasureReceipt
from identity.protection.keyring import key_encryption
from identity.protection.records import ERASURE, sign_record
from identity.session_errors import NoSuchCameo

# A renewed key is destroyed when the last clip that was wrapped under it is gone, at most a day
# later, by a job that runs every hour; the rest is for a service that was down meanwhile.
MARGIN = timedelta(hours=48)
_BATCH = 500

PENDING = "pending"
KEY_DESTROYED = "key_destroyed"
UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Receipt:
    """An erasure as the owner may see and keep it.

    Attributes:
        state: `pending` until the data key is destroyed, a queued job; `key_destroyed` while a
            backup of the keystore and the key-encryption key together could still open what
            deleted rows, logs and backups hold; then `unreadable`.
        unreadable_by: when the key-encryption key is destroyed at the latest.
        unreadable_since: when it was.
        overdue: the promised time is past, and it wasn't yet.
        body: RFC 8785 text of all this.
        signature: a detached-payload JWS of it (RFC 7515, appendix F).
    """

    id: str
    cameo_id: str
    state: str
    erased: datetime
    key_destroyed: datetime | None
    unreadable_by: datetime
    unreadable_since: datetime | None
    overdue: bool
    body: str
    signature: str


def erasure_receipt(*, account_id: str, cameo_id: str, now: datetime) -> Receipt:
    """The receipt of one of the account's own cameos.

    Raises:
        NoSuchCameo: if it isn't erased, there is none, or it is somebody else's.
    """
    row = ErasureReceipt.objects.filter(cameo_id=cameo_id, cameo__owner_id=account_id).first()
    if row is None:
        raise NoSuchCameo
    return Receipt(
        id=row.id,
        cameo_id=row.cameo_id,
        state=_state(row),
        erased=row.erased,
        key_destroyed=row.key_destroyed,
        unreadable_by=row.unreadable_by,
        unreadable_since=row.unreadable_since,
        overdue=row.unreadable_since is None and now > row.unreadable_by,
        body=row.body,
        signature=row.signature,
    )


def write_receipt(cameo_id: str, *, erased: datetime, now: datetime) -> None:
    """Begin a cameo's receipt, in the transaction that erases it; one that is there stays.

    Raises:
        Unavailable, Misconfigured: if the date of renewal or the signature can't be had.
    """
    if ErasureReceipt.objects.filter(cameo_id=cameo_id).exists():
        return
    _sign(ErasureReceipt(cameo_id=cameo_id, erased=erased, unreadable_by=_unreadable_by(now)))


def confirm_destroyed(cameo_id: str, *, now: datetime) -> None:
    """Say in the receipt and the ledger that the data key is destroyed; once."""
    with transaction.atomic():
        row = _locked(cameo_id)
        if row is None or row.key_destroyed is not None:
            return
        row.key_destroyed, row.unreadable_by = now, _unreadable_by(now)
        _sign(row)
        _enter(row, "cameo.key_destroyed", now)


def confirm_unreadable(*, now: datetime) -> int:
    """Complete the receipts whose cameo's key no held key-encryption key has ever wrapped.

    Gives how many.
    """
    oldest = min(key.created for key in key_encryption().wrapping_keys())
    # What was destroyed before the oldest held key was made had been wrapped by others only.
    due = ErasureReceipt.objects.filter(unreadable_since=None, key_destroyed__lt=oldest)
    count = 0
    while found := list(due.values_list("cameo_id", flat=True)[:_BATCH]):
        for cameo_id in found:
            with transaction.atomic():
                row = _locked(cameo_id)
                if row is not None and row.unreadable_since is None:
                    row.unreadable_since = now
                    _sign(row)
                    _enter(row, "cameo.unreadable", now)
                    count += 1
    return count


def _unreadable_by(now: datetime) -> datetime:
    renewal: datetime = active_key(key_encryption()).created + settings.CAMEO_KEK_LIFE
    return max(renewal, now) + MARGIN


def _locked(cameo_id: str) -> ErasureReceipt | None:
    Cameo.objects.select_for_update().filter(id=cameo_id).first()
    return ErasureReceipt.objects.filter(cameo_id=cameo_id).first()


def _state(row: ErasureReceipt) -> str:
    if row.unreadable_since is not None:
        return UNREADABLE
    return PENDING if row.key_destroyed is None else KEY_DESTROYED


def _sign(row: ErasureReceipt) -> None:
    body = {
        "cameo": row.cameo_id,
        "erased": rfc3339(row.erased),
        "key_destroyed": rfc3339(row.key_destroyed) if row.key_destroyed else None,
        "receipt": row.id,
        "state": _state(row),
        "unreadable_by": rfc3339(row.unreadable_by),
        "unreadable_since": rfc3339(row.unreadable_since) if row.unreadable_since else None,
    }
    row.body, row.signature, _ = sign_record(body, kind=ERASURE)
    row.save()


def _enter(row: ErasureReceipt, kind: str, now: datetime) -> None:
    audit.append(chain=row.cameo_id, kind=kind, body={"receipt": row.id}, now=now)
