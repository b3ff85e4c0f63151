"""Problem documents (RFC 9457). The only place that knows which HTTP status an error becomes."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import Any, Final

from django.core.exceptions import (
    BadRequest,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
)
from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, ProgrammingError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError
from rest_framework import exceptions as drf
from rest_framework.response import Response

from api.errors import BodyIncomplete, BodyNotJson, BodyTooLarge, LengthRequired
from common import errors
from common.logs import request_id

log = logging.getLogger("api.problems")

MEDIA_TYPE: Final = "application/problem+json"
TITLES: Final[Mapping[int, str]] = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    409: "Conflict",
    411: "Length Required",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
# In this order: a class stands before those it derives from.
STATUSES: Final[tuple[tuple[type[errors.CameoError], int], ...]] = (
    (LengthRequired, 411),
    (errors.InvalidInput, 422),
    (errors.MalformedInput, 400),
    (errors.UnsupportedMedia, 415),
    (errors.TooLarge, 413),
    (errors.Unauthenticated, 401),
    (errors.NotPermitted, 403),
    (errors.NotFound, 404),
    (errors.Conflict, 409),
    (errors.RateLimited, 429),
    (errors.Unavailable, 503),
)
RETRY_UNAVAILABLE_S: Final = 5
# Trying again doesn't help against these: they are mistakes of ours.
_MISTAKES = (DataError, IntegrityError, ProgrammingError)


class MethodNotAllowed(errors.CameoError):
    """The address is known, the method isn't taken there."""

    code = "method_not_allowed"
    message = "This method is not taken here."


class NotAcceptable(errors.CameoError):
    """The answer would be of a kind that the caller doesn't take."""

    code = "not_acceptable"
    message = "Answers are application/json."


class Internal(errors.CameoError):
    """A mistake of ours; told without detail."""

    code = "internal"
    message = "Something went wrong on our side."


def status_of(error: errors.CameoError) -> int:
    """The HTTP status of an error; 500 for what is no kind a caller could cause."""
    for kind, status in STATUSES:
        if isinstance(error, kind):
            return status
    return {MethodNotAllowed.code: 405, NotAcceptable.code: 406}.get(error.code, 500)


def document(error: errors.CameoError) -> dict[str, Any]:
    """The problem document of `error`."""
    status = status_of(error)
    shown = error if status < 500 or isinstance(error, errors.Unavailable) else Internal()
    body: dict[str, Any] = {
        "type": f"urn:cameo:problem:{shown.code}",
        "title": TITLES[status],
        "status": status,
        "detail": shown.message,
        "code": shown.code,
        "request_id": request_id.get(),
    }
    if shown.fields:
        body["errors"] = [
            {"pointer": field.pointer, "code": field.code, "detail": field.message}
            for field in shown.fields
        ]
    reasons = getattr(error, "reasons", ())
    if reasons:
        body["reasons"] = [str(reason) for reason in reasons]
    if status == 503:
        body["retryable"] = True
    return body


def headers_of(error: errors.CameoError) -> dict[str, str]:
    """The headers that belong to an error's status."""
    status = status_of(error)
    found = {"Cache-Control": "no-store"}
    if status == 401:
        detail = ', error="invalid_token"' if error.code == "invalid_token" else ""
        scheme = "Basic" if error.code == "invalid_client" else "Bearer"
        found["WWW-Authenticate"] = f'{scheme} realm="cameo"{detail}'
    if status == 403 and error.code == "insufficient_scope":
        found["WWW-Authenticate"] = 'Bearer realm="cameo", error="insufficient_scope"'
    if isinstance(error, errors.RateLimited):
        found["Retry-After"] = str(max(1, error.retry_after))
    if status == 503:
        found["Retry-After"] = str(RETRY_UNAVAILABLE_S)
    return found


