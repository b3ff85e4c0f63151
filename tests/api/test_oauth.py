"""OAuth through its endpoints: code with PKCE, refresh, client credentials, revocation."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from oauth2_provider.models import (
    get_access_token_model,
    get_grant_model,
    get_refresh_token_model,
)

from accounts.interface import Registered, resume_generator, suspend_generator
from accounts.models import User
from common.clock import utcnow
from tests.api.conftest import PERSON, Answer, Api, Cast, mint

FORM = "application/x-www-form-urlencoded"
BACK = "http://127.0.0.1:7123/back"


@pytest.fixture
def http() -> Client:
    return Client(raise_request_exception=False)


def _post(http: Client, path: str, headers: dict[str, str] | None = None, **form: Any) -> Any:
    return http.post(path, urlencode(form), content_type=FORM, headers=headers or {})


def _basic(client_id: str, secret: str) -> dict[str, str]:
    text = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
    return {"authorization": "Basic " + base64.b64encode(text.encode()).decode()}


def _own(gen: Registered) -> dict[str, str]:
    assert gen.client_secret is not None
    return _basic(gen.generator.client_id, gen.client_secret)


class Flow:
    """An app on a person's machine, with the person's browser."""

    def __init__(self, http: Client, client_id: str, who: User) -> None:
        self.http, self.client_id, self.who = http, client_id, who
        self.verifier = secrets.token_urlsafe(48)

    def question(self, **changes: str | None) -> str:
        challenge = hashlib.sha256(self.verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": BACK,
            "scope": PERSON,
            "state": "s1",
            "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        } | changes
        given = {name: value for name, value in asked.items() if value is not None}
        return f"/oauth/authorize?{urlencode(given)}"

    def code(self, answer: str = "allow", **changes: str | None) -> dict[str, str]:
        """What comes back to the app."""
        self.http.force_login(self.who)
        path = self.question(**changes)
        page = self.http.get(path)
        assert page.status_code == 200, page.content
        response = self.http.post(path, {"answer": answer})
        assert response.status_code == 302, response.content
        location = urlsplit(response["Location"])
        assert f"{location.scheme}://{location.netloc}{location.path}" == BACK
        return {name: values[0] for name, values in parse_qs(location.query).items()}

    def tokens(self, code: str, **changes: str) -> Any:
        form: dict[str, Any] = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": BACK,
            "client_id": self.client_id,
            "code_verifier": self.verifier,
        } | changes
        return _post(self.http, "/oauth/token", **form)


@pytest.fixture
def flow(cast: Cast, http: Client) -> Flow:
    return Flow(http, cast.app.generator.client_id, cast.alice)


def test_a_person_lets_an_app_in_with_pkce(cast: Cast, flow: Flow) -> None:
    back = flow.code()
    assert back["state"] == "s1"
    response = flow.tokens(back["code"])
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    tokens = response.json()
    assert tokens["expires_in"] == 600
    assert Api(tokens["access_token"])("GET", "/v1/me").json["id"] == cast.alice.id
    again = flow.tokens(back["code"])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


def test_tokens_are_not_readable_in_the_database(flow: Flow) -> None:
    tokens = flow.tokens(flow.code()["code"]).json()
    with connection.cursor() as cursor:
        for table in ("oauth2_provider_accesstoken", "oauth2_provider_refreshtoken"):
            cursor.execute(f"SELECT coalesce(string_agg(t::text, ''), '') FROM {table} t")  # noqa: S608
            rows = cursor.fetchone()[0]
            assert rows
            assert tokens["access_token"] not in rows
            assert tokens["refresh_token"] not in rows


def test_a_refresh_token_is_good_once_and_its_replay_ends_the_family(flow: Flow) -> None:
    first = flow.tokens(flow.code()["code"]).json()
    form: dict[str, Any] = {
        "grant_type": "refresh_token",
        "refresh_token": first["refresh_token"],
        "client_id": flow.client_id,
    }
    second = _post(flow.http, "/oauth/token", **form)
    assert second.status_code == 200
    assert _post(flow.http, "/oauth/token", **form).json()["error"] == "invalid_grant"
    stolen = form | {"refresh_token": second.json()["refresh_token"]}
    assert _post(flow.http, "/oauth/token", **stolen).json()["error"] == "invalid_grant"


def test_a_closed_accounts_refresh_token_and_code_are_refused(flow: Flow) -> None:
    tokens = flow.tokens(flow.code()["code"]).json()
    code = flow.code()["code"]
    User.objects.filter(id=flow.who.id).update(is_active=False)
    form: dict[str, Any] = {
        "grant_type": "refresh_token",
        "refresh_token": tokens["refresh_token"],
        "client_id": flow.client_id,
    }
    for response in (_post(flow.http, "/oauth/token", **form), flow.tokens(code)):
        assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")


def test_a_denial_goes_back_to_the_app(flow: Flow) -> None:
    back = flow.code(answer="deny")
    assert back["error"] == "access_denied"
    assert flow.code(answer="perhaps")["error"] == "access_denied"


@pytest.mark.parametrize("verifier", ["", "x" * 43])
def test_another_verifier_gets_no_token(flow: Flow, verifier: str) -> None:
    response = flow.tokens(flow.code()["code"], code_verifier=verifier)
    assert response.status_code == 400


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"scope": "likeness:redeem"}, "invalid_scope"),
        ({"scope": "likeness:assert_requester"}, "invalid_scope"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code token"}, "unauthorized_client"),
    ],
)
def test_questions_that_go_back_refused(flow: Flow, changes: dict[str, Any], error: str) -> None:
    flow.http.force_login(flow.who)
    response = flow.http.get(flow.question(**changes))
    assert response.status_code == 302
    assert response["Location"].startswith(BACK)
    assert f"error={error}" in response["Location"]


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "https://evil.example/back"},
        {"redirect_uri": "http://127.0.0.1/other"},
        {"redirect_uri": "javascript:alert(1)"},
        {"client_id": "app_nobody"},
        {"client_id": None},
        {"client_id": "a\x00b"},
        {"state": "x" * 3000},
        {"scope": "cameo:read\x00"},
    ],
)
def test_questions_that_go_nowhere(flow: Flow, changes: dict[str, Any]) -> None:
    flow.http.force_login(flow.who)
    for ask in (flow.http.get, flow.http.post):
        response = ask(flow.question(**changes))
        assert response.status_code == 400
        assert "Location" not in response


def test_ill_encoded_and_doubled_parameters_go_nowhere(flow: Flow) -> None:
    flow.http.force_login(flow.who)
    for tail in ("&scope=cameo:read", "&x=%zz"):
        response = flow.http.get(flow.question() + tail)
        assert response.status_code == 400, tail


def test_the_question_needs_a_person_and_the_answer_its_form(cast: Cast, flow: Flow) -> None:
    response = flow.http.get(flow.question())
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(cast.alice)
    assert strict.post(flow.question(), {"answer": "allow"}).status_code == 403
    page = strict.get(flow.question()).content.decode()
    found = re.search(r'csrfmiddlewaretoken" value="([^"]+)"', page)
    assert found is not None
    form = {"answer": "allow", "csrfmiddlewaretoken": found[1]}
    assert strict.post(flow.question(), form).status_code == 302


def test_names_of_apps_are_shown_as_text(cast: Cast, flow: Flow) -> None:
    from accounts.models import Generator

    Generator.objects.update(name="<script>alert(1)</script>")
    flow.http.force_login(flow.who)
    page = flow.http.get(flow.question()).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page


def test_a_generator_gets_its_own_token(cast: Cast, http: Client) -> None:
    form: dict[str, Any] = {"grant_type": "client_credentials", "scope": "likeness:redeem"}
    response = _post(http, "/oauth/token", _own(cast.gen), **form)
    assert response.status_code == 200
    assert "refresh_token" not in response.json()
    api = Api(response.json()["access_token"])
    assert api("GET", "/v1/leases/lse_" + "a" * 26).code == "not_found"
    assert api("GET", "/v1/me").code == "insufficient_scope"


@pytest.mark.parametrize("scope", ["likeness:assert_requester", "consent:manage", "pad:review"])
def test_scopes_that_a_generator_cannot_have(cast: Cast, http: Client, scope: str) -> None:
    form: dict[str, Any] = {"grant_type": "client_credentials", "scope": scope}
    response = _post(http, "/oauth/token", _own(cast.gen), **form)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_scope")


def test_only_the_first_party_may_name_requesters(cast: Cast, http: Client) -> None:
    form: dict[str, Any] = {
        "grant_type": "client_credentials",
        "scope": "likeness:assert_requester",
    }
    assert _post(http, "/oauth/token", _own(cast.platform), **form).status_code == 200


def test_a_persons_app_has_no_token_of_its_own(cast: Cast, http: Client) -> None:
    form: dict[str, Any] = {
        "grant_type": "client_credentials",
        "client_id": cast.app.generator.client_id,
    }
    assert _post(http, "/oauth/token", **form).status_code in {400, 401}


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
    response = _post(http, "/oauth/token", **form)
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
    response = _post(http, path, headers, **form)
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert response["Content-Type"] == "application/json"


@pytest.mark.parametrize("resource", ["http://[", "https://[::1", "//", "name", "https://a#b"])
def test_resources_that_are_no_addresses_are_refused(
    cast: Cast, http: Client, resource: str
) -> None:
    form: dict[str, Any] = {"grant_type": "client_credentials", "resource": resource}
    response = _post(http, "/oauth/token", _own(cast.gen), **form)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_target")
    assert response["Content-Type"] == "application/json"


def test_refusals_are_json(cast: Cast, flow: Flow) -> None:
    code = flow.code()["code"]
    own: dict[str, Any] = {"grant_type": "client_credentials", "scope": "x"}
    refused = [
        flow.tokens(code, client_id="nobody"),
        flow.tokens(code, code_verifier="x" * 43),
        _post(flow.http, "/oauth/token", _own(cast.gen), **own),
        _post(flow.http, "/oauth/revoke", token="a"),
        _post(flow.http, "/oauth/revoke", _own(cast.gen)),
    ]
    for response in refused:
        assert response.status_code in {400, 401}
        assert response.json()["error"]
        assert response["Content-Type"] == "application/json"
        assert response["Cache-Control"] == "no-store"


def test_revoked_tokens_are_refused(cast: Cast, flow: Flow) -> None:
    tokens = flow.tokens(flow.code()["code"]).json()
    stranger: dict[str, Any] = {"token": tokens["access_token"]}
    assert _post(flow.http, "/oauth/revoke", _own(cast.gen), **stranger).status_code == 200
    assert Api(tokens["access_token"])("GET", "/v1/me").status == 200
    form: dict[str, Any] = {"token": tokens["refresh_token"], "client_id": flow.client_id}
    assert _post(flow.http, "/oauth/revoke", **form).status_code == 200
    assert Api(tokens["access_token"])("GET", "/v1/me").code == "invalid_token"
    anybody = _post(flow.http, "/oauth/revoke", token="x")
    assert anybody.status_code == 401


def test_a_suspended_generator_is_refused_everywhere(cast: Cast, http: Client) -> None:
    client_id = cast.gen.generator.client_id
    old = cast.machine(cast.gen)
    suspend_generator(client_id=client_id, by="test", now=utcnow())
    assert old("GET", "/v1/leases/lse_" + "a" * 26).code == "invalid_token"
    form: dict[str, Any] = {"grant_type": "client_credentials", "scope": "likeness:redeem"}
    assert _post(http, "/oauth/token", _own(cast.gen), **form).status_code == 401
    late = Api(mint(client_id, None, "likeness:redeem"))
    assert late("GET", "/v1/leases/lse_" + "a" * 26).code == "invalid_token"
    introspected = _post(http, "/oauth/introspect", _own(cast.gen), token="x")
    assert Answer(introspected).code == "invalid_client"
    resume_generator(client_id=client_id, by="test", now=utcnow())
    assert _post(http, "/oauth/token", _own(cast.gen), **form).status_code == 200


def test_what_was_issued_before_a_suspension_stays_dead(cast: Cast, flow: Flow) -> None:
    # As a request that ran alongside the suspension would leave them: saved after its sweep.
    client_id = cast.app.generator.client_id
    code = flow.code()["code"]
    tokens = flow.tokens(flow.code()["code"]).json()
    suspend_generator(client_id=client_id, by="test", now=utcnow() - timedelta(hours=1))
    refresh = get_refresh_token_model().objects.get()
    tokens |= {"access_token": mint(client_id, cast.alice, PERSON)}
    get_refresh_token_model().objects.update(
        revoked=None,
        access_token=get_access_token_model().objects.get(),
        token_checksum=refresh.token_checksum,
    )
    challenge = hashlib.sha256(flow.verifier.encode()).digest()
    get_grant_model().objects.create(
        user=cast.alice,
        code=code,
        application_id=refresh.application_id,
        expires=utcnow() + timedelta(seconds=60),
        redirect_uri=BACK,
        scope=PERSON,
        code_challenge=base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
        code_challenge_method="S256",
    )
    resume_generator(client_id=client_id, by="test", now=utcnow())
    assert Api(tokens["access_token"])("GET", "/v1/me").code == "invalid_token"
    form: dict[str, Any] = {
        "grant_type": "refresh_token",
        "refresh_token": tokens["refresh_token"],
        "client_id": client_id,
    }
    for response in (_post(flow.http, "/oauth/token", **form), flow.tokens(code)):
        assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")
    fresh = flow.tokens(flow.code()["code"]).json()
    assert Api(fresh["access_token"])("GET", "/v1/me").status == 200


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Bearer nope",
        "Bearer é",
        "Bearer " + "x" * 5000,
        "Bearer a b",
        "bearer \x7f",
    ],
)
def test_tokens_that_are_none_are_refused(db: None, header: str) -> None:
    answer = Api()("GET", "/v1/me", authorization=header)
    assert (answer.status, answer.code) == (401, "invalid_token")
    assert answer.response["WWW-Authenticate"] == 'Bearer realm="cameo", error="invalid_token"'


def test_no_token_is_told_apart(db: None) -> None:
    given: list[dict[str, Any]] = [{}]
    given += [{"authorization": "Basic eDp5"}, {"authorization": "Digest x"}]
    for header in given:
        answer = Api()("GET", "/v1/me", **header)
        assert (answer.status, answer.code) == (401, "unauthenticated")
        assert answer.response["WWW-Authenticate"] == 'Bearer realm="cameo"'
    assert Api()("GET", "/v1/me?access_token=x").code == "unauthenticated"


def test_expired_and_foreign_tokens_are_refused(cast: Cast) -> None:
    client_id = cast.app.generator.client_id
    expired = Api(mint(client_id, cast.alice, PERSON, life=0))
    assert expired("GET", "/v1/me").code == "invalid_token"
    get_access_token_model().objects.all().delete()
    bound = Api(mint(client_id, cast.alice, PERSON))
    get_access_token_model().objects.update(resource=["https://elsewhere.example/"])
    assert bound("GET", "/v1/me").code == "invalid_token"
    get_access_token_model().objects.update(resource=["http://testserver/v1/"])
    assert bound("GET", "/v1/me").status == 200
    get_access_token_model().objects.update(expires=utcnow() - timedelta(seconds=1))
    assert bound("GET", "/v1/me").code == "invalid_token"


@pytest.mark.parametrize(
    "authorization",
    ["Basic", "Basic !!!", "Basic eA==", "Basic /w==", "Basic " + "eDp5" * 500, "Basic AHg6eQ=="],
)
def test_client_credentials_that_are_none(db: None, http: Client, authorization: str) -> None:
    headers = {"authorization": authorization}
    answer = Answer(_post(http, "/oauth/introspect", headers, token="x"))
    assert (answer.status, answer.code) == (401, "invalid_client")
    assert answer.response["WWW-Authenticate"].startswith("Basic")


def test_introspection_is_for_clients_and_by_post(cast: Cast, http: Client) -> None:
    own = _own(cast.gen)
    assert _post(http, "/oauth/introspect", own, token="x").json() == {"active": False}
    assert Answer(_post(http, "/oauth/introspect", token="x")).code == "unauthenticated"
    wrong = _basic(cast.gen.generator.client_id, "wrong")
    assert Answer(_post(http, "/oauth/introspect", wrong, token="x")).code == "invalid_client"
    public = _basic(cast.app.generator.client_id, "")
    assert Answer(_post(http, "/oauth/introspect", public, token="x")).code == "invalid_client"
    for body in ("", "token=", "x=1", "token=a&token=b", "token=%00", "\xff"):
        answer = http.post("/oauth/introspect", body, content_type=FORM, headers=own)
        found = Answer(answer)
        if body == "token=":
            assert found.json == {"active": False}
        else:
            assert (found.status, found.code) == (400, "form_invalid")
    large = http.post("/oauth/introspect", "token=" + "x" * 300_000, content_type=FORM, headers=own)
    assert Answer(large).code == "body_too_large"
    json = http.post("/oauth/introspect", "{}", content_type="application/json", headers=own)
    assert Answer(json).code == "body_not_json"
    got = Answer(http.get("/oauth/introspect?token=x", headers=own))
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
