"""Addresses of the service, and who answers for what goes wrong at each."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from api import problems
from web.views.errors import error_page

urlpatterns = [
    path("", include("api.urls")),
    path("", include("web.urls")),
]

# Under these a program asks; everywhere else a person does.
_PROGRAMS = (
    "/v1",
    "/access/",
    "/oauth/token",
    "/oauth/revoke",
    "/oauth/introspect",
    "/.well-known/",
)
_HEALTH = ("/livez", "/readyz")


def _program(request: HttpRequest) -> bool:
    return request.path.startswith((*_PROGRAMS, *_HEALTH))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400, or 413 for what is too large."""
    if _program(request):
        return problems.bad_request(request, exception)
    return error_page(request, 400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403."""
    return problems.forbidden(request, exception) if _program(request) else error_page(request, 403)


def missing(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404."""
    return problems.missing(request, exception) if _program(request) else error_page(request, 404)


def failed(request: HttpRequest) -> HttpResponse:
    """500, or 503 where a dependency is down."""
    answer = problems.failed(request)
    return answer if _program(request) else error_page(request, answer.status_code)


handler400 = bad_request
handler403 = forbidden
handler404 = missing
handler500 = failed
