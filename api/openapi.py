"""The OpenAPI document, made once a process out of the views."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer

from api import problems

MEDIA_TYPE = "application/vnd.oai.openapi+json"


@cache
def document() -> dict[str, Any]:
    """The document as plain values."""
    made: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return made


@cache
def _bytes() -> bytes:
    rendered: bytes = OpenApiJsonRenderer().render(document(), renderer_context={})
    return rendered


def openapi(request: HttpRequest) -> HttpResponse:
    """`GET /v1/openapi.json`."""
    if request.method not in {"GET", "HEAD"}:
        return problems.response_to(problems.MethodNotAllowed())
    return HttpResponse(_bytes(), content_type=MEDIA_TYPE, headers={"Cache-Control": "max-age=300"})
