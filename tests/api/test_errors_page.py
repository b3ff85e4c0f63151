"""docs/errors.md has a line for every stable code, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("common", "models", "audit", "events", "accounts", "identity", "consent", "api", "web")
PAGE = ROOT / "docs" / "errors.md"


def _sources() -> Iterator[ast.Module]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if "migrations" not in path.parts:
                yield ast.parse(path.read_text("utf-8"))


def _classes() -> dict[str, ast.ClassDef]:
    return {
        node.name: node
        for module in _sources()
        for node in ast.walk(module)
        if isinstance(node, ast.ClassDef)
    }


def _errors() -> dict[str, ast.ClassDef]:
    """The classes that derive from CameoError, in whichever room."""
    classes, found = _classes(), {"CameoError"}
    grown = True
    while grown:
        more = {
            name
            for name, node in classes.items()
            if found & {ast.unparse(base).rpartition(".")[2] for base in node.bases}
        }
        grown = not more <= found
        found |= more
    return {name: classes[name] for name in found}


def _text(node: ast.expr | None) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return None


def codes() -> set[str]:
    """Codes of error classes, and those given where an error is raised."""
    errors, found = _errors(), set()
    for node in errors.values():
        for part in node.body:  # class bodies alone: what is assigned within methods is no code
            if isinstance(part, ast.Assign) and ast.unparse(part.targets[0]) == "code":
                found.add(_text(part.value))
            if isinstance(part, ast.AnnAssign) and ast.unparse(part.target) == "code":
                found.add(_text(part.value))
    for module in _sources():
        for call in ast.walk(module):
            if not isinstance(call, ast.Call):
                continue
            if ast.unparse(call.func).rpartition(".")[2] in errors:
                found |= {_text(word.value) for word in call.keywords if word.arg == "code"}
    return {code for code in found if code}


def test_the_page_has_every_code_and_no_other() -> None:
    lines = re.findall(r"^\| `([a-z0-9_]+)` \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert len(lines) == len(set(lines))
    assert set(lines) == codes()


def test_codes_are_found_where_they_are() -> None:
    assert {"internal", "grant_exists", "clip_too_large", "encryption_key_unreadable"} <= codes()
