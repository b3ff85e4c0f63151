"""`/livez` says that the process answers, `/readyz` that it can do its work."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse

from api import problems
from common.errors import Unavailable
from common.keyring import FileKeyring
from identity.interface import check_keystore

log = logging.getLogger("api.health")


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


@cache
def _migrations_of_this_process() -> None:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise Unavailable("Migrations are missing.")


def _keyring() -> None:
    FileKeyring(Path(settings.CAMEO_KEYRING_FILE)).check()


@cache
def _model_pack(folder: Path, name: str) -> None:
    # Loaded here: a process that never asks needs none of the converters behind it.
    from models.install import verify
    from models.manifest import load_manifest

    verify(load_manifest(name), folder)


def _models() -> None:
    for pack in filter(None, (settings.CAMEO_MODEL_PACK, settings.CAMEO_PAD_PACK)):
        _model_pack(Path(settings.CAMEO_MODELS_DIR), pack)


# What succeeded once and can't come undone while the process lives is cached by its check.
CHECKS: Mapping[str, Callable[[], None]] = {
    "database": _database,
    "migrations": _migrations_of_this_process,
    "keystore": check_keystore,
    "keyring": _keyring,
    "models": _models,
}


def live(request: HttpRequest) -> HttpResponse:
    """200 as long as the process answers."""
    if request.method not in {"GET", "HEAD"}:
        return problems.response_to(problems.MethodNotAllowed())
    return JsonResponse({"status": "live"}, headers={"Cache-Control": "no-store"})


def ready(request: HttpRequest) -> HttpResponse:
    """200 with every check `ok`, or 503 that names the checks that failed, and nothing more."""
    if request.method not in {"GET", "HEAD"}:
        return problems.response_to(problems.MethodNotAllowed())
    found: dict[str, str] = {}
    for name, check in CHECKS.items():
        try:
            check()
        except Exception:
            log.exception("a readiness check failed", extra={"fields": {"check": name}})
            found[name] = "failed"
        else:
            found[name] = "ok"
    good = set(found.values()) == {"ok"}
    body = {"status": "ready" if good else "not_ready", "checks": found}
    return JsonResponse(body, status=200 if good else 503, headers={"Cache-Control": "no-store"})
