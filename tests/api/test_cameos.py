"""One's own cameo: reading it, whom it is for, suspension, erasure; and whose token speaks."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from common.clock import utcnow
from identity.enrolment.erasure import destroy_key
from identity.models import Cameo, ErasureReceipt
from identity.protection.data_keys import seal_for
from identity.protection.records import ERASURE, RecordBroken, check_record
from tests.api.conftest import Api, Cast
from tests.identity.keystores import take_down


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


@pytest.mark.django_db(transaction=True)
def test_an_owner_holds_a_signed_receipt_of_an_erasure(
    cast: Cast, alice_cameo: Cameo, alice: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/v1/cameos/{alice_cameo.id}/erasure-receipt"
    seal_for(alice_cameo.id, b"1", b"a")
    before = alice("GET", path)
    assert (before.status, before.code) == (404, "not_found")
    with monkeypatch.context() as patch:
        take_down(patch)
        assert alice("POST", f"/v1/cameos/{alice_cameo.id}/erase").status == 200
        waiting = alice("GET", path).json
    assert (waiting["state"], waiting["key_destroyed"]) == ("pending", None)
    destroy_key(alice_cameo.id, now=utcnow())
    done = cast.api(cast.alice, "cameo:read")("GET", path).json
    assert done["state"] == "key_destroyed"
    assert (done["cameo"], done["id"]) == (alice_cameo.id, waiting["id"])
    assert done["erased"] == waiting["erased"] < done["key_destroyed"] < done["unreadable_by"]
    assert (done["unreadable_since"], done["overdue"]) == (None, False)
    for receipt in (waiting, done):
        check_record(receipt["body"], receipt["signature"], kind=ERASURE)
        said = json.loads(receipt["body"])
        assert said.pop("receipt") == receipt["id"]
        assert said == {name: receipt[name] for name in said}
    with pytest.raises(RecordBroken):
        check_record(done["body"].replace("key_destroyed", "x"), done["signature"], kind=ERASURE)


def test_a_receipt_that_broke_its_promise_says_so(alice_cameo: Cameo, alice: Api) -> None:
    path = f"/v1/cameos/{alice_cameo.id}"
    assert alice("POST", f"{path}/erase").status == 200
    ErasureReceipt.objects.update(unreadable_by=utcnow() - timedelta(seconds=1))
    assert alice("GET", f"{path}/erasure-receipt").json["overdue"] is True
    ErasureReceipt.objects.update(unreadable_since=utcnow())
    kept = alice("GET", f"{path}/erasure-receipt").json
    assert (kept["state"], kept["overdue"]) == ("unreadable", False)


def test_who_may_not_read_a_receipt(cast: Cast, alice_cameo: Cameo, alice: Api) -> None:
    path = f"/v1/cameos/{alice_cameo.id}"
    assert alice("POST", f"{path}/erase").status == 200
    mallory = cast.api(cast.mallory)
    answers = [
        mallory("GET", f"/v1/cameos/{cameo}/erasure-receipt", x_request_id="same")
        for cameo in (alice_cameo.id, "cam_" + "a" * 26)
    ]
    assert [answer.status for answer in answers] == [404, 404]
    assert answers[0].response.content == answers[1].response.content
    narrow = cast.api(cast.alice, "cameo:enrol")("GET", f"{path}/erasure-receipt")
    assert (narrow.status, narrow.code) == (403, "insufficient_scope")
    assert Api()("GET", f"{path}/erasure-receipt").status == 401
    assert alice("POST", f"{path}/erasure-receipt").code == "method_not_allowed"


@pytest.mark.parametrize(
    ("method", "tail", "body"),
    [
        ("GET", "", None),
        ("GET", "/audience", None),
        ("GET", "/erasure-receipt", None),
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
