"""Canonical bytes and strict JSON."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.canonical import MAX_DEPTH, canonical_bytes, canonical_digest, strict_json
from common.errors import MalformedInput

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(
                st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=4
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=10,
)


@given(JSON)
def test_canonical_bytes_are_read_back_as_the_same_value(value: Any) -> None:
    assert strict_json(canonical_bytes(value)) == value


@given(st.dictionaries(st.text("abc", max_size=3), st.integers(-9, 9), max_size=4))
def test_the_order_of_members_does_not_change_a_digest(value: dict[str, int]) -> None:
    assert canonical_digest(value) == canonical_digest(dict(reversed(value.items())))


def test_the_example_of_rfc_8785_has_its_published_form() -> None:
    # RFC 8785, section 3.2.3: members sorted by UTF-16 code units.
    value = {"\u20ac": "Euro Sign", "\r": "Carriage Return", "1": "One", "\x80": "Control"}
    assert canonical_bytes(value) == (
        b'{"\\r":"Carriage Return","1":"One","\xc2\x80":"Control","\xe2\x82\xac":"Euro Sign"}'
    )


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"nul",
        b'{"a":1,"a":2}',
        b'{"a":{"b":1,"b":1}}',
        b"NaN",
        b"[Infinity]",
        b'"\xff"',
        b'"\\ud800"',
        b'{"\\u0000":1}',
        b'["a\\u0000b"]',
        b"[" * (MAX_DEPTH + 2) + b"]" * (MAX_DEPTH + 2),
        b"[" * 100_000,
        b"1" * 5_000,
    ],
)
def test_what_two_readers_could_read_differently_is_refused(text: bytes) -> None:
    with pytest.raises(MalformedInput):
        strict_json(text)


@pytest.mark.parametrize("value", [float("nan"), 2**60, {1: 2}, object(), b"bytes"])
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(MalformedInput):
        canonical_bytes(value)
