"""OAuth's endpoints as clients see them: own tokens, introspection, published documents."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client

from tests.api.conftest import Answer, Api, Cast
from tests.api.oauth_flow import FORM, basic, own, post


def test_a_generator_gets_its_own_token(cast: Cast, http: Client) -> None:
    form: dict[str, Any] = {"grant_type": "client_credentials", "scope": "likeness:redeem"}
    response = post(http, "/oauth/token", own(cast.gen), **form)
    assert response.status_code == 200
    assert "refresh_token" not in response.json()
    api = Api(response.json()["access_token"])
    assert api("GET", "/v1/leases/lse_" + "a" * 26).code == "not_found"
    assert api("GET", "/v1/me").code == "insufficient_scope"


@pytest.mark.parametrize("scope", ["likeness:assert_requester", "consent:manage", "pad:review"])
def test_scopes_that_a_generator_cannot_have(cast: Cast, http: Client, scope: str) -> None:
    form: dict[str, Any] = {"grant_type": "client_credentials", "scope": scope}
    response = post(http, "/oauth/token", own(cast.gen), **form)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_scope")


def test_only_the_first_party_may_name_requesters(cast: Cast, http: Client) -> None:
    form: dict[str, Any] = {
        "grant_type": "client_credentials",
        "scope": "likeness:assert_requester",
    }
    assert post(http, "/oauth/token", own(cast.platform), **form).status_code == 200


def test_a_persons_app_has_no_token_of_its_own(cast: Cast, http: Client) -> None:
    form: dict[str, Any] = {
        "grant_type": "client_credentials",
        "client_id": cast.app.generator.client_id,
    }
    assert post(http, "/oauth/token", **form).status_code in {400, 401}


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"grant_type": "password", "username": "alice@example.org", "password": "x"},
        {"grant_type": "implicit"},
        {"grant_type": "urn:ietf:params:oauth:grant-type:device_code"},
        {"grant_type": "authorization_code"},
        {"grant_type": "authorization_code", "code": "\x00", "client_id": "x"},
        {"grant_type": "refresh_token", "refresh_token": "nope"},
        {"grant_type": "client_credentials"},
        {"grant_type": "client_credentials", "client_id": "\x00"},
        {"grant_type": "x" * 5000},
    ],
)
def test_token_requests_that_are_refused(http: Client, db: None, form: dict[str, Any]) -> None:
    response = post(http, "/oauth/token", **form)
    assert response.status_code in {400, 401}
    assert response.json()["error"]


def test_broken_forms_are_refused(http: Client, db: None) -> None:
    for path in ("/oauth/token", "/oauth/revoke"):
        doubled = http.post(path, "grant_type=a&grant_type=b", content_type=FORM)
        assert doubled.status_code == 400
        assert http.post(f"{path}?grant_type=%zz", "", content_type=FORM).status_code == 400
        large = http.post(path, "a=" + "x" * 300_000, content_type=FORM)
        assert Answer(large).code == "body_too_large"
        kind = "multipart/form-data; boundary=x"
        assert http.post(path, b"nonsense", content_type=kind).status_code in {400, 401}
        assert Answer(http.get(path)).code == "method_not_allowed"


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke"])
@pytest.mark.parametrize(
    "kind",
    [
        "",
        ";",
        "text/plain",
        "application/json",
        "multipart/form-data",
        "multipart/form-data; boundary=\xff",
        "multipart/form-data; boundary=x",
        "multipart/form-data; boundary=x; charset=base64",
        f"{FORM}; charset=utf-16",
        f"{FORM}; charset=base64",
    ],
)
def test_what_is_no_form_is_refused(http: Client, db: None, path: str, kind: str) -> None:
    part = b"--x\r\nContent-Disposition: form-data; name=token\r\n"
    coded = part + b"Content-Transfer-Encoding: base64\r\n\r\n!!!\r\n--x--"
    for body in (b"", b"x", b"grant_type=client_credentials&token=a", part, coded):
        response = http.generic("POST", path, body, content_type=kind)
        assert response.status_code == 400
        assert response["Content-Type"] == "application/json"
        assert response.json()["error"] == "invalid_request"


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke"])
@pytest.mark.parametrize("user", [b"a%00b:x", b"a\x00b:x", b"%00:", b"\xc3\xa9%ED%A0%80:x"])
def test_client_ids_that_no_client_can_have_are_refused(
    http: Client, db: None, path: str, user: bytes
) -> None:
    headers = {"authorization": "Basic " + base64.b64encode(user).decode()}
    form: dict[str, Any] = {"grant_type": "client_credentials", "token": "a"}
    response = post(http, path, headers, **form)
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert response["Content-Type"] == "application/json"


@pytest.mark.parametrize("resource", ["http://[", "https://[::1", "//", "name", "https://a#b"])
def test_resources_that_are_no_addresses_are_refused(
    cast: Cast, http: Client, resource: str
) -> None:
    form: dict[str, Any] = {"grant_type": "client_credentials", "resource": resource}
    response = post(http, "/oauth/token", own(cast.gen), **form)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_target")
    assert response["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "authorization",
    ["Basic", "Basic !!!", "Basic eA==", "Basic /w==", "Basic " + "eDp5" * 500, "Basic AHg6eQ=="],
)
def test_client_credentials_that_are_none(db: None, http: Client, authorization: str) -> None:
    headers = {"authorization": authorization}
    answer = Answer(post(http, "/oauth/introspect", headers, token="x"))
    assert (answer.status, answer.code) == (401, "invalid_client")
    assert answer.response["WWW-Authenticate"].startswith("Basic")


def test_introspection_is_for_clients_and_by_post(cast: Cast, http: Client) -> None:
    mine = own(cast.gen)
    assert post(http, "/oauth/introspect", mine, token="x").json() == {"active": False}
    assert Answer(post(http, "/oauth/introspect", token="x")).code == "unauthenticated"
    wrong = basic(cast.gen.generator.client_id, "wrong")
    assert Answer(post(http, "/oauth/introspect", wrong, token="x")).code == "invalid_client"
    public = basic(cast.app.generator.client_id, "")
    assert Answer(post(http, "/oauth/introspect", public, token="x")).code == "invalid_client"
    for body in ("", "token=", "x=1", "token=a&token=b", "token=%00", "\xff"):
        answer = http.post("/oauth/introspect", body, content_type=FORM, headers=mine)
        found = Answer(answer)
        if body == "token=":
            assert found.json == {"active": False}
        else:
            assert (found.status, found.code) == (400, "form_invalid")
    large = http.post(
        "/oauth/introspect", "token=" + "x" * 300_000, content_type=FORM, headers=mine
    )
    assert Answer(large).code == "body_too_large"
    json = http.post("/oauth/introspect", "{}", content_type="application/json", headers=mine)
    assert Answer(json).code == "body_not_json"
    got = Answer(http.get("/oauth/introspect?token=x", headers=mine))
    assert (got.status, got.code) == (405, "method_not_allowed")
    person = cast.api(cast.alice)("POST", "/oauth/introspect", raw=b"token=x", content_type=FORM)
    assert person.code == "insufficient_scope"


def test_the_metadata_names_what_there_is(db: None, http: Client) -> None:
    body = http.get("/.well-known/oauth-authorization-server").json()
    assert body["issuer"] == settings.CAMEO_PUBLIC_URL
    assert body["response_types_supported"] == ["code"]
    assert body["code_challenge_methods_supported"] == ["S256"]
    for name in ("token_endpoint", "authorization_endpoint", "jwks_uri", "introspection_endpoint"):
        path = urlsplit(body[name]).path
        assert http.get(path).status_code != 404
    answer = Answer(http.post("/.well-known/oauth-authorization-server"))
    assert (answer.status, answer.code) == (405, "method_not_allowed")


def test_the_keys_are_public_ones(db: None, http: Client) -> None:
    response = http.get("/.well-known/jwks.json")
    keys = response.json()["keys"]
    assert len(keys) == 2
    assert all(key["crv"] == "Ed25519" and "d" not in key for key in keys)
    assert response["Cache-Control"] == "max-age=60"
    assert Answer(http.delete("/.well-known/jwks.json")).code == "method_not_allowed"
