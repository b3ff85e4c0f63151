"""The disputes that somebody may see, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.db.models import Q, QuerySet

from common.ids import is_id
from identity.models import Dispute
from identity.selectors import CLAIMANT, HOLDER, view_of_dispute
from identity.session_errors import ListCursorUnknown
from identity.summaries import DisputeSides, DisputeView
from identity.verification.review_queue import MAX_LIMIT, require_staff


@dataclass(frozen=True, slots=True)
class DisputePage:
    """A page of disputes, newest first; `next` and `previous` are cursors."""

    items: tuple[DisputeView, ...]
    next: str | None
    previous: str | None


def list_disputes(
    *, by: str, as_staff: bool, after: str | None, before: str | None, limit: int
) -> DisputePage:
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
        ListCursorUnknown: for a cursor that isn't in this list, two cursors, or another limit.
    """
    if as_staff:
        require_staff(by)
    if not 1 <= limit <= MAX_LIMIT or (after is not None and before is not None):
        raise ListCursorUnknown
    own = Q(claimant__owner_id=by) | Q(holder__owner_id=by)
    rows = Dispute.objects.select_related("claimant", "holder")
    # A cursor may be of a dispute that has ended meanwhile: it has left the list of staff.
    seen = rows.exclude(own) if as_staff else rows.filter(own)
    listed = seen.filter(state=Dispute.State.OPEN) if as_staff else seen
    backwards, cursor = before is not None, before if before is not None else after
    found = listed if cursor is None else listed.filter(_beyond(seen, cursor, backwards))
    order = ("created", "id") if backwards else ("-created", "-id")
    taken = list(found.order_by(*order)[: limit + 1])
    more, taken = len(taken) > limit, taken[:limit]
    if backwards:
        taken.reverse()
    first, last = (taken[0].id, taken[-1].id) if taken else (None, None)
    return DisputePage(
        items=tuple(staff_view(row) if as_staff else view_of_dispute(row, by) for row in taken),
        next=last if more or backwards else None,
        previous=first if (more if backwards else after is not None) else None,
    )


def _beyond(rows: QuerySet[Dispute], cursor: str, backwards: bool) -> Q:
    at = None
    if is_id("dis", cursor):
        at = rows.filter(id=cursor).values_list("created", flat=True).first()
    if at is None:
        raise ListCursorUnknown
    side = "gt" if backwards else "lt"
    return Q(**{f"created__{side}": at}) | Q(**{"created": at, f"id__{side}": cursor})


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
