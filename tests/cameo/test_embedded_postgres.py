"""The embedded database's start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT

START = (
    "import sys, pathlib; from cameo.embedded_postgres import ensure_running;"
    "print(sorted(ensure_running(pathlib.Path(sys.argv[1]))))"
)


def start(folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", START, str(folder)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.slow
def test_a_first_start_that_was_killed_half_way_is_done_again(tmp_path: Path) -> None:
    folder = tmp_path / "postgres"
    # What a kill leaves behind while the data folder is made.
    folder.mkdir()
    (folder / "PG_VERSION").write_text("18\n")
    (folder / "base").mkdir()
    (tmp_path / ".postgres.making").touch()
    assert start(folder) == "['host', 'port', 'user']"
    assert not (tmp_path / ".postgres.making").exists()


@pytest.mark.slow
def test_a_second_start_keeps_what_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "postgres"
    start(folder)
    made = (folder / "PG_VERSION").stat().st_ino
    start(folder)
    assert (folder / "PG_VERSION").stat().st_ino == made


@pytest.mark.slow
def test_a_server_that_is_stopped_is_gone_whoever_was_counted_as_using_it(tmp_path: Path) -> None:
    folder = tmp_path / "postgres"
    killed = (
        "import os, sys, pathlib; from cameo.embedded_postgres import ensure_running;"
        "ensure_running(pathlib.Path(sys.argv[1])); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", killed, str(folder)], cwd=PROJECT, check=False)
    assert (folder / "postmaster.pid").exists()
    ending = (
        "import sys, pathlib; from cameo.embedded_postgres import stop;"
        "stop(pathlib.Path(sys.argv[1]))"
    )
    subprocess.run([sys.executable, "-c", ending, str(folder)], cwd=PROJECT, check=True)
    assert not (folder / "postmaster.pid").exists()
