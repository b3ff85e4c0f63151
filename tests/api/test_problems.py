"""Problem documents: one form for whatever goes wrong, and nothing of ours in it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404
from django.http.request import UnreadablePostError
from pytest_django.fixtures import Settings
from rest_framework import exceptions as drf

from api import problems
from common import errors
from tests.api.conftest import Api, Cast, cameo_of, render

SECRET = "alice@example.org"


@pytest.mark.parametrize(
    ("raised", "status", "code"),
    [
        (errors.InvalidInput(), 422, "invalid_input"),
        (errors.MalformedInput(), 400, "malformed_input"),
        (errors.UnsupportedMedia(), 415, "unsupported_media"),
        (errors.TooLarge(), 413, "too_large"),
        (errors.Unauthenticated(), 401, "unauthenticated"),
        (errors.NotPermitted(), 403, "not_permitted"),
        (errors.NotFound(), 404, "not_found"),
        (errors.Conflict(), 409, "conflict"),
        (errors.RateLimited(retry_after=30), 429, "rate_limited"),
        (errors.Unavailable(), 503, "unavailable"),
        (errors.Misconfigured(SECRET), 503, "unavailable"),
        (errors.CameoError(SECRET), 500, "internal"),
        (drf.ParseError(SECRET), 400, "malformed_input"),
        (drf.UnsupportedMediaType(SECRET), 415, "body_not_json"),
        (drf.NotAuthenticated(), 401, "unauthenticated"),
        (drf.AuthenticationFailed(), 401, "unauthenticated"),
        (drf.PermissionDenied(), 403, "not_permitted"),
        (drf.NotFound(), 404, "not_found"),
        (drf.MethodNotAllowed("GET"), 405, "method_not_allowed"),
        (drf.NotAcceptable(), 406, "not_acceptable"),
        (drf.Throttled(wait=9.5), 429, "rate_limited"),
        (drf.APIException(SECRET), 500, "internal"),
        (Http404(), 404, "not_found"),
        (PermissionDenied(), 403, "not_permitted"),
        (SuspiciousOperation(SECRET), 400, "malformed_input"),
        (RequestDataTooBig(), 413, "body_too_large"),
        (UnreadablePostError(), 400, "body_incomplete"),
        (OperationalError(SECRET), 503, "unavailable"),
        (InterfaceError(SECRET), 503, "unavailable"),
        (DataError(SECRET), 500, "internal"),
        (IntegrityError(SECRET), 500, "internal"),
        (RuntimeError(SECRET), 500, "internal"),
        (RecursionError(), 500, "internal"),
    ],
)
def test_every_exception_has_its_status_and_code(raised: Exception, status: int, code: str) -> None:
    response = problems.response_to(raised)
    assert response.status_code == status
    assert f'"code":"{code}"'.encode() in response.content
    assert response["Content-Type"] == "application/problem+json"
    assert SECRET.encode() not in response.content
    assert ("Retry-After" in response) == (status in {429, 503})
    assert (b'"retryable":true' in response.content) == (status == 503)
    assert ("WWW-Authenticate" in response) == (status == 401)


def test_fields_are_named_by_json_pointers() -> None:
    detail: Any = {"a/b": ["wrong"], "list": [{"x": ["worse"]}, {}], "non_field_errors": ["bad"]}
    error = problems.as_error(drf.ValidationError(detail))
    assert [field.pointer for field in error.fields] == ["/a~1b", "/list/0/x", ""]


def test_a_mistake_of_ours_is_logged_without_its_text(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr("identity.interface.own_cameo", broken)
    with caplog.at_level(logging.ERROR, "api.problems"):
        answer = cast.api(cast.alice)("GET", "/v1/cameos")
    assert (answer.status, answer.code) == (500, "internal")
    assert SECRET not in answer.response.content.decode()
    from common.logs import JsonFormatter

    lines = [JsonFormatter().format(record) for record in caplog.records]
    assert any("RuntimeError" in line for line in lines)
    assert not any(SECRET in line for line in lines)


@pytest.mark.parametrize("path", ["/v1/me", "/oauth/introspect"])
def test_without_a_database_the_answer_is_to_try_again(
    db: None, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    def down(*_: Any, **__: Any) -> None:
        raise OperationalError("connection refused")

    form = b"grant_type=client_credentials&client_id=x&client_secret=y"
    kind = "application/x-www-form-urlencoded"
    with monkeypatch.context() as patch:
        patch.setattr("django.db.backends.utils.CursorWrapper.execute", down)
        answer = Api("some-token")("GET" if path == "/v1/me" else "POST", path)
        token = Api()("POST", "/oauth/token", raw=form, content_type=kind)
    assert (answer.status, answer.code) == (503, "unavailable")
    assert answer.json["retryable"] is True
    assert (token.status, token.code) == (503, "unavailable")


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/nothing", "/v1/me/", "/.well-known/x"])
def test_unknown_addresses_are_problems_to_programs(db: None, path: str) -> None:
    answer = Api()("GET", path)
    assert (answer.status, answer.code) == (404, "not_found")


def test_request_ids_are_taken_if_plain_and_given_back(db: None) -> None:
    assert Api()("GET", "/livez", x_request_id="a.B-9_").response["X-Request-ID"] == "a.B-9_"
    for odd in ("", "a b", "x" * 65, "a\tb", "é", "<b>"):
        found = Api()("GET", "/livez", x_request_id=odd).response["X-Request-ID"]
        assert found.startswith("req_")
        assert len(found) == 36
    from common.logs import request_id

    assert request_id.get() == ""


def test_an_unknown_host_is_refused(db: None) -> None:
    answer = Api()("GET", "/v1/me", host="evil.example")
    assert (answer.status, answer.code) == (400, "malformed_input")


def test_a_broken_keyring_permits_nothing(cast: Cast, settings: Settings, tmp_path: Path) -> None:
    cameo = cameo_of(cast.alice)
    alice = cast.through(cast.gen, cast.alice)
    settings.CAMEO_KEYRING_FILE = tmp_path / "keyring.json"
    settings.CAMEO_KEYRING_FILE.write_text("{}")
    for answer in (
        alice("POST", "/v1/likeness-tokens", {"request": render(cameo.id)}),
        Api()("GET", "/.well-known/jwks.json"),
    ):
        assert (answer.status, answer.code) == (503, "unavailable")
