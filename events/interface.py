"""The outbox's door: emit an event within a transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from audit.interface import NoTransaction, require_transaction
from events.kinds import EventKind
from events.models import Event

__all__ = ["EventKind", "NoTransaction", "emit"]


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
    require_transaction("An event was emitted")
    return Event.objects.create(kind=kind.value, subject=subject, data=data, at=now).id
