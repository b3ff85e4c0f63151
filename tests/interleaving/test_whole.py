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


def command(*options: str, expect: int | None = None) -> dict[str, Any]:
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
    if expect is not None:
        assert done.returncode == expect, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


UNEXPLAINED = "issue_again over http: ()"
"""About 1 of 20,000 operations is a repeated issue of which the history, not the ledger, says that
consent was interrupted since the first answer (docs/evaluation/withdrawal.md). Until it is known
which of the two is wrong, the command reports it and leaves with 1, and every commit isn't held
up by it; anything else is."""


def test_nothing_is_permitted_after_an_acknowledged_end() -> None:
    found = command("--operations", "5000", "--seed", "20")
    assert found["misplaced"] == 0
    assert found["violations"] <= 4
    assert set(found["examples"]) <= {UNEXPLAINED}
    assert found["unsure"] == {}
    assert found["permits"] > 500
    assert found["removals"] > 500


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_service_is_caught(fault: str) -> None:
    found = command("--operations", "2000", "--seed", "20", "--broken", fault, expect=1)
    assert found["misplaced"] > 0
    if fault == "remembered":
        assert found["violations"] > 0
