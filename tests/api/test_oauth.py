"""A person lets an app in: authorization code with PKCE, refresh, denial."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts.models import User
from tests.api.conftest import Api, Cast
from tests.api.oauth_flow import BACK, Flow, post


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
    second = post(flow.http, "/oauth/token", **form)
    assert second.status_code == 200
    assert post(flow.http, "/oauth/token", **form).json()["error"] == "invalid_grant"
    stolen = form | {"refresh_token": second.json()["refresh_token"]}
    assert post(flow.http, "/oauth/token", **stolen).json()["error"] == "invalid_grant"


def test_a_closed_accounts_refresh_token_and_code_are_refused(flow: Flow) -> None:
    tokens = flow.tokens(flow.code()["code"]).json()
    code = flow.code()["code"]
    User.objects.filter(id=flow.who.id).update(is_active=False)
    form: dict[str, Any] = {
        "grant_type": "refresh_token",
        "refresh_token": tokens["refresh_token"],
        "client_id": flow.client_id,
    }
    for response in (post(flow.http, "/oauth/token", **form), flow.tokens(code)):
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
