"""Staff mend a date of birth at the command line."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.interface import read_account
from accounts.models import User
from tests.consent.conftest import Cast


def test_staff_mends_and_forgets_a_date(cast: Cast) -> None:
    sam = User.objects.create_user("sam@example.org", "a long password", is_staff=True).id
    out = StringIO()
    call_command("mend_birth_date", cast.bob, "--by", sam, "--date", "2001-02-03", stdout=out)
    found = read_account(cast.bob)
    assert found is not None
    assert str(found.birth_date) == "2001-02-03"
    assert "2001" not in out.getvalue()
    call_command("mend_birth_date", cast.bob, "--by", sam, "--forget", stdout=out)
    found = read_account(cast.bob)
    assert found is not None
    assert found.birth_date is None


@pytest.mark.parametrize(
    ("by_staff", "date", "code"),
    [(False, "2001-02-03", "not_staff"), (True, "2001-02-30", "birth_date_invalid")],
)
def test_what_cannot_be_mended_is_said_by_its_code(
    cast: Cast, by_staff: bool, date: str, code: str
) -> None:
    sam = User.objects.create_user("sam@example.org", "a long password", is_staff=by_staff).id
    with pytest.raises(CommandError, match=code):
        call_command("mend_birth_date", cast.bob, "--by", sam, "--date", date)
