from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command


@pytest.fixture
def empty_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(settings, "CAMEO_MODELS_DIR", tmp_path / "models")
    return tmp_path


def test_the_command_lists_packs_on_standard_output(empty_home: Path) -> None:
    out = StringIO()

    call_command("models", "list", stdout=out)

    assert "open" in out.getvalue()
    assert "not installed" in out.getvalue()


def test_an_error_of_the_command_carries_its_code(empty_home: Path) -> None:
    with pytest.raises(CommandError, match="pack_unknown: "):
        call_command("models", "show", "nothing", stdout=StringIO())
    with pytest.raises(CommandError, match="licence_not_accepted: "):
        call_command("models", "install", "buffalo_l", stdout=StringIO())


def test_a_command_that_is_not_understood_is_refused(empty_home: Path) -> None:
    with pytest.raises(CommandError):
        call_command("models", "explode", stdout=StringIO())
