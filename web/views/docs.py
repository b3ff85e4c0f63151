"""`/docs`: the interface's operations, out of its own OpenAPI document, without a network."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator

METHODS = ("get", "post", "put", "patch", "delete")


@cache
def _operations() -> tuple[dict[str, Any], ...]:
    document = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    found = []
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method not in methods:
                continue
            about = methods[method]
            ways = [next(iter(way.values())) for way in about.get("security", []) if way]
            answers = [
                (status, answer.get("description", ""))
                for status, answer in sorted(about["responses"].items())
            ]
            found.append(
                {
                    "id": about["operationId"],
                    "method": method.upper(),
                    "path": path,
                    "summary": about.get("summary", ""),
                    "ways": [" + ".join(scopes) or "any" for scopes in ways],
                    "answers": answers,
                    "tag": about.get("tags", [""])[0],
                }
            )
    return tuple(found)


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """The page."""
    return render(request, "web/docs.html", {"operations": _operations()})
