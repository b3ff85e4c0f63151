"""Erasing a cameo for good, and seeing to it that the erasure holds.

The main database commits first: the cameo is erased, its templates are deleted, and a job is
queued that destroys the data key in the keystore. Then the key is destroyed at once, and the job
finds it done; where the process dies in between, or the keystore is down, the job does it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError, InterfaceError, transaction
from procrastinate.contrib.django import app

from common.errors import CameoError
from events.interface import EventKind
from identity.duplicates import remove_from_index
from identity.enrolment.cameos import change_state
from identity.enrolment.disputes import lock_with_opponent, withdraw_dispute
from identity.keystore.models import DataKey
from identity.models import Cameo, CaptureSession, ErasureReceipt, StoredTrack
from identity.protection import clips
from identity.protection.data_keys import destroy_data_key, keystore
from identity.protection.receipts import confirm_destroyed, write_receipt
from identity.protection.templates import delete_templates
from identity.session_errors import NoSuchCameo
from identity.summaries import CameoView

log = logging.getLogger(__name__)

DESTROY_TASK = "identity.destroy_key"
UPKEEP_QUEUE = "upkeep"
# A key whose cameo the main database doesn't know is left by an enrolment that was cut off, or
# by a main database restored to before it; time to notice the latter.
UNCLAIMED_LIFE = timedelta(days=7)
_BATCH = 1000
_RESTORED = "restore"

_Session = CaptureSession.State


def erase_cameo(*, account_id: str, cameo_id: str, now: datetime) -> CameoView:
    """Destroy the data key, the templates and waiting clips. This can't be undone.

    Captures that are still being checked end without a decision that could enrol anybody. A
    dispute about it ends as withdrawn, and the other side's cameo is as it was before. What
    has been done of it, and when the rest is, `identity.interface.erasure_receipt` tells.

    Raises:
        NoSuchCameo: if there is none, or it is somebody else's.
        Unavailable, Misconfigured: if no receipt can be signed; nothing has changed then.
    """
    with transaction.atomic():
        held = lock_with_opponent(cameo_id).get(cameo_id)
        if held is None or held.owner_id != account_id:
            raise NoSuchCameo
        view, files = _erase(cameo_id, owner_id=account_id, by=account_id, erased=now, now=now)
    for file in files:
        clips.forget(file)
    return view


def destroy_key(cameo_id: str, *, now: datetime) -> None:
    """Destroy an erased cameo's data key and confirm its receipt; doing it twice is no error.

    Raises:
        KeystoreUnavailable: if the keystore can't be reached; to be tried again.
    """
    row = Cameo.objects.filter(id=cameo_id).first()
    if row is None or row.state != Cameo.State.ERASED:
        return
    receipt = ErasureReceipt.objects.filter(cameo_id=cameo_id).first()
    destroy_data_key(cameo_id, erased=receipt.erased if receipt else now)
    confirm_destroyed(cameo_id, now=now)


def destroy_left_keys(*, now: datetime) -> int:
    """Destroy the keys of erased cameos that a crash left; gives how many receipts were open."""
    left = list(
        ErasureReceipt.objects.filter(key_destroyed=None).values_list("cameo_id", flat=True)
    )
    for cameo_id in left:
        destroy_key(cameo_id, now=now)
    return len(left)


def reapply_erasures(*, now: datetime) -> tuple[str, ...]:
    """Erase what the keystore knows to be erased and the main database has alive again.

    That is so after an older state of the main database was restored. Gives the cameos' ids.

    Raises:
        KeystoreUnavailable: if the keystore can't be reached.
    """
    erased: list[str] = []
    after = ""
    while tombstones := _page(after, living=False):
        after = tombstones[-1].cameo_id
        dates = {row.cameo_id: row.erased or now for row in tombstones}
        alive = Cameo.objects.filter(id__in=dates).exclude(state=Cameo.State.ERASED)
        for cameo_id in list(alive.order_by("id").values_list("id", flat=True)):
            with transaction.atomic():
                held = lock_with_opponent(cameo_id)[cameo_id]
                _, files = _erase(
                    cameo_id,
                    owner_id=held.owner_id,
                    by=_RESTORED,
                    erased=dates[cameo_id],
                    now=now,
                )
            for file in files:
                clips.forget(file)
            erased.append(cameo_id)
    return tuple(erased)


def keyless_cameos() -> tuple[str, ...]:
    """Cameos with a template and no key in the keystore, nor a tombstone: that key was lost.

    Such a cameo can't be compared with anything; its owner has to erase it and enrol again.
    """
    found: list[str] = []
    after = ""
    living = Cameo.objects.filter(templates__isnull=False).exclude(state=Cameo.State.ERASED)
    while page := list(
        living.filter(id__gt=after).order_by("id").distinct().values_list("id", flat=True)[:_BATCH]
    ):
        after = page[-1]
        with keystore():
            known = set(
                DataKey.objects.filter(cameo_id__in=page).values_list("cameo_id", flat=True)
            )
        found.extend(cameo_id for cameo_id in page if cameo_id not in known)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Swept:
    """How many keys of erased cameos were destroyed, and how many that nobody claimed deleted."""

    destroyed: int
    deleted: int


def sweep_keys(*, now: datetime) -> Swept:
    """Look every living key up in the main database, and let go of those without a living cameo.

    Raises:
        KeystoreUnavailable: if the keystore can't be reached.
    """
    destroyed = deleted = 0
    after = ""
    while keys := _page(after, living=True):
        after = keys[-1].cameo_id
        # Read after the key was seen: its cameo, if it was ever committed, is committed by now
        # or younger than what is deleted.
        states = dict(
            Cameo.objects.filter(id__in=[key.cameo_id for key in keys]).values_list("id", "state")
        )
        for key in keys:
            state = states.get(key.cameo_id)
            if state == Cameo.State.ERASED:
                destroy_key(key.cameo_id, now=now)
                destroyed += 1
            else:
                deleted += _settle_claim(key, claimed=state is not None, now=now)
    return Swept(destroyed, deleted)


def _settle_claim(key: DataKey, *, claimed: bool, now: datetime) -> int:
    if claimed and key.unclaimed_since is None:
        return 0
    with keystore():
        row = DataKey.objects.filter(cameo_id=key.cameo_id, wrapped__isnull=False)
        if claimed:
            row.update(unclaimed_since=None)
            return 0
        if key.unclaimed_since is None:
            row.update(unclaimed_since=now)
            return 0
        gone, _ = row.filter(unclaimed_since__lte=now - UNCLAIMED_LIFE).delete()
        return gone


def _page(after: str, *, living: bool) -> list[DataKey]:
    with keystore():
        rows = DataKey.objects.filter(wrapped__isnull=not living, cameo_id__gt=after)
        return list(rows.order_by("cameo_id").defer("wrapped")[:_BATCH])


def _erase(
    cameo_id: str, *, owner_id: str, by: str, erased: datetime, now: datetime
) -> tuple[CameoView, list[str]]:
    """Everything of it that is in the main database; gives the sealed clips to forget, too.

    The caller holds the cameo's lock, and that of the other side of a dispute about it.
    """
    # Locks in the order of everywhere: sessions, the index of duplicates, the chain's head.
    waiting = CaptureSession.objects.select_for_update().filter(cameo_id=cameo_id)
    files = [session.clip_file for session in waiting if session.clip_file]
    remove_from_index(cameo_id)
    view = change_state(
        account_id=owner_id,
        cameo_id=cameo_id,
        allowed=tuple(Cameo.State.values),
        to=Cameo.State.ERASED,
        kind=EventKind.CAMEO_ERASED,
        now=now,
        by=by,
    )
    withdraw_dispute(cameo_id, now=now)
    delete_templates(cameo_id)
    StoredTrack.objects.filter(session__cameo_id=cameo_id).delete()
    undecided = waiting.exclude(state__in=[_Session.DECIDED, _Session.EXPIRED])
    waiting.filter(state__in=[_Session.DECIDED, _Session.EXPIRED]).update(
        clip_key=None, clip_file=""
    )
    undecided.update(state=_Session.EXPIRED, clip_key=None, clip_file="")
    write_receipt(cameo_id, erased=erased, now=now)
    app.configure_task(DESTROY_TASK, queue=UPKEEP_QUEUE).defer(cameo_id=cameo_id)
    transaction.on_commit(lambda: _destroy_at_once(cameo_id, now), robust=True)
    return view, files


def _destroy_at_once(cameo_id: str, now: datetime) -> None:
    try:
        destroy_key(cameo_id, now=now)
    except (CameoError, DatabaseError, InterfaceError) as error:
        log.warning(
            "a data key is not destroyed yet; the job will",
            extra={"fields": {"cameo": cameo_id, "why": type(error).__name__}},
        )
