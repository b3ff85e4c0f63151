"""`manage.py ledger verify`: check every chain of the ledger."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, transaction

from audit.interface import ChainBroken, verify_all


class Command(BaseCommand):
    help = "Check the ledger: every entry's hash, order and place, and each chain's head."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["verify"])
        parser.add_argument("--json", action="store_true", help="one JSON object on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with transaction.atomic():
                # One snapshot, or an entry appended meanwhile would look like a wrong head.
                with connection.cursor() as cursor:
                    cursor.execute("set transaction isolation level repeatable read")
                chains = verify_all()
        except ChainBroken as error:
            if options["json"]:
                self.stdout.write(
                    json.dumps(
                        {
                            "ok": False,
                            "code": error.code,
                            "chain": error.chain,
                            "sequence": error.sequence,
                            "why": error.why,
                        }
                    )
                )
            raise CommandError(error.message, returncode=1) from error
        entries = sum(chains.values())
        if options["json"]:
            self.stdout.write(json.dumps({"ok": True, "chains": len(chains), "entries": entries}))
        else:
            self.stdout.write(f"The ledger holds: {entries} entries in {len(chains)} chains.")
