"""From when on somebody is of an age, by their date of birth. No database here.

A birthday begins at different moments around the world; it is counted from when it has begun
everywhere (UTC-12), so that nobody is taken for older than they are.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

MIN_AGE: Final = 16
"""Years from which on somebody may have a likeness here."""
ADULT_AGE: Final = 18
_LAST_PLACE: Final = timedelta(hours=12)


def of_age_on(birth_date: date) -> datetime:
    """From when on somebody may have a likeness here, aware."""
    return _birthday(birth_date, MIN_AGE)


def adult_on(birth_date: date) -> datetime:
    """From when on somebody decides alone, aware."""
    return _birthday(birth_date, ADULT_AGE)


def _birthday(birth_date: date, years: int) -> datetime:
    try:
        day = birth_date.replace(year=birth_date.year + years)
    except ValueError:
        # Who was born on a leap day is a year older from March on.
        day = date(birth_date.year + years, 3, 1)
    return datetime.combine(day, time(), UTC) + _LAST_PLACE
