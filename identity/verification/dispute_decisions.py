"""Deciding a dispute: one transaction, after which one of the two may use the likeness again."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F

from common.canonical import sha256_hex
from common.errors import FieldError, InvalidInput
from events.interface import EventKind
from identity.chronicle import tell
from identity.comparison import Template
from identity.duplicates import remove_from_index
from identity.models import Cameo, CaptureSession, DecisionRecord, Dispute
from identity.protection.templates import delete_templates
from identity.selectors import CLAIMANT, HOLDER, lock_cameos, release_from_dispute
from identity.session_errors import (
    DisputeChanged,
    DisputeDecided,
    FreshCaptureMissing,
    NoSuchDispute,
    OwnReview,
)
from identity.summaries import DisputeRuling, DisputeView
from identity.types import Assurance
from identity.verification.activation import activate, duplicates_of
from identity.verification.dispute_queue import staff_view
from identity.verification.records import read_body
from identity.verification.review_queue import check_note, require_staff
from identity.verification.reviews import kept_template


def decide_dispute(
    *, by: str, dispute_id: str, ruling: DisputeRuling, now: datetime
) -> DisputeView:
    """Decide an open dispute.

    For the holder: their cameo is as it was, the claimant's stays refused. For the claimant:
    their cameo is activated from their newest fresh capture that passed; the holder's loses its
    template and stays suspended, its owner may only erase it.

    Args:
        by: account of the member of staff.
        dispute_id: which.
        ruling: what they decide.
        now: when.

    Raises:
        NotStaff, OwnReview: if they may not.
        InvalidInput: for a ruling that makes no sense.
        NoSuchDispute, DisputeDecided: about the dispute.
        FreshCaptureMissing: for the claimant, if there is no capture of theirs that passed.
        TrackGone, TrackBroken: for the claimant, if what was measured of it is gone.
        DisputeChanged: for the claimant, if a third account's cameo matches too; the dispute
            says which, and whoever decides the same again has seen it.
        DuplicateCheckPending, Unavailable: if something is down; nothing has changed then.
    """
    require_staff(by)
    _check(ruling)
    found = Dispute.objects.filter(id=dispute_id).first()
    if found is None:
        raise NoSuchDispute
    pair = sorted((found.claimant_id, found.holder_id))
    changed = False
    with transaction.atomic():
        held = lock_cameos(pair)
        if by in {cameo.owner_id for cameo in held.values()}:
            raise OwnReview
        row = Dispute.objects.select_for_update().get(id=dispute_id)
        if row.state != Dispute.State.OPEN:
            raise DisputeDecided
        if ruling.favour == CLAIMANT:
            changed = not _for_claimant(row, now=now)
        else:
            release_from_dispute(row, row.holder_id)
            release_from_dispute(row, row.claimant_id)
        if not changed:
            _close(row, ruling, by=by, now=now)
    if changed:
        # Said after the third match was written down, which has to outlast the refusal.
        raise DisputeChanged
    return staff_view(row)


def _check(ruling: DisputeRuling) -> None:
    if ruling.favour not in (CLAIMANT, HOLDER):
        message = f"One of {CLAIMANT}, {HOLDER}."
        raise InvalidInput(fields=(FieldError("/for", "unknown_value", message),))
    check_note(ruling.note)


def _for_claimant(row: Dispute, *, now: datetime) -> bool:
    """Enrol the claimant in the holder's place; False if somebody else matches, too."""
    session, template = _passed(row, now=now)
    claimant = Cameo.objects.get(id=row.claimant_id)
    reached = Assurance(read_body(DecisionRecord.objects.get(session=session))["assurance"])
    known = {row.holder_id, row.also_matched_id}
    others = [
        match.cameo_id
        for match in duplicates_of(claimant.id, claimant.owner_id, template)
        if match.cameo_id not in known
    ]
    if others:
        row.also_matched_id = others[0]
        row.save(update_fields=["also_matched"])
        return False
    remove_from_index(row.holder_id)
    delete_templates(row.holder_id)
    # Nothing is left that could expire, or that its owner should be reminded of.
    Cameo.objects.filter(id=row.holder_id).update(
        state=Cameo.State.SUSPENDED,
        held_by=Cameo.Hold.DISPUTE_LOST,
        expires=None,
        epoch=F("epoch") + 1,
    )
    Cameo.objects.filter(id=claimant.id).update(held_by="")
    activate(claimant.id, template, reached, now=now)
    return True


def _passed(row: Dispute, *, now: datetime) -> tuple[CaptureSession, Template]:
    """The claimant's newest fresh capture that passed, and its template.

    Raises:
        FreshCaptureMissing: if there is none.
        TrackGone, TrackBroken: if what was measured of it is gone.
    """
    passed = CaptureSession.objects.filter(dispute=row.id, cameo_id=row.claimant_id, outcome="pass")
    session = passed.order_by("-decided", "-id").first()
    if session is None:
        raise FreshCaptureMissing
    return session, kept_template(session.id, now)


def _close(row: Dispute, ruling: DisputeRuling, *, by: str, now: datetime) -> None:
    row.decision, row.by_id, row.note = ruling.favour, by, ruling.note
    row.state, row.decided = Dispute.State.DECIDED, now
    row.save()
    note = sha256_hex(ruling.note.encode("utf-8"))
    for cameo_id in sorted((row.claimant_id, row.holder_id)):
        body = {
            "dispute": row.id,
            "state": row.state,
            "for": ruling.favour,
            "by": by,
            "note_sha256": note,
        }
        tell(cameo_id, EventKind.CAMEO_DISPUTE_ENDED, body, now=now)
