"""Suspending and resuming a cameo, and who may."""

from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from django.db import connections, transaction

from accounts.models import User
from audit.interface import verify_all
from events.models import Event
from identity import interface as identity
from identity.models import Cameo, CaptureSession, Template
from identity.protection.templates import store_template
from identity.session_errors import CameoStateConflict, NoSuchCameo, SessionExpired
from identity.summaries import CameoView
from tests.identity.clips import plain_clip

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


def test_what_a_dispute_holds_its_owner_cannot_resume(alice: User, cameo: Cameo) -> None:
    Cameo.objects.update(state="suspended", held_by="dispute")
    with pytest.raises(CameoStateConflict):
        identity.resume_cameo(account_id=alice.id, cameo_id=cameo.id, now=NOW)
    assert Cameo.objects.get().state == "suspended"


@pytest.mark.django_db(transaction=True)
def test_an_upload_and_an_erasure_side_by_side_leave_no_clip() -> None:
    """Whichever is first: nothing of the clip is kept, and nothing of it is decided on."""
    for round_ in range(3):
        alice = User.objects.create_user(f"alice{round_}@example.org")
        session = identity.create_session(account_id=alice.id, now=NOW)
        body = plain_clip(seed=round_)

        def upload(who: User, capture: str, clip: bytes) -> str:
            try:
                identity.receive_clip(
                    account_id=who.id,
                    session_id=capture,
                    stream=io.BytesIO(clip),
                    length=None,
                    now=NOW,
                )
            except SessionExpired:
                return "late"
            finally:
                connections.close_all()
            return "queued"

        def erase(who: User, cameo_id: str) -> str:
            try:
                return identity.erase_cameo(account_id=who.id, cameo_id=cameo_id, now=NOW).state
            finally:
                connections.close_all()

        with ThreadPoolExecutor(2) as pool:
            sent = pool.submit(upload, alice, session.id, body)
            erased = pool.submit(erase, alice, session.cameo_id)
            assert erased.result() == "erased"
            assert sent.result() in ("queued", "late")
        row = CaptureSession.objects.get(id=session.id)
        assert (row.state, row.clip_key, row.clip_file) == ("expired", None, "")
        folder = Path(settings.CAMEO_CLIP_DIR)
        assert not folder.exists() or not list(folder.iterdir())
