"""Invites over HTTP: shown to their owner, redeemed once by another, in no log."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from consent.models import Friendship
from tests.api.conftest import Answer, Api, Cast


@pytest.fixture
def alice(cast: Cast) -> Api:
    return cast.api(cast.alice)


@pytest.fixture
def bob(cast: Cast) -> Api:
    return cast.api(cast.bob)


def mine(who: Api) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = who("GET", "/v1/invites").json["items"]
    return items


def redeem(who: Api, code: Any, **headers: Any) -> Answer:
    return who("POST", "/v1/invites/redeem", {"code": code}, **headers)


def test_four_codes_are_shown_and_one_makes_friends(cast: Cast, alice: Api, bob: Api) -> None:
    page = alice("GET", "/v1/invites")
    assert page.response["Cache-Control"] == "no-store"
    assert (page.json["next"], page.json["previous"], len(page.json["items"])) == (None, None, 4)
    first = page.json["items"][0]
    assert set(first) == {"id", "code", "state", "created", "used", "used_by", "revoked"}
    made = redeem(bob, first["code"].lower())
    assert (made.status, made.json["state"], made.json["friend"]) == (
        201,
        "accepted",
        cast.alice.id,
    )
    assert made.response["Location"] == f"/v1/friendships/{made.json['id']}"
    assert alice("GET", made.response["Location"]).json["friend"] == cast.bob.id
    used = mine(alice)[0]
    assert (used["state"], used["used_by"], used["code"]) == ("used", cast.bob.id, None)
    late = alice("POST", f"/v1/invites/{used['id']}/revoke")
    assert (late.status, late.code) == (409, "invite_used")


def test_a_revoked_code_is_as_good_as_none(cast: Cast, alice: Api, bob: Api) -> None:
    used, revoked = mine(alice)[:2]
    redeem(cast.api(cast.mallory), used["code"])
    path = f"/v1/invites/{revoked['id']}/revoke"
    answer = alice("POST", path).json
    assert (answer["state"], answer["code"]) == ("revoked", None)
    assert alice("POST", path, {}).json == answer
    codes = (used["code"], revoked["code"], "0" * 20, "nonsense")
    answers = [redeem(bob, code, x_request_id="a") for code in codes]
    assert {(one.status, one.code) for one in answers} == {(422, "invite_unknown")}
    assert len({one.response.content for one in answers}) == 1


def test_a_block_either_way_makes_a_code_unknown(cast: Cast, alice: Api, bob: Api) -> None:
    code = mine(alice)[0]["code"]
    plain = redeem(bob, "nonsense", x_request_id="a").response.content
    for who, account in ((alice, cast.bob.id), (bob, cast.alice.id)):
        block = who("POST", "/v1/blocks", {"account": account}).response["Location"]
        assert redeem(bob, code, x_request_id="a").response.content == plain
        who("POST", f"{block}/lift")
    assert redeem(bob, code).status == 201


def test_ones_own_code_is_for_others(alice: Api) -> None:
    answer = redeem(alice, mine(alice)[0]["code"])
    assert (answer.status, answer.code) == (422, "person_is_oneself")


@pytest.mark.parametrize("code", [None, 7, True, [], {}, "", " ", "x" * 101, "0" * 200_000])
def test_what_cannot_be_a_code_is_refused_at_its_place(bob: Api, code: Any) -> None:
    answer = redeem(bob, code)
    assert (answer.status, answer.code) == (422, "invalid_input")
    assert answer.json["errors"][0]["pointer"] == "/code"
    assert "xxxx" not in answer.response.content.decode()


def test_other_bodies_and_queries_are_refused(alice: Api) -> None:
    more = alice("POST", "/v1/invites/redeem", {"code": "0" * 20, "for": "me"})
    assert (more.status, more.code) == (422, "invalid_input")
    nul = alice("POST", "/v1/invites/redeem", raw=b'{"code": "\\u0000"}')
    assert (nul.status, nul.code) == (400, "malformed_input")
    for query in ("limit=1", "state=open"):
        assert alice("GET", f"/v1/invites?{query}").code == "invalid_input"


def test_a_key_redeems_once_and_answers_twice(alice: Api, bob: Api) -> None:
    code = mine(alice)[0]["code"]
    first, again = (redeem(bob, code, idempotency_key="k") for _ in range(2))
    assert (first.status, again.status) == (201, 201)
    assert first.json == again.json
    assert again.response["Idempotency-Replayed"] == "true"
    refused = redeem(bob, code)
    assert (refused.status, refused.code) == (422, "invite_unknown")
    assert Friendship.objects.count() == 1


def test_nobody_revokes_anothers(cast: Cast, alice: Api) -> None:
    mallory = cast.api(cast.mallory)
    paths = [f"/v1/invites/{name}/revoke" for name in (mine(alice)[0]["id"], "inv_" + "a" * 26)]
    answers = [mallory("POST", path, x_request_id="a") for path in paths]
    assert [answer.status for answer in answers] == [404, 404]
    assert answers[0].response.content == answers[1].response.content
    assert mine(alice)[0]["state"] == "open"


def test_a_code_reaches_neither_log_nor_statement(
    cast: Cast, alice: Api, bob: Api, caplog: pytest.LogCaptureFixture
) -> None:
    with CaptureQueriesContext(connection) as statements, caplog.at_level(logging.DEBUG):
        codes = [one["code"] for one in mine(alice)]
        assert redeem(bob, codes[0], idempotency_key="k").status == 201
        assert redeem(cast.api(cast.mallory), codes[0]).status == 422
        assert redeem(alice, codes[1]).status == 422
        assert redeem(bob, codes[2] + "X").status == 422
    said = caplog.text + "".join(one["sql"] for one in statements.captured_queries)
    assert "consent_invite" in said
    said = said.upper().replace("-", "")
    assert [code for code in codes if code.replace("-", "") in said] == []
