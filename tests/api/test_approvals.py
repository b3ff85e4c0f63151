"""Approvals over HTTP: a token request that waits, the owner's inbox, and what they answer."""

from __future__ import annotations

from typing import Any

import pytest

from consent.models import Approval, Grant, IssuedToken
from identity.models import Cameo
from tests.api.conftest import Answer, Api, Cast, render

TOKENS = "/v1/likeness-tokens"


@pytest.fixture
def alice(cast: Cast) -> Api:
    return cast.api(cast.alice)


@pytest.fixture
def bob(cast: Cast) -> Api:
    """Bob in Gen's own app, which asks for likenesses."""
    return cast.through(cast.gen, cast.bob)


@pytest.fixture
def asking(cast: Cast, alice_cameo: Cameo, alice: Api) -> dict[str, Any]:
    """The body of a request that Alice must approve."""
    terms = {"purposes": ["personal"], "approval_each_time": True}
    body = {"cameo": alice_cameo.id, "grantee": cast.bob.id, "terms": terms}
    assert alice("POST", "/v1/grants", body).status == 201
    return {"request": render(alice_cameo.id)}


def decide(who: Api, approval: str, decision: str = "approve") -> Answer:
    return who("POST", f"/v1/approvals/{approval}/decide", {"decision": decision})


def test_a_request_waits_is_approved_and_rendered_once(
    cast: Cast, alice: Api, bob: Api, asking: dict[str, Any]
) -> None:
    dry = bob("POST", "/v1/decisions", asking)
    assert (dry.status, dry.json["effect"], dry.json["obligations"]) == (200, "pending", [])
    assert Approval.objects.count() == 0
    waiting = bob("POST", TOKENS, asking)
    assert waiting.status == 202
    (approval,) = waiting.json["approvals"]
    assert set(waiting.json) == {"approvals", "expires"}
    assert bob("POST", TOKENS, asking).json == waiting.json
    (asked,) = alice("GET", "/v1/approvals").json["items"]
    assert (asked["id"], asked["state"], asked["decided"]) == (approval, "asked", None)
    assert asked["expires"] == waiting.json["expires"]
    assert asked["requester"] == cast.bob.id
    assert asked["request"]["prompt_digest"] == asking["request"]["prompt_digest"]
    decided = decide(alice, approval)
    assert (decided.status, decided.json["state"]) == (200, "approved")
    assert decide(alice, approval).json == decided.json
    assert bob("POST", "/v1/decisions", asking).json["effect"] == "permit"
    token = bob("POST", TOKENS, asking)
    assert token.status == 200
    body = asking | {"token": token.json["token"]}
    lease = cast.machine(cast.gen)("POST", f"{TOKENS}/redeem", body)
    assert lease.status == 200
    path = f"/v1/leases/{lease.json['id']}"
    assert cast.machine(cast.gen)("GET", path).json["state"] == "live"
    assert alice("GET", f"/v1/approvals/{approval}").json["state"] == "spent"
    again = bob("POST", TOKENS, asking)
    assert again.status == 202
    assert again.json["approvals"] != [approval]


def test_a_declined_request_gets_no_token(alice: Api, bob: Api, asking: dict[str, Any]) -> None:
    (approval,) = bob("POST", TOKENS, asking).json["approvals"]
    assert decide(alice, approval, "decline").json["state"] == "declined"
    late = decide(alice, approval)
    assert (late.status, late.code) == (409, "approval_decided")
    assert bob("POST", "/v1/decisions", asking).json["effect"] == "pending"
    assert IssuedToken.objects.count() == 0


def test_a_withdrawn_grant_leaves_nothing_to_approve(
    alice: Api, bob: Api, asking: dict[str, Any]
) -> None:
    (approval,) = bob("POST", TOKENS, asking, idempotency_key="k").json["approvals"]
    alice("POST", f"/v1/grants/{Grant.objects.get().id}/withdraw")
    refused = decide(alice, approval)
    assert (refused.status, refused.code) == (409, "approval_lapsed")
    assert alice("GET", f"/v1/approvals/{approval}").json["state"] == "lapsed"
    for path in (TOKENS, "/v1/decisions"):
        assert bob("POST", path, asking).code == "not_permitted"
    assert bob("POST", TOKENS, asking, idempotency_key="k").code == "not_permitted"


