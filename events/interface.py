"""The outbox's door: emit an event within a transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection

from common.errors import CameoError
from events.kinds import EventKind
from events.models import Event

__all__ = ["EventKind", "emit"]


class NoTransaction(CameoError):
    """An event must stand or fall with what it tells of."""

    code = "internal"


def emit(*, kind: EventKind, subject: str, data: dict[str, Any], now: datetime) -> str:
    """Write an event to the outbox in the caller's transaction; gives the event's id.

    Args:
        kind: which event.
        subject: id of what it is about, usually a cameo's; order holds per subject.
        data: ids and digests only.
        now: when it happened.

    Raises:
        NoTransaction: outside a transaction.
    """
    if not connection.in_atomic_block:
        raise NoTransaction("An event was emitted outside a transaction.")
    return Event.objects.create(kind=kind.value, subject=subject, data=data, at=now).id
