"""`manage.py models list | show NAME | install NAME | verify [NAME] | import NAME PATH…`."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from common.errors import CameoError
from models import cli


class Command(BaseCommand):
    """A thin coat over models.cli; needs no database."""

    help = "Lists, installs and verifies model packs."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Adds the subcommands."""
        cli.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Runs one of them, its lines to standard output."""
        try:
            cli.run(
                Namespace(**options),
                models_dir=settings.CAMEO_MODELS_DIR,
                say=self.stdout.write,
            )
        except CameoError as error:
            raise CommandError(f"{error.code}: {error.message}") from error
