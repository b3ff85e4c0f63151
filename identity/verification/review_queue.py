"""The queue of captures that a person has to look at, and who may see it."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from accounts.interface import read_account
from common.errors import FieldError, InvalidInput
from common.ids import is_id
from identity.models import Cameo, Review
from identity.session_errors import ListCursorUnknown, NotStaff
from identity.summaries import ReviewView

MAX_LIMIT = 100


@dataclass(frozen=True, slots=True)
class ReviewPage:
    """A page of reviews, newest first; `next` and `previous` are cursors."""

    items: tuple[ReviewView, ...]
    next: str | None
    previous: str | None


def view_of_review(row: Review) -> ReviewView:
    """A review's row as reviewers see it in the queue."""
    return ReviewView(
        id=row.id,
        session_id=row.session_id,
        cameo_id=row.cameo_id,
        purpose=row.session.purpose,
        reasons=tuple(row.reasons),
        matched_id=row.matched_id,
        state=row.state,
        decision=row.decision,
        duplicate_confirmed=row.duplicate_confirmed,
        by=row.by_id,
        note=row.note,
        created=row.created,
        decided=row.decided,
    )


def require_staff(account_id: str) -> None:
    """Raise `NotStaff` unless the account is an active member of staff's."""
    account = read_account(account_id)
    if account is None or not account.is_active or not account.is_staff:
        raise NotStaff


def list_reviews(
    *, by: str, state: str | None, after: str | None, before: str | None, limit: int
) -> ReviewPage:
    """A page of the queue, newest first; those whose cameo was erased are left out.

    Args:
        by: account of the reviewer.
        state: `open` or `decided`, or None for both.
        after: give what follows this review.
        before: give what comes before it.
        limit: 1 to 100.

    Raises:
        NotStaff: if they may not.
        InvalidInput: for another state.
        ListCursorUnknown: for a cursor that isn't in this list, two cursors, or another limit.
    """
    require_staff(by)
    if state is not None and state not in Review.State.values:
        message = f"One of {', '.join(Review.State.values)}."
        raise InvalidInput(fields=(FieldError("/state", "unknown_value", message),))
    if not 1 <= limit <= MAX_LIMIT or (after is not None and before is not None):
        raise ListCursorUnknown
    rows = Review.objects.exclude(cameo__state=Cameo.State.ERASED).select_related("session")
    if state is not None:
        rows = rows.filter(state=state)
    backwards, cursor = before is not None, before if before is not None else after
    found = rows if cursor is None else rows.filter(_beyond(cursor, backwards))
    order = ("created", "id") if backwards else ("-created", "-id")
    taken = list(found.order_by(*order)[: limit + 1])
    more, taken = len(taken) > limit, taken[:limit]
    if backwards:
        taken.reverse()
    first, last = (taken[0].id, taken[-1].id) if taken else (None, None)
    return ReviewPage(
        items=tuple(view_of_review(row) for row in taken),
        next=last if more or backwards else None,
        previous=first if (more if backwards else after is not None) else None,
    )


def _beyond(cursor: str, backwards: bool) -> Q:
    # Any review is a place in the list: one that was decided meanwhile has left its state's list.
    rows: QuerySet[Review] = Review.objects.filter(id=cursor)
    at = rows.values_list("created", flat=True).first() if is_id("rev", cursor) else None
    if at is None:
        raise ListCursorUnknown
    side = "gt" if backwards else "lt"
    return Q(**{f"created__{side}": at}) | Q(**{"created": at, f"id__{side}": cursor})
