"""The disputes that somebody may see, a page at a time."""

from __future__ import annotations

from dataclasses import replace

from django.db.models import Q

from audit.interface import Page, page
from identity.models import Dispute
from identity.selectors import CLAIMANT, HOLDER, view_of_dispute
from identity.summaries import DisputeSides, DisputeView
from identity.verification.review_queue import require_staff


def list_disputes(
    *, by: str, as_staff: bool, after: str | None, before: str | None, limit: int
) -> Page[DisputeView]:
    """A page of disputes, newest first.

    Args:
        by: who asks.
        as_staff: all that are open and not about a cameo of their own; otherwise all of their
            own, without the other side.
        after: give what follows this dispute.
        before: give what comes before it.
        limit: 1 to 100.

    Raises:
        NotStaff: if they ask as staff and aren't.
        CursorUnknown: for a cursor that isn't in this list, two cursors, or another limit.
    """
    if as_staff:
        require_staff(by)
    own = Q(claimant__owner_id=by) | Q(holder__owner_id=by)
    rows = Dispute.objects.select_related("claimant", "holder")
    seen = rows.exclude(own) if as_staff else rows.filter(own)
    return page(
        seen.filter(state=Dispute.State.OPEN) if as_staff else seen,
        staff_view if as_staff else lambda row: view_of_dispute(row, by),
        moment="created",
        name="id",
        prefix="dis",
        after=after,
        before=before,
        limit=limit,
        # One that has ended meanwhile has left the list of staff, and is a place all the same.
        places=seen,
    )


def staff_view(row: Dispute) -> DisputeView:
    """A dispute's row as members of staff see it."""
    opened_by = CLAIMANT if row.opened_by_id == row.claimant.owner_id else HOLDER
    sides = DisputeSides(
        claimant_id=row.claimant_id,
        holder_id=row.holder_id,
        opened_by=opened_by,
        by=row.by_id,
        note=row.note,
        also_matched_id=row.also_matched_id,
    )
    return replace(view_of_dispute(row, ""), cameo_id="", side="", sides=sides)
