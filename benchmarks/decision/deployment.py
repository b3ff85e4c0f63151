"""A deployment of a benchmark's own: a folder, an embedded database, a keyring."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

SETTINGS = ("shared_buffers", "autovacuum", "fsync", "synchronous_commit", "jit", "server_version")


def environment(home: Path) -> dict[str, str]:
    """What a process of the deployment in `home` sees."""
    kept = {k: v for k, v in os.environ.items() if not k.endswith("DATABASE_URL")}
    return kept | {
        "CAMEO_HOME": str(home),
        "XDG_RUNTIME_DIR": str(home),
        "CAMEO_LOG_LEVEL": "ERROR",
        "CAMEO_MODEL_PACK": "",
        "CAMEO_PAD_PACK": "",
        "DJANGO_SETTINGS_MODULE": "cameo.settings.base",
    }


def set_up(*, migrate: bool = False) -> None:
    """Django over the deployment in `$CAMEO_HOME`; `migrate` makes its tables and its keyring."""
    import django

    django.setup()
    if migrate:
        from django.conf import settings
        from django.core.management import call_command

        from cameo.local import ensure_keyring

        ensure_keyring(Path(settings.CAMEO_KEYRING_FILE))
        for database in settings.DATABASES:
            call_command("migrate", database=database, verbosity=0)


def database_facts() -> dict[str, Any]:
    """The database's settings, and its size in MiB."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("select pg_database_size(current_database())")
        (size,) = cursor.fetchone()
        found: dict[str, Any] = {"database_mb": round(size / 2**20, 1)}
        for setting in SETTINGS:
            cursor.execute(f"show {setting}")
            (found[setting],) = cursor.fetchone()
    return found


def resident_mb() -> float:
    """What this process holds in memory now, in MiB."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)
