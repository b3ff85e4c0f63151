"""The first page: what this is, and how one's own cameo stands."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from identity import interface as identity

STATES = {
    "pending": "No capture has been accepted yet.",
    "in_review": "Your capture is being reviewed.",
    "active": "Your cameo is active.",
    "suspended": "Your cameo is suspended: nobody may use your likeness.",
    "expired": "Your cameo has expired.",
}


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The first page."""
    cameo = None
    if request.user.is_authenticated:
        cameo = identity.own_cameo(str(request.user.pk))
    context = {"cameo": cameo, "state": STATES.get(cameo.state, "") if cameo else ""}
    return render(request, "web/home.html", context)
