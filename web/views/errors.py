"""Pages for what went wrong."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

TEXTS = {
    400: "This request can't be read.",
    403: "This is not permitted.",
    404: "There is no such page.",
    500: "Something went wrong on our side.",
    503: "A part of the service is not available; try again later.",
}


def error_page(request: HttpRequest, status: int) -> HttpResponse:
    """The page for `status`; touches no database, since that may be what failed."""
    context = {"text": TEXTS.get(status, TEXTS[500]), "status": status}
    # Without the request no context processor runs.
    return render(None, "web/error.html", context, status=status)
