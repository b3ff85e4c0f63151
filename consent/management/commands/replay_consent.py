"""`manage.py replay_consent ID`: decide a kept decision again, from what it was decided on."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from common.errors import CameoError
from consent.replaying import ReplayState, replay


class Command(BaseCommand):
    """Exits with 1 unless the same case gives the same bytes again."""

    help = "Decide a kept decision on consent again, by its id or its token's jti."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("decision", help="dec_… or lkt_…")

    def handle(self, *args: Any, decision: str, **options: Any) -> None:
        try:
            found = replay(decision=decision)
        except CameoError as error:
            raise CommandError(f"{error.code}: {error.message}") from error
        self.stdout.write(f"{found.id} {found.state.value} {found.digest}")
        if found.state is ReplayState.DIFFERENT:
            raise CommandError("The stored case gives another decision, or was changed.")
