"""`manage.py migrate`: Django's own, for both databases where none is named."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.core.management.commands import migrate
from django.db import DEFAULT_DB_ALIAS

from cameo.routers import KEYSTORE


class Command(migrate.Command):
    """Migrates the keystore first: the main database's migrations may hand keys over to it."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database=None)

    def get_check_kwargs(self, options: dict[str, Any]) -> dict[Any, Any]:
        given: dict[Any, Any] = super().get_check_kwargs(options)
        return {**given, "databases": _wanted(options)}

    def handle(self, *args: Any, **options: Any) -> None:
        for alias in _wanted(options):
            super().handle(*args, **{**options, "database": alias})


def _wanted(options: dict[str, Any]) -> list[str]:
    return [options["database"]] if options["database"] else [KEYSTORE, DEFAULT_DB_ALIAS]
