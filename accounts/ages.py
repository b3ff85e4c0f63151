"""Dates of birth: reading one, and from when on somebody is of an age. No database here.

A birthday begins at different moments around the world; it is counted from when it has begun
everywhere (UTC-12), so that nobody is taken for older than they are.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from accounts.errors import BirthDateInvalid

MIN_AGE: Final = 16
"""Years from which on somebody may have a likeness here."""
ADULT_AGE: Final = 18
OLDEST: Final = 130
"""Years before which nobody who is alive was born."""
_LAST_PLACE: Final = timedelta(hours=12)
_FIRST_PLACE: Final = timedelta(hours=14)
_FORM: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


def parse_birth_date(text: object, *, now: datetime) -> date:
    """The date that `text` names, as `2010-05-01`.

    Raises:
        BirthDateInvalid: another form, no day of the calendar, or one that `check_birth_date`
            refuses.
    """
    if not isinstance(text, str) or _FORM.fullmatch(text) is None:
        raise BirthDateInvalid
    try:
        found = date.fromisoformat(text)
    except ValueError:
        # Without its cause, which quotes the date.
        raise BirthDateInvalid from None
    return check_birth_date(found, now=now)


def check_birth_date(found: date, *, now: datetime) -> date:
    """`found`, if somebody who is alive at `now` can have been born then.

    Raises:
        BirthDateInvalid: a day that has begun nowhere yet (UTC+14), or over 130 years ago.
    """
    today = (now.astimezone(UTC) + _FIRST_PLACE).date()
    too_long_ago = (found.year + OLDEST, found.month, found.day) < (
        today.year,
        today.month,
        today.day,
    )
    if found > today or too_long_ago:
        raise BirthDateInvalid
    return found


def is_minor(birth_date: date | None, at: datetime) -> bool:
    """Whether somebody is known to be under 18 at `at`."""
    return birth_date is not None and at < adult_on(birth_date)


def is_adult(birth_date: date | None, at: datetime) -> bool:
    """Whether somebody is known to be 18 or older at `at`."""
    return birth_date is not None and at >= adult_on(birth_date)


def of_age_on(birth_date: date) -> datetime:
    """From when on somebody may have a likeness here, aware."""
    return _birthday(birth_date, MIN_AGE)


def adult_on(birth_date: date) -> datetime:
    """From when on somebody decides alone, aware."""
    return _birthday(birth_date, ADULT_AGE)


def _birthday(birth_date: date, years: int) -> datetime:
    year = birth_date.year + years
    if year > date.max.year:
        return _NEVER
    try:
        day = birth_date.replace(year=year)
    except ValueError:
        # Who was born on a leap day is a year older from March on.
        day = date(year, 3, 1)
    return datetime.combine(day, time(), UTC) + _LAST_PLACE
