"""Blocks over HTTP: made, listed, lifted; and a secret of who made them."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from consent.models import Block
from identity.models import Cameo
from tests.api.conftest import Answer, Api, Cast, grant, render


@pytest.fixture
def alice(cast: Cast) -> Api:
    return cast.api(cast.alice)


def block(who: Api, account: Any, **headers: Any) -> Answer:
    return who("POST", "/v1/blocks", {"account": account}, **headers)


def test_a_block_is_made_read_listed_and_lifted(cast: Cast, alice: Api) -> None:
    made = block(alice, cast.bob.id)
    path = made.response["Location"]
    assert (made.status, path) == (201, f"/v1/blocks/{made.json['id']}")
    assert set(made.json) == {"id", "blocked", "state", "since", "lifted"}
    assert block(alice, cast.bob.id).json == alice("GET", path).json == made.json
    assert alice("GET", "/v1/blocks").json["items"] == [made.json]
    lifted = alice("POST", f"{path}/lift").json
    assert lifted["state"] == "lifted"
    assert alice("POST", f"{path}/lift", {}).json == lifted
    assert alice("GET", "/v1/blocks?limit=1").json["items"] == [lifted]


def test_a_block_denies_as_if_nothing_had_been_granted(
    cast: Cast, alice_cameo: Cameo, alice: Api
) -> None:
    grant(cast, alice_cameo)
    asked = {"request": render(alice_cameo.id)}
    bob, mallory = (cast.through(cast.gen, who) for who in (cast.bob, cast.mallory))
    assert bob("POST", "/v1/decisions", asked).status == 200
    block(alice, cast.bob.id)
    for path in ("/v1/decisions", "/v1/likeness-tokens"):
        answers = [who("POST", path, asked, x_request_id="a") for who in (bob, mallory)]
        assert [answer.status for answer in answers] == [403, 403]
        assert answers[0].response.content == answers[1].response.content


def test_refusals_have_their_codes(cast: Cast, alice: Api) -> None:
    User.objects.filter(id=cast.mallory.id).update(is_active=False)
    nobody, closed = (
        block(alice, account, x_request_id="a") for account in ("acc_" + "a" * 26, cast.mallory.id)
    )
    assert (nobody.status, nobody.code) == (422, "person_unknown")
    assert nobody.response.content == closed.response.content
    own = block(alice, cast.alice.id)
    assert (own.status, own.code) == (422, "person_is_oneself")


@pytest.mark.parametrize("account", [None, 7, True, [], {}, "", "bob", "x" * 9999])
def test_what_is_no_account_id_is_refused_at_its_place(alice: Api, account: Any) -> None:
    answer = block(alice, account)
    assert (answer.status, answer.code) == (422, "invalid_input")
    assert answer.json["errors"][0]["pointer"] == "/account"


def test_a_key_makes_one_block_of_two(cast: Cast, alice: Api) -> None:
    first, again = (block(alice, cast.bob.id, idempotency_key="k") for _ in range(2))
    assert first.json == again.json
    assert again.response["Idempotency-Replayed"] == "true"
    assert Block.objects.count() == 1


def test_blocks_are_nobody_elses(cast: Cast, alice: Api) -> None:
    path = block(alice, cast.bob.id).response["Location"]
    missing = "/v1/blocks/blk_" + "a" * 26
    for person in (cast.bob, cast.mallory):
        who = cast.api(person)
        for method, tail in (("GET", ""), ("POST", "/lift")):
            answers = [who(method, p + tail, x_request_id="a") for p in (path, missing)]
            assert [answer.status for answer in answers] == [404, 404]
            assert answers[0].response.content == answers[1].response.content
        assert who("GET", "/v1/blocks").json["items"] == []
    assert alice("GET", path).json["state"] == "live"


@pytest.mark.parametrize("query", ["limit=0", "state=live", "after=%00"])
def test_queries_that_are_refused(alice: Api, query: str) -> None:
    answer = alice("GET", f"/v1/blocks?{query}")
    assert (answer.status, answer.code) == (422, "invalid_input")
