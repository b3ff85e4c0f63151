"""What an owner does with a cameo: suspend it, resume it, erase it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from audit import interface as audit
from events import interface as events
from events.interface import EventKind
from identity.models import Cameo, CaptureSession
from identity.protection import clips
from identity.protection.templates import destroy_templates
from identity.selectors import bump_epochs, lock_cameos, view_of_cameo
from identity.session_errors import CameoStateConflict, NoSuchCameo
from identity.summaries import CameoView

_State = Cameo.State


def suspend_cameo(*, account_id: str, cameo_id: str, now: datetime) -> CameoView:
    """Nobody may use the likeness until it is resumed; suspending twice is no error."""
    return _change(
        account_id=account_id,
        cameo_id=cameo_id,
        allowed=(_State.ACTIVE, _State.SUSPENDED),
        to=_State.SUSPENDED,
        kind=EventKind.CAMEO_SUSPENDED,
        now=now,
    )


def resume_cameo(*, account_id: str, cameo_id: str, now: datetime) -> CameoView:
    """End a suspension; resuming an active cameo is no error."""
    return _change(
        account_id=account_id,
        cameo_id=cameo_id,
        allowed=(_State.SUSPENDED, _State.ACTIVE),
        to=_State.ACTIVE,
        kind=EventKind.CAMEO_RESUMED,
        now=now,
    )


def erase_cameo(*, account_id: str, cameo_id: str, now: datetime) -> CameoView:
    """Destroy the data key, the templates and waiting clips. This can't be undone.

    Captures that are still being checked end without a decision that could enrol anybody.
    """
    with transaction.atomic():
        view = _change(
            account_id=account_id,
            cameo_id=cameo_id,
            allowed=tuple(_State.values),
            to=_State.ERASED,
            kind=EventKind.CAMEO_ERASED,
            now=now,
        )
        destroy_templates(cameo_id)
        waiting = CaptureSession.objects.select_for_update().filter(cameo_id=cameo_id)
        files = [session.clip_file for session in waiting if session.clip_file]
        waiting.exclude(state=CaptureSession.State.DECIDED).update(
            state=CaptureSession.State.EXPIRED
        )
        waiting.update(clip_key=None, clip_file="")
    for file in files:
        clips.forget(file)
    return view


def _change(
    *,
    account_id: str,
    cameo_id: str,
    allowed: tuple[str, ...],
    to: _State,
    kind: EventKind,
    now: datetime,
) -> CameoView:
    with transaction.atomic():
        held = lock_cameos([cameo_id]).get(cameo_id)
        if held is None or held.owner_id != account_id:
            raise NoSuchCameo
        row = Cameo.objects.get(id=cameo_id)
        if row.state == to:
            return view_of_cameo(row)
        if row.state not in allowed:
            raise CameoStateConflict
        row.state = to
        row.save(update_fields=["state"])
        bump_epochs([cameo_id])
        audit.append(chain=cameo_id, kind=kind.value, body={"by": account_id}, now=now)
        events.emit(kind=kind, subject=cameo_id, data={"cameo": cameo_id}, now=now)
        row.refresh_from_db()
        return view_of_cameo(row)