def as_error(raised: BaseException) -> errors.CameoError:
    """The typed error that an exception of any origin is told as."""
    if isinstance(raised, errors.Misconfigured):
        # A keyring or model pack that was broken while we ran: nothing is permitted meanwhile.
        return errors.Unavailable()
    if isinstance(raised, errors.CameoError):
        return raised
    if isinstance(raised, drf.APIException):
        return _of_framework(raised)
    if isinstance(raised, RequestDataTooBig | TooManyFieldsSent):
        return BodyTooLarge()
    if isinstance(raised, UnreadablePostError):
        return BodyIncomplete()
    if isinstance(raised, Http404):
        return errors.NotFound()
    if isinstance(raised, PermissionDenied):
        return errors.NotPermitted()
    if isinstance(raised, BadRequest | SuspiciousOperation):
        return errors.MalformedInput()
    if isinstance(raised, DatabaseError | InterfaceError) and not isinstance(raised, _MISTAKES):
        return errors.Unavailable()
    return Internal()


def _of_framework(raised: drf.APIException) -> errors.CameoError:
    if isinstance(raised, drf.ValidationError):
        return errors.InvalidInput(fields=tuple(_fields(raised.detail, "")))
    if isinstance(raised, drf.ParseError):
        return errors.MalformedInput()
    if isinstance(raised, drf.UnsupportedMediaType):
        return BodyNotJson()
    if isinstance(raised, drf.NotAuthenticated | drf.AuthenticationFailed):
        return errors.Unauthenticated()
    if isinstance(raised, drf.PermissionDenied):
        return errors.NotPermitted()
    if isinstance(raised, drf.NotFound):
        return errors.NotFound()
    if isinstance(raised, drf.MethodNotAllowed):
        return MethodNotAllowed()
    if isinstance(raised, drf.NotAcceptable):
        return NotAcceptable()
    if isinstance(raised, drf.Throttled):
        return errors.RateLimited(retry_after=int(getattr(raised, "wait", None) or 1))
    return Internal()


def _fields(detail: Any, pointer: str) -> list[errors.FieldError]:
    if isinstance(detail, Mapping):
        found = []
        for name, inner in detail.items():
            token = str(name).replace("~", "~0").replace("/", "~1")
            whole = name == "non_field_errors"
            found += _fields(inner, pointer if whole else f"{pointer}/{token}")
        return found
    if isinstance(detail, list):
        found = []
        for index, inner in enumerate(detail):
            leaf = isinstance(inner, str)
            found += _fields(inner, pointer if leaf else f"{pointer}/{index}")
        return found
    code = getattr(detail, "code", None) or "invalid"
    return [errors.FieldError(pointer, str(code), str(detail))]


def _log(raised: BaseException, status: int) -> None:
    if status < 500:
        return
    trace = (type(raised), raised, raised.__traceback__)
    log.error("a request failed", exc_info=trace, extra={"fields": {"status": status}})


def exception_handler(raised: Exception, context: Mapping[str, Any]) -> Response:
    """Django REST framework's hook: every exception of a view becomes a problem document."""
    error = as_error(raised)
    status = status_of(error)
    _log(raised, status)
    found = headers_of(error)
    if isinstance(raised, drf.MethodNotAllowed):
        found["Allow"] = ", ".join(context["view"].allowed_methods)
    return Response(document(error), status, headers=found, content_type=MEDIA_TYPE)


def response_to(raised: BaseException) -> HttpResponse:
    """The problem document of an exception, for views outside of the framework."""
    error = as_error(raised)
    status = status_of(error)
    _log(raised, status)
    return JsonResponse(
        document(error),
        status=status,
        content_type=MEDIA_TYPE,
        headers=headers_of(error),
        # As the framework's renderer writes it: one error, one sequence of bytes.
        json_dumps_params={"ensure_ascii": False, "separators": (",", ":")},
    )


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400."""
    found = as_error(exception)
    return response_to(found if status_of(found) in {400, 413} else errors.MalformedInput())


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler403."""
    return response_to(errors.NotPermitted())


def missing(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404."""
    return response_to(errors.NotFound())


def failed(request: HttpRequest) -> HttpResponse:
    """Django's handler500, called while the exception is being handled."""
    return response_to(sys.exc_info()[1] or Internal())
