"""`manage.py capture_clients add NAME KEY.pem | list | suspend ID`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from common.clock import rfc3339, utcnow
from common.errors import CameoError, NotFound
from identity.enrolment.clients import (
    MAX_KEY_FILE,
    ClientState,
    add_client,
    list_clients,
    suspend_client,
)


class Command(BaseCommand):
    """Says whose attestations of captures are believed."""

    help = "Add, list or suspend the capture clients whose attestations are believed."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="action", required=True)
        add = commands.add_parser("add", help="believe what a key signs")
        add.add_argument("name")
        add.add_argument("key", type=Path, help="Ed25519 public key in PEM")
        commands.add_parser("list", help="every capture client, oldest first, a JSON line each")
        suspend = commands.add_parser("suspend", help="believe a client no longer")
        suspend.add_argument("client_id")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            for client in self._done(options):
                self.stdout.write(_line(client))
        except CameoError as error:
            raise CommandError(f"{error.message} ({error.code})") from error

    def _done(self, options: dict[str, Any]) -> tuple[ClientState, ...]:
        if options["action"] == "list":
            return list_clients()
        if options["action"] == "suspend":
            return (suspend_client(client_id=options["client_id"], now=utcnow()),)
        try:
            with options["key"].open("rb") as stream:
                pem = stream.read(MAX_KEY_FILE + 1)
        except OSError as error:
            raise NotFound("The file can't be read.", code="file_not_readable") from error
        return (add_client(name=options["name"], pem=pem, now=utcnow()),)


def _line(client: ClientState) -> str:
    body = asdict(client) | {
        "suspended": rfc3339(client.suspended) if client.suspended else None,
        "created": rfc3339(client.created),
    }
    return json.dumps(body)
