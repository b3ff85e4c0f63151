"""One's own cameo: reading it, whom it is for, suspension, erasure; and whose token speaks."""

from __future__ import annotations

import pytest

from identity.models import Cameo
from tests.api.conftest import Api, Cast


@pytest.fixture
def alice(cast: Cast) -> Api:
    return cast.api(cast.alice)


def test_me_says_whom_the_token_speaks_for(cast: Cast, alice_cameo: Cameo, alice: Api) -> None:
    body = alice("GET", "/v1/me").json
    assert body["id"] == cast.alice.id
    assert body["cameo"] == alice_cameo.id
    assert body["client_id"] == cast.app.generator.client_id
    assert "email" not in str(body)
    through_gen = cast.through(cast.gen, cast.alice)("GET", "/v1/me").json
    assert "cameo" not in through_gen
    assert cast.api(cast.bob)("GET", "/v1/me").json["cameo"] is None
    assert cast.machine(cast.gen)("GET", "/v1/me").code == "insufficient_scope"


def test_owners_read_their_cameo(alice_cameo: Cameo, alice: Api, cast: Cast) -> None:
    listed = alice("GET", "/v1/cameos").json
    assert [item["id"] for item in listed["items"]] == [alice_cameo.id]
    body = alice("GET", f"/v1/cameos/{alice_cameo.id}").json
    assert body["state"] == "active"
    assert body["created"].endswith("Z")
    assert body["expires"] is None
    assert cast.api(cast.bob)("GET", "/v1/cameos").json["items"] == []


def test_the_audience_is_said_and_read(alice_cameo: Cameo, alice: Api) -> None:
    path = f"/v1/cameos/{alice_cameo.id}/audience"
    assert alice("GET", path).json["audience"] == "only_me"
    assert alice("PUT", path, {"audience": "granted"}).json["audience"] == "granted"
    wrong = alice("PUT", path, {"audience": "everybody"})
    assert (wrong.status, wrong.code) == (422, "audience_unknown")


def test_suspend_resume_erase(alice_cameo: Cameo, alice: Api) -> None:
    path = f"/v1/cameos/{alice_cameo.id}"
    assert alice("POST", f"{path}/suspend").json["state"] == "suspended"
    assert alice("POST", f"{path}/resume", {}).json["state"] == "active"
    unknown = alice("POST", f"{path}/suspend", {"why": "x"})
    assert (unknown.status, unknown.code) == (422, "invalid_input")
    assert alice("POST", f"{path}/erase").json["state"] == "erased"
    after = alice("POST", f"{path}/resume")
    assert (after.status, after.code) == (409, "cameo_state")
    audience = alice("PUT", f"{path}/audience", {"audience": "granted"})
    assert (audience.status, audience.code) == (409, "cameo_not_enrolled")


@pytest.mark.parametrize(
    ("method", "tail", "body"),
    [
        ("GET", "", None),
        ("GET", "/audience", None),
        ("PUT", "/audience", {"audience": "granted"}),
        ("POST", "/suspend", None),
        ("POST", "/resume", None),
        ("POST", "/erase", None),
    ],
)
def test_another_persons_cameo_is_not_there(
    cast: Cast, alice_cameo: Cameo, method: str, tail: str, body: object
) -> None:
    mallory = cast.api(cast.mallory)
    answers = [
        mallory(method, f"/v1/cameos/{cameo}{tail}", body, x_request_id="same")
        for cameo in (alice_cameo.id, "cam_" + "a" * 26)
    ]
    assert [answer.status for answer in answers] == [404, 404]
    assert answers[0].response.content == answers[1].response.content
    alice_cameo.refresh_from_db()
    assert alice_cameo.state == "active"
