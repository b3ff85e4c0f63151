"""Renewing the key-encryption key: resumed after a kill, shared by two, beside enrolments."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, connections
from pytest_django.fixtures import Settings

from accounts.models import User
from common.envelope import SealBroken
from common.errors import Unavailable
from common.key_encryption import KeyEncryption, active_key
from common.keyring import FileKeyring
from identity.keystore.models import DataKey
from identity.models import Cameo, CaptureSession
from identity.protection import clips, renewal
from identity.protection.data_keys import KeystoreUnavailable, open_for, seal_for
from identity.protection.keyring import key_encryption
from identity.protection.renewal import IN_FLIGHT, renew_key
from tests.conftest import PROJECT
from tests.identity.protection.conftest import NOW
from tests.identity.protection.wrapping import MemoryKeyEncryption

DUE = NOW + timedelta(days=30)
LATER = DUE + IN_FLIGHT
pytestmark = pytest.mark.django_db


@pytest.fixture(params=["file", "memory"])
def encryption(
    request: pytest.FixtureRequest,
    ring: FileKeyring,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> KeyEncryption:
    """Each of two keepers that have nothing in common but the protocol."""
    if request.param == "file":
        return ring
    memory = MemoryKeyEncryption(NOW)
    monkeypatch.setattr("tests.identity.protection.wrapping.memory", lambda: memory, raising=False)
    settings.CAMEO_KEY_ENCRYPTION = "tests.identity.protection.wrapping.memory"
    return memory


def people(count: int) -> dict[str, bytes]:
    return {f"cam_{n:03}": seal_for(f"cam_{n:03}", f"{n}".encode(), b"a") for n in range(count)}


def assert_all_open(sealed: dict[str, bytes]) -> None:
    for cameo_id, one in sealed.items():
        assert open_for(cameo_id, one, b"a") == str(int(cameo_id[4:])).encode()


def under() -> set[str]:
    """Ids of the keys that wrap something, by the rows' column and by their bytes."""
    rows = DataKey.objects.filter(wrapped__isnull=False)
    column = {row.kek for row in rows}
    assert column == {key_encryption().wrapped_by(bytes(row.wrapped or b"")) for row in rows}
    return column


def test_a_key_that_is_due_is_renewed_and_the_old_one_destroyed(
    encryption: KeyEncryption, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renewal, "BATCH", 3)
    sealed, old = people(7), active_key(encryption)
    early = renew_key(now=DUE - timedelta(seconds=1))
    assert (early.renewed, early.rewrapped, under()) == (False, 0, {old.id})
    first = renew_key(now=DUE)
    assert (first.renewed, first.rewrapped, first.destroyed) == (True, 7, ())
    assert first.kept == (old.id,)
    assert under() == {first.active} != {old.id}
    second = renew_key(now=LATER)
    assert (second.renewed, second.rewrapped, second.destroyed) == (False, 0, (old.id,))
    assert [key.id for key in encryption.wrapping_keys()] == [first.active]
    assert_all_open(sealed)
    assert renew_key(now=LATER) == renewal.Renewal(first.active, False, 0, (), (), 0)


def test_by_hand_it_is_renewed_at_once_unless_one_is_under_way(encryption: KeyEncryption) -> None:
    people(2)
    first = renew_key(now=NOW, at_once=True)
    again = renew_key(now=NOW, at_once=True)
    assert (first.renewed, again.renewed, again.active) == (True, False, first.active)
    assert renew_key(now=NOW + IN_FLIGHT, at_once=True).destroyed == first.kept
    assert renew_key(now=NOW + IN_FLIGHT, at_once=True).renewed


def test_what_was_taken_before_the_renewal_opens_with_nothing(encryption: KeyEncryption) -> None:
    people(1)
    before = bytes(DataKey.objects.get().wrapped or b"")
    renew_key(now=DUE)
    renew_key(now=LATER)
    with pytest.raises(SealBroken):
        encryption.unwrap(before, bound_to=b"cam_000")


def test_an_old_key_waits_for_the_last_clip_under_it(encryption: KeyEncryption) -> None:
    alice = User.objects.create_user("alice@example.org")
    cameo = Cameo.objects.create(owner=alice, created=NOW)
    session = CaptureSession.objects.create(
        account=alice, cameo=cameo, script=[], created=NOW, expires=NOW
    )
    sealed = clips.keep(b"clip", session_id=session.id)
    old = active_key(encryption).id
    CaptureSession.objects.update(clip_key=sealed.wrapped_key, clip_file=sealed.file)
    renew_key(now=DUE)
    day_after = DUE + timedelta(hours=20)
    assert renew_key(now=day_after).kept == (old,)
    assert clips.read(sealed, session_id=session.id) == b"clip"
    CaptureSession.objects.update(clip_key=None, clip_file="")
    assert renew_key(now=day_after).destroyed == (old,)


