"""Whole runs, as the command does them: a service that holds, and broken ones that are caught."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from cameo import env
from tests.interleaving.faults import FAULTS

pytestmark = pytest.mark.slow


def command(*options: str, expect: int) -> dict[str, Any]:
    """What `python -m tests.interleaving` prints; the environment is a plain shell's."""
    hidden = ("DJANGO_", "CAMEO_HOME", "CAMEO_KEYRING", "DATABASE_URL")
    done = subprocess.run(
        [sys.executable, "-m", "tests.interleaving", *options],
        cwd=env.PROJECT,
        env={name: value for name, value in os.environ.items() if not name.startswith(hidden)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == expect, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_nothing_is_permitted_after_an_acknowledged_end() -> None:
    found = command("--operations", "5000", "--seed", "20", expect=0)
    assert found["violations"] == found["misplaced"] == 0
    assert found["unsure"] == {}
    assert found["permits"] > 500
    assert found["removals"] > 500


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_service_is_caught(fault: str) -> None:
    found = command("--operations", "2000", "--seed", "20", "--broken", fault, expect=1)
    assert found["misplaced"] > 0
    if fault == "remembered":
        assert found["violations"] > 0
