"""`manage.py generator register|suspend|resume|list`."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.generators import (
    GeneratorState,
    list_generators,
    register_generator,
    resume_generator,
    suspend_generator,
)
from common.canonical import strict_json
from common.clock import rfc3339, utcnow
from common.errors import CameoError, InvalidInput

MAX_KEY_FILE = 10_000


class Command(BaseCommand):
    """Registers OAuth clients, and takes their rights away or gives them back."""

    help = "Register, suspend, resume or list generators and people's apps."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="action", required=True)
        register = commands.add_parser("register", help="register a client; prints its secret once")
        register.add_argument("name", help="what people see")
        register.add_argument("--redirect-uri", action="append", default=[], metavar="URI")
        register.add_argument("--audience", help="`aud` of its tokens; its client id if not given")
        register.add_argument("--encryption-key", type=Path, metavar="FILE", help="public JWK")
        register.add_argument("--first-party", action="store_true", help="may name a requester")
        register.add_argument("--app", action="store_true", help="a person's app: renders nothing")
        suspend = commands.add_parser("suspend", help="refuse a client everywhere")
        suspend.add_argument("client_id")
        resume = commands.add_parser("resume", help="let a suspended client ask again")
        resume.add_argument("client_id")
        listing = commands.add_parser("list", help="every client, oldest first")
        for command in (register, suspend, resume, listing):
            _as_json(command)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['action']}")(options)
        except CameoError as error:
            raise CommandError(f"{error.message} ({error.code})") from error

    def _register(self, options: dict[str, Any]) -> None:
        key = _read_key(options["encryption_key"]) if options["encryption_key"] else None
        made = register_generator(
            name=options["name"],
            redirect_addresses=options["redirect_uri"],
            audience=options["audience"],
            encryption_key=key,
            first_party=options["first_party"],
            renders=not options["app"],
            by="command",
            now=utcnow(),
        )
        if options["json"]:
            body = asdict(made.generator)
            if made.client_secret is not None:
                body["client_secret"] = made.client_secret
            self.stdout.write(_json(body))
            return
        self.stdout.write(f"client_id      {made.generator.client_id}")
        self.stdout.write(f"audience       {made.generator.audience}")
        if made.client_secret is not None:
            self.stdout.write(f"client_secret  {made.client_secret}")
            self.stdout.write("The secret is shown this once and kept nowhere.")

    def _suspend(self, options: dict[str, Any]) -> None:
        client_id = options["client_id"]
        self._show(suspend_generator(client_id=client_id, by="command", now=utcnow()), options)

    def _resume(self, options: dict[str, Any]) -> None:
        client_id = options["client_id"]
        self._show(resume_generator(client_id=client_id, by="command", now=utcnow()), options)

    def _list(self, options: dict[str, Any]) -> None:
        found = list_generators()
        if options["json"]:
            self.stdout.write(_json([asdict(state) for state in found]))
            return
        for state in found:
            self._show(state, options)

    def _show(self, state: GeneratorState, options: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(_json(asdict(state)))
            return
        kind = "generator" if state.renders else "app"
        marks = [kind, *(["first party"] if state.first_party else [])]
        marks += ["suspended"] if state.suspended else []
        self.stdout.write(f"{state.client_id}  {state.name}  ({', '.join(marks)})")


def _json(value: object) -> str:
    return json.dumps(value, default=rfc3339)


def _as_json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="JSON on standard output")


def _read_key(path: Path) -> object:
    try:
        with path.open("rb") as file:
            return strict_json(file.read(MAX_KEY_FILE))
    except OSError as error:
        raise InvalidInput(
            "The file of the encryption key can't be read.", code="encryption_key_unreadable"
        ) from error
