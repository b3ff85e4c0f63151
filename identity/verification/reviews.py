"""Captures that a person looks at, and what that person decides.

Whoever was checked sees no more of it than an outcome and the advice of any other failure.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from audit import interface as audit
from common.canonical import sha256_hex
from common.errors import FieldError, InvalidInput
from events import interface as events
from events.interface import EventKind
from identity.comparison import Template
from identity.models import Cameo, CaptureSession, DecisionRecord, Review
from identity.protection import clips
from identity.runtime.analysis import template_of
from identity.runtime.deployment import engines
from identity.selectors import bump_epochs, lock_cameos
from identity.session_errors import (
    CameoStateConflict,
    NoSuchReview,
    OwnReview,
    ReviewChanged,
    ReviewDecided,
    TrackGone,
)
from identity.summaries import ReviewView, Ruling
from identity.types import Assurance
from identity.verification import advice as words
from identity.verification.activation import (
    RENEWABLE,
    activate,
    compare_with_own,
    duplicates_of,
    renew,
)
from identity.verification.findings import DUPLICATE_REVIEW
from identity.verification.records import read_body
from identity.verification.review_queue import check_note, require_staff, view_of_review
from identity.verification.tracks import read_track

_Purpose = CaptureSession.Purpose


def decide_review(*, by: str, review_id: str, ruling: Ruling, now: datetime) -> ReviewView:
    """Decide an open review: approving activates (or renews) the cameo, refusing fails the capture.

    Args:
        by: account of the reviewer.
        review_id: which.
        ruling: what they decide.
        now: when.

    Raises:
        NotStaff, OwnReview: if they may not.
        InvalidInput: for a ruling that makes no sense.
        NoSuchReview, ReviewDecided: about the review.
        CameoStateConflict: if the cameo is no longer what the capture was for.
        TrackGone, TrackBroken: on approving, if what was measured is gone; refuse it then.
        ReviewChanged: on approving, if another cameo matches by now; the review says which.
        DuplicateCheckPending, Unavailable: on approving, if something is down.
    """
    require_staff(by)
    _check(ruling)
    found = Review.objects.filter(id=review_id).first()
    if found is None:
        raise NoSuchReview
    approves = ruling.decision == Review.Decision.APPROVE
    template = kept_template(found.session_id, now) if approves and found.state == "open" else None
    with transaction.atomic():
        # Both, in id order: whom it matched is told of it under their own cameo's lock.
        lock_cameos([found.cameo_id, *([found.matched_id] if found.matched_id else [])])
        review = Review.objects.select_for_update().get(id=review_id)
        session = CaptureSession.objects.select_for_update().get(id=review.session_id)
        cameo = Cameo.objects.get(id=review.cameo_id)
        if cameo.owner_id == by:
            raise OwnReview
        if review.state != Review.State.OPEN:
            raise ReviewDecided
        if ruling.duplicate_confirmed and review.matched_id is None:
            raise _senseless("There is no cameo that this capture matched.")
        changed = False
        if approves:
            if template is None:
                raise TrackGone
            changed = _approve(review, session, cameo, template, now=now)
        else:
            _refuse(review, session, cameo, ruling, now=now)
        file = "" if changed else _close(review, session, ruling, by=by, now=now)
    if changed:
        raise ReviewChanged
    if file:
        transaction.on_commit(lambda: clips.forget(file), robust=True)
    review.refresh_from_db()
    return view_of_review(review)


def _check(ruling: Ruling) -> None:
    if ruling.decision not in Review.Decision.values:
        message = f"One of {', '.join(Review.Decision.values)}."
        raise InvalidInput(fields=(FieldError("/decision", "unknown_value", message),))
    check_note(ruling.note)
    if ruling.duplicate_confirmed and ruling.decision != Review.Decision.REFUSE:
        raise _senseless("Only a refusal can confirm a duplicate.")


def _senseless(message: str) -> InvalidInput:
    return InvalidInput(fields=(FieldError("/duplicate_confirmed", "senseless", message),))


def kept_template(session_id: str, now: datetime) -> Template:
    """The template of the stored track, of the format that is in use.

    Raises:
        TrackGone: if it is not kept, or was measured with another pack.
    """
    record = DecisionRecord.objects.get(session_id=session_id)
    used = read_body(record)["template_format"]
    template = template_of(read_track(session_id, now=now), engines().template_format)
    if template is None or used != template.template_format:
        raise TrackGone
    return template


def _approve(
    review: Review, session: CaptureSession, cameo: Cameo, template: Template, *, now: datetime
) -> bool:
    """Let the capture pass; True if it was found to match somebody new, and nothing was done."""
    reached = Assurance(read_body(DecisionRecord.objects.get(session=session))["reached"])
    if session.purpose == _Purpose.ENROL:
        if cameo.state != Cameo.State.IN_REVIEW or cameo.held_by:
            raise CameoStateConflict
        fresh = [
            match.cameo_id
            for match in duplicates_of(cameo.id, cameo.owner_id, template)
            if match.cameo_id != review.matched_id
        ]
        if fresh:
            review.matched_id = fresh[0]
            review.reasons = [*dict.fromkeys([*review.reasons, DUPLICATE_REVIEW])]
            review.save(update_fields=["matched", "reasons"])
            return True
        activate(cameo.id, template, reached, now=now)
    else:
        if cameo.state not in RENEWABLE or cameo.held_by:
            raise CameoStateConflict
        compared = compare_with_own(cameo.id, template)
        if compared is None or not compared.matches:
            raise CameoStateConflict
        renew(cameo, template, reached, now=now)
    session.outcome, session.advice = "pass", []
    session.assurance, session.passed_at = reached.value, now
    return False


def _refuse(
    review: Review, session: CaptureSession, cameo: Cameo, ruling: Ruling, *, now: datetime
) -> None:
    if cameo.state == Cameo.State.IN_REVIEW and session.purpose == _Purpose.ENROL:
        Cameo.objects.filter(id=cameo.id).update(state=Cameo.State.PENDING)
        bump_epochs([cameo.id])
    session.outcome = "fail"
    session.advice = [{"code": words.TRY_AGAIN.code, "message": words.TRY_AGAIN.message}]
    if ruling.duplicate_confirmed and review.matched_id is not None:
        _tell_other(review.matched_id, now=now)


def _tell_other(cameo_id: str, *, now: datetime) -> None:
    """The other owner hears that somebody tried, and not who."""
    if Cameo.objects.filter(id=cameo_id).exclude(state=Cameo.State.ERASED).exists():
        events.emit(
            kind=EventKind.LIKENESS_ATTEMPTED,
            subject=cameo_id,
            data={"cameo": cameo_id},
            now=now,
        )


def _close(
    review: Review, session: CaptureSession, ruling: Ruling, *, by: str, now: datetime
) -> str:
    """Write the decision down; gives the clip's file, which nobody needs any more."""
    file = session.clip_file
    session.decided = now
    session.clip_key, session.clip_file = None, ""
    session.save()
    review.state = Review.State.DECIDED
    review.decision = ruling.decision
    review.duplicate_confirmed = ruling.duplicate_confirmed
    review.by_id = by
    review.note = ruling.note
    review.decided = now
    review.save()
    body: dict[str, Any] = {
        "review": review.id,
        "session": session.id,
        "by": by,
        "decision": ruling.decision,
        "duplicate_confirmed": ruling.duplicate_confirmed,
        "note_sha256": sha256_hex(ruling.note.encode("utf-8")),
    }
    audit.append(chain=review.cameo_id, kind="review.decided", body=body, now=now)
    return file
