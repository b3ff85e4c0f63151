"""Reading cameos, captures and disputes, and the one lock of a cameo."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.db.models import F

from audit.interface import require_transaction
from identity.models import Cameo, CaptureSession, Dispute
from identity.session_errors import NoSuchCameo, NoSuchSession
from identity.summaries import Advice, CameoState, CameoView, DisputeView, SessionView

CLAIMANT: Final = Dispute.Decision.CLAIMANT.value
HOLDER: Final = Dispute.Decision.HOLDER.value


def _state(row: Cameo) -> CameoState:
    return CameoState(
        id=row.id,
        owner_id=row.owner_id,
        state=row.state,
        epoch=row.epoch,
        assurance=row.assurance,
        expires=row.expires,
    )


CAMEO_FACTS: Final = "select id, owner_id, state, expires, epoch from identity_cameo"
"""What a decision needs of every cameo, as a query that others may join to theirs."""


def lock_cameos(ids: Iterable[str]) -> dict[str, CameoState]:
    """Lock cameo rows in id order until the transaction ends; unknown ids are left out.

    Raises:
        NoTransaction: outside a transaction.
    """
    require_transaction("Cameos were locked")
    rows = Cameo.objects.select_for_update().filter(id__in=sorted(set(ids))).order_by("id")
    return {row.id: _state(row) for row in rows}


def read_cameos(ids: Iterable[str]) -> dict[str, CameoState]:
    """Read cameos without a lock; unknown ids are left out."""
    return {row.id: _state(row) for row in Cameo.objects.filter(id__in=set(ids))}


def bump_epochs(ids: Iterable[str]) -> None:
    """Count a change that decisions about these cameos could see. The caller holds their locks."""
    Cameo.objects.filter(id__in=set(ids)).update(epoch=F("epoch") + 1)


def view_of_cameo(row: Cameo) -> CameoView:
    """A cameo's row as its owner sees it."""
    return CameoView(
        id=row.id,
        state=row.state,
        assurance=row.assurance,
        created=row.created,
        activated=row.activated,
        expires=row.expires,
        epoch=row.epoch,
    )


def own_cameo(account_id: str) -> CameoView | None:
    """The account's cameo that isn't erased, if there is one."""
    row = Cameo.objects.filter(owner_id=account_id).exclude(state=Cameo.State.ERASED).first()
    return view_of_cameo(row) if row else None


def cameo_view(*, account_id: str, cameo_id: str) -> CameoView:
    """One of the account's own cameos.

    Raises:
        NoSuchCameo: if there is none, or it is somebody else's.
    """
    row = Cameo.objects.filter(owner_id=account_id, id=cameo_id).first()
    if row is None:
        raise NoSuchCameo
    return view_of_cameo(row)


def view_of_session(row: CaptureSession, *, now: datetime) -> SessionView:
    """A session's row as the person who answers it sees it at `now`."""
    ended = row.state == CaptureSession.State.OPEN and now >= row.expires
    return SessionView(
        id=row.id,
        cameo_id=row.cameo_id,
        purpose=row.purpose,
        state=CaptureSession.State.EXPIRED.value if ended else row.state,
        script=row.script,
        created=row.created,
        expires=row.expires,
        stage=row.stage,
        nonce_hash=row.nonce_hash,
        without=(row.without,) if row.without else (),
        progress=row.progress,
        outcome=row.outcome,
        advice=tuple(Advice(**entry) for entry in row.advice),
    )


def stepped_up(*, account_id: str, now: datetime, within: timedelta) -> bool:
    """Whether the account's owner passed a step-up capture against their template lately.

    Args:
        account_id: whose.
        now: when it is asked.
        within: how long ago the pass may be.
    """
    return (
        CaptureSession.objects.filter(
            account_id=account_id,
            purpose=CaptureSession.Purpose.STEP_UP,
            outcome="pass",
            passed_at__gt=now - within,
            passed_at__lte=now,
        )
        .exclude(cameo__state=Cameo.State.ERASED)
        .exists()
    )


def session_view(*, account_id: str, session_id: str, now: datetime) -> SessionView:
    """One of the account's own capture sessions.

    Raises:
        NoSuchSession: if there is none, or it is somebody else's; the two can't be told apart.
    """
    row = CaptureSession.objects.filter(id=session_id, account_id=account_id).first()
    if row is None:
        raise NoSuchSession
    return view_of_session(row, now=now)


def view_of_dispute(row: Dispute, account_id: str) -> DisputeView:
    """A dispute's row as one of its sides sees it: nothing of the other side is in it."""
    side = CLAIMANT if row.claimant.owner_id == account_id else HOLDER
    return DisputeView(
        id=row.id,
        cameo_id=row.claimant_id if side == CLAIMANT else row.holder_id,
        side=side,
        state=row.state,
        decision=row.decision,
        created=row.created,
        decided=row.decided,
    )


def release_from_dispute(row: Dispute, cameo_id: str) -> None:
    """End the hold of one side, as it was before the dispute; the caller holds its lock."""
    changes = {"state": row.holder_was} if cameo_id == row.holder_id else {}
    Cameo.objects.filter(id=cameo_id).update(held_by="", epoch=F("epoch") + 1, **changes)
