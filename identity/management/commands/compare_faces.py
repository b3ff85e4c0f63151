"""`manage.py compare_faces`: two faces, or many pairs of them; see docs/analyse-clip.md."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from common.errors import CameoError, MalformedInput
from identity.management.commands.analyse_clip import error_json, read_file
from identity.runtime.deployment import engines
from identity.runtime.faces import Comparison, Likeness, compare_likenesses, likeness_of
from models.engine import Engines


class Command(BaseCommand):
    help = "Compare the faces of two pictures or clips, or of many pairs of them."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", type=Path, nargs="*", metavar="FILE", help="two of them")
        parser.add_argument("--pairs", type=Path, help="CSV of lines `a,b`")
        parser.add_argument("--json", action="store_true", help="one JSON object (a line a pair)")

    def handle(self, *args: Any, **options: Any) -> None:
        files, pairs = options["files"], options["pairs"]
        if (pairs is None) == (not files) or (files and len(files) != 2):
            raise CommandError("Give two files, or --pairs with a CSV file.")
        try:
            lines = None if pairs is None else read_pairs(pairs)
            faces = Faces(engines())
            if lines is None:
                self._say(files[0].name, files[1].name, faces.compare(*files), options["json"])
                return
        except CameoError as error:
            if options["json"]:
                self.stdout.write(json.dumps({"error": error_json(error)}))
            else:
                self.stderr.write(f"{error.code}: {error.message}")
            sys.exit(1)
        for a, b in lines:
            try:
                one, other = (_resolved(name, pairs.parent) for name in (a, b))
                self._say(a, b, faces.compare(one, other), options["json"])
            except CameoError as error:
                if options["json"]:
                    self.stdout.write(json.dumps({"a": a, "b": b, "error": error_json(error)}))
                else:
                    self.stdout.write(f"{a} {b}: {error.code}")

    def _say(self, a: str, b: str, comparison: Comparison, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps({"a": a, "b": b, **comparison.to_json()}))
            return
        body = comparison.to_json()
        self.stdout.write(
            f"{a} {b}: {body['decision']}, score {comparison.score:.2f} "
            f"against {comparison.threshold:g} ({comparison.template_format})"
        )


class Faces:
    """Describes each file once, however many pairs it is in."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self._known: dict[Path, Likeness | CameoError] = {}

    def compare(self, one: Path, other: Path) -> Comparison:
        """Returns the comparison decision on two files.

        Raises:
            CameoError: one of them can't be read, decoded, or shows no usable face.
        """
        return compare_likenesses(self._of(one), self._of(other), self._engines)

    def _of(self, path: Path) -> Likeness:
        if path not in self._known:
            try:
                self._known[path] = likeness_of(read_file(path), self._engines)
            except CameoError as error:
                self._known[path] = error
        known = self._known[path]
        if isinstance(known, CameoError):
            raise known
        return known


def read_pairs(path: Path) -> list[tuple[str, str]]:
    """Returns the lines of a CSV file of pairs; a first line `a,b` is its heading.

    Raises:
        NotFound: it can't be read.
        MalformedInput: it isn't UTF-8, or a line has other than two fields.
    """
    try:
        text = read_file(path).decode("utf-8-sig")
        rows = [row for row in csv.reader(text.splitlines()) if any(cell.strip() for cell in row)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise MalformedInput(
            "The list of pairs is not a CSV file.", code="pairs_invalid"
        ) from error
    if any(len(row) != 2 for row in rows):
        raise MalformedInput("A line of the list has other than two fields.", code="pairs_invalid")
    pairs = [(row[0].strip(), row[1].strip()) for row in rows]
    return pairs[1:] if pairs[:1] == [("a", "b")] else pairs


def _resolved(name: str, folder: Path) -> Path:
    """A file's path: beside the list if there is such a file there, else from where one is."""
    beside = folder / name
    try:
        return beside if beside.is_file() else Path(name)
    except OSError:
        # A name that is too long, say: reading the file will say so.
        return Path(name)
