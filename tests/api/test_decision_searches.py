"""Bulk, search both ways, and comparison, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from api.cursors import open_place, seal_place
from audit.interface import CursorUnknown
from common.clock import utcnow
from common.ids import new_id
from consent import searching
from consent.models import Audience, Block, Friendship, Grant
from identity.models import Cameo
from tests.api.conftest import Answer, Api, Cast, cameo_of, grant, render

BULK, WHOM = "/v1/decisions/bulk", "/v1/decisions/search"
WHO, DIFF = "/v1/decisions/search/who", "/v1/decisions/diff"
ASSERTING = "likeness:issue likeness:assert_requester"
ANSWER: dict[str, Any] = {"effect": "permit", "reasons": [], "obligations": [], "valid_until": None}
DENIED: dict[str, Any] = {
    "effect": "deny",
    "reasons": ["not_permitted"],
    "obligations": [],
    "valid_until": None,
}


def template(**changes: Any) -> dict[str, Any]:
    """A request without likenesses."""
    found = render(**changes)
    del found["likenesses"]
    return found


def bob(cast: Cast) -> Api:
    return cast.through(cast.gen, cast.bob)


def who_body(cast: Cast, one: Cameo, **changes: Any) -> dict[str, Any]:
    return {
        "cameo": one.id,
        "generator": cast.gen.generator.client_id,
        "request": template(),
    } | changes


def befriend(one: User, two: User) -> None:
    low, high = sorted((one.id, two.id))
    Friendship.objects.create(
        low_id=low, high_id=high, asked_by=low, state="accepted", asked=utcnow()
    )


def open_to(cameo: Cameo, kind: str) -> None:
    Audience.objects.update_or_create(cameo=cameo, defaults={"kind": kind, "since": cameo.created})


def hidden(cast: Cast, cameo: Cameo) -> dict[str, str]:
    """Cameos that Bob may know nothing of, by why."""
    erased = cameo_of(User.objects.create_user("erased@example.org"), "erased")
    blocking = cameo_of(User.objects.create_user("blocking@example.org"))
    open_to(blocking, "anyone")
    Block.objects.create(blocker=blocking.owner, blocked=cast.bob, since=cameo.created)
    return {
        "unknown": new_id("cam"),
        "erased": erased.id,
        "blocked": blocking.id,
        "ungranted": cameo.id,
    }


def test_bulk_answers_each_in_order(cast: Cast, alice_cameo: Cameo) -> None:
    grant(cast, alice_cameo)
    requests = [render(alice_cameo.id), render(new_id("cam")), render(alice_cameo.id, labels=None)]
    answer = bob(cast)("POST", BULK, {"requests": requests})
    assert answer.status == 200
    assert answer.response["Cache-Control"] == "no-store"
    undeclared = DENIED | {"reasons": ["labels_undeclared"]}
    assert answer.json == {"decisions": [ANSWER, DENIED, undeclared]}


def test_bulk_says_what_waits_for_an_approval(cast: Cast, alice_cameo: Cameo) -> None:
    grant(cast, alice_cameo)
    terms = {"purposes": ["personal"], "approval_each_time": True}
    Grant.objects.update(terms=terms)
    answer = bob(cast)("POST", BULK, {"requests": [render(alice_cameo.id)]})
    pending = {"effect": "pending", "reasons": ["approval_needed"]}
    assert answer.json == {"decisions": [DENIED | pending]}


def test_what_bob_may_not_know_of_is_the_same_bytes(cast: Cast, alice_cameo: Cameo) -> None:
    bodies = {
        why: bob(cast)("POST", BULK, {"requests": [render(cameo)]}).response.content
        for why, cameo in hidden(cast, alice_cameo).items()
    }
    assert len(set(bodies.values())) == 1, bodies
    found = bob(cast)("POST", WHOM, {"request": template()})
    assert found.json == {"items": [], "next": None}


def test_a_first_party_generator_names_the_requester(cast: Cast, alice_cameo: Cameo) -> None:
    grant(cast, alice_cameo)
    platform = cast.machine(cast.platform, ASSERTING)
    bulk = {"requester": cast.bob.id, "requests": [render(alice_cameo.id)]}
    assert platform("POST", BULK, bulk).json == {"decisions": [ANSWER]}
    whom = {"requester": cast.bob.id, "request": template()}
    assert [item["cameo"] for item in platform("POST", WHOM, whom).json["items"]] == [
        alice_cameo.id
    ]
    for path, body in ((BULK, bulk), (WHOM, whom)):
        assert bob(cast)("POST", path, body).code == "requester_misplaced"
        del body["requester"]
        assert platform("POST", path, body).code == "requester_misplaced"


def test_a_requester_finds_whom_they_may_use(cast: Cast, alice_cameo: Cameo) -> None:
    grant(cast, alice_cameo)
    own = cameo_of(cast.bob)
    answer = bob(cast)("POST", WHOM, {"request": template()})
    expected = [
        {"cameo": alice_cameo.id, "owner": cast.alice.id} | ANSWER,
        {"cameo": own.id, "owner": cast.bob.id} | ANSWER,
    ]
    assert answer.status == 200
    assert answer.json["next"] is None
    assert sorted(answer.json["items"], key=str) == sorted(expected, key=str)


def test_an_owner_finds_who_may_use_them(cast: Cast, alice_cameo: Cameo) -> None:
    grant(cast, alice_cameo)
    befriend(cast.alice, cast.mallory)
    open_to(alice_cameo, "mutuals")
    answer = cast.api(cast.alice)("POST", WHO, who_body(cast, alice_cameo))
    assert answer.status == 200
    people = sorted([cast.bob.id, cast.mallory.id])
    assert answer.json == {
        "items": [{"account": account} | ANSWER for account in people],
        "next": None,
        "anyone": False,
    }
    open_to(alice_cameo, "anyone")
    assert cast.api(cast.alice)("POST", WHO, who_body(cast, alice_cameo)).json["anyone"]


def walk(who: Api, path: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    address: str | None = f"{path}?limit=1"
    while address is not None:
        answer = who("POST", address, body)
        assert answer.status == 200, answer.json
        found += answer.json["items"]
        address = answer.json["next"]
    return found


def test_pages_are_walked_by_their_addresses(
    cast: Cast, alice_cameo: Cameo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "MAX_SCANNED", 2)
    open_to(alice_cameo, "mutuals")
    friends = [User.objects.create_user(f"friend{number}@example.org") for number in range(4)]
    for friend in friends:
        befriend(cast.alice, friend)
    found = walk(cast.api(cast.alice), WHO, who_body(cast, alice_cameo))
    assert [item["account"] for item in found] == sorted(friend.id for friend in friends)
    cameos = {}
    for friend in friends:
        cameos[friend.id] = cameo_of(friend)
        open_to(cameos[friend.id], "mutuals")
    usable = walk(cast.through(cast.gen, cast.alice), WHOM, {"request": template()})
    expected = {cameo.id for cameo in cameos.values()} | {alice_cameo.id}
    assert len(usable) == len(expected)
    assert {item["cameo"] for item in usable} == expected


def test_a_place_names_nobody_and_is_good_for_its_own_search(
    cast: Cast, alice_cameo: Cameo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "MAX_SCANNED", 1)
    for number in range(3):
        befriend(cast.bob, User.objects.create_user(f"friend{number}@example.org"))
    first = bob(cast)("POST", WHOM, {"request": template()}).json
    assert first["items"] == []
    address = first["next"]
    assert "acc_" not in address
    assert bob(cast)("POST", address, {"request": template()}).status == 200
    other = bob(cast)("POST", address, {"request": template(purpose="news")})
    assert (other.status, other.code) == (422, "cursor_unknown")
    for somebody in (cast.through(cast.gen, cast.alice), cast.through(cast.rival, cast.bob)):
        assert somebody("POST", address, {"request": template()}).code == "cursor_unknown"


@pytest.mark.parametrize("text", ["", "x", "acc_" + "a" * 26, "é", "A" * 199, "=", "-_-_"])
def test_places_that_were_never_given_out_arent_taken(cast: Cast, text: str) -> None:
    who = bob(cast)
    answer = who("POST", f"{WHOM}?after={text}", {"request": template()})
    assert (answer.status, answer.code) == (422, "cursor_unknown")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("before=x", "cursor_unknown"),
        ("limit=0", "invalid_input"),
        ("limit=101", "invalid_input"),
        ("limit=x", "invalid_input"),
        ("after=a&after=b", "invalid_input"),
        ("surprise=1", "invalid_input"),
        ("after=%00", "invalid_input"),
    ],
)
def test_queries_that_arent_taken(cast: Cast, alice_cameo: Cameo, query: str, code: str) -> None:
    whom = bob(cast)("POST", f"{WHOM}?{query}", {"request": template()})
    assert (whom.status, whom.code) == (422, code)
    who = cast.api(cast.alice)("POST", f"{WHO}?{query}", who_body(cast, alice_cameo))
    assert (who.status, who.code) == (422, code)


def test_a_changed_place_doesnt_open(cast: Cast) -> None:
    from accounts.interface import Caller, read_generator

    client = read_generator(cast.gen.generator.client_id)
    assert client is not None
    who = Caller(account_id=None, client=client, scopes=frozenset())
    text = seal_place("acc_x", who=who, about=["one"])
    assert open_place(text, who=who, about=["one"]) == "acc_x"
    flipped = ("A" if text[0] != "A" else "B") + text[1:]
    for wrong, about in ((flipped, ["one"]), (text[:-2], ["one"]), (text, ["two"])):
        with pytest.raises(CursorUnknown):
            open_place(wrong, who=who, about=about)


def compare(cast: Cast, cameo: Cameo, change: Any, **changes: Any) -> Answer:
    body = {"cameo": cameo.id, "change": change, "generator": cast.gen.generator.client_id}
    return cast.api(cast.alice)("POST", DIFF, body | changes)


def test_an_owner_sees_what_a_change_would_do(cast: Cast, alice_cameo: Cameo) -> None:
    made = grant(cast, alice_cameo).json["id"]
    lost = {
        "account": cast.bob.id,
        "generator": cast.gen.generator.client_id,
        "purpose": "personal",
        "before": "permit",
        "after": "deny",
    }
    for change in (
        {"withdraw": made},
        {"block": cast.bob.id},
        {"audience": "only_me"},
        {"restrictions": {"purposes": ["news"]}},
        {
            "grant": made,
            "terms": {"purposes": ["personal"], "max_duration_s": 1, "generators": ["x"]},
        },
    ):
        answer = compare(cast, alice_cameo, change)
        assert answer.status == 200, answer.json
        assert answer.json == {"items": [lost], "truncated": False}
    gained = compare(
        cast, alice_cameo, {"grantee": cast.mallory.id, "terms": {"purposes": ["news"]}}
    )
    assert [(item["account"], item["after"]) for item in gained.json["items"]] == [
        (cast.mallory.id, "permit")
    ]
    assert Grant.objects.get().withdrawn is None


@pytest.mark.parametrize(
    ("change", "status", "code", "pointer"),
    [
        ({}, 422, "invalid_input", "/change"),
        ({"audience": "all"}, 422, "audience_unknown", None),
        ({"audience": "granted", "block": "acc_" + "a" * 26}, 422, "invalid_input", "/change"),
        ({"withdraw": "nonsense"}, 422, "invalid_input", "/change/withdraw"),
        ({"restrictions": {"surprise": 1}}, 422, "terms_invalid", "/change/restrictions/surprise"),
        (
            {"grantee": "acc_" + "a" * 26, "terms": {}},
            422,
            "terms_invalid",
            "/change/terms/purposes",
        ),
        ({"withdraw": "grt_" + "b" * 26}, 404, "not_found", None),
        ({"block": "acc_" + "b" * 26}, 422, "person_unknown", None),
        ({"x" * 5000: 1}, 422, "invalid_input", "/change"),
        ("audience", 422, "invalid_input", "/change"),
        ([], 422, "invalid_input", "/change"),
        (None, 422, "invalid_input", "/change"),
    ],
)
def test_changes_that_arent_taken(
    cast: Cast, alice_cameo: Cameo, change: Any, status: int, code: str, pointer: str | None
) -> None:
    answer = compare(cast, alice_cameo, change)
    assert (answer.status, answer.code) == (status, code)
    if pointer is not None:
        assert answer.json["errors"][0]["pointer"] == pointer


def test_owners_ask_about_their_own_cameo_only(cast: Cast, alice_cameo: Cameo) -> None:
    theirs = cameo_of(cast.bob)
    answers = [
        cast.api(cast.alice)("POST", path, body, x_request_id="same")
        for cameo in (theirs.id, new_id("cam"))
        for path, body in (
            (WHO, who_body(cast, theirs, cameo=cameo)),
            (DIFF, {"cameo": cameo, "change": {"audience": "only_me"}}),
        )
    ]
    assert {answer.status for answer in answers} == {404}
    assert len({answer.response.content for answer in answers}) == 1


NINE = [f"cam_{'a' * 25}{letter}" for letter in "abcdefghi"]


@pytest.mark.parametrize(
    ("requests", "code"),
    [
        ([], "invalid_input"),
        (None, "invalid_input"),
        ({}, "invalid_input"),
        ("text", "invalid_input"),
        ([render("cam_" + "a" * 26)] * 51, "invalid_input"),
        ([[]], "invalid_input"),
        ([None], "invalid_input"),
        ([{}], "request_invalid"),
        ([render(*NINE)], "request_invalid"),
        ([render(NINE[0], NINE[0])], "request_invalid"),
        ([render()], "request_invalid"),
        ([render("x" * 5000)], "request_invalid"),
        ([render(NINE[0], surprise=1)], "request_invalid"),
        ([render(NINE[0], purpose=7)], "request_invalid"),
        ([render(NINE[0], outputs={"count": 10**30, "seconds": 1e308})], "request_invalid"),
    ],
)
def test_bulk_refuses_what_it_cant_read(cast: Cast, requests: Any, code: str) -> None:
    answer = bob(cast)("POST", BULK, {"requests": requests})
    assert (answer.status, answer.code) == (422, code)
    assert answer.json["errors"][0]["pointer"].startswith("/requests")


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [],
        "text",
        7,
        {},
        template() | {"likenesses": [NINE[0]]},
        template(surprise=1),
        template(purpose=None),
        template(labels=["a", "a"]),
        template(labels="x"),
        template(outputs={"count": 10**30, "seconds": 1}),
        template(prompt_digest="x" * 5000),
    ],
)
def test_searches_refuse_what_they_cant_read(cast: Cast, alice_cameo: Cameo, wrong: Any) -> None:
    for answer in (
        bob(cast)("POST", WHOM, {"request": wrong}),
        cast.api(cast.alice)("POST", WHO, who_body(cast, alice_cameo, request=wrong)),
    ):
        assert answer.status == 422
        assert answer.code in {"invalid_input", "request_invalid"}
        assert answer.json["errors"][0]["pointer"].startswith("/request")


def test_a_nul_is_refused_everywhere(cast: Cast, alice_cameo: Cameo) -> None:
    for path, who in (
        (BULK, bob(cast)),
        (WHOM, bob(cast)),
        (WHO, cast.api(cast.alice)),
        (DIFF, cast.api(cast.alice)),
    ):
        answer = who("POST", path, raw=b'{"generator": "\\u0000"}')
        assert (answer.status, answer.code) == (400, "malformed_input")
