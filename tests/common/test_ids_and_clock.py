"""Identifiers and times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.clock import from_rfc3339, rfc3339
from common.ids import MAX_LENGTH, is_id, new_id


def test_an_identifier_names_its_kind_and_holds_128_bits() -> None:
    found = {new_id("cam") for _ in range(1000)}
    assert len(found) == 1000
    assert all(is_id("cam", text) and len(text) <= MAX_LENGTH for text in found)


@pytest.mark.parametrize(
    "text", ["", "cam", "cam_", "cam_A" + "a" * 25, "cap_" + "a" * 26, "a" * 30]
)
def test_another_form_is_no_identifier(text: str) -> None:
    assert not is_id("cam", text)


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(2, 1, 1)))  # noqa: DTZ001
def test_a_time_is_read_back_as_it_was_written(moment: datetime) -> None:
    assert from_rfc3339(rfc3339(moment)) == moment
    assert len(rfc3339(moment)) == 27


def test_equal_moments_have_equal_texts() -> None:
    here = datetime(2026, 5, 1, 12, tzinfo=timezone(timedelta(hours=8)))
    assert rfc3339(here) == rfc3339(here.astimezone(UTC)) == "2026-05-01T04:00:00.000000Z"


def test_a_naive_time_is_refused_both_ways() -> None:
    with pytest.raises(ValueError, match="naive"):
        rfc3339(datetime(2026, 1, 1))  # noqa: DTZ001 - that is what is tested
    with pytest.raises(ValueError, match="offset"):
        from_rfc3339("2026-01-01T00:00:00")
