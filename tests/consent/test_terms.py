"""The closed vocabulary of terms: read strictly, checked one by one."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from consent.errors import TermsInvalid
from consent.reasons import Reason
from consent.request import DecisionRequest, Outputs, RenderRequest
from consent.terms import Circumstances
from consent.vocabulary import READERS, parse_restrictions, parse_terms, read_terms

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
    assert read_terms(document).allow_nothing
    assert not read_terms(personal()).allow_nothing
    with pytest.raises(TermsInvalid):
        parse_terms(document, now=NOW)


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "personal",
        {"purposes": ["personal"], "no_such_term": 3},
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
        (personal(no_such_term=3), "/no_such_term", "term_unknown"),
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


ASKED = request()
COUNTS_THAT_ARE_NONE: tuple[Any, ...] = (0, -1, True, 1.5, "3")
FLAGS_THAT_ARE_NONE: tuple[Any, ...] = (None, 1, "true", [])
OTHERS = frozenset({"carol", "dave"})


def rendered(**changes: Any) -> DecisionRequest:
    return replace(ASKED, render=replace(ASKED.render, **changes))


@pytest.mark.parametrize(
    ("terms", "asked", "around", "reason"),
    [
        ({"max_uses": 3}, ASKED, Circumstances(uses=3), "uses_spent"),
        ({"max_uses_per_day": 1}, ASKED, Circumstances(9, 1), "uses_of_today_spent"),
        ({"approval_each_time": True}, ASKED, Circumstances(), "approval_needed"),
        ({"generators": ["other"]}, ASKED, Circumstances(), "generator_not_allowed"),
        ({"generators": {"refuse": ["gen"]}}, ASKED, Circumstances(), "generator_not_allowed"),
        (
            {"max_duration_s": 8},
            rendered(outputs=Outputs(1, 8.001)),
            Circumstances(),
            "too_long",
        ),
        (
            {"max_outputs": 2},
            rendered(outputs=Outputs(3, 0.0)),
            Circumstances(),
            "too_many_outputs",
        ),
        (
            {"forbid_labels": ["hate"]},
            rendered(labels=frozenset({"hate", "drugs"})),
            Circumstances(),
            "label_forbidden",
        ),
        ({"forbid_labels": ["hate"]}, rendered(labels=None), Circumstances(), "label_forbidden"),
        (
            {"co_appear": "friends"},
            ASKED,
            Circumstances(company=OTHERS, friends=frozenset({"carol"})),
            "co_appearance_not_allowed",
        ),
        (
            {"co_appear": "nobody"},
            ASKED,
            Circumstances(company=OTHERS, friends=OTHERS),
            "co_appearance_not_allowed",
        ),
        ({"remix": False}, rendered(inputs_digest="0" * 64), Circumstances(), "remix_not_allowed"),
    ],
)
def test_each_term_refuses_what_it_is_for(
    terms: dict[str, Any], asked: DecisionRequest, around: Circumstances, reason: str
) -> None:
    unmet = read_terms(terms).verify(asked, around)
    assert [one.reason.value for one in unmet] == [reason]


@pytest.mark.parametrize(
    ("terms", "asked", "around"),
    [
        ({"max_uses": 3}, ASKED, Circumstances(uses=2)),
        ({"max_uses_per_day": 1}, ASKED, Circumstances(9, 0)),
        ({"approval_each_time": True}, ASKED, Circumstances(approved=True)),
        ({"approval_each_time": False}, ASKED, Circumstances()),
        ({"generators": ["gen", "other"]}, ASKED, Circumstances()),
        ({"generators": {"refuse": ["other"]}}, ASKED, Circumstances()),
        ({"max_duration_s": 8}, rendered(outputs=Outputs(1, 8.0)), Circumstances()),
        ({"max_outputs": 2}, rendered(outputs=Outputs(2, 0.0)), Circumstances()),
        ({"forbid_labels": ["hate"]}, rendered(labels=frozenset({"drugs"})), Circumstances()),
        ({"co_appear": "anyone"}, ASKED, Circumstances(company=OTHERS)),
        ({"co_appear": "friends"}, ASKED, Circumstances(company=OTHERS, friends=OTHERS)),
        ({"co_appear": "nobody"}, ASKED, Circumstances()),
        ({"remix": True}, rendered(inputs_digest="0" * 64), Circumstances()),
        ({"remix": False}, ASKED, Circumstances()),
        ({"attribution": True, "visible_mark": True}, ASKED, Circumstances()),
        ({"price": {"amount": 5, "currency": "EUR"}, "note": "be kind"}, ASKED, Circumstances()),
    ],
)
def test_each_term_allows_the_rest(
    terms: dict[str, Any], asked: DecisionRequest, around: Circumstances
) -> None:
    assert read_terms(terms).verify(asked, around) == ()
    assert read_terms(read_terms(terms).document()) == read_terms(terms)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *itertools.product(("max_uses", "max_outputs"), COUNTS_THAT_ARE_NONE),
        ("max_uses_per_day", 1_000_001),
        *itertools.product(("remix", "attribution"), FLAGS_THAT_ARE_NONE),
        ("generators", []),
        ("generators", ["a", "a"]),
        ("generators", {"refuse": []}),
        ("generators", {"allow": ["a"]}),
        ("generators", ["a\u200b"]),
        ("max_duration_s", float("nan")),
        ("max_duration_s", 3601),
        ("forbid_labels", ["no_such"]),
        ("forbid_labels", ["ｈate"]),
        ("forbid_labels", ["ha\u200dte"]),
        ("co_appear", "strangers"),
        ("co_appear", ["friends"]),
        ("price", {"amount": 5}),
        ("price", {"amount": 0, "currency": "EUR"}),
        ("price", {"amount": 5, "currency": "eur"}),
        ("note", ""),
        ("note", "x" * 501),
        ("note", "right-to-left \u202e mark"),
        ("note", "\x00"),
    ],
)
def test_what_a_term_cannot_say_is_refused_and_found_stored_denies(name: str, value: Any) -> None:
    with pytest.raises(TermsInvalid) as refused:
        parse_terms(personal(**{name: value}), now=NOW)
    assert [(f.pointer, f.code) for f in refused.value.fields] == [(f"/{name}", "term_invalid")]
    assert Reason.TERM_UNKNOWN in reasons(personal(**{name: value}), ASKED)


def test_restrictions_need_no_purposes_and_may_be_empty() -> None:
    assert parse_restrictions({}, now=NOW).document() == {}
    assert parse_restrictions({"remix": False}, now=NOW).document() == {"remix": False}
    with pytest.raises(TermsInvalid):
        parse_restrictions({"no_such": 1}, now=NOW)


def test_the_page_of_rules_names_every_term() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "decision.md").read_text("utf-8")
    assert all(f"`{name}`" in page for name in READERS)
