"""When an account has to wait before it may begin another capture."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings

from identity.models import CaptureSession
from identity.session_errors import TooManyCaptures

FAILED = ("fail", "retry")


def refuse_if_too_many(account_id: str, now: datetime) -> None:
    """Failed captures of any purpose earn a pause; so do challenges collected without an answer.

    Raises:
        TooManyCaptures: while the pause lasts, which begins with the last one of too many.
    """
    window: timedelta = settings.CAMEO_CAPTURE_PAUSE
    # What began the pause may itself be as old as the pause, and what it counted with older.
    mine = CaptureSession.objects.filter(account_id=account_id)
    failed = mine.filter(
        state=CaptureSession.State.DECIDED, outcome__in=FAILED, decided__gt=now - 2 * window
    ).order_by("decided")
    unanswered = mine.filter(
        state__in=[CaptureSession.State.OPEN, CaptureSession.State.EXPIRED],
        created__gt=now - 2 * window,
    ).order_by("created")
    until = max(
        paused_until(
            list(failed.values_list("decided", flat=True)),
            settings.CAMEO_CAPTURE_FAILURES,
            window,
        ),
        paused_until(
            list(unanswered.values_list("created", flat=True)),
            settings.CAMEO_CAPTURE_UNANSWERED,
            window,
        ),
        key=lambda found: found.timestamp() if found else 0.0,
    )
    if until is not None and now < until:
        raise TooManyCaptures(retry_after=max(1, round((until - now).total_seconds())))


def paused_until(
    times: Sequence[datetime | None], allowed: int, window: timedelta
) -> datetime | None:
    """When the pause ends that the newest `allowed` events within `window` began; None for none.

    Args:
        times: when they happened, oldest first.
        allowed: how many within `window` are too many.
        window: also how long the pause lasts, from the last of them.
    """
    known = [time for time in times if time is not None]
    for place in range(len(known) - 1, allowed - 2, -1):
        if known[place] - known[place - allowed + 1] < window:
            return known[place] + window
    return None
