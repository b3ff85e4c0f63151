"""The review queue over HTTP: staff alone, pages, decisions that are made once."""

from __future__ import annotations

from typing import Any

import pytest

from common.clock import utcnow
from identity.models import Cameo, CaptureSession, Review
from tests.api.conftest import Answer, Api, Cast, cameo_of


@pytest.fixture
def sam(cast: Cast) -> Api:
    return cast.api(cast.staff(), "pad:review")


def waiting(cameo: Cameo, *reasons: str) -> Review:
    """A capture that waits for a person; nothing was measured of it."""
    now = utcnow()
    session = CaptureSession.objects.create(
        account=cameo.owner,
        cameo=cameo,
        purpose="enrol",
        state="decided",
        outcome="review",
        nonce_hash="0" * 64,
        script=[],
        created=now,
        expires=now,
    )
    return Review.objects.create(
        session=session, cameo=cameo, reasons=list(reasons or ["liveness"]), created=now
    )


@pytest.fixture
def review(cast: Cast) -> Review:
    return waiting(cameo_of(cast.alice, "in_review"))


def decide(api: Api, review: str, body: Any = None, **headers: Any) -> Answer:
    sends = {"decision": "refuse", "note": "no"} if body is None else body
    return api("POST", f"/v1/reviews/{review}/decide", sends, **headers)


def test_both_the_scope_and_the_staff_are_needed(cast: Cast, review: Review) -> None:
    for who, code in (
        (cast.api(cast.alice, "pad:review"), "not_staff"),
        (cast.api(cast.mallory, "pad:review"), "not_staff"),
        (cast.api(cast.staff(), "cameo:read"), "insufficient_scope"),
    ):
        answers = [
            who("GET", "/v1/reviews"),
            who("GET", f"/v1/reviews/{review.id}"),
            who("GET", "/v1/reviews/rev_" + "a" * 26),
            decide(who, review.id),
        ]
        assert {(answer.status, answer.code) for answer in answers} == {(403, code)}
    assert Review.objects.get().state == "open"


def test_the_queue_and_one_review(sam: Api, review: Review) -> None:
    page = sam("GET", "/v1/reviews?state=open").json
    assert [item["id"] for item in page["items"]] == [review.id]
    assert sam("GET", "/v1/reviews?state=decided").json["items"] == []
    found = sam("GET", f"/v1/reviews/{review.id}").json
    assert found["review"] == page["items"][0]
    assert (found["series"], found["series_missing"]) == (None, "track_gone")
    assert found["clip_kept"] is False
    for query in ("state=lost", "state=open&state=open", "limit=0", "after=x", "x=1"):
        assert sam("GET", f"/v1/reviews?{query}").status == 422
    assert sam("GET", "/v1/reviews/rev_" + "a" * 26).code == "not_found"


def test_pages_lead_on_and_back(cast: Cast, sam: Api) -> None:
    for owner in (cast.alice, cast.bob, cast.mallory):
        waiting(cameo_of(owner, "in_review"))
    first = sam("GET", "/v1/reviews?limit=2&state=open").json
    second = sam("GET", first["next"]).json
    assert [len(first["items"]), len(second["items"])] == [2, 1]
    assert sam("GET", second["previous"]).json["items"] == first["items"]


def test_a_decision_is_made_once(cast: Cast, sam: Api, review: Review) -> None:
    first = decide(sam, review.id, idempotency_key="k1")
    assert (first.status, first.json["state"], first.json["decision"]) == (200, "decided", "refuse")
    again = decide(sam, review.id, idempotency_key="k1")
    assert (again.json, again.response["Idempotency-Replayed"]) == (first.json, "true")
    late = decide(sam, review.id, idempotency_key="k2")
    assert (late.status, late.code) == (409, "review_decided")
    other = decide(sam, review.id, {"decision": "approve"}, idempotency_key="k1")
    assert other.code == "idempotency_key_reused"
    person = cast.api(cast.alice)
    shown = person("GET", f"/v1/capture-sessions/{review.session_id}").json
    assert (shown["outcome"], [a["code"] for a in shown["advice"]]) == ("fail", ["try_again"])
    assert "liveness" not in str(shown)


def test_nobody_decides_on_their_own_cameo(cast: Cast, sam: Api) -> None:
    own = waiting(cameo_of(cast.staff(), "in_review"))
    answer = decide(sam, own.id)
    assert (answer.status, answer.code) == (403, "own_review")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"decision": "perhaps"}, 422),
        ({"decision": None}, 422),
        ({"decision": "refuse", "note": "x" * 2001}, 422),
        ({"decision": "refuse", "note": 1}, 422),
        ({"decision": "refuse", "duplicate_confirmed": "yes"}, 422),
        ({"decision": "refuse", "duplicate_confirmed": True}, 422),
        ({"decision": "approve", "duplicate_confirmed": True}, 422),
        ({"decision": "refuse", "by": "me"}, 422),
    ],
)
def test_decisions_that_are_refused(sam: Api, review: Review, body: Any, status: int) -> None:
    answer = decide(sam, review.id, body)
    assert (answer.status, answer.code) == (status, "invalid_input")
    assert Review.objects.get().state == "open"
