"""Disputes over HTTP: who sees what of them, and that it is decided once."""

from __future__ import annotations

from typing import Any

import pytest

from common.clock import utcnow
from identity.models import Cameo, CaptureSession, Dispute, Review
from tests.api.conftest import Answer, Api, Cast, cameo_of


@pytest.fixture
def sam(cast: Cast) -> Api:
    return cast.api(cast.staff(), "pad:review")


@pytest.fixture
def attempt(cast: Cast, alice_cameo: Cameo) -> Review:
    """Mallory tried to enrol Alice's face, and a reviewer confirmed it."""
    now = utcnow()
    cameo = cameo_of(cast.mallory, "pending")
    session = CaptureSession.objects.create(
        account=cast.mallory,
        cameo=cameo,
        purpose="enrol",
        state="decided",
        outcome="fail",
        nonce_hash="0" * 64,
        script=[],
        created=now,
        expires=now,
    )
    return Review.objects.create(
        session=session,
        cameo=cameo,
        matched=alice_cameo,
        reasons=["duplicate"],
        state="decided",
        decision="refuse",
        duplicate_confirmed=True,
        created=now,
        decided=now,
    )


def opened(api: Api, body: Any, **headers: Any) -> Answer:
    return api("POST", "/v1/disputes", body, **headers)


def decide(api: Api, dispute: str, body: Any, **headers: Any) -> Answer:
    return api("POST", f"/v1/disputes/{dispute}/decide", body, **headers)


def test_both_sides_open_the_same_one_and_see_their_own(cast: Cast, attempt: Review) -> None:
    alice, mallory = cast.api(cast.alice), cast.api(cast.mallory)
    first = opened(mallory, {"session": attempt.session_id})
    assert (first.status, first.json["side"]) == (201, "claimant")
    assert first.json["cameo"] == attempt.cameo_id
    second = opened(alice, {"cameo": attempt.matched_id})
    assert (second.status, second.json["id"]) == (201, first.json["id"])
    address = second.response["Location"]
    assert address == f"/v1/disputes/{first.json['id']}"
    for api, own, other in (
        (alice, attempt.matched_id, attempt.cameo_id),
        (mallory, attempt.cameo_id, attempt.matched_id),
    ):
        found = api("GET", address)
        assert found.json["dispute"]["cameo"] == own
        assert (found.json["captures"], found.json["dispute"]["sides"]) == (None, None)
        page = api("GET", "/v1/disputes")
        assert page.json["items"] == [found.json["dispute"]]
        for answer in (found, page):
            assert str(other) not in answer.response.content.decode()
    assert cast.api(cast.bob)("GET", address).code == "not_found"
    assert cast.api(cast.bob)("GET", "/v1/disputes").json["items"] == []


def test_others_and_nothing_look_alike(cast: Cast, attempt: Review) -> None:
    bob = cast.api(cast.bob)
    own = cameo_of(cast.bob)
    bodies = [
        {"session": attempt.session_id},
        {"session": "cap_" + "a" * 26},
        {"cameo": attempt.matched_id},
        {"cameo": "cam_" + "a" * 26},
        {"cameo": own.id},
    ]
    answers = [opened(bob, body) for body in bodies]
    assert {(answer.status, answer.code) for answer in answers} == {(404, "not_found")}
    texts = [{k: v for k, v in answer.json.items() if k != "request_id"} for answer in answers]
    assert all(text == texts[0] for text in texts)
    assert not Dispute.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"session": "cap_" + "a" * 26, "cameo": "cam_" + "a" * 26},
        {"session": None},
        {"cameo": "cap_" + "a" * 26},
        {"review": "rev_" + "a" * 26},
        {"cameo": ["cam_" + "a" * 26]},
    ],
)
def test_bodies_that_are_refused(cast: Cast, body: Any) -> None:
    answer = opened(cast.api(cast.alice), body)
    assert (answer.status, answer.code) == (422, "invalid_input")