def test_a_row_that_does_not_open_is_counted_and_keeps_its_key(encryption: KeyEncryption) -> None:
    sealed, old = people(3), active_key(encryption).id
    DataKey.objects.filter(cameo_id="cam_001").update(
        wrapped=DataKey.objects.get(cameo_id="cam_000").wrapped
    )
    renew_key(now=DUE)
    found = renew_key(now=LATER)
    assert (found.broken, found.destroyed, found.kept) == (1, (), (old,))
    assert_all_open({key: one for key, one in sealed.items() if key != "cam_001"})
    DataKey.objects.filter(cameo_id="cam_001").update(wrapped=None, kek="", erased=LATER)
    assert renew_key(now=LATER).destroyed == (old,)


@pytest.mark.parametrize("point", ["renew", "wrap", "unwrap", "destroy"])
@pytest.mark.parametrize("error", [Unavailable, KeyboardInterrupt])
def test_a_renewal_cut_off_anywhere_is_gone_on_with(
    ring: FileKeyring,
    monkeypatch: pytest.MonkeyPatch,
    point: str,
    error: type[BaseException],
) -> None:
    monkeypatch.setattr(renewal, "BATCH", 2)
    sealed, calls = people(5), []
    works = getattr(FileKeyring, point)

    def cut(*args: object, **options: object) -> object:
        calls.append(point)
        if len(calls) == (1 if point in ("renew", "destroy") else 4):
            raise error
        return works(*args, **options)

    def renew_twice() -> None:
        renew_key(now=DUE)
        renew_key(now=LATER)

    with monkeypatch.context() as patch:
        patch.setattr(FileKeyring, point, cut)
        with pytest.raises(error):
            renew_twice()
    assert_all_open(sealed)
    renew_key(now=LATER)
    renew_key(now=LATER + IN_FLIGHT)
    assert_all_open(sealed)
    assert [key.id for key in ring.wrapping_keys()] == list(under())
    assert len(calls) > 0


# --- several processes ---------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from cameo import env
env.prepare()
import django
from django.conf import settings
django.setup()
for alias, name in zip(("default", "keystore"), sys.argv[1:3]):
    settings.DATABASES[alias]["NAME"] = name
