"""Tokens that are refused: revoked, suspended, expired, foreign, malformed."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from oauth2_provider.models import (
    get_access_token_model,
    get_grant_model,
    get_refresh_token_model,
)

from accounts.interface import resume_generator, suspend_generator
from common.clock import utcnow
from tests.api.conftest import PERSON, Answer, Api, Cast, mint
from tests.api.oauth_flow import BACK, Flow, own, post


def test_refusals_are_json(cast: Cast, flow: Flow) -> None:
    code = flow.code()["code"]
    asked: dict[str, Any] = {"grant_type": "client_credentials", "scope": "x"}
    refused = [
        flow.tokens(code, client_id="nobody"),
        flow.tokens(code, code_verifier="x" * 43),
        post(flow.http, "/oauth/token", own(cast.gen), **asked),
        post(flow.http, "/oauth/revoke", token="a"),
        post(flow.http, "/oauth/revoke", own(cast.gen)),
    ]
    for response in refused:
        assert response.status_code in {400, 401}
        assert response.json()["error"]
        assert response["Content-Type"] == "application/json"
        assert response["Cache-Control"] == "no-store"


def test_revoked_tokens_are_refused(cast: Cast, flow: Flow) -> None:
    tokens = flow.tokens(flow.code()["code"]).json()
    stranger: dict[str, Any] = {"token": tokens["access_token"]}
    assert post(flow.http, "/oauth/revoke", own(cast.gen), **stranger).status_code == 200
    assert Api(tokens["access_token"])("GET", "/v1/me").status == 200
    form: dict[str, Any] = {"token": tokens["refresh_token"], "client_id": flow.client_id}
    assert post(flow.http, "/oauth/revoke", **form).status_code == 200
    assert Api(tokens["access_token"])("GET", "/v1/me").code == "invalid_token"
    anybody = post(flow.http, "/oauth/revoke", token="x")
    assert anybody.status_code == 401


def test_a_suspended_generator_is_refused_everywhere(cast: Cast, http: Client) -> None:
    client_id = cast.gen.generator.client_id
    old = cast.machine(cast.gen)
    suspend_generator(client_id=client_id, by="test", now=utcnow())
    assert old("GET", "/v1/leases/lse_" + "a" * 26).code == "invalid_token"
    form: dict[str, Any] = {"grant_type": "client_credentials", "scope": "likeness:redeem"}
    assert post(http, "/oauth/token", own(cast.gen), **form).status_code == 401
    late = Api(mint(client_id, None, "likeness:redeem"))
    assert late("GET", "/v1/leases/lse_" + "a" * 26).code == "invalid_token"
    introspected = post(http, "/oauth/introspect", own(cast.gen), token="x")
    assert Answer(introspected).code == "invalid_client"
    resume_generator(client_id=client_id, by="test", now=utcnow())
    assert post(http, "/oauth/token", own(cast.gen), **form).status_code == 200


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
    for response in (post(flow.http, "/oauth/token", **form), flow.tokens(code)):
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
