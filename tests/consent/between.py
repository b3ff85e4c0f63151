"""What the tests of friendships, blocks and invites share."""

from __future__ import annotations

from typing import Any

import pytest

import audit.interface as audit
from common.errors import CameoError
from consent.interface import FriendshipRecord, accept_friendship, ask_friendship
from events.models import Event
from identity.models import Cameo
from tests.consent.conftest import NOW, SECOND

LATER = NOW + SECOND
NOBODY = "acc_" + "a" * 26
NOT_ACCOUNTS = [NOBODY, "", "bob", "acc_", "cam_" + "a" * 26, "acc_\x00" + "a" * 25, "a" * 9999]


def code_of(action: Any) -> str:
    with pytest.raises(CameoError) as refused:
        action()
    return refused.value.code


def befriended(one: str, other: str) -> FriendshipRecord:
    """Friends, as `one` who asked sees it."""
    asked = ask_friendship(account=other, now=NOW, by=one)
    accept_friendship(friendship=asked.id, now=NOW, by=other)
    return asked


def epochs(*cameos: str) -> list[int]:
    return [Cameo.objects.get(id=cameo).epoch for cameo in cameos]


def ledger(chain: str) -> list[str]:
    """Kinds of a chain's entries; the chain is checked as well."""
    return [entry.kind for entry in audit.read_chain(chain)]


def told(subject: str | None = None) -> list[tuple[str, dict[str, Any]]]:
    """Events of a subject, or all, oldest first."""
    rows = Event.objects.order_by("position")
    if subject is not None:
        rows = rows.filter(subject=subject)
    return [(row.kind, row.data) for row in rows]
