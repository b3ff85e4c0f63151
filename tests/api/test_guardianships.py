"""Dates of birth, guardians and co-approvals over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Guardianship, User
from identity.models import Cameo
from tests.api.conftest import Answer, Api, Cast, grant

NOBODY = "acc_" + "a" * 26


def born_years_ago(years: int) -> str:
    """A date of birth that makes somebody that old, and soon no older."""
    from common.clock import utcnow

    today = utcnow().date()
    return f"{today.year - years:04}-{max(1, today.month - 1):02}-01"


MINOR, ADULT = born_years_ago(17), born_years_ago(40)


@pytest.fixture
def alice(cast: Cast) -> Api:
    return cast.api(cast.alice)


@pytest.fixture
def bob(cast: Cast) -> Api:
    return cast.api(cast.bob)


def declare(who: Api, birth_date: Any) -> Answer:
    return who("PATCH", "/v1/me", {"birth_date": birth_date})


def ask(who: Api, guardian: User, **headers: Any) -> Answer:
    return who("POST", "/v1/guardianships", {"guardian": guardian.id}, **headers)


@pytest.fixture
def asked(cast: Cast, alice: Api, bob: Api) -> str:
    """Alice is a minor and asked Bob, who is a grown-up; the address of it."""
    assert declare(alice, MINOR).status == 200
    assert declare(bob, ADULT).status == 200
    path: str = ask(alice, cast.bob).response["Location"]
    return path


def test_a_date_of_birth_is_declared_once_and_never_shown(cast: Cast, alice: Api) -> None:
    assert alice("GET", "/v1/me").json["birth_date_declared"] is False
    first = declare(alice, MINOR)
    assert (first.status, first.json["birth_date_declared"]) == (200, True)
    assert declare(alice, MINOR).json == first.json == alice("GET", "/v1/me").json
    other = declare(alice, ADULT)
    assert (other.status, other.code) == (409, "birth_date_declared")
    for answer in (first, other):
        assert MINOR.encode() not in answer.response.content
    assert "birth_date_declared" not in cast.api(cast.alice, "cameo:read")("GET", "/v1/me").json


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("0000-00-00", "birth_date_invalid"),
        ("2010-02-30", "birth_date_invalid"),
        ("2010-5-1", "birth_date_invalid"),
        ("9999-01-01", "birth_date_invalid"),
        ("1066-10-14", "birth_date_invalid"),
        ("x" * 21, "invalid_input"),
        ("", "invalid_input"),
        (20100501, "invalid_input"),
        (None, "invalid_input"),
        (True, "invalid_input"),
        (["2010-05-01"], "invalid_input"),
    ],
)
def test_what_is_no_date_of_birth_is_refused(alice: Api, value: Any, code: str) -> None:
    answer = declare(alice, value)
    assert (answer.status, answer.code) == (422, code)
    assert [field["pointer"] for field in answer.json["errors"]] == ["/birth_date"]
    assert alice("PATCH", "/v1/me", {}).status == 422
    assert alice("GET", "/v1/me").json["birth_date_declared"] is False


def test_the_signal_that_fails_is_a_503_that_may_be_tried_again(alice: Api, settings: Any) -> None:
    settings.CAMEO_AGE_SIGNAL = "nowhere.nothing"
    for answer in (declare(alice, MINOR), alice("POST", "/v1/capture-sessions", {})):
        assert (answer.status, answer.code) == (503, "age_unknown")
        assert answer.json["retryable"] is True
        assert answer.response["Retry-After"]


def test_a_capture_of_a_minor_waits_for_a_guardian(
    cast: Cast, alice: Api, bob: Api, asked: str
) -> None:
    early = alice("POST", "/v1/capture-sessions", {})
    assert (early.status, early.code) == (409, "guardian_needed")
    accepted = bob("POST", f"{asked}/accept")
    assert (accepted.status, accepted.json["state"]) == (200, "accepted")
    assert alice("POST", "/v1/capture-sessions", {}).status == 201
    mallory = cast.api(cast.mallory)
    declare(mallory, born_years_ago(12))
    young = mallory("POST", "/v1/capture-sessions", {})
    assert (young.status, young.code) == (403, "too_young")


def test_a_guardianship_is_asked_accepted_and_ended(
    cast: Cast, alice: Api, bob: Api, asked: str
) -> None:
    made = alice("GET", asked).json
    assert (made["minor"], made["guardian"]) == (cast.alice.id, cast.bob.id)
    assert (made["state"], made["accepted"], made["ended"]) == ("asked", None, None)
    again = ask(alice, cast.bob)
    assert (again.status, again.code) == (409, "guardianship_exists")
    accepted = bob("POST", f"{asked}/accept").json
    assert bob("POST", f"{asked}/accept", {}).json == accepted == alice("GET", asked).json
    ended = alice("POST", f"{asked}/end").json
    assert (ended["state"], ended["accepted"]) == ("ended", accepted["accepted"])
    assert bob("POST", f"{asked}/end").json == ended
    late = bob("POST", f"{asked}/accept")
    assert (late.status, late.code) == (409, "guardianship_ended")
    second = ask(alice, cast.bob).response["Location"]
    for side in (alice, bob):
        page = side("GET", "/v1/guardianships?limit=1").json
        assert [f"/v1/guardianships/{one['id']}" for one in page["items"]] == [second]
        rest = side("GET", page["next"]).json
        assert rest["items"] == [ended]
        assert rest["next"] is None


def test_asking_twice_with_one_key_asks_once(cast: Cast, alice: Api) -> None:
    declare(alice, MINOR)
    first = ask(alice, cast.bob, idempotency_key="one")
    second = ask(alice, cast.bob, idempotency_key="one")
    assert (first.status, second.status) == (201, 201)
    assert first.json == second.json
    assert second.response["Idempotency-Replayed"] == "true"
    other = ask(alice, cast.mallory, idempotency_key="one")
    assert (other.status, other.code) == (422, "idempotency_key_reused")
    assert Guardianship.objects.count() == 1


def test_refusals_have_their_codes(cast: Cast, alice: Api, bob: Api) -> None:
    early = ask(alice, cast.bob)
    assert (early.status, early.code) == (409, "not_a_minor")
    declare(alice, MINOR)
    for guardian, code in (
        (cast.alice.id, "guardian_is_self"),
        (NOBODY, "guardian_unknown"),
        ("bob", "invalid_input"),
        (7, "invalid_input"),
        (None, "invalid_input"),
    ):
        answer = alice("POST", "/v1/guardianships", {"guardian": guardian})
        assert (answer.status, answer.code) == (422, code)
    path = ask(alice, cast.bob).response["Location"]
    undeclared = bob("POST", f"{path}/accept")
    assert (undeclared.status, undeclared.code) == (409, "guardian_not_adult")
    declare(bob, MINOR)
    minor = bob("POST", f"{path}/accept")
    assert (minor.status, minor.code) == (409, "guardian_not_adult")


def test_other_peoples_guardianships_are_not_there(cast: Cast, alice: Api, asked: str) -> None:
    mallory, missing = cast.api(cast.mallory), "/v1/guardianships/gua_" + "a" * 26
    declare(mallory, ADULT)
    for method, tail in (("GET", ""), ("POST", "/accept"), ("POST", "/end")):
        answers = [mallory(method, path + tail, x_request_id="a") for path in (asked, missing)]
        assert [answer.status for answer in answers] == [404, 404]
        assert answers[0].response.content == answers[1].response.content
    # Who asked can't accept in the other's place.
    assert alice("POST", f"{asked}/accept").status == 404
    assert mallory("GET", "/v1/guardianships").json["items"] == []


def test_a_guardian_says_yes_or_no_to_each_grant(
    cast: Cast, alice_cameo: Cameo, alice: Api, bob: Api, asked: str
) -> None:
    bob("POST", f"{asked}/accept")
    path = "/v1/guardianships/grants"
    assert bob("GET", path).json == {"items": [], "next": None, "previous": None}
    body = {"cameo": alice_cameo.id, "grantee": cast.mallory.id}
    made = alice("POST", "/v1/grants", body | {"terms": {"purposes": ["personal"]}}).json
    (waiting,) = bob("GET", path).json["items"]
    assert (waiting["grant"]["id"], waiting["co_approved"]) == (made["id"], None)
    say = f"/v1/grants/{made['id']}/co-approve"
    yes = {"decision": "approve", "version": 1}
    approved = bob("POST", say, yes)
    assert (approved.status, approved.json["grant"]["state"]) == (200, "live")
    assert approved.json["co_approved"] is not None
    assert bob("POST", say, yes).json == approved.json
    assert bob("GET", path).json["items"] == []
    stale = bob("POST", say, yes | {"version": 2})
    assert (stale.status, stale.code) == (409, "grant_changed")
    declined = bob("POST", say, {"decision": "decline"})
    assert (declined.status, declined.json["grant"]["state"]) == (200, "withdrawn")
    late = bob("POST", say, yes)
    assert (late.status, late.code) == (409, "grant_withdrawn")
    assert alice("GET", f"/v1/grants/{made['id']}").json["state"] == "withdrawn"


def test_co_approvals_of_another_form_are_refused(
    cast: Cast, alice_cameo: Cameo, alice: Api, bob: Api, asked: str
) -> None:
    bob("POST", f"{asked}/accept")
    made = grant(cast, alice_cameo).json
    say = f"/v1/grants/{made['id']}/co-approve"
    for body, pointer in (
        ({}, "/decision"),
        ({"decision": "approve"}, "/version"),
        ({"decision": "maybe", "version": 1}, "/decision"),
        ({"decision": "approve", "version": "1"}, "/version"),
        ({"decision": "approve", "version": 1.0}, "/version"),
        ({"decision": "approve", "version": True}, "/version"),
        ({"decision": "approve", "version": 0}, "/version"),
        ({"decision": "approve", "version": 2**40}, "/version"),
        ({"decision": "approve", "version": None}, "/version"),
        ({"decision": "approve", "version": 1, "by": "me"}, "/by"),
    ):
        answer = bob("POST", say, body)
        assert (answer.status, answer.code) == (422, "invalid_input")
        assert [field["pointer"] for field in answer.json["errors"]] == [pointer]
    yes = {"decision": "approve", "version": 1}
    for who in (alice, cast.api(cast.mallory)):
        missing = "/v1/grants/grt_" + "a" * 26 + "/co-approve"
        answers = [who("POST", path, yes, x_request_id="a") for path in (say, missing)]
        assert [answer.status for answer in answers] == [404, 404]
        assert answers[0].response.content == answers[1].response.content


def test_all_of_it_asks_for_the_scope(cast: Cast, asked: str) -> None:
    weak = cast.api(cast.alice, "cameo:enrol cameo:read")
    for method, path, body in (
        ("PATCH", "/v1/me", {"birth_date": MINOR}),
        ("GET", "/v1/guardianships", None),
        ("POST", "/v1/guardianships", {"guardian": cast.bob.id}),
        ("GET", asked, None),
        ("POST", f"{asked}/accept", None),
        ("POST", f"{asked}/end", None),
        ("GET", "/v1/guardianships/grants", None),
    ):
        answer = weak(method, path, body)
        assert (answer.status, answer.code) == (403, "insufficient_scope")
