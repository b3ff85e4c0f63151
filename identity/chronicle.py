"""Telling what became of a cameo: to its chain, and to whom it concerns."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from audit import interface as audit
from events import interface as events
from events.interface import EventKind


def tell(cameo_id: str, kind: EventKind, body: dict[str, Any], *, now: datetime) -> None:
    """Append to the cameo's chain and emit the event, in the caller's transaction.

    Args:
        cameo_id: whose; the caller holds its lock.
        kind: of both.
        body: of the ledger's entry. The event has nothing but the cameo's id, which is all that
            its owner may read where the body names others.
        now: when it happened.

    Raises:
        NoTransaction: outside a transaction.
    """
    audit.append(chain=cameo_id, kind=kind.value, body=body, now=now)
    events.emit(kind=kind, subject=cameo_id, data={"cameo": cameo_id}, now=now)
