"""What the AuthZEN endpoints must refuse: a bad request is 400, and never a decision."""

from __future__ import annotations

import json
from typing import Any

import pytest

from identity.models import Cameo
from tests.api.conftest import Api, Cast, cameo_of, grant
from tests.api.test_authzen import (
    ALL,
    ASSERTING,
    EVALUATION,
    EVALUATIONS,
    RESOURCES,
    SUBJECTS,
    context,
    question,
)


@pytest.fixture
def platform(cast: Cast) -> Api:
    return cast.machine(cast.platform, ASSERTING)


@pytest.fixture
def granted(cast: Cast) -> Cameo:
    found = cameo_of(cast.alice)
    grant(cast, found)
    return found


WRONG: list[Any] = [None, [], "text", 7, True]


@pytest.mark.parametrize("path", ALL)
def test_members_that_are_missing_or_of_another_type_are_a_bad_request(
    cast: Cast, platform: Api, granted: Cameo, path: str
) -> None:
    whole = question(cast, granted.id)
    for body in (*WRONG, {}):
        answer = platform("POST", path, raw=json.dumps(body).encode())
        assert (answer.status, answer.code) == (400, "malformed_input")
    for name in ("subject", "action", "resource"):
        answer = platform("POST", path, {key: whole[key] for key in whole if key != name})
        assert (answer.status, answer.json["errors"][0]["pointer"]) == (400, f"/{name}")
    for name in whole:
        for wrong in WRONG:
            answer = platform("POST", path, whole | {name: wrong})
            assert (answer.status, answer.code) == (400, "malformed_input"), (name, wrong)
            assert answer.json["errors"][0]["pointer"].startswith(f"/{name}")
    for name in ("subject", "action", "resource"):
        for wrong in WRONG:
            answer = platform("POST", path, whole | {name: whole[name] | {"properties": wrong}})
            assert answer.status == 400
    for name, key in (("subject", "type"), ("action", "name"), ("resource", "type")):
        for wrong in (None, [], 7, {}):
            answer = platform("POST", path, whole | {name: whole[name] | {key: wrong}})
            assert (answer.status, answer.code) == (400, "malformed_input")


NINE = [f"cam_{'a' * 25}{letter}" for letter in "abcdefghi"]


@pytest.mark.parametrize("path", ALL)
@pytest.mark.parametrize(
    "wrong",
    [
        {"purpose": 7},
        {"purpose": "x" * 5000},
        {"labels": "violence"},
        {"labels": ["violence", "violence"]},
        {"prompt_digest": "x"},
        {"inputs_digest": []},
        {"outputs": {"count": 10**30, "seconds": 1}},
        {"outputs": {"count": 1, "seconds": 1e308}},
        {"outputs": None},
        {"likenesses": NINE},
        {"likenesses": []},
        {"likenesses": "text"},
        {"likenesses": [None]},
        {"likenesses": [NINE[0]]},
    ],
)
def test_a_context_that_cant_be_read_is_a_bad_request(
    cast: Cast, platform: Api, granted: Cameo, path: str, wrong: dict[str, Any]
) -> None:
    answer = platform("POST", path, question(cast, granted.id, context=context() | wrong))
    assert (answer.status, answer.code) == (400, "malformed_input")
    assert answer.json["errors"][0]["pointer"].startswith("/context/")


def test_a_likeness_twice_or_of_another_form_is_a_bad_request(
    cast: Cast, platform: Api, granted: Cameo
) -> None:
    for others in ([granted.id], ["x"], NINE):
        both = context() | {"likenesses": [granted.id, *others]}
        answer = platform("POST", EVALUATION, question(cast, granted.id, context=both))
        assert (answer.status, answer.code) == (400, "malformed_input")


@pytest.mark.parametrize(
    "wrong",
    [
        {"options": 7},
        {"options": {"evaluations_semantic": "first"}},
        {"options": {"evaluations_semantic": ["execute_all"]}},
        {"options": {"evaluations_semantic": None}},
        {"evaluations": {}},
        {"evaluations": None},
        {"evaluations": [7]},
        {"evaluations": [None]},
        {"evaluations": [{"subject": None}]},
        {"evaluations": [{"subject": {"type": "account"}}]},
    ],
)
def test_evaluations_that_cant_be_read_are_a_bad_request(
    cast: Cast, platform: Api, granted: Cameo, wrong: dict[str, Any]
) -> None:
    answer = platform("POST", EVALUATIONS, question(cast, granted.id) | wrong)
    assert (answer.status, answer.code) == (400, "malformed_input")


@pytest.mark.parametrize("path", [SUBJECTS, RESOURCES])
@pytest.mark.parametrize(
    "page",
    [
        None,
        7,
        {"limit": -1},
        {"limit": True},
        {"limit": 1.5},
        {"limit": "1"},
        {"token": 7},
        {"token": "x" * 5000},
        {"token": "acc_" + "a" * 26},
        {"token": "é"},
    ],
)
def test_pages_that_cant_be_read_are_a_bad_request(
    cast: Cast, platform: Api, granted: Cameo, path: str, page: Any
) -> None:
    answer = platform("POST", path, question(cast, granted.id) | {"page": page})
    assert (answer.status, answer.code) == (400, "malformed_input")


@pytest.mark.parametrize("path", ALL)
def test_bodies_that_are_not_strict_json_are_refused(platform: Api, path: str) -> None:
    for raw in (b'{"subject": "\\u0000"}', b'{"a": 1, "a": 1}', b"{", b'{"a": NaN}', b"\xff"):
        answer = platform("POST", path, raw=raw)
        assert (answer.status, answer.code) == (400, "malformed_input")
    large = platform("POST", path, raw=b'{"a": "' + b"x" * 300_000 + b'"}')
    assert large.status == 413
