"""Suspending and resuming a cameo, and who may."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pytest
from django.db import transaction

from accounts.models import User
from audit.interface import verify_all
from events.models import Event
from identity import interface as identity
from identity.models import Cameo, Template
from identity.protection.templates import store_template
from identity.session_errors import CameoStateConflict, NoSuchCameo
from identity.summaries import CameoView

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CHANGES: list[Callable[..., CameoView]] = [
    identity.suspend_cameo,
    identity.resume_cameo,
    identity.erase_cameo,
]


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice@example.org")


@pytest.fixture
def cameo(alice: User) -> Cameo:
    row = Cameo.objects.create(owner=alice, state="active", created=NOW, activated=NOW)
    with transaction.atomic():
        store_template(cameo_id=row.id, template_format="f", vector=np.ones(8, np.float32), now=NOW)
    return row


def test_a_suspended_cameo_is_resumed(alice: User, cameo: Cameo) -> None:
    suspended = identity.suspend_cameo(account_id=alice.id, cameo_id=cameo.id, now=NOW)
    assert (suspended.state, suspended.epoch) == ("suspended", cameo.epoch + 1)
    again = identity.suspend_cameo(account_id=alice.id, cameo_id=cameo.id, now=NOW)
    assert again == suspended
    resumed = identity.resume_cameo(account_id=alice.id, cameo_id=cameo.id, now=NOW)
    assert (resumed.state, resumed.epoch) == ("active", cameo.epoch + 2)
    kinds = list(Event.objects.order_by("position").values_list("kind", flat=True))
    assert kinds == ["cameo.suspended", "cameo.resumed"]
    assert verify_all() == {cameo.id: 2}


@pytest.mark.parametrize("change", CHANGES)
def test_nobody_else_changes_a_cameo(cameo: Cameo, change: Callable[..., CameoView]) -> None:
    mallory = User.objects.create_user("mallory@example.org")
    for cameo_id in (cameo.id, "cam_" + "a" * 26, "", "x" * 500):
        with pytest.raises(NoSuchCameo):
            change(account_id=mallory.id, cameo_id=cameo_id, now=NOW)
    cameo.refresh_from_db()
    assert cameo.state == "active"


@pytest.mark.parametrize("change", CHANGES[:2])
def test_a_pending_cameo_is_neither_suspended_nor_resumed(
    alice: User, cameo: Cameo, change: Callable[..., CameoView]
) -> None:
    Cameo.objects.update(state="pending")
    with pytest.raises(CameoStateConflict):
        change(account_id=alice.id, cameo_id=cameo.id, now=NOW)


def test_a_change_falls_with_its_ledger_entry(
    alice: User, cameo: Cameo, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: object) -> str:
        raise RuntimeError

    monkeypatch.setattr("audit.interface.append", broken)
    for change in (identity.suspend_cameo, identity.erase_cameo):
        with pytest.raises(RuntimeError):
            change(account_id=alice.id, cameo_id=cameo.id, now=NOW)
    cameo.refresh_from_db()
    assert (cameo.state, cameo.epoch) == ("active", 1)
    assert Template.objects.exists()
    assert not Event.objects.exists()
