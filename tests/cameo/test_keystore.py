"""Two databases: what lies where."""

from __future__ import annotations

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connections, router

from accounts.models import User
from cameo.embedded_postgres import ensure_running, stop
from identity.keystore.models import DataKey
from identity.models import Cameo, Template
from tests.conftest import PROJECT


def tables(alias: str) -> set[str]:
    with connections[alias].cursor() as cursor:
        return set(connections[alias].introspection.table_names(cursor))


@pytest.mark.django_db
def test_the_keystore_holds_its_one_table_and_nothing_else_does() -> None:
    assert tables("keystore") == {"keystore_datakey", "django_migrations"}
    assert "keystore_datakey" not in tables("default")
    assert "identity_template" in tables("default")


def test_every_model_has_one_database() -> None:
    for model in apps.get_models():
        alias = "keystore" if model is DataKey else "default"
        assert router.db_for_read(model) == router.db_for_write(model) == alias
        for other in ("default", "keystore"):
            assert router.allow_migrate_model(other, model) is (other == alias)


def test_nothing_refers_across() -> None:
    assert [field for field in DataKey._meta.get_fields() if field.is_relation] == []
    assert not router.allow_relation(DataKey(cameo_id="cam_1"), Cameo(id="cam_1"))
    assert router.allow_relation(Template(), Cameo())
    assert router.allow_relation(User(), Cameo())


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "named"),
    [((), ["keystore", "default"]), (("--database", "keystore"), ["keystore"])],
)
def test_one_command_migrates_both_and_the_keystore_first(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], named: list[str]
) -> None:
    migrated: list[str] = []
    monkeypatch.setattr(
        "django.core.management.commands.migrate.Command.handle",
        lambda self, *args, **options: migrated.append(options["database"]),
    )
    call_command("migrate", *arguments, stdout=StringIO())
    assert migrated == named


@pytest.mark.slow
def test_a_fresh_deployment_is_migrated_from_the_command_line(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if "DATABASE_URL" not in name}
    environment = {
        **kept,
        "CAMEO_HOME": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "cameo.settings.base",
    }

    def manage(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=PROJECT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    ensure_running(tmp_path / "postgres")
    try:
        manage("keys", "init")
        said = manage("migrate", "--no-color")
        assert "Applying keystore.0001_initial... OK" in said
        assert "No migrations to apply" in manage("migrate")
        assert "is the active key-encryption key." in manage("keys", "renew")
        assert manage("keys", "reapply-erasures") == "Erased again: 0.\n"
    finally:
        stop(tmp_path / "postgres")
