"""One dispute as it is read: by a side its own, by members of staff all but a picture."""

from __future__ import annotations

from datetime import datetime

from identity.models import CaptureSession, DecisionRecord, Dispute
from identity.selectors import CLAIMANT, HOLDER, view_of_dispute
from identity.session_errors import NoSuchDispute, OwnReview
from identity.summaries import DisputeCapture, DisputeDetail
from identity.verification.dispute_queue import staff_view
from identity.verification.records import read_body
from identity.verification.review_queue import require_staff
from identity.verification.review_views import kept_series


def read_dispute(*, by: str, as_staff: bool, dispute_id: str, now: datetime) -> DisputeDetail:
    """One dispute: for staff with both sides' fresh captures, for a side without them.

    Raises:
        NotStaff: if they ask as staff and aren't.
        OwnReview: if they ask as staff about a dispute of their own cameo.
        NoSuchDispute: if there is none, or, to anybody but staff, it is others'.
        Unavailable: if keystore or key-encryption key can't be reached.
    """
    if as_staff:
        require_staff(by)
    row = Dispute.objects.select_related("claimant", "holder").filter(id=dispute_id).first()
    is_side = row is not None and by in (row.claimant.owner_id, row.holder.owner_id)
    if row is None or not (as_staff or is_side):
        raise NoSuchDispute
    if not as_staff:
        return DisputeDetail(view_of_dispute(row, by), None)
    if is_side:
        raise OwnReview
    sessions = CaptureSession.objects.filter(dispute=row.id).order_by("created", "id")
    return DisputeDetail(
        staff_view(row), tuple(_capture(session, row, now=now) for session in sessions)
    )


def _capture(session: CaptureSession, row: Dispute, *, now: datetime) -> DisputeCapture:
    stored = DecisionRecord.objects.filter(session_id=session.id).first()
    record = read_body(stored) if stored else None
    compared = (record or {}).get("compared") or {}
    series, missing = kept_series(session.id, now=now)
    return DisputeCapture(
        session_id=session.id,
        side=CLAIMANT if session.cameo_id == row.claimant_id else HOLDER,
        state=session.state,
        outcome=session.outcome,
        created=session.created,
        decided=session.decided,
        score=compared.get("score"),
        threshold=compared.get("threshold"),
        record=record,
        series=series,
        series_missing=missing,
    )
