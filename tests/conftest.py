"""What every test may use: a keyring, folders of its own, and the fixed cast."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from django.conf import settings as django_settings
from django.db import connection
from pytest_django.fixtures import Settings
from pytest_django.plugin import DjangoDbBlocker

PROJECT = Path(__file__).resolve().parent.parent
REAL_CLIPS = Path(os.environ.get("CAMEO_REAL_CLIPS") or PROJECT.parent / "shared" / "clips")
SHARED_MODELS = Path(os.environ.get("CAMEO_SHARED_MODELS") or PROJECT.parent / "shared" / "models")

DATABASE_FIXTURES = {"db", "transactional_db", "live_server"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip by name what needs files that aren't here; whoever gets one database gets both."""
    pack = Path(django_settings.CAMEO_MODELS_DIR) / "open"
    for item in items:
        if item.get_closest_marker("real_clips") and not REAL_CLIPS.is_dir():
            item.add_marker(pytest.mark.skip(reason=f"no real clips at {REAL_CLIPS}"))
        if item.get_closest_marker("pack") and not pack.is_dir():
            item.add_marker(pytest.mark.skip(reason="the model pack `open` is not installed"))
        marker = item.get_closest_marker("django_db")
        if marker is None and not DATABASE_FIXTURES & set(getattr(item, "fixturenames", ())):
            continue
        given = {} if marker is None else marker.kwargs
        both = pytest.mark.django_db(**{"databases": ["default", "keystore"], **given})
        item.add_marker(both, append=False)


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """Drop the databases of suites that were killed before they could."""
    from cameo.embedded_postgres import ensure_running

    database = django_settings.DATABASES["default"]
    if "SERVER_FOLDER" not in database:
        return
    server = ensure_running(Path(database["SERVER_FOLDER"]))
    prefix = django_settings.TEST_DATABASE_PREFIX
    with psycopg.connect(
        host=server["host"], port=server["port"], user=server["user"], autocommit=True
    ) as server_connection:
        names = server_connection.execute(
            "select datname from pg_database where starts_with(datname, %s)", [prefix]
        )
        for (name,) in names.fetchall():
            process = name.removeprefix(prefix).partition("_")[0]
            if not Path(f"/proc/{process}").exists():
                server_connection.execute(f'drop database if exists "{name}" with (force)')


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Django empties tables between tests with TRUNCATE, which the ledger refuses.

    Only that one trigger goes; tests/audit puts it back where it is tested.
    """
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("drop trigger audit_ledgerentry_no_truncate on audit_ledgerentry")


@pytest.fixture(autouse=True)
def _own_folders(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    """A keyring that no other run shares, and a clip folder that no other test does."""
    from common.keyring import FileKeyring

    folder = tmp_path_factory.getbasetemp() / "cameo"
    keyring = folder / "keyring.json"
    if not keyring.exists():
        FileKeyring.create(keyring, now=datetime.now(UTC))
    settings.CAMEO_KEYRING_FILE = keyring
    settings.CAMEO_CLIP_DIR = tmp_path / "clips"


@pytest.fixture(autouse=True)
def _no_leftovers(request: pytest.FixtureRequest) -> None:
    """Django empties its own tables after tests that commit, not the queue's and not the index."""
    marker = request.node.get_closest_marker("django_db")
    commits = marker is not None and marker.kwargs.get("transaction")
    if not commits and not {"transactional_db", "live_server"} & set(request.fixturenames):
        return
    request.getfixturevalue("transactional_db")
    with connection.cursor() as cursor:
        cursor.execute("truncate procrastinate_jobs cascade")
        cursor.execute("delete from identity_duplicate_index where cameo_id like 'cam%%'")
