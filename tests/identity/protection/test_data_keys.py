"""Sealing under a cameo's data key, and what a cut at any point leaves."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest
from django.db import connections, transaction
from pytest_django.fixtures import Settings

from accounts.models import User
from common.envelope import SealBroken
from common.errors import Misconfigured, Unavailable
from common.keyring import FileKeyring, KeyringError
from identity.keystore.models import DataKey
from identity.models import Cameo, Template
from identity.protection.data_keys import (
    KeystoreUnavailable,
    check_keystore,
    data_keys,
    destroy_data_key,
    open_for,
    seal_for,
)
from identity.protection.keyring import key_encryption
from identity.protection.templates import read_template, store_template
from tests.identity.protection.conftest import NOW
from tests.identity.protection.wrapping import MemoryKeyEncryption

ALICE, MALLORY = "cam_alice", "cam_mallory"
pytestmark = pytest.mark.django_db


def test_what_is_sealed_for_a_cameo_opens_for_it_alone() -> None:
    sealed = seal_for(ALICE, b"a track", b"track|cap_1")
    assert b"a track" not in sealed
    assert open_for(ALICE, sealed, b"track|cap_1") == b"a track"
    seal_for(MALLORY, b"another", b"track|cap_1")
    for cameo_id, bytes_, bound_to in (
        (MALLORY, sealed, b"track|cap_1"),
        (ALICE, sealed, b"track|cap_2"),
        (ALICE, sealed[:-1], b"track|cap_1"),
        (ALICE, b"", b"track|cap_1"),
        ("cam_nobody", sealed, b"track|cap_1"),
    ):
        with pytest.raises(SealBroken):
            open_for(cameo_id, bytes_, bound_to)


def test_a_cameo_has_one_key_and_reading_makes_none() -> None:
    first = seal_for(ALICE, b"1", b"a")
    second = seal_for(ALICE, b"2", b"a")
    assert DataKey.objects.count() == 1
    assert (open_for(ALICE, first, b"a"), open_for(ALICE, second, b"a")) == (b"1", b"2")
    assert set(data_keys([ALICE, MALLORY])) == {ALICE}
    assert DataKey.objects.count() == 1


def test_a_destroyed_key_opens_nothing_and_is_never_made_again() -> None:
    sealed = seal_for(ALICE, b"1", b"a")
    destroy_data_key(ALICE, erased=NOW)
    destroy_data_key(ALICE, erased=NOW)
    row = DataKey.objects.get()
    assert (row.wrapped, row.kek, row.erased) == (None, "", NOW)
    with pytest.raises(SealBroken):
        open_for(ALICE, sealed, b"a")
    with pytest.raises(SealBroken):
        seal_for(ALICE, b"2", b"a")


def test_a_key_can_be_ruled_out_before_there_was_one() -> None:
    destroy_data_key(ALICE, erased=NOW)
    with pytest.raises(SealBroken):
        seal_for(ALICE, b"1", b"a")


def test_a_key_moved_to_another_cameo_does_not_open() -> None:
    sealed = seal_for(ALICE, b"1", b"a")
    row = DataKey.objects.get()
    DataKey.objects.create(cameo_id=MALLORY, wrapped=row.wrapped, kek=row.kek, created=NOW)
    with pytest.raises(SealBroken):
        open_for(MALLORY, sealed, b"a")


def test_another_keeper_of_keys_needs_the_protocol_alone(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = MemoryKeyEncryption(NOW)
    monkeypatch.setattr("tests.identity.protection.wrapping.memory", lambda: memory, raising=False)
    settings.CAMEO_KEY_ENCRYPTION = "tests.identity.protection.wrapping.memory"
    sealed = seal_for(ALICE, b"1", b"a")
    assert bytes(DataKey.objects.get().wrapped or b"").startswith(b"mem:")
    assert open_for(ALICE, sealed, b"a") == b"1"


@pytest.mark.parametrize("name", ["", "nowhere.at.all", "identity.protection.keyring.none"])
def test_a_keeper_that_cannot_be_imported_is_a_mistake_of_the_settings(
    settings: Settings, name: str
) -> None:
    settings.CAMEO_KEY_ENCRYPTION = name
    with pytest.raises(Misconfigured):
        key_encryption()


def test_a_corrupt_keyring_opens_nothing(ring: FileKeyring, settings: Settings) -> None:
    sealed = seal_for(ALICE, b"1", b"a")
    settings.CAMEO_KEYRING_FILE.write_text("nonsense")
    with pytest.raises(KeyringError):
        open_for(ALICE, sealed, b"a")
    with pytest.raises(KeyringError):
        seal_for(ALICE, b"1", b"a")


# --- what a cut leaves ---------------------------------------------------------------------------


def enrol(name: str = "alice") -> Cameo:
    owner = User.objects.create_user(f"{name}@example.org")
    return Cameo.objects.create(owner=owner, created=NOW)


def store(cameo: Cameo) -> None:
    with transaction.atomic():
        store_template(
            cameo_id=cameo.id, template_format="f", vector=np.ones(8, np.float32), now=NOW
        )


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("point", "keys"),
    [
        ("common.keyring.FileKeyring.wrap", 0),  # before the key's row
        ("identity.protection.data_keys._opened", 0),  # before the keystore commits
        ("identity.protection.data_keys.seal", 1),  # after it, before the template's row
        ("identity.models.Template.objects.create", 1),
        ("identity.protection.templates.Template.save", 1),  # with it, before the main commit
    ],
)
def test_an_enrolment_cut_off_anywhere_leaves_a_spare_key_at_most(
    monkeypatch: pytest.MonkeyPatch, point: str, keys: int
) -> None:
    def cut(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    cameo = enrol()
    with monkeypatch.context() as patch:
        patch.setattr(point, cut)
        with pytest.raises(KeyboardInterrupt):
            store(cameo)
    assert (Template.objects.count(), DataKey.objects.count()) == (0, keys)
    with pytest.raises(SealBroken):
        read_template(cameo.id)
    store(cameo)
    assert read_template(cameo.id)[0] == "f"
    assert DataKey.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_main_transaction_that_falls_leaves_no_template_and_the_key_is_used_again() -> None:
    def cut_off() -> None:
        with transaction.atomic():
            store(cameo)
            raise KeyboardInterrupt

    cameo = enrol()
    with pytest.raises(KeyboardInterrupt):
        cut_off()
    spare = DataKey.objects.get().wrapped
    assert not Template.objects.exists()
    store(cameo)
    assert DataKey.objects.get().wrapped == spare


@pytest.mark.django_db(transaction=True)
def test_two_that_make_a_key_at_once_end_with_the_same() -> None:
    barrier, sealed, wrong = threading.Barrier(4), [], []

    def make() -> None:
        try:
            barrier.wait()
            sealed.append(seal_for(ALICE, b"1", b"a"))
        except Exception as error:
            wrong.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert [open_for(ALICE, one, b"a") for one in sealed] == [b"1"] * 4


@pytest.mark.django_db(transaction=True)
def test_without_a_keystore_nothing_is_sealed_opened_or_lost(
    keystore_down: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    cameo = enrol()
    store(cameo)
    sealed = seal_for(cameo.id, b"1", b"a")
    keystore_down()
    for use in (
        check_keystore,
        lambda: store(cameo),
        lambda: read_template(cameo.id),
        lambda: seal_for(cameo.id, b"2", b"a"),
        lambda: open_for(cameo.id, sealed, b"a"),
        lambda: destroy_data_key(cameo.id, erased=NOW),
    ):
        with pytest.raises(KeystoreUnavailable) as refused:
            use()
        assert isinstance(refused.value, Unavailable)
        assert refused.value.code == "keystore_unavailable"
    assert Template.objects.count() == 1
    monkeypatch.undo()
    check_keystore()
    assert open_for(cameo.id, sealed, b"a") == b"1"


@pytest.mark.django_db(transaction=True)
def test_a_keystore_that_was_never_migrated_is_unavailable() -> None:
    with connections["keystore"].cursor() as cursor:
        cursor.execute("alter table keystore_datakey rename to elsewhere")
    try:
        with pytest.raises(KeystoreUnavailable):
            seal_for(ALICE, b"1", b"a")
    finally:
        with connections["keystore"].cursor() as cursor:
            cursor.execute("alter table elsewhere rename to keystore_datakey")
