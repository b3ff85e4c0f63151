"""The OpenAPI document: checked in, complete, with true examples."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management import call_command
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from api.openapi import document
from common.ids import is_id
from tests.api.conftest import Api

FILE = Path(__file__).resolve().parents[2] / "docs" / "openapi.json"


def _operations() -> Iterator[dict[str, Any]]:
    for methods in document()["paths"].values():
        yield from methods.values()


def test_the_file_is_what_the_views_say() -> None:
    out = io.StringIO()
    call_command("spectacular", format="openapi-json", validate=True, fail_on_warn=True, stdout=out)
    assert out.getvalue().strip() == FILE.read_text("utf-8").strip(), (
        "run: manage.py spectacular --file docs/openapi.json --format openapi-json --validate"
    )


def test_it_is_served_to_anybody() -> None:
    answer = Api()("GET", "/v1/openapi.json")
    assert answer.json["openapi"].startswith("3.1")
    assert answer.json == json.loads(FILE.read_text("utf-8"))
    assert Api()("POST", "/v1/openapi.json").code == "method_not_allowed"


def test_every_operation_has_an_example_and_its_problems() -> None:
    for operation in _operations():
        good = [status for status in operation["responses"] if status.startswith("2")]
        assert good
        for status in good:
            content = operation["responses"][status]["content"]["application/json"]
            assert content["examples"], operation["operationId"]
        for media in operation.get("requestBody", {}).get("content", {}).values():
            if media["schema"].get("format") != "binary":
                assert media["examples"], operation["operationId"]
        bad = set(operation["responses"]) - set(good)
        assert bad >= {"401", "403", "406", "503"}
        for status in bad:
            problem = operation["responses"][status]["content"]["application/problem+json"]
            for example in problem["examples"].values():
                assert example["value"]["status"] == int(status)


def _examples(value: Any, schemas: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict):
        for example in value.get("examples", {}).values() if "schema" in value else ():
            yield example["value"], value["schema"] | {"components": {"schemas": schemas}}
        for inner in value.values():
            yield from _examples(inner, schemas)


def test_examples_are_of_the_shape_they_illustrate() -> None:
    schemas, count = document()["components"]["schemas"], 0
    for example, schema in _examples(document()["paths"], schemas):
        Draft202012Validator(schema).validate(example)
        count += 1
    assert count > 150


def test_ids_in_examples_could_be_ids() -> None:
    def walk(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            for inner in value.values():
                yield from walk(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from walk(inner)
        elif isinstance(value, str):
            yield value

    found = {
        text
        for example, _ in _examples(document()["paths"], {})
        for text in walk(example)
        if len(text) == 30 and text[3] == "_"
    }
    assert len(found) >= 7
    assert all(is_id(text[:3], text) for text in found), found
