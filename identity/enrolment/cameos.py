"""What an owner does with a cameo: suspend it and resume it. `erasure` is for good."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F

from events.interface import EventKind
from identity.chronicle import tell
from identity.enrolment.disputes import stay_suspended
from identity.models import Cameo
from identity.selectors import lock_cameos, view_of_cameo
from identity.session_errors import CameoHeld, CameoStateConflict, NoSuchCameo
from identity.summaries import CameoView

_State = Cameo.State


def suspend_cameo(*, account_id: str, cameo_id: str, now: datetime) -> CameoView:
    """Nobody may use the likeness until it is resumed; suspending twice is no error.

    One that a dispute holds stays suspended when the dispute is over.
    """
    with transaction.atomic():
        view = change_state(
            account_id=account_id,
            cameo_id=cameo_id,
            allowed=(_State.ACTIVE, _State.SUSPENDED),
            to=_State.SUSPENDED,
            kind=EventKind.CAMEO_SUSPENDED,
            now=now,
        )
        stay_suspended(cameo_id)
        return view


def resume_cameo(*, account_id: str, cameo_id: str, now: datetime) -> CameoView:
    """End a suspension; resuming an active cameo is no error."""
    return change_state(
        account_id=account_id,
        cameo_id=cameo_id,
        allowed=(_State.SUSPENDED, _State.ACTIVE),
        to=_State.ACTIVE,
        kind=EventKind.CAMEO_RESUMED,
        now=now,
    )


def change_state(
    *,
    account_id: str,
    cameo_id: str,
    allowed: tuple[str, ...],
    to: _State,
    kind: EventKind,
    now: datetime,
    by: str = "",
) -> CameoView:
    """Change one of the account's own cameos, its epoch, the ledger and the outbox.

    Args:
        account_id: the owner.
        cameo_id: which.
        allowed: states that it may be in.
        to: the state it gets; one that has it already is left as it is.
        kind: of the event and the ledger entry.
        now: when.
        by: who does it, where that isn't the owner.

    Raises:
        NoSuchCameo: if there is none, or it is somebody else's.
        CameoStateConflict: if it is in another state.
        CameoHeld: if it is to be active, and a dispute holds it.
    """
    with transaction.atomic():
        held = lock_cameos([cameo_id]).get(cameo_id)
        if held is None or held.owner_id != account_id:
            raise NoSuchCameo
        row = Cameo.objects.get(id=cameo_id)
        if row.state == to:
            return view_of_cameo(row)
        if row.state not in allowed:
            raise CameoStateConflict
        if to == _State.ACTIVE and row.held_by:
            raise CameoHeld
        held_by = "" if to == _State.ERASED else row.held_by
        # Once: a row that is updated twice asks for its owner's, after the cameo's lock.
        Cameo.objects.filter(id=cameo_id).update(state=to, held_by=held_by, epoch=F("epoch") + 1)
        tell(cameo_id, kind, {"by": by or account_id}, now=now)
        row.refresh_from_db()
        return view_of_cameo(row)
