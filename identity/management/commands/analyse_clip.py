"""`manage.py analyse_clip CLIP [--script SCRIPT.json] [--json]`: see docs/analyse-clip.md."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from common.errors import CameoError, InvalidInput, NotFound
from identity.capture.types import OWN_FILES
from identity.prompts import Script, ScriptInvalid
from identity.runtime.analysis import analyse
from identity.runtime.deployment import engines, pad_engine
from identity.runtime.report import report
from identity.runtime.words import in_words

MAX_SCRIPT_BYTES = 1_000_000


class Command(BaseCommand):
    help = "Analyse a clip as the service does, without a session."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("clip", type=Path, help="an MP4, MOV, WebM or MKV file")
        parser.add_argument("--script", type=Path, help="a JSON list of prompts")
        parser.add_argument("--json", action="store_true", help="one JSON object, nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            script = None if options["script"] is None else read_script(options["script"])
            data = read_file(options["clip"])
            analysis = analyse(data, script, engines(), pad=pad_engine(), limits=OWN_FILES)
        except CameoError as error:
            self._refuse(error, as_json=options["json"])
        else:
            body = report(analysis)
            self.stdout.write(json.dumps(body) if options["json"] else in_words(body))

    def _refuse(self, error: CameoError, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps({"error": error_json(error)}))
        else:
            self.stderr.write(f"{error.code}: {error.message}")
            for field in error.fields:
                self.stderr.write(f"  {field.pointer or '/'}: {field.message}")
        sys.exit(1)


def error_json(error: CameoError) -> dict[str, Any]:
    """Returns an error as the commands print it."""
    body: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.fields:
        body["fields"] = [
            {"pointer": f.pointer, "code": f.code, "message": f.message} for f in error.fields
        ]
    return body


def read_file(path: Path) -> bytes:
    """Returns a file's bytes.

    Raises:
        NotFound: it can't be read.
        InvalidInput: it is larger than what a command takes.
    """
    try:
        if path.stat().st_size > OWN_FILES.max_bytes:
            raise InvalidInput("The file is too large.", code="clip_too_large")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise NotFound("The file can't be read.", code="file_not_readable") from error


def read_script(path: Path) -> Script:
    """Returns the script in a file.

    Raises:
        NotFound: it can't be read.
        ScriptInvalid: it isn't a script.
    """
    data = read_file(path)
    if len(data) > MAX_SCRIPT_BYTES:
        raise ScriptInvalid
    try:
        body = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ScriptInvalid("The script is not JSON.") from error
    return Script.from_json(body)
