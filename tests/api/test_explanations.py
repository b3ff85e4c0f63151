"""What an owner is told of a decision about their likeness."""

from __future__ import annotations

from typing import Any

import pytest

from identity.models import Cameo
from tests.api.conftest import Cast, render

PATH = "/v1/decisions/explain"


def body(cast: Cast, owned: Cameo, **changes: Any) -> dict[str, Any]:
    request = {
        "cameo": owned.id,
        "requester": cast.bob.id,
        "generator": cast.gen.generator.client_id,
        "request": render(owned.id),
    }
    return request | changes


def test_the_owner_learns_why_and_what_would_change_it(cast: Cast, alice_cameo: Cameo) -> None:
    answer = cast.api(cast.alice)("POST", PATH, body(cast, alice_cameo))
    assert answer.status == 200
    assert answer.json["effect"] == "deny"
    assert set(answer.json["reasons"]) == {"audience_only_me", "no_grant"}
    # A first grant opens the audience by itself.
    assert answer.json["steps"] == [{"what": "grant", "value": None}]
    assert answer.json["enough"] is True


def test_nobody_else_learns_anything(cast: Cast, alice_cameo: Cameo) -> None:
    answer = cast.api(cast.bob)("POST", PATH, body(cast, alice_cameo))
    missing = cast.api(cast.bob)("POST", PATH, body(cast, alice_cameo, cameo="cam_" + "a" * 26))
    assert answer.status == missing.status == 404
    assert answer.json["code"] == missing.json["code"] == "not_found"


def test_a_request_about_others_is_not_theirs_to_ask_about(cast: Cast, alice_cameo: Cameo) -> None:
    other = body(cast, alice_cameo, request=render("cam_" + "b" * 26))
    assert cast.api(cast.alice)("POST", PATH, other).status == 404


@pytest.mark.parametrize(
    "changes",
    [
        {"requester": "bob"},
        {"generator": ""},
        {"generator": "\x00"},
        {"request": None},
        {"request": {"likenesses": []}},
        {"cameo": 3},
        {"more": 1},
    ],
)
def test_bad_input_is_refused(cast: Cast, alice_cameo: Cameo, changes: dict[str, Any]) -> None:
    answer = cast.api(cast.alice)("POST", PATH, body(cast, alice_cameo, **changes))
    # A NUL is no text in JSON here at all.
    assert answer.status == (400 if changes.get("generator") == "\x00" else 422)
