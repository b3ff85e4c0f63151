"""Nothing that opens a door reaches a log, at any level."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.test import Client

from identity.models import Cameo
from tests.api.conftest import Api, Cast, grant, render
from tests.api.oauth_flow import Flow, own, post


def test_tokens_codes_secrets_and_addresses_are_not_logged(
    cast: Cast, alice_cameo: Cameo, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        caplog.clear()
        flow = Flow(Client(), cast.app.generator.client_id, cast.alice)
        code = flow.code()["code"]
        tokens = flow.tokens(code).json()
        Api(tokens["access_token"])("GET", "/v1/me")
        form: dict[str, Any] = {"grant_type": "client_credentials", "scope": "likeness:redeem"}
        token_of_gen = post(flow.http, "/oauth/token", own(cast.gen), **form).json()["access_token"]
        grant(cast, alice_cameo)
        bob = cast.through(cast.gen, cast.bob)
        asked = {"request": render(alice_cameo.id)}
        token = bob("POST", "/v1/likeness-tokens", asked).json["token"]
        redeemed = Api(token_of_gen)("POST", "/v1/likeness-tokens/redeem", asked | {"token": token})
        assert redeemed.status == 200
        Api("planted-token")("GET", "/v1/me")
        post(flow.http, "/oauth/introspect", own(cast.rival), token=token)
        login = {"login": cast.alice.email, "password": "planted-password"}
        flow.http.post("/accounts/login/", login)
    logged = caplog.text
    assert logged
    planted = [
        code,
        flow.verifier,
        tokens["access_token"],
        tokens["refresh_token"],
        token_of_gen,
        token,
        token.split(".")[2],
        bob.token,
        cast.gen.client_secret,
        "planted-token",
        "planted-password",
        cast.alice.email,
    ]
    # SQL is logged with its parameters at DEBUG alone, and only where Django is told to.
    assert [text for text in planted if text and text in logged] == []
