"""Erasing a cameo: what it destroys, in which order, and what a cut at any point leaves."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings as django_settings
from django.db import connection, transaction
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django.fixtures import Settings

from accounts.models import User
from audit.interface import verify_all
from audit.models import LedgerEntry
from common.envelope import SealBroken
from common.errors import Misconfigured
from common.keyring import FileKeyring
from identity import interface as identity
from identity.duplicates import add_to_index
from identity.enrolment import erasure, jobs
from identity.keystore.models import DataKey
from identity.models import Cameo, CaptureSession, ErasureReceipt, StoredTrack, Template
from identity.protection.data_keys import KeystoreUnavailable, open_for, seal_for
from identity.protection.receipts import MARGIN
from identity.protection.records import ERASURE, RecordBroken, check_record
from identity.protection.templates import read_template, store_template
from identity.session_errors import NoSuchCameo
from tests.identity.clips import plain_clip
from tests.identity.keystores import take_down

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def ring(settings: Settings, tmp_path: Path) -> FileKeyring:
    settings.CAMEO_KEYRING_FILE = tmp_path / "keyring.json"
    return FileKeyring.create(tmp_path / "keyring.json", now=NOW - 10 * DAY)


def enrol(name: str, state: str = "active") -> Cameo:
    owner = User.objects.create_user(f"{name}@example.org")
    cameo = Cameo.objects.create(owner=owner, state=state, created=NOW, activated=NOW)
    with transaction.atomic():
        store_template(
            cameo_id=cameo.id, template_format="f", vector=np.ones(8, np.float32), now=NOW
        )
    return cameo


@pytest.fixture
def cameo() -> Cameo:
    return enrol("alice")


def erase(cameo: Cameo, now: datetime = NOW) -> identity.CameoView:
    return identity.erase_cameo(account_id=cameo.owner_id, cameo_id=cameo.id, now=now)


def receipt(cameo: Cameo, now: datetime = NOW) -> identity.Receipt:
    return identity.erasure_receipt(account_id=cameo.owner_id, cameo_id=cameo.id, now=now)


def queued(cameo: Cameo) -> int:
    """How many jobs there are for it; tests of transactions leave their jobs behind."""
    waiting = ProcrastinateJob.objects.filter(task_name=erasure.DESTROY_TASK, status="todo")
    return sum(job.args == {"cameo_id": cameo.id} for job in waiting)


def test_erasing_destroys_key_templates_tracks_and_waiting_clips(cameo: Cameo) -> None:
    Cameo.objects.update(state="pending")
    session = identity.create_session(account_id=cameo.owner_id, now=NOW)
    identity.receive_clip(
        account_id=cameo.owner_id,
        session_id=session.id,
        stream=io.BytesIO(plain_clip()),
        length=None,
        now=NOW,
    )
    sealed = seal_for(cameo.id, b"track", b"t")
    StoredTrack.objects.create(
        session_id=session.id, sealed=sealed, format=1, created=NOW, expires=NOW
    )
    assert erase(cameo).state == "erased"
    assert not Template.objects.exists()
    assert not StoredTrack.objects.exists()
    assert list(Path(django_settings.CAMEO_CLIP_DIR).iterdir()) == []
    row = CaptureSession.objects.get(id=session.id)
    assert (row.state, row.clip_key, row.clip_file) == ("expired", None, "")
    tombstone = DataKey.objects.get()
    assert (tombstone.wrapped, tombstone.erased) == (None, NOW)
    with pytest.raises(SealBroken):
        read_template(cameo.id)
    with pytest.raises(SealBroken):
        open_for(cameo.id, sealed, b"t")
    # The ledger still holds, and the person may begin again with another cameo.
    assert verify_all()[cameo.id] >= 4
    assert identity.own_cameo(cameo.owner_id) is None
    assert identity.create_session(account_id=cameo.owner_id, now=NOW).cameo_id != cameo.id


def in_index() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("select cameo_id from identity_duplicate_index where projected is not null")
        return {cameo_id for (cameo_id,) in cursor.fetchall()}


def test_erasing_takes_the_cameo_out_of_the_index_of_duplicates(cameo: Cameo) -> None:
    with transaction.atomic():
        for cameo_id in (cameo.id, "cam_other"):
            vector = np.random.default_rng(1).normal(size=1152).astype(np.float32)
            add_to_index(cameo_id=cameo_id, template_format="f", vector=vector)
    try:
        assert in_index() == {cameo.id, "cam_other"}
        erase(cameo)
        assert in_index() == {"cam_other"}
    finally:
        # No model's table: nobody empties it after a test.
        with connection.cursor() as cursor:
            cursor.execute("delete from identity_duplicate_index")
            cursor.execute("delete from identity_duplicate_state")


def test_the_owner_gets_a_signed_receipt_with_its_date(cameo: Cameo) -> None:
    erase(cameo)
    found = receipt(cameo)
    assert found.state == "key_destroyed"
    assert (found.erased, found.key_destroyed) == (NOW, NOW)
    # The keyring is ten days old.
    assert found.unreadable_by == NOW + 20 * DAY + MARGIN
    assert (found.unreadable_since, found.overdue) == (None, False)
    check_record(found.body, found.signature, kind=ERASURE)
    said = json.loads(found.body)
    assert (said["cameo"], said["state"]) == (cameo.id, "key_destroyed")
    assert said["unreadable_by"].startswith("2026-03-23T12:00:00")
    with pytest.raises(RecordBroken):
        check_record(found.body.replace("2026", "2025"), found.signature, kind=ERASURE)
    assert receipt(cameo, found.unreadable_by + timedelta(seconds=1)).overdue


def test_a_receipt_is_the_owners_alone_and_of_erased_cameos_only(cameo: Cameo) -> None:
    mallory = enrol("mallory")
    with pytest.raises(NoSuchCameo):
        receipt(cameo)
    erase(cameo)
    for account, wanted in (
        (mallory.owner_id, cameo.id),
        (cameo.owner_id, mallory.id),
        (cameo.owner_id, ""),
        ("", cameo.id),
        (cameo.owner_id, "x" * 500),
    ):
        with pytest.raises(NoSuchCameo):
            identity.erasure_receipt(account_id=account, cameo_id=wanted, now=NOW)


def test_erasing_twice_changes_nothing(cameo: Cameo) -> None:
    erase(cameo)
    before, entries = receipt(cameo), LedgerEntry.objects.count()
    erase(cameo, NOW + DAY)
    assert receipt(cameo) == before
    assert LedgerEntry.objects.count() == entries


def test_the_receipt_is_completed_when_the_old_key_is_destroyed(cameo: Cameo) -> None:
    bob = enrol("bob")
    erase(cameo)
    due = NOW + 20 * DAY
    identity.renew_keys(now=due - DAY)
    assert receipt(cameo).state == "key_destroyed"
    identity.renew_keys(now=due)
    assert receipt(cameo).state == "key_destroyed"  # a clip might be on its way under the old key
    done = identity.renew_keys(now=due + timedelta(hours=1))
    assert len(done.destroyed) == 1
    found = receipt(cameo)
    assert (found.state, found.unreadable_since) == ("unreadable", due + timedelta(hours=1))
    assert found.unreadable_since is not None
    assert found.unreadable_since <= found.unreadable_by
    check_record(found.body, found.signature, kind=ERASURE)
    kinds = list(LedgerEntry.objects.filter(chain_id=cameo.id).values_list("kind", flat=True))
    assert kinds[-3:] == ["cameo.erased", "cameo.key_destroyed", "cameo.unreadable"]
    assert read_template(bob.id)[0] == "f"
    verify_all()


# --- cuts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "point",
    [
        "identity.enrolment.erasure.change_state",
        "identity.enrolment.erasure.delete_templates",
        "identity.enrolment.erasure.write_receipt",
        "identity.protection.receipts.sign_record",
        "procrastinate.jobs.JobDeferrer.defer",
    ],
)
def test_a_cut_before_the_main_commit_erases_nothing(
    cameo: Cameo, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    def cut(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(point, cut)
        with pytest.raises(KeyboardInterrupt):
            erase(cameo)
    cameo.refresh_from_db()
    assert cameo.state == "active"
    assert read_template(cameo.id)[0] == "f"
    assert not ErasureReceipt.objects.exists()
    assert queued(cameo) == 0


@pytest.mark.parametrize(
    "point",
    [
        "identity.enrolment.erasure._destroy_at_once",  # right after the main commit
        "identity.enrolment.erasure.destroy_data_key",  # before the keystore's
        "identity.enrolment.erasure.confirm_destroyed",  # between the keystore's and the receipt
        "identity.protection.receipts._enter",  # within the receipt's
    ],
)
@pytest.mark.parametrize("by", ["job", "hourly", "sweep"])
def test_a_cut_after_the_main_commit_is_made_good(
    cameo: Cameo, monkeypatch: pytest.MonkeyPatch, point: str, by: str
) -> None:
    def cut(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(point, cut)
        with pytest.raises(KeyboardInterrupt):
            erase(cameo)
    cameo.refresh_from_db()
    assert cameo.state == "erased"
    assert receipt(cameo).state == "pending"
    assert queued(cameo) == 1
    if by == "job":
        run_queued(cameo)
    elif by == "hourly":
        jobs.renew_keys(timestamp=0)
    else:
        erasure.sweep_keys(now=NOW)
        erasure.destroy_left_keys(now=NOW)
    assert DataKey.objects.get().wrapped is None
    assert receipt(cameo).state in ("key_destroyed", "unreadable")


def run_queued(cameo: Cameo) -> None:
    for _ in range(queued(cameo)):
        app.tasks[erasure.DESTROY_TASK].func(cameo.id)


def test_a_keystore_that_is_down_keeps_nobody_from_erasing(
    cameo: Cameo, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        take_down(patch)
        assert erase(cameo).state == "erased"
        assert receipt(cameo).state == "pending"
        with pytest.raises(KeystoreUnavailable):
            run_queued(cameo)
        with pytest.raises(KeystoreUnavailable):
            identity.renew_keys(now=NOW)
    assert DataKey.objects.get().wrapped is not None
    run_queued(cameo)
    assert DataKey.objects.get().wrapped is None
    assert receipt(cameo).state == "key_destroyed"


def test_without_a_keyring_nothing_is_erased_by_halves(cameo: Cameo, tmp_path: Path) -> None:
    (tmp_path / "keyring.json").rename(tmp_path / "away")
    with pytest.raises(Misconfigured):
        erase(cameo)
    cameo.refresh_from_db()
    assert (cameo.state, Template.objects.count()) == ("active", 1)


def test_a_job_for_a_cameo_that_lives_destroys_nothing(cameo: Cameo) -> None:
    for cameo_id in (cameo.id, "cam_nobody", ""):
        erasure.destroy_key(cameo_id, now=NOW)
    assert read_template(cameo.id)[0] == "f"
    assert DataKey.objects.count() == 1


# --- restored databases --------------------------------------------------------------------------


def test_an_erasure_is_applied_again_to_a_cameo_that_came_back(cameo: Cameo) -> None:
    bob = enrol("bob")
    DataKey.objects.filter(cameo_id=cameo.id).update(wrapped=None, kek="", erased=NOW - DAY)
    assert identity.reapply_erasures(now=NOW) == (cameo.id,)
    assert identity.reapply_erasures(now=NOW) == ()
    cameo.refresh_from_db()
    bob.refresh_from_db()
    assert (cameo.state, bob.state) == ("erased", "active")
    assert not Template.objects.filter(cameo=cameo).exists()
    found = receipt(cameo)
    assert (found.erased, found.state) == (NOW - DAY, "key_destroyed")
    entry = LedgerEntry.objects.get(chain_id=cameo.id, kind="cameo.erased")
    assert entry.body == {"by": "restore"}


def test_a_cameo_without_a_key_is_named_and_not_erased(cameo: Cameo) -> None:
    enrol("bob")
    assert identity.keyless_cameos() == ()
    DataKey.objects.filter(cameo_id=cameo.id).delete()
    assert identity.keyless_cameos() == (cameo.id,)
    assert identity.reapply_erasures(now=NOW) == ()


def test_a_key_that_nobody_claims_goes_after_a_week_and_not_before(cameo: Cameo) -> None:
    seal_for("cam_orphan", b"1", b"a")
    assert erasure.sweep_keys(now=NOW) == erasure.Swept(0, 0)
    assert erasure.sweep_keys(now=NOW + 6 * DAY) == erasure.Swept(0, 0)
    assert erasure.sweep_keys(now=NOW + 7 * DAY) == erasure.Swept(0, 1)
    assert list(DataKey.objects.values_list("cameo_id", flat=True)) == [cameo.id]


def test_a_key_whose_cameo_comes_back_is_kept(cameo: Cameo) -> None:
    DataKey.objects.update(unclaimed_since=NOW - 30 * DAY)
    assert erasure.sweep_keys(now=NOW) == erasure.Swept(0, 0)
    assert DataKey.objects.get().unclaimed_since is None


def test_more_keys_than_fit_a_page_are_all_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasure, "_BATCH", 2)
    cameos = [enrol(f"person{n}") for n in range(5)]
    DataKey.objects.update(wrapped=None, kek="", erased=NOW)
    assert set(identity.reapply_erasures(now=NOW)) == {cameo.id for cameo in cameos}
    more = [enrol(f"more{n}") for n in range(5)]
    Cameo.objects.filter(id__in=[cameo.id for cameo in more]).update(state="erased")
    assert erasure.sweep_keys(now=NOW).destroyed == 5
    DataKey.objects.all().delete()
    last = [enrol(f"last{n}") for n in range(3)]
    DataKey.objects.all().delete()
    assert set(identity.keyless_cameos()) == {cameo.id for cameo in last}
