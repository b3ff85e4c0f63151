"""The one place that reads the wall clock. Actions take `now` as an argument."""

from __future__ import annotations

from datetime import UTC, datetime


def utcnow() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


def rfc3339(moment: datetime) -> str:
    """`moment` in RFC 3339 with microseconds and `Z`, so that equal moments give equal text.

    Raises:
        ValueError: if `moment` is naive.
    """
    if moment.tzinfo is None:
        raise ValueError("a naive time has no place on the wire")
    # Not strftime: it leaves a year before 1000 without its zeros.
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def from_rfc3339(text: str) -> datetime:
    """The moment that `rfc3339` wrote, aware, in UTC.

    Raises:
        ValueError: if `text` isn't an RFC 3339 time with an offset.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without an offset is not RFC 3339")
    return moment.astimezone(UTC)
