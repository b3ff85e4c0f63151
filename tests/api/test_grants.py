"""Grants over HTTP: made, changed, listed in pages, withdrawn; and nobody else's business."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from identity.models import Cameo
from tests.api.conftest import Api, Cast, cameo_of, grant


@pytest.fixture
def alice(cast: Cast) -> Api:
    return cast.api(cast.alice)


def test_a_grant_is_made_changed_and_withdrawn(cast: Cast, alice_cameo: Cameo, alice: Api) -> None:
    made = grant(cast, alice_cameo)
    path = made.response["Location"]
    assert path == f"/v1/grants/{made.json['id']}"
    terms = {"purposes": ["personal", "parody"], "not_after": "2999-01-01T00:00:00+01:00"}
    changed = alice("PATCH", path, {"terms": terms}).json
    assert changed["version"] == 2
    assert changed["terms"]["not_after"] == "2998-12-31T23:00:00.000000Z"
    versions = alice("GET", f"{path}/versions").json["items"]
    assert [one["version"] for one in versions] == [1, 2]
    assert cast.api(cast.bob)("GET", path).json["id"] == made.json["id"]
    first = alice("POST", f"{path}/withdraw").json
    assert first["state"] == "withdrawn"
    assert alice("POST", f"{path}/withdraw", {}).json == first
    late = alice("PATCH", path, {"terms": terms})
    assert (late.status, late.code) == (409, "grant_withdrawn")


def test_refusals_have_their_codes(cast: Cast, alice_cameo: Cameo, alice: Api) -> None:
    assert grant(cast, alice_cameo).status == 201
    again = grant(cast, alice_cameo)
    assert (again.status, again.code) == (409, "grant_exists")
    body: dict[str, Any] = {"cameo": alice_cameo.id, "terms": {"purposes": ["personal"]}}
    own = alice("POST", "/v1/grants", body | {"grantee": cast.alice.id})
    assert (own.status, own.code) == (422, "grantee_is_owner")
    nobody = alice("POST", "/v1/grants", body | {"grantee": "acc_" + "a" * 26})
    assert (nobody.status, nobody.code) == (422, "grantee_unknown")
    past = {"purposes": ["fun"], "not_after": "2001-01-01T00:00:00Z", "size": 3}
    wrong = alice("POST", "/v1/grants", body | {"grantee": cast.mallory.id, "terms": past})
    assert (wrong.status, wrong.code) == (422, "terms_invalid")
    pointers = {field["pointer"] for field in wrong.json["errors"]}
    assert pointers == {"/terms/purposes", "/terms/not_after", "/terms/size"}
    pending = cameo_of(cast.bob, "pending")
    early = cast.api(cast.bob)(
        "POST", "/v1/grants", body | {"cameo": pending.id, "grantee": cast.alice.id}
    )
    assert (early.status, early.code) == (409, "cameo_not_enrolled")


def test_grants_are_listed_in_pages_both_ways(cast: Cast, alice_cameo: Cameo, alice: Api) -> None:
    friends = [User.objects.create_user(f"friend{i}@example.org") for i in range(5)]
    for friend in friends:
        body = {
            "cameo": alice_cameo.id,
            "grantee": friend.id,
            "terms": {"purposes": ["personal"]},
        }
        assert alice("POST", "/v1/grants", body).status == 201
    seen: list[str] = []
    path: str | None = "/v1/grants?limit=2"
    last = {}
    while path:
        last = alice("GET", path).json
        seen += [item["grantee"] for item in last["items"]]
        path = last["next"]
    assert seen == [friend.id for friend in reversed(friends)]
    before = alice("GET", last["previous"]).json
    assert [item["grantee"] for item in before["items"]] == seen[2:4]
    received = cast.api(friends[0])("GET", "/v1/grants?direction=received").json
    assert [item["owner"] for item in received["items"]] == [cast.alice.id]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=x",
        "limit=1&limit=2",
        "limit=%C2%B2",
        "direction=up",
        "colour=red",
        "after=%00",
        "after=" + "x" * 300,
        "%00=1",
    ],
)
def test_queries_that_are_refused(alice: Api, query: str) -> None:
    answer = alice("GET", f"/v1/grants?{query}")
    assert (answer.status, answer.code) == (422, "invalid_input")
    assert answer.json["errors"]


@pytest.mark.parametrize("query", ["after=nowhere", "before=grt_" + "a" * 26, "after=a&before=b"])
def test_cursors_that_no_list_gave_are_refused(alice: Api, query: str) -> None:
    answer = alice("GET", f"/v1/grants?{query}")
    assert (answer.status, answer.code) == (422, "cursor_unknown")


def test_other_peoples_grants_are_not_there(cast: Cast, alice_cameo: Cameo) -> None:
    path, mallory = grant(cast, alice_cameo).response["Location"], cast.api(cast.mallory)
    missing = "/v1/grants/grt_" + "a" * 26
    terms = {"terms": {"purposes": ["other"]}}
    for method, tail, body in (
        ("GET", "", None),
        ("GET", "/versions", None),
        ("PATCH", "", terms),
        ("POST", "/withdraw", None),
    ):
        answers = [mallory(method, p + tail, body, x_request_id="a") for p in (path, missing)]
        assert [answer.status for answer in answers] == [404, 404]
        assert answers[0].response.content == answers[1].response.content
    # The grantee may read a grant, but not change it.
    bob = cast.api(cast.bob)
    assert bob("PATCH", path, terms).status == 404
    assert bob("POST", f"{path}/withdraw").status == 404


def test_uses_of_another_persons_cameo_are_not_listed(cast: Cast, alice_cameo: Cameo) -> None:
    mallory = cast.api(cast.mallory)
    assert mallory("GET", "/v1/uses").json["items"] == []
    answer = mallory("GET", f"/v1/uses?cameo={alice_cameo.id}")
    assert (answer.status, answer.code) == (404, "not_found")


def test_sleeping_grants_wake_only_if_that_is_meant(cast: Cast, alice_cameo: Cameo) -> None:
    grant(cast, alice_cameo)
    alice = cast.api(cast.alice)
    alice("PUT", f"/v1/cameos/{alice_cameo.id}/audience", {"audience": "only_me"})
    body = {"cameo": alice_cameo.id, "grantee": cast.mallory.id, "terms": {"purposes": ["other"]}}
    asleep = alice("POST", "/v1/grants", body)
    assert (asleep.status, asleep.code) == (409, "audience_only_me")
    for word in ("yes", 1, None, "true"):
        answer = alice("POST", "/v1/grants", body | {"widen_audience": word})
        assert (answer.status, answer.code) == (422, "invalid_input")
        assert answer.json["errors"][0]["pointer"] == "/widen_audience"
    assert alice("POST", "/v1/grants", body | {"widen_audience": True}).status == 201