def test_a_key_gives_the_same_answer_again(alice: Api, bob: Api, asking: dict[str, Any]) -> None:
    first = bob("POST", TOKENS, asking, idempotency_key="k")
    assert "Idempotency-Replayed" not in first.response
    for _ in range(2):
        second = bob("POST", TOKENS, asking, idempotency_key="k")
        assert (second.status, second.json) == (202, first.json)
        assert second.response["Idempotency-Replayed"] == "true"
        decide(alice, first.json["approvals"][0])
    assert bob("POST", TOKENS, asking, idempotency_key="other").status == 200
    assert Approval.objects.count() == 1


def test_only_who_is_asked_decides_and_only_who_asked_sees(
    cast: Cast, alice: Api, bob: Api, asking: dict[str, Any]
) -> None:
    (approval,) = bob("POST", TOKENS, asking).json["approvals"]
    path = f"/v1/approvals/{approval}"
    requester, stranger = cast.api(cast.bob), cast.api(cast.mallory)
    assert requester("GET", path).json["id"] == approval
    assert requester("GET", "/v1/approvals").json["items"] == []
    mine = requester("GET", "/v1/approvals?direction=by_me").json["items"]
    assert [one["id"] for one in mine] == [approval]
    assert set(mine[0]) == set(alice("GET", path).json)
    assert stranger("GET", path).code == decide(stranger, approval).code == "not_found"
    assert decide(requester, approval).code == "not_found"
    assert decide(bob, approval).code == "insufficient_scope"
    assert cast.machine(cast.gen)("GET", path).code == "insufficient_scope"
    assert Approval.objects.get().state == "asked"


def test_a_first_party_asks_for_a_requester(cast: Cast, alice: Api, asking: dict[str, Any]) -> None:
    platform = cast.machine(cast.platform, "likeness:issue likeness:assert_requester")
    body = asking | {"requester": cast.bob.id}
    waiting = platform("POST", TOKENS, body)
    assert waiting.status == 202
    decide(alice, waiting.json["approvals"][0])
    assert platform("POST", TOKENS, body).status == 200
    # It is that generator's alone.
    assert cast.through(cast.gen, cast.bob)("POST", TOKENS, asking).status == 202


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"decision": None},
        {"decision": ""},
        {"decision": "approve "},
        {"decision": "APPROVE"},
        {"decision": "x" * 500},
        {"decision": True},
        {"decision": ["approve"]},
        {"decision": "approve", "note": "no"},
    ],
)
def test_bad_input_decides_nothing(
    alice: Api, bob: Api, asking: dict[str, Any], body: object
) -> None:
    (approval,) = bob("POST", TOKENS, asking).json["approvals"]
    answer = alice("POST", f"/v1/approvals/{approval}/decide", body)
    assert (answer.status, answer.code) == (422, "invalid_input")
    assert Approval.objects.get().state == "asked"


def test_lists_refuse_what_they_do_not_know(alice: Api) -> None:
    for query in ("direction=mine", "state=asked", "limit=0", "direction=of_me&direction=by_me"):
        answer = alice("GET", f"/v1/approvals?{query}")
        assert (answer.status, answer.code) == (422, "invalid_input")
    assert alice("GET", "/v1/approvals?after=apr_" + "a" * 26).code == "cursor_unknown"


def test_a_list_goes_on_in_its_direction(
    cast: Cast, alice_cameo: Cameo, bob: Api, asking: dict[str, Any]
) -> None:
    for digit in "123":
        bob("POST", TOKENS, {"request": render(alice_cameo.id, prompt_digest=digit * 64)})
    requester = cast.api(cast.bob)
    path: str | None = "/v1/approvals?direction=by_me&limit=2"
    seen: list[str] = []
    while path:
        page = requester("GET", path).json
        seen += [one["request"]["prompt_digest"][0] for one in page["items"]]
        path = page["next"]
    assert seen == ["3", "2", "1"]
