"""The queue of captures that a person has to look at, and who may see it."""

from __future__ import annotations

from accounts.interface import read_account
from audit.interface import Page, page
from common.errors import FieldError, InvalidInput
from identity.models import Cameo, Review
from identity.session_errors import NotStaff
from identity.summaries import ReviewView

MAX_NOTE = 2000


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


def check_note(note: str) -> None:
    """Raise `InvalidInput` unless a reviewer's note can be kept."""
    if len(note) > MAX_NOTE or "\x00" in note:
        message = f"Up to {MAX_NOTE} characters."
        raise InvalidInput(fields=(FieldError("/note", "out_of_range", message),))


def list_reviews(
    *, by: str, state: str | None, after: str | None, before: str | None, limit: int
) -> Page[ReviewView]:
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
        CursorUnknown: for a cursor that isn't in this list, two cursors, or another limit.
    """
    require_staff(by)
    if state is not None and state not in Review.State.values:
        message = f"One of {', '.join(Review.State.values)}."
        raise InvalidInput(fields=(FieldError("/state", "unknown_value", message),))
    rows = Review.objects.exclude(cameo__state=Cameo.State.ERASED).select_related("session")
    if state is not None:
        rows = rows.filter(state=state)
    return page(
        rows,
        view_of_review,
        moment="created",
        name="id",
        prefix="rev",
        after=after,
        before=before,
        limit=limit,
        # One that was decided meanwhile has left its state's list, and is a place all the same.
        places=Review.objects.all(),
    )
