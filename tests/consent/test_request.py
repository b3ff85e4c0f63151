"""Reading a request to render, and its digest."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from common.canonical import strict_json
from common.ids import new_id
from consent.errors import RequestInvalid
from consent.request import Outputs, parse_request

CAMEO = "cam_" + "a" * 26
OTHER = "cam_" + "b" * 26


def body(**changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "likenesses": [CAMEO],
        "purpose": "personal",
        "labels": ["violence"],
        "prompt_digest": "0" * 64,
        "outputs": {"count": 1, "seconds": 8},
    }
    return given | changes


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in body().items() if key != name}


def test_a_whole_request_is_read() -> None:
    request = parse_request(body(inputs_digest="1" * 64))
    assert request.likenesses == (CAMEO,)
    assert request.labels == frozenset({"violence"})
    assert request.outputs == Outputs(1, 8.0)


@pytest.mark.parametrize("document", [without("labels"), body(labels=None)])
def test_undeclared_labels_are_not_the_same_as_none(document: dict[str, Any]) -> None:
    assert parse_request(document).labels is None
    assert parse_request(body(labels=[])).labels == frozenset()


def test_the_hash_is_of_the_canonical_bytes() -> None:
    expected = (
        '{"inputs_digest":null,"labels":["hate","violence"],"likenesses":["' + CAMEO + '"],'
        '"outputs":{"count":1,"seconds":8},"prompt_digest":"' + "0" * 64 + '",'
        '"purpose":"personal"}'
    )
    request = parse_request(body(labels=["violence", "hate"]))
    assert request.digest() == hashlib.sha256(expected.encode()).hexdigest()


def test_order_does_not_change_the_hash_but_everything_else_does() -> None:
    base = parse_request(body(likenesses=[CAMEO, OTHER], labels=["hate", "violence"]))
    same = parse_request(body(likenesses=[OTHER, CAMEO], labels=["violence", "hate"]))
    assert base.digest() == same.digest()
    changed = [
        body(),
        body(likenesses=[OTHER]),
        body(purpose="parody"),
        body(labels=[]),
        body(labels=None),
        body(prompt_digest="1" * 64),
        body(inputs_digest="1" * 64),
        body(outputs={"count": 2, "seconds": 8}),
        body(outputs={"count": 1, "seconds": 8.5}),
    ]
    assert len({parse_request(entry).digest() for entry in changed}) == len(changed)


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        (body(likenesses=[]), "/likenesses"),
        (body(likenesses=CAMEO), "/likenesses"),
        (body(likenesses=None), "/likenesses"),
        (body(purpose=None), "/purpose"),
        (body(labels=[None]), "/labels/0"),
        (body(likenesses=[CAMEO, CAMEO]), "/likenesses"),
        (body(likenesses=[new_id("cam") for _ in range(9)]), "/likenesses"),
        (body(likenesses=["cam_x"]), "/likenesses/0"),
        (body(likenesses=[CAMEO, 3]), "/likenesses/1"),
        (body(likenesses=[CAMEO, {}]), "/likenesses/1"),
        (body(purpose="Personal"), "/purpose"),
        (body(purpose=3), "/purpose"),
        (body(purpose="x" * 41), "/purpose"),
        (body(labels="hate"), "/labels"),
        (body(labels=["hate", "hate"]), "/labels"),
        (body(labels=["hate", 3]), "/labels/1"),
        (body(labels=["hate", [1]]), "/labels/1"),
        (body(labels=[f"l{index}" for index in range(33)]), "/labels"),
        (body(prompt_digest="A" * 64), "/prompt_digest"),
        (body(prompt_digest="0" * 63), "/prompt_digest"),
        (body(prompt_digest=None), "/prompt_digest"),
        (body(inputs_digest=""), "/inputs_digest"),
        (body(outputs=None), "/outputs"),
        (body(outputs=[1, 8]), "/outputs"),
        (body(outputs={"count": 1}), "/outputs"),
        (body(outputs={"count": 1, "seconds": 8, "width": 3}), "/outputs"),
        (body(outputs={"count": 0, "seconds": 8}), "/outputs/count"),
        (body(outputs={"count": True, "seconds": 8}), "/outputs/count"),
        (body(outputs={"count": 1.0, "seconds": 8}), "/outputs/count"),
        (body(outputs={"count": 10**400, "seconds": 8}), "/outputs/count"),
        (body(outputs={"count": 1, "seconds": -1}), "/outputs/seconds"),
        (body(outputs={"count": 1, "seconds": 10**400}), "/outputs/seconds"),
        (body(outputs={"count": 1, "seconds": float("nan")}), "/outputs/seconds"),
        (body(outputs={"count": 1, "seconds": "8"}), "/outputs/seconds"),
        (body(model="x"), "/model"),
        (body(**{"a/b" * 100: 1}), "/" + ("a~1b" * 14)[: 40 + 13]),
        (without("likenesses"), "/likenesses"),
        (without("purpose"), "/purpose"),
        (without("prompt_digest"), "/prompt_digest"),
        (without("outputs"), "/outputs"),
        ([], ""),
        (None, ""),
    ],
)
def test_what_is_not_in_the_form_is_refused_with_its_field(document: object, pointer: str) -> None:
    with pytest.raises(RequestInvalid) as refused:
        parse_request(document)
    assert pointer in [field.pointer for field in refused.value.fields]


def test_everything_wrong_is_told_at_once() -> None:
    with pytest.raises(RequestInvalid) as refused:
        parse_request({"purpose": 3, "labels": 4})
    assert {field.pointer for field in refused.value.fields} == {
        "/likenesses",
        "/purpose",
        "/labels",
        "/prompt_digest",
        "/outputs",
    }


def test_numbers_as_json_reads_them_are_taken() -> None:
    text = '{"count": 1, "seconds": 8.0}'
    assert parse_request(body(outputs=strict_json(text))).outputs.seconds == 8.0
