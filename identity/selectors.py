"""Reading cameos and captures, and the one lock of a cameo."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import connection
from django.db.models import F

from common.errors import CameoError, NotFound
from identity.cameo_state import CameoState
from identity.models import Cameo, CaptureSession


class NoTransaction(CameoError):
    """A lock outside a transaction would hold nothing."""

    code = "internal"


def _state(row: Cameo) -> CameoState:
    return CameoState(
        id=row.id,
        owner_id=row.owner_id,
        state=row.state,
        epoch=row.epoch,
        assurance=row.assurance,
        expires=row.expires,
    )


def lock_cameos(ids: Iterable[str]) -> dict[str, CameoState]:
    """Lock cameo rows in id order until the transaction ends; unknown ids are left out.

    Raises:
        NoTransaction: outside a transaction.
    """
    if not connection.in_atomic_block:
        raise NoTransaction("Cameos were locked outside a transaction.")
    rows = Cameo.objects.select_for_update().filter(id__in=sorted(set(ids))).order_by("id")
    return {row.id: _state(row) for row in rows}


def read_cameos(ids: Iterable[str]) -> dict[str, CameoState]:
    """Read cameos without a lock; unknown ids are left out."""
    return {row.id: _state(row) for row in Cameo.objects.filter(id__in=set(ids))}


def bump_epochs(ids: Iterable[str]) -> None:
    """Count a change that decisions about these cameos could see. The caller holds their locks."""
    Cameo.objects.filter(id__in=set(ids)).update(epoch=F("epoch") + 1)


def cameo_of(account_id: str) -> Cameo | None:
    """The account's cameo that isn't erased, if there is one."""
    return Cameo.objects.filter(owner_id=account_id).exclude(state=Cameo.State.ERASED).first()


def session_of(session_id: str, *, account_id: str, now: datetime) -> CaptureSession:
    """One of the account's own capture sessions, as it stands at `now`.

    Raises:
        NotFound: if there is none, or it is somebody else's; the two can't be told apart.
    """
    try:
        session = CaptureSession.objects.get(id=session_id, account_id=account_id)
    except CaptureSession.DoesNotExist as error:
        raise NotFound("There is no such capture session.") from error
    if session.state == CaptureSession.State.OPEN and now >= session.expires:
        session.state = CaptureSession.State.EXPIRED
    return session
