"""`manage.py mend_birth_date ACCOUNT --by STAFF [--date 2010-05-01 | --forget]`: mend a mistake."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from common.clock import utcnow
from common.errors import CameoError
from consent.guarding import mend_birth_date


class Command(BaseCommand):
    """People declare their date of birth once; what they got wrong a member of staff mends."""

    help = "Replace an account's date of birth, or take it back; recorded in the ledger."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("account", help="acc_…")
        parser.add_argument("--by", required=True, help="the member of staff, acc_…")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--date", help="such as 2010-05-01")
        what.add_argument("--forget", action="store_true", help="none is known any more")

    def handle(self, *args: Any, account: str, by: str, date: str | None, **options: Any) -> None:
        try:
            mend_birth_date(account=account, birth_date=date, now=utcnow(), by=by)
        except CameoError as error:
            raise CommandError(f"{error.code}: {error.message}") from error
        self.stdout.write("Done.")
