"""From when on somebody is of an age, and which dates of birth are none."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from accounts.ages import (
    adult_on,
    check_birth_date,
    is_adult,
    is_minor,
    of_age_on,
    parse_birth_date,
)
from accounts.errors import BirthDateInvalid

NOW = datetime(2030, 5, 17, 12, 0, 0, 250_000, UTC)
TICK = timedelta(microseconds=1)


def test_a_birthday_counts_once_it_has_begun_everywhere() -> None:
    born = date(2010, 5, 1)
    assert of_age_on(born) == datetime(2026, 5, 1, 12, tzinfo=UTC)
    assert adult_on(born) == datetime(2028, 5, 1, 12, tzinfo=UTC)
    # Midnight at the last place where that day begins.
    last = datetime(2028, 5, 1, tzinfo=timezone(timedelta(hours=-12)))
    assert is_adult(born, last)
    assert not is_minor(born, last)
    assert is_minor(born, last - TICK)
    assert not is_adult(born, last - TICK)


def test_a_birthday_on_the_last_day_of_a_year_ends_in_that_year_everywhere() -> None:
    assert of_age_on(date(2010, 12, 31)) == datetime(2026, 12, 31, 12, tzinfo=UTC)
    assert adult_on(date(2010, 1, 1)) == datetime(2028, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("born", "of_age", "adult"),
    [
        # 16 years on there is a leap day again, 18 years on there is none.
        (date(2008, 2, 29), date(2024, 2, 29), date(2026, 3, 1)),
        (date(2008, 2, 28), date(2024, 2, 28), date(2026, 2, 28)),
        # 2100 has no leap day.
        (date(2084, 2, 29), date(2100, 3, 1), date(2102, 3, 1)),
    ],
)
def test_who_was_born_on_a_leap_day_is_older_from_march_on(
    born: date, of_age: date, adult: date
) -> None:
    assert of_age_on(born) == datetime(of_age.year, of_age.month, of_age.day, 12, tzinfo=UTC)
    assert adult_on(born) == datetime(adult.year, adult.month, adult.day, 12, tzinfo=UTC)


def test_of_whom_nothing_is_known_is_neither() -> None:
    assert not is_minor(None, NOW)
    assert not is_adult(None, NOW)


def test_a_birthday_past_the_last_year_never_comes() -> None:
    for born in (date(9999, 12, 31), date(9984, 2, 29), date(9982, 1, 1)):
        assert adult_on(born).year == 9999
        assert is_minor(born, datetime(9999, 12, 30, tzinfo=UTC))


def test_a_date_of_birth_is_read() -> None:
    assert parse_birth_date("2010-05-01", now=NOW) == date(2010, 5, 1)
    assert parse_birth_date("2008-02-29", now=NOW) == date(2008, 2, 29)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0000-00-00",
        "2010-02-30",
        "2009-02-29",
        "2010-13-01",
        "2010-00-10",
        "2010-5-1",
        "20100501",
        "2010-W18-6",
        "2010-121",
        " 2010-05-01",
        "2010-05-01\n",
        "2010-05-01T00:00:00Z",
        "+2010-05-01",
        "-2010-05-01",
        "02010-05-01",
        "9999-12-31",
        "0001-01-01",
        "1850-01-01",
        "\u0662\u0660\u0661\u0660-\u0660\u0665-\u0660\u0661",
        "2010\u201305\u201301",
        "2010-05-01\x00",
        "x" * 10_000,
        20100501,
        2010.5,
        True,
        None,
        ["2010-05-01"],
        {"year": 2010},
        date(2010, 5, 1),
        b"2010-05-01",
    ],
)
def test_what_is_no_date_of_birth_is_refused_and_not_quoted(text: Any) -> None:
    with pytest.raises(BirthDateInvalid) as refused:
        parse_birth_date(text, now=NOW)
    assert refused.value.code == "birth_date_invalid"
    assert [field.pointer for field in refused.value.fields] == ["/birth_date"]
    assert refused.value.__cause__ is None
    said = f"{refused.value} {refused.value.fields}"
    assert not text or "such as 2010-05-01" in said
    assert "1850" not in said


def test_nobody_is_born_on_a_day_that_has_begun_nowhere() -> None:
    # 12:00:00.25 UTC on the 17th: it is 02:00 on the 18th where days begin first.
    assert check_birth_date(date(2030, 5, 18), now=NOW) == date(2030, 5, 18)
    with pytest.raises(BirthDateInvalid):
        check_birth_date(date(2030, 5, 19), now=NOW)
    before = datetime(2030, 5, 17, 9, 59, 59, 999_999, UTC)
    with pytest.raises(BirthDateInvalid):
        check_birth_date(date(2030, 5, 18), now=before)
    assert check_birth_date(date(2030, 5, 18), now=before + TICK) == date(2030, 5, 18)


def test_nobody_who_is_alive_was_born_over_130_years_ago() -> None:
    assert check_birth_date(date(1900, 5, 18), now=NOW) == date(1900, 5, 18)
    with pytest.raises(BirthDateInvalid):
        check_birth_date(date(1900, 5, 17), now=NOW)
    leap = datetime(2034, 3, 1, tzinfo=UTC)
    assert check_birth_date(date(1904, 3, 1), now=leap) == date(1904, 3, 1)
    with pytest.raises(BirthDateInvalid):
        check_birth_date(date(1904, 2, 29), now=leap)


def test_the_clock_may_be_in_any_zone() -> None:
    # The same moment, told with another offset.
    there = NOW.astimezone(timezone(timedelta(hours=-11)))
    assert check_birth_date(date(2030, 5, 18), now=there) == date(2030, 5, 18)
