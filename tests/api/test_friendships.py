"""Friendships over HTTP: asked for, accepted, ended, listed; and nobody else's business."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from consent.models import Friendship
from events.models import Event
from identity.models import Cameo
from tests.api.conftest import Answer, Api, Cast

NOBODY = "acc_" + "a" * 26


@pytest.fixture
def alice(cast: Cast) -> Api:
    return cast.api(cast.alice)


@pytest.fixture
def bob(cast: Cast) -> Api:
    return cast.api(cast.bob)


def ask(who: Api, account: str, **headers: Any) -> Answer:
    return who("POST", "/v1/friendships", {"account": account}, **headers)


def test_a_friendship_is_asked_for_accepted_and_ended(
    cast: Cast, alice_cameo: Cameo, alice: Api, bob: Api
) -> None:
    made = ask(bob, cast.alice.id)
    assert made.status == 201
    path = made.response["Location"]
    assert path == f"/v1/friendships/{made.json['id']}"
    assert made.json == bob("GET", path).json
    assert set(made.json) == {
        "id",
        "friend",
        "asked_by",
        "state",
        "asked",
        "accepted",
        "ended",
    }
    assert (made.json["friend"], made.json["state"]) == (cast.alice.id, "asked")
    seen = alice("GET", path).json
    assert (seen["friend"], seen["asked_by"]) == (cast.bob.id, cast.bob.id)
    own = bob("POST", f"{path}/accept")
    assert (own.status, own.code) == (409, "friendship_own_ask")
    accepted = alice("POST", f"{path}/accept")
    assert (accepted.status, accepted.json["state"]) == (200, "accepted")
    assert alice("POST", f"{path}/accept", {}).json == accepted.json
    ended = bob("POST", f"{path}/end").json
    assert (ended["state"], ended["accepted"]) == ("ended", accepted.json["accepted"])
    assert bob("POST", f"{path}/end", {}).json == ended
    late = alice("POST", f"{path}/accept")
    assert (late.status, late.code) == (409, "friendship_ended")


def test_refusals_have_their_codes(cast: Cast, alice: Api) -> None:
    User.objects.filter(id=cast.mallory.id).update(is_active=False)
    nobody, closed = (
        ask(alice, account, x_request_id="a") for account in (NOBODY, cast.mallory.id)
    )
    assert (nobody.status, nobody.code) == (422, "person_unknown")
    assert nobody.response.content == closed.response.content
    own = ask(alice, cast.alice.id)
    assert (own.status, own.code) == (422, "person_is_oneself")
    alice("POST", "/v1/blocks", {"account": cast.bob.id})
    blocked = ask(alice, cast.bob.id)
    assert (blocked.status, blocked.code) == (409, "person_blocked")
    assert not Friendship.objects.exists()


@pytest.mark.parametrize(
    "account", [None, 7, True, [], {}, "", "bob", "acc_", "cam_" + "a" * 26, "x" * 9999]
)
def test_what_is_no_account_id_is_refused_at_its_place(alice: Api, account: Any) -> None:
    answer = ask(alice, account)
    assert (answer.status, answer.code) == (422, "invalid_input")
    assert answer.json["errors"][0]["pointer"] == "/account"


def test_accepting_takes_no_members(cast: Cast, alice: Api, bob: Api) -> None:
    path = ask(bob, cast.alice.id).response["Location"]
    for tail in ("accept", "end"):
        answer = alice("POST", f"{path}/{tail}", {"state": "ended"})
        assert (answer.status, answer.code) == (422, "invalid_input")
    assert alice("GET", path).json["state"] == "asked"


def test_a_key_makes_one_ask_of_two(cast: Cast, bob: Api) -> None:
    first = ask(bob, cast.alice.id, idempotency_key="k1")
    again = ask(bob, cast.alice.id, idempotency_key="k1")
    assert first.json == again.json
    assert (first.status, again.status) == (201, 201)
    assert again.response["Idempotency-Replayed"] == "true"
    other = ask(bob, cast.mallory.id, idempotency_key="k1")
    assert (other.status, other.code) == (422, "idempotency_key_reused")
    assert Event.objects.count() == 1
    # Without a key, the friendship that is there is given.
    assert ask(bob, cast.alice.id).json == first.json


def test_friendships_are_listed_in_pages_by_state(cast: Cast, alice: Api) -> None:
    people = [User.objects.create_user(f"friend{i}@example.org") for i in range(5)]
    ids = [ask(alice, person.id).json["id"] for person in people]
    for person in people[:2]:
        assert ask(cast.api(person), cast.alice.id).json["state"] == "accepted"
    seen: list[str] = []
    path: str | None = "/v1/friendships?state=asked&limit=2"
    while path:
        page = alice("GET", path).json
        seen += [item["id"] for item in page["items"]]
        path = page["next"]
        assert path is None or "state=asked" in path
    assert seen == ids[:1:-1]
    accepted = alice("GET", "/v1/friendships?state=accepted").json["items"]
    assert [item["friend"] for item in accepted] == [people[1].id, people[0].id]
    assert alice("GET", "/v1/friendships?state=ended").json["items"] == []
    assert len(alice("GET", "/v1/friendships").json["items"]) == 5


@pytest.mark.parametrize("query", ["state=open", "state=", "limit=0", "colour=red", "state=%00"])
def test_queries_that_are_refused(alice: Api, query: str) -> None:
    answer = alice("GET", f"/v1/friendships?{query}")
    assert (answer.status, answer.code) == (422, "invalid_input")


def test_other_peoples_friendships_are_not_there(cast: Cast, bob: Api) -> None:
    path, mallory = ask(bob, cast.alice.id).response["Location"], cast.api(cast.mallory)
    missing = "/v1/friendships/fri_" + "a" * 26
    for method, tail in (("GET", ""), ("POST", "/accept"), ("POST", "/end")):
        answers = [mallory(method, p + tail, x_request_id="a") for p in (path, missing)]
        assert [answer.status for answer in answers] == [404, 404]
        assert answers[0].response.content == answers[1].response.content
    assert mallory("GET", "/v1/friendships").json["items"] == []


def test_an_ask_of_who_blocked_looks_like_any_other(cast: Cast, alice: Api, bob: Api) -> None:
    alice("POST", "/v1/blocks", {"account": cast.bob.id})
    hidden, other = ask(bob, cast.alice.id), ask(bob, cast.mallory.id)
    assert hidden.status == other.status == 201
    told = [{**answer.json, "id": "", "friend": "", "asked": ""} for answer in (hidden, other)]
    assert told[0] == told[1]
    path = hidden.response["Location"]
    assert bob("GET", path).json == hidden.json
    assert alice("GET", path).status == 404
    assert alice("GET", "/v1/friendships").json["items"] == []
