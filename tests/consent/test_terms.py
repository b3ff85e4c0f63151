"""The closed vocabulary of terms: read strictly, checked one by one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from consent.errors import TermsInvalid
from consent.reasons import Reason
from consent.request import DecisionRequest, Outputs, RenderRequest
from consent.vocabulary import parse_terms, read_terms

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)


def request(purpose: str = "personal", at: datetime = NOW) -> DecisionRequest:
    render = RenderRequest((), purpose, frozenset(), "0" * 64, None, Outputs(1, 0.0))
    return DecisionRequest("acc_bob", "gen", at, render)


def personal(**terms: object) -> dict[str, Any]:
    return {"purposes": ["personal"], **terms}


def reasons(document: object, asked: DecisionRequest) -> list[Reason]:
    return [unmet.reason for unmet in read_terms(document).verify(asked, Circumstances())]


def test_a_purpose_must_be_among_those_granted() -> None:
    terms = {"purposes": ["personal", "parody"]}
    assert reasons(terms, request("parody")) == []
    assert reasons(terms, request("news")) == [Reason.PURPOSE_NOT_GRANTED]


def test_a_grant_begins_at_its_beginning_and_ends_before_its_end() -> None:
    terms = {
        "purposes": ["personal"],
        "not_before": "2030-01-01T12:00:00Z",
        "not_after": "2030-01-01T13:00:00+00:00",
    }
    tick = timedelta(microseconds=1)
    hour = timedelta(hours=1)
    assert reasons(terms, request(at=NOW - tick)) == [Reason.GRANT_NOT_YET_VALID]
    assert reasons(terms, request(at=NOW)) == []
    assert reasons(terms, request(at=NOW + hour - tick)) == []
    assert reasons(terms, request(at=NOW + hour)) == [Reason.GRANT_ENDED]


@pytest.mark.parametrize("document", [{}, {"not_after": "2031-01-01T00:00:00Z"}])
def test_terms_without_purposes_allow_nothing(document: dict[str, Any]) -> None:
    assert reasons(document, request()) == [Reason.TERMS_EMPTY]
    with pytest.raises(TermsInvalid):
        parse_terms(document, now=NOW)


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "personal",
        {"purposes": ["personal"], "max_uses": 3},
        {"purposes": "personal"},
        {"purposes": [1]},
        {"purposes": ["personal"], "not_after": 1893456000},
    ],
)
def test_a_stored_term_this_version_cannot_read_denies(document: object) -> None:
    assert Reason.TERM_UNKNOWN in reasons(document, request())
    with pytest.raises(ValueError, match="unknown term"):
        read_terms(document).document()


@pytest.mark.parametrize(
    ("document", "pointer", "code"),
    [
        (personal(max_uses=3), "/max_uses", "term_unknown"),
        ({"purposes": ["personal"], "a/b~c": 3}, "/a~1b~0c", "term_unknown"),
        ({"purposes": []}, "/purposes", "term_invalid"),
        ({"purposes": ["personal", "personal"]}, "/purposes", "term_invalid"),
        ({"purposes": ["porn"]}, "/purposes", "term_invalid"),
        ({"purposes": [["personal"]]}, "/purposes", "term_invalid"),
        ({"purposes": {"personal": True}}, "/purposes", "term_invalid"),
        (personal(not_after="2029-12-31T00:00:00Z"), "/not_after", "in_the_past"),
        (personal(not_after="2030-01-01T12:00:00Z"), "/not_after", "in_the_past"),
        (personal(not_after="2031-01-01"), "/not_after", "term_invalid"),
        (personal(not_after="2031-01-01T00:00:00"), "/not_after", "term_invalid"),
        (personal(not_after="2031-02-30T00:00:00Z"), "/not_after", "term_invalid"),
        (personal(not_before="0001-01-01T00:00:00+23:59"), "/not_before", "term_invalid"),
        (personal(not_before=True), "/not_before", "term_invalid"),
        (
            {
                "purposes": ["personal"],
                "not_before": "2031-01-02T00:00:00Z",
                "not_after": "2031-01-02T00:00:00Z",
            },
            "/not_after",
            "before_beginning",
        ),
    ],
)
def test_terms_that_cannot_be_granted_are_refused_with_their_field(
    document: dict[str, Any], pointer: str, code: str
) -> None:
    with pytest.raises(TermsInvalid) as refused:
        parse_terms(document, now=NOW)
    assert [(field.pointer, field.code) for field in refused.value.fields] == [(pointer, code)]


@pytest.mark.parametrize("document", [None, [], "x", 3])
def test_terms_are_an_object(document: object) -> None:
    with pytest.raises(TermsInvalid):
        parse_terms(document, now=NOW)


def test_equal_terms_have_one_spelling() -> None:
    one = {"purposes": ["parody", "personal"], "not_after": "2031-01-01T01:00:00+01:00"}
    other = {"not_after": "2031-01-01t00:00:00.0z", "purposes": ["personal", "parody"]}
    document = parse_terms(one, now=NOW).document()
    assert document == parse_terms(other, now=NOW).document()
    assert document == {
        "not_after": "2031-01-01T00:00:00.000000Z",
        "purposes": ["parody", "personal"],
    }
    assert read_terms(document).document() == document
