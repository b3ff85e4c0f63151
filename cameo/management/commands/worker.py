"""`manage.py worker`: check captures and do the other background work."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from procrastinate.contrib.django import app

from common.errors import CameoError
from identity.interface import prepare_to_verify

# A worker that is killed is noticed after this long, and its job given to another.
HEARTBEAT_SECONDS = 2.0
STALLED_SECONDS = 10.0


class Command(BaseCommand):
    help = "Check captures and do the other background work, until told to stop."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="stop when nothing is left to do")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            prepare_to_verify()
        except CameoError as error:
            raise CommandError(f"{error.message} ({error.code})") from error
        connector: Any = app.connector
        with app.replace_connector(connector.get_worker_connector()):
            app.run_worker(
                concurrency=1,
                wait=not options["once"],
                fetch_job_polling_interval=1.0,
                update_heartbeat_interval=HEARTBEAT_SECONDS,
                stalled_worker_timeout=STALLED_SECONDS,
                shutdown_graceful_timeout=30.0,
                delete_jobs="successful",
            )
