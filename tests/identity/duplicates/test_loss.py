"""What a crash and a restored backup leave of the index: nothing, and nobody is let through."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PROJECT
from tests.identity.duplicates.deployment import DUMP

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


class Failed(Exception):
    """A step ended with an error, which stands in the test's captured output."""


@pytest.fixture
def home() -> Iterator[Path]:
    """A deployment with a server of its own, where Alice and Bob are enrolled."""
    # Not in pytest's folder: each run of pytest closes that to the user that the server runs as.
    with tempfile.TemporaryDirectory(prefix="cameo-loss-") as folder:
        (people,) = do(Path(folder), "set_up")
        assert len(people) == 2
        yield Path(folder)


def do(home: Path, *steps: str) -> list[Any]:
    """What each step said, in a new process; the server stops with it."""
    kept = {k: v for k, v in os.environ.items() if not k.endswith("DATABASE_URL")}
    own = {
        "CAMEO_HOME": str(home),
        "DJANGO_SETTINGS_MODULE": "cameo.settings.base",
        "CAMEO_LOG_LEVEL": "CRITICAL",
    }
    command = [sys.executable, "-m", "tests.identity.duplicates.deployment", *steps]
    done = subprocess.run(
        command, cwd=PROJECT, env=kept | own, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode != 0:
        raise Failed
    return [json.loads(line) for line in done.stdout.splitlines()]


def start_again(home: Path) -> None:
    """Start the server after the crash; a busy machine's recovers longer than the wheel waits."""
    for _ in range(10):
        with contextlib.suppress(Failed):
            do(home, "row")
            return
        time.sleep(2)
    pytest.fail("the server doesn't come back")


def waits_until_rebuilt(home: Path) -> None:
    before, rebuilt, after = do(home, "search", "rebuild", "search")
    assert before == {"whole": False, "matches": [], "size": 0}
    assert rebuilt is True
    assert after["whole"] is True
    assert (len(after["matches"]), after["size"]) == (1, 2)


def test_a_clean_restart_keeps_the_index(home: Path) -> None:
    (found,) = do(home, "search")
    assert found["whole"] is True
    assert len(found["matches"]) == 1


def test_after_a_crash_enrolment_waits_until_the_index_is_rebuilt(home: Path) -> None:
    assert do(home, "crash") == ["gone"]
    start_again(home)
    waits_until_rebuilt(home)


def test_a_backup_holds_no_row_and_a_restored_one_waits(home: Path) -> None:
    rows, _ = do(home, "row", "careless_backup")
    assert len(rows) == 2
    careless = (home / DUMP).read_text("utf-8")
    assert all(row in careless for row in rows)
    do(home, "backup")
    dump = (home / DUMP).read_text("utf-8")
    assert not any(row in dump or row.split(",")[7] in dump for row in rows)
    assert "identity_duplicate_state" in dump
    assert "COPY public.identity_duplicate_index " not in dump
    assert do(home, "restore") == ["restored"]
    waits_until_rebuilt(home)
