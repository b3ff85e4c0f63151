"""Static files, served by the application itself: a handful, read once, found by name alone.

A dictionary look-up can't be led out of its folder. A proxy may serve `STATIC_ROOT` instead.
"""

from __future__ import annotations

import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache

from django.contrib.staticfiles.finders import get_finders
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import parse_etags
from django.views.decorators.http import require_safe

# Of the installed apps' files only those whose pages are served.
FOLDERS = ("web/", "account/", "mfa/")
MAX_AGE_S = 300


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: its bytes, media type and entity tag."""

    body: bytes
    media_type: str
    etag: str


@cache
def assets() -> dict[str, Asset]:
    """Every file that is served, by its name under STATIC_URL."""
    found: dict[str, Asset] = {}
    for finder in get_finders():
        for name, storage in finder.list([]):
            if not name.startswith(FOLDERS) or name in found:
                continue
            with storage.open(name) as file:
                body = file.read()
            kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
            found[name] = Asset(body, kind, f'"{hashlib.sha256(body).hexdigest()[:32]}"')
    return found


@require_safe
def asset(request: HttpRequest, name: str) -> HttpResponse:
    """One file, or 304 where the caller has it.

    Raises:
        Http404: there is none of this name.
    """
    found = assets().get(name)
    if found is None:
        raise Http404
    headers = {"ETag": found.etag, "Cache-Control": f"max-age={MAX_AGE_S}"}
    if found.etag in parse_etags(request.headers.get("If-None-Match", "")):
        return HttpResponse(status=304, headers=headers)
    headers |= {"X-Content-Type-Options": "nosniff"}
    return HttpResponse(found.body, content_type=found.media_type, headers=headers)
