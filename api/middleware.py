"""A request's id: taken from the caller if it is a plain one, given back, and in every log line."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from common.logs import request_id

HEADER = "X-Request-ID"
_PLAIN = re.compile(r"[A-Za-z0-9._-]{1,64}")


class RequestIdMiddleware:
    """Stands first, so that whatever goes wrong later carries the id."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get(HEADER, "")
        found = given if _PLAIN.fullmatch(given) else f"req_{secrets.token_hex(16)}"
        token = request_id.set(found)
        try:
            response = self._get_response(request)
        finally:
            request_id.reset(token)
        response[HEADER] = found
        return response
