"""A keyring whose keys are as old as a test says, and a keystore that doesn't answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from common.keyring import FileKeyring
from tests.identity.keystores import take_down

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def ring(settings: Settings, tmp_path: Path) -> FileKeyring:
    """This test's own keyring, made at `NOW`."""
    settings.CAMEO_KEYRING_FILE = tmp_path / "keyring.json"
    return FileKeyring.create(tmp_path / "keyring.json", now=NOW)


@pytest.fixture
def keystore_down(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Call it, and from then on nobody listens where the keystore was."""
    return lambda: take_down(monkeypatch)
