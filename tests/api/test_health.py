"""`/livez` and `/readyz`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from pytest_django.fixtures import Settings

from api import health
from tests.api.conftest import Api
from tests.identity.keystores import take_down


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    health._migrations_of_this_process.cache_clear()
    health._model_pack.cache_clear()
    yield
    health._migrations_of_this_process.cache_clear()
    health._model_pack.cache_clear()


def _ready(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("models.install.verify", lambda *_: None)
    return Api()("GET", "/readyz")


def test_a_process_that_answers_is_live() -> None:
    assert Api()("GET", "/livez").json == {"status": "live"}
    assert Api()("POST", "/livez").code == "method_not_allowed"
    assert Api()("POST", "/readyz").code == "method_not_allowed"


def test_ready_with_everything_in_place(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = _ready(monkeypatch)
    assert answer.status == 200
    assert set(answer.json["checks"].values()) == {"ok"}


def test_not_ready_without_the_pack(db: None, settings: Settings, tmp_path: Path) -> None:
    settings.CAMEO_MODELS_DIR = tmp_path
    answer = Api()("GET", "/readyz")
    assert answer.status == 503
    assert answer.json["checks"]["models"] == "failed"
    assert str(tmp_path) not in answer.response.content.decode()


def test_not_ready_without_the_keyring(
    db: None, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CAMEO_KEYRING_FILE = tmp_path / "missing"
    assert _ready(monkeypatch).json["checks"]["keyring"] == "failed"


def test_not_ready_without_the_database(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: Any, **__: Any) -> None:
        raise OperationalError

    with monkeypatch.context() as patch:
        patch.setattr("django.db.backends.utils.CursorWrapper.execute", down)
        answer = _ready(patch)
    assert answer.status == 503
    assert answer.json["checks"]["database"] == "failed"


@pytest.mark.django_db(transaction=True)
def test_not_ready_without_the_keystore(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        take_down(patch)
        answer = _ready(patch)
        assert answer.status == 503
        failed = [name for name, state in answer.json["checks"].items() if state != "ok"]
        assert failed == ["keystore"]
        assert "gone" not in answer.response.content.decode()
    assert _ready(monkeypatch).json["checks"]["keystore"] == "ok"


def test_not_ready_before_the_migrations(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = [("somewhere", False)]
    monkeypatch.setattr(
        "django.db.migrations.executor.MigrationExecutor.migration_plan", lambda *_: plan
    )
    assert _ready(monkeypatch).json["checks"]["migrations"] == "failed"
