"""`manage.py replay_decision SESSION_ID`: the same track must give the same verdict."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from common.clock import utcnow
from common.errors import CameoError
from identity.verification.replay import replay


class Command(BaseCommand):
    """Checks a decision record's signature and digest, and judges its stored track again."""

    help = "Judge a stored track again and compare with the signed decision record."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("session_id")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = replay(options["session_id"], now=utcnow())
        except CameoError as error:
            raise CommandError(f"{error.message} ({error.code})") from error
        for warning in found.warnings:
            self.stderr.write(f"warning: {warning}")
        if found.differences:
            for pointer in found.differences:
                self.stdout.write(f"differs: {pointer}")
            sys.exit(1)
        self.stdout.write(
            f"{found.session_id}: the same, byte for byte; the signature and the ledger hold; "
            f"outcome {found.outcome}"
        )