from pathlib import Path
settings.CAMEO_KEYRING_FILE = Path(sys.argv[3])
from common.clock import from_rfc3339
from common.keyring import FileKeyring
from identity.protection import renewal
renewal.BATCH = 4
point, left = sys.argv[5], int(sys.argv[6])
works = getattr(FileKeyring, point)
def killed(*args, **options):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return works(*args, **options)
setattr(FileKeyring, point, killed)
renewal.renew_key(now=from_rfc3339(sys.argv[4]))
"""


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("point", "calls"),
    [("wrap", 0), ("wrap", 5), ("unwrap", 11), ("_write", 0), ("_load", 3), ("destroy", 0)],
)
def test_a_renewal_that_is_killed_is_gone_on_with(
    ring: FileKeyring, settings: Settings, point: str, calls: int
) -> None:
    sealed = people(12)
    if point == "destroy":
        renew_key(now=DUE)
    moment = LATER if point == "destroy" else DUE
    names = [connections[alias].settings_dict["NAME"] for alias in ("default", "keystore")]
    place = str(settings.CAMEO_KEYRING_FILE)
    arguments = [*names, place, moment.isoformat(), point, str(calls)]
    done = subprocess.run(
        [sys.executable, "-c", KILLED, *arguments], cwd=PROJECT, capture_output=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert_all_open(sealed)
    renew_key(now=LATER)
    renew_key(now=LATER + IN_FLIGHT)
    assert_all_open(sealed)
    assert [key.id for key in FileKeyring(Path(place)).wrapping_keys()] == list(under())


def together(*work: Callable[[], None]) -> None:
    wrong: list[BaseException] = []

    def run(one: Callable[[], None]) -> None:
        try:
            one()
        except BaseException as error:
            wrong.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[one]) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.django_db(transaction=True)
def test_two_renewals_that_race_make_one_key_and_lose_none(
    encryption: KeyEncryption, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renewal, "BATCH", 3)
    sealed, barrier = people(30), threading.Barrier(2)

    def renew() -> None:
        barrier.wait()
        renew_key(now=DUE, at_once=True)
        renew_key(now=LATER)

    together(renew, renew)
    assert_all_open(sealed)
    renew_key(now=LATER)
    assert [key.id for key in encryption.wrapping_keys()] == list(under())


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_people_enrol_and_are_compared_while_keys_are_renewed_over_and_over(
    encryption: KeyEncryption, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renewal, "BATCH", 3)
    monkeypatch.setattr(renewal, "IN_FLIGHT", timedelta(0))
    sealed, stop = people(20), threading.Event()
    enrolled: dict[str, bytes] = {}

    def enrol() -> None:
        for n in range(100, 200):
            enrolled[f"cam_{n}"] = seal_for(f"cam_{n}", f"{n}".encode(), b"a")

    def compare() -> None:
        while not stop.is_set():
            assert_all_open(dict(list(sealed.items())[:5]))

    def renew() -> None:
        try:
            for n in range(12):
                renew_key(now=DUE + timedelta(days=31 * n))
        finally:
            stop.set()

    together(enrol, compare, renew)
    assert_all_open(sealed | enrolled)
    renew_key(now=DUE + timedelta(days=1000))
    renew_key(now=DUE + timedelta(days=1000))
    assert len(encryption.wrapping_keys()) == 1
    assert_all_open(sealed | enrolled)


def open_one(sealed: dict[str, bytes]) -> None:
    assert open_for("cam_000", sealed["cam_000"], b"a") == b"0"


def seal_one(sealed: dict[str, bytes]) -> None:
    sealed["cam_001"] = seal_for("cam_001", b"1", b"a")


def rewrap_one(sealed: dict[str, bytes]) -> None:
    renewal._rewrap(key_encryption())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("point", "use"), [("unwrap", open_one), ("wrap", seal_one), ("wrap", rewrap_one)]
)
def test_a_key_that_is_being_used_is_not_destroyed_meanwhile(
    ring: FileKeyring,
    monkeypatch: pytest.MonkeyPatch,
    point: str,
    use: Callable[[dict[str, bytes]], None],
) -> None:
    """Whoever has looked a key up is stopped there, until its destruction had time to happen."""
    sealed, stopped, destroyed = people(1), threading.Event(), threading.Event()
    if use is rewrap_one:
        ring.renew(replacing=active_key(ring).id, now=NOW + timedelta(days=1))
    used, user = active_key(ring).id, threading.Event()
    works = getattr(FileKeyring, point)

    def slow(self: FileKeyring, value: bytes, *, bound_to: bytes) -> bytes:
        if user.is_set() and threading.current_thread().name == "user" and not stopped.is_set():
            # The key is found, and what was wrapped under it isn't committed or opened yet.
            found: bytes = works(self, value, bound_to=bound_to) if point == "wrap" else b""
            stopped.set()
            destroyed.wait(1.0)
            return found or works(self, value, bound_to=bound_to)
        return bytes(works(self, value, bound_to=bound_to))

    def be_the_user() -> None:
        threading.current_thread().name = "user"
        user.set()
        use(sealed)

    def destroy() -> None:
        assert stopped.wait(10)
        ring.renew(replacing=used, now=DUE)
        renewal._rewrap(ring)
        renewal._destroy_retired(ring, LATER)
        destroyed.set()

    monkeypatch.setattr(FileKeyring, point, slow)
    together(be_the_user, destroy)
    assert_all_open(sealed)
    renew_key(now=LATER)
    assert_all_open(sealed)
    assert [key.id for key in ring.wrapping_keys()] == list(under())


@pytest.mark.django_db(transaction=True)
def test_without_a_keystore_no_key_is_destroyed(
    ring: FileKeyring, keystore_down: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = people(2)
    renew_key(now=DUE)
    keystore_down()
    with pytest.raises(KeystoreUnavailable):
        renew_key(now=LATER)
    assert len(ring.wrapping_keys()) == 2
    monkeypatch.undo()
    assert_all_open(sealed)


@pytest.mark.django_db(transaction=True)
def test_the_main_database_is_asked_for_clips_before_a_key_goes(
    ring: FileKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    renew_key(now=DUE)
    connection.close()
    gone = {"host": "127.0.0.1", "port": 1, "dbname": "gone", "user": "nobody"}
    with monkeypatch.context() as patch:
        patch.setattr(connection, "get_connection_params", lambda: dict(gone))
        with pytest.raises(Unavailable):
            renew_key(now=LATER)
    assert len(ring.wrapping_keys()) == 2