def test_scopes(cast: Cast, attempt: Review, sam: Api) -> None:
    body = {"cameo": attempt.matched_id}
    for api in (
        cast.api(cast.alice, "cameo:read"),
        cast.api(cast.alice, "cameo:enrol"),
        cast.through(cast.gen, cast.alice),
        sam,
    ):
        assert opened(api, body).code == "insufficient_scope"
    dispute = opened(cast.api(cast.alice), body).json["id"]
    ruling = {"for": "holder"}
    assert decide(cast.api(cast.alice), dispute, ruling).code == "insufficient_scope"
    for who in (cast.alice, cast.bob):
        pretender = cast.api(who, "pad:review cameo:read")
        assert decide(pretender, dispute, ruling).code == "not_staff"
        assert pretender("GET", "/v1/disputes").code == "not_staff"
        assert pretender("GET", f"/v1/disputes/{dispute}").code == "not_staff"
    assert Dispute.objects.get().state == "open"


def test_nobody_decides_on_themselves(cast: Cast, attempt: Review) -> None:
    dispute = opened(cast.api(cast.alice), {"cameo": attempt.matched_id}).json["id"]
    for who in (cast.alice, cast.mallory):
        who.is_staff = True
        who.save()
        api = cast.api(who, "pad:review")
        assert decide(api, dispute, {"for": "holder"}).code == "own_review"
        assert api("GET", f"/v1/disputes/{dispute}").code == "own_review"
        assert api("GET", "/v1/disputes").json["items"] == []


def test_staff_decides_once(cast: Cast, attempt: Review, sam: Api) -> None:
    alice = cast.api(cast.alice)
    dispute = opened(alice, {"cameo": attempt.matched_id}, idempotency_key="o1").json["id"]
    again = opened(alice, {"cameo": attempt.matched_id}, idempotency_key="o1")
    assert (again.json["id"], again.response["Idempotency-Replayed"]) == (dispute, "true")
    page = sam("GET", "/v1/disputes").json["items"]
    assert page[0]["sides"]["claimant"] == attempt.cameo_id
    assert page[0]["cameo"] is None
    found = sam("GET", f"/v1/disputes/{dispute}").json
    assert (found["captures"], found["dispute"]) == ([], page[0])
    resumed = alice("POST", f"/v1/cameos/{attempt.matched_id}/resume")
    assert resumed.code == "cameo_held"
    for body in ({"for": "both"}, {}, {"for": None}, {"for": "holder", "note": "x" * 2001}):
        assert decide(sam, dispute, body).code == "invalid_input"
    assert decide(sam, dispute, {"for": "claimant"}).code == "fresh_capture_missing"
    first = decide(sam, dispute, {"for": "holder", "note": "n"}, idempotency_key="d1")
    assert (first.status, first.json["decision"]) == (200, "holder")
    same = decide(sam, dispute, {"for": "holder", "note": "n"}, idempotency_key="d1")
    assert same.json == first.json
    assert decide(sam, dispute, {"for": "holder"}).code == "dispute_decided"
    assert sam("GET", "/v1/disputes").json["items"] == []
    seen = alice("GET", f"/v1/disputes/{dispute}").json["dispute"]
    assert (seen["state"], seen["decision"], seen["sides"]) == ("decided", "holder", None)
    assert alice("GET", "/v1/cameos").json["items"][0]["state"] == "active"
    late = opened(cast.api(cast.mallory), {"session": attempt.session_id})
    assert late.code == "dispute_unavailable"


def test_a_dispute_suspends_and_moves_the_epoch_that_tokens_are_bound_to(
    cast: Cast, attempt: Review
) -> None:
    before = Cameo.objects.get(id=attempt.matched_id)
    opened(cast.api(cast.mallory), {"session": attempt.session_id})
    held = Cameo.objects.get(id=attempt.matched_id)
    assert (held.state, held.epoch) == ("suspended", before.epoch + 1)
    assert cast.api(cast.mallory)("POST", "/v1/capture-sessions", {}).code == "cameo_held"
    for who in (cast.alice, cast.mallory):
        answer = cast.api(who)("POST", "/v1/capture-sessions", {"purpose": "re-enrol"})
        assert (answer.status, answer.json["purpose"]) == (201, "re-enrol")
        assert "dispute" not in answer.json
