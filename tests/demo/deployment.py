"""A fresh deployment for the story: a folder of its own, an embedded database, two processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from cameo import env
from cameo.embedded_postgres import DATABASE, ensure_running, stop
from cameo.local import LocalDeployment, ensure_keyring, free_port
from tests.demo.clients import CALLBACK
from tests.demo.narration import must


@dataclass(frozen=True, slots=True)
class Fresh:
    """A deployment that has just been made.

    Attributes:
        home: its `$CAMEO_HOME`.
        local: its web server and worker.
        environment: of its processes.
    """

    home: Path
    local: LocalDeployment
    environment: dict[str, str]

    def dismantle(self) -> None:
        """Stop what still runs: the processes, then their database."""
        self.local.stop()
        stop(self.home / "postgres")

    @property
    def mailbox(self) -> Path:
        return self.home / "mail"

    def manage(self, *arguments: str, expect: int = 0) -> str:
        """Run `manage.py`; gives its standard output.

        Raises:
            StoryFailed: if it ends with another status.
        """
        done = subprocess.run(
            [sys.executable, str(env.PROJECT / "manage.py"), *arguments],
            cwd=env.PROJECT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        last = done.stderr.strip().rpartition("\n")[2]
        must(done.returncode == expect, f"manage.py {arguments[0]}: {done.returncode} {last}")
        return done.stdout

    def register(self, name: str, *options: str) -> dict[str, Any]:
        """Register an OAuth client with `manage.py generator register`."""
        made: dict[str, Any] = json.loads(
            self.manage(
                "generator", "register", name, "--redirect-uri", CALLBACK, "--json", *options
            )
        )
        return made

    def change_one_byte_of_the_ledger(self) -> None:
        """What somebody with the database's password could do."""
        server = ensure_running(self.home / "postgres")
        with psycopg.connect(
            host=server["host"], port=server["port"], user=server["user"], dbname=DATABASE
        ) as connection:
            connection.execute("alter table audit_ledgerentry disable trigger user")
            connection.execute(
                "update audit_ledgerentry set kind = overlay(kind placing 'G' from 1)"
                " where id = (select id from audit_ledgerentry where kind = 'grant.withdrawn')"
            )
            connection.execute("alter table audit_ledgerentry enable trigger user")


def prepare(home: Path, *, port: int | None = None) -> Fresh:
    """Make `home` a deployment: keyring, embedded database, migrations. Starts nothing yet."""
    port = port or free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")},
        "CAMEO_HOME": str(home),
        "CAMEO_MODELS_DIR": os.environ.get("CAMEO_MODELS_DIR") or str(env.home() / "models"),
        "CAMEO_MAIL_DIR": str(home / "mail"),
        "CAMEO_PUBLIC_URL": f"http://127.0.0.1:{port}",
    }
    for name in ("DATABASE_URL", "KEYSTORE_DATABASE_URL"):
        environment.pop(name, None)
    ensure_keyring(home / "keys" / "keyring.json")
    # A handle of our own, or each command would start and stop the server.
    ensure_running(home / "postgres")
    local = LocalDeployment(port=port, environment=environment, log_folder=home / "logs")
    fresh = Fresh(home, local, environment)
    fresh.manage("migrate", "--no-input", "--verbosity", "0")
    return fresh


@contextmanager
def running(fresh: Fresh) -> Iterator[Fresh]:
    """The deployment with its web server and worker, until the block ends."""
    try:
        fresh.local.start()
        yield fresh
    finally:
        fresh.local.stop()
