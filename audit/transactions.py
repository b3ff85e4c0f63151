"""What must stand or fall with a transaction says so here."""

from __future__ import annotations

from django.db import connection

from common.errors import CameoError


class NoTransaction(CameoError):
    """Outside a transaction a lock holds nothing, and a record outlives what it tells of."""

    code = "internal"


def require_transaction(what: str) -> None:
    """Raise `NoTransaction` outside a transaction; `what` names it in the message."""
    if not connection.in_atomic_block:
        raise NoTransaction(f"{what} outside a transaction.")
