"""The path of a permission over HTTP: denied, granted, issued, redeemed once, withdrawn, denied."""

from __future__ import annotations

from typing import Any

from audit.interface import verify_all
from identity.models import Cameo
from tests.api.conftest import Api, Cast, grant, render


def _tokens(cast: Cast) -> Api:
    return cast.through(cast.gen, cast.bob)


def test_a_permission_from_denial_to_withdrawal(cast: Cast, alice_cameo: Cameo) -> None:
    bob, gen = _tokens(cast), cast.machine(cast.gen)
    asked = {"request": render(alice_cameo.id)}
    denied = bob("POST", "/v1/likeness-tokens", asked)
    assert (denied.status, denied.code) == (403, "not_permitted")
    assert denied.json["reasons"] == ["not_permitted"]

    granted = grant(cast, alice_cameo)
    assert granted.status == 201
    assert bob("POST", "/v1/decisions", asked).json["effect"] == "permit"
    issued = bob("POST", "/v1/likeness-tokens", asked)
    assert issued.status == 200
    token = issued.json["token"]

    body = {"token": token, "request": render(alice_cameo.id)}
    other = cast.machine(cast.rival)("POST", "/v1/likeness-tokens/redeem", body)
    assert (other.status, other.code) == (403, "token_wrong_audience")
    changed = {"token": token, "request": render(alice_cameo.id, prompt_digest="0" * 64)}
    mismatch = gen("POST", "/v1/likeness-tokens/redeem", changed)
    assert (mismatch.status, mismatch.code) == (403, "token_request_mismatch")

    lease = gen("POST", "/v1/likeness-tokens/redeem", body)
    assert lease.status == 200
    again = gen("POST", "/v1/likeness-tokens/redeem", body)
    assert (again.status, again.code) == (409, "token_already_redeemed")
    assert gen("GET", f"/v1/leases/{lease.json['id']}").json["state"] == "live"
    stranger = cast.machine(cast.rival)("GET", f"/v1/leases/{lease.json['id']}")
    assert (stranger.status, stranger.code) == (404, "not_found")
    uses = cast.api(cast.alice)("GET", "/v1/uses").json["items"]
    assert [use["id"] for use in uses] == [lease.json["use"]]

    left = bob("POST", "/v1/likeness-tokens", asked).json["token"]
    path = f"/v1/grants/{granted.json['id']}/withdraw"
    withdrawn = cast.api(cast.alice)("POST", path)
    assert withdrawn.json["state"] == "withdrawn"
    assert bob("POST", "/v1/likeness-tokens", asked).code == "not_permitted"
    late = gen("POST", "/v1/likeness-tokens/redeem", body | {"token": left})
    assert (late.status, late.code) == (403, "consent_changed")
    verify_all()


def test_a_first_party_names_the_requester(cast: Cast, alice_cameo: Cameo) -> None:
    grant(cast, alice_cameo)
    platform = cast.machine(cast.platform, "likeness:issue likeness:assert_requester")
    body = {"requester": cast.bob.id, "request": render(alice_cameo.id)}
    assert platform("POST", "/v1/likeness-tokens", body).status == 200
    unknown = platform("POST", "/v1/likeness-tokens", body | {"requester": "acc_" + "a" * 26})
    assert unknown.code == "not_permitted"
    nobody = platform("POST", "/v1/likeness-tokens", {"request": render(alice_cameo.id)})
    assert (nobody.status, nobody.code) == (422, "requester_misplaced")
    both = _tokens(cast)("POST", "/v1/likeness-tokens", body)
    assert (both.status, both.code) == (422, "requester_misplaced")


def test_owners_use_their_own_likeness(cast: Cast, alice_cameo: Cameo) -> None:
    alice = cast.through(cast.gen, cast.alice)
    body = {"request": render(alice_cameo.id)}
    assert alice("POST", "/v1/likeness-tokens", body).status == 200


def test_an_app_that_renders_nothing_gets_no_token(cast: Cast, alice_cameo: Cameo) -> None:
    grant(cast, alice_cameo)
    bob = cast.api(cast.bob, "likeness:request")
    body = {"request": render(alice_cameo.id)}
    for path in ("/v1/likeness-tokens", "/v1/decisions"):
        assert bob("POST", path, body).code == "insufficient_scope"


def test_unknown_and_ungranted_likenesses_answer_alike(cast: Cast, alice_cameo: Cameo) -> None:
    erased = Cameo.objects.create(
        owner=cast.mallory, state="erased", created=alice_cameo.created, assurance=""
    )
    bob = _tokens(cast)
    gen_headers: dict[str, Any] = {"x_request_id": "one"}
    for path in ("/v1/likeness-tokens", "/v1/decisions"):
        answers = [
            bob("POST", path, {"request": render(cameo)}, **gen_headers)
            for cameo in (alice_cameo.id, erased.id, "cam_" + "a" * 26)
        ]
        assert {answer.status for answer in answers} == {403}
        assert len({answer.response.content for answer in answers}) == 1
        heads = [
            {k: v for k, v in a.response.headers.items() if k != "Content-Security-Policy"}
            for a in answers
        ]
        assert heads[0] == heads[1] == heads[2]


def test_a_good_token_is_active_for_its_audience_alone(cast: Cast, alice_cameo: Cameo) -> None:
    grant(cast, alice_cameo)
    token = _tokens(cast)("POST", "/v1/likeness-tokens", {"request": render(alice_cameo.id)}).json
    form = f"token={token['token']}".encode()
    kind: dict[str, Any] = {"content_type": "application/x-www-form-urlencoded"}
    mine = cast.machine(cast.gen)("POST", "/oauth/introspect", raw=form, **kind)
    assert mine.json["active"] is True
    assert mine.json["client_id"] == cast.gen.generator.client_id
    other = cast.machine(cast.rival)("POST", "/oauth/introspect", raw=form, **kind)
    assert other.json == {"active": False}
    cast.api(cast.alice)("POST", f"/v1/cameos/{alice_cameo.id}/suspend")
    after = cast.machine(cast.gen)("POST", "/oauth/introspect", raw=form, **kind)
    assert after.json == {"active": False}
