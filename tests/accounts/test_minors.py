"""Dates of birth are declared once, mended by staff, or known to the deployment; told to nobody."""

from __future__ import annotations

import json
import logging
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from pytest_django.fixtures import Settings

from accounts.interface import (
    AccountState,
    check_age,
    declare_birth_date,
    mend_birth_date,
    read_account,
    signalled_birth_date,
)
from accounts.models import Guardianship, User
from audit.interface import SERVICE_CHAIN, NoTransaction
from audit.models import LedgerEntry
from common.errors import CameoError, Unavailable
from common.logs import JsonFormatter

NOW = datetime(2030, 5, 17, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)
BORN = date(2013, 8, 23)

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice@example.org")


def code_of(action: Any) -> str:
    with pytest.raises(CameoError) as refused:
        action()
    return refused.value.code


def declare(account: str, birth_date: date = BORN) -> bool:
    with transaction.atomic():
        return declare_birth_date(account=account, birth_date=birth_date, now=NOW, by=account)


def mend(account: str, birth_date: date | None) -> bool:
    with transaction.atomic():
        return mend_birth_date(account=account, birth_date=birth_date, now=NOW, by="acc_staff")


def born(account: User) -> date | None:
    account.refresh_from_db()
    return account.birth_date


def test_a_date_of_birth_is_declared_once(alice: User) -> None:
    assert declare(alice.id)
    assert not declare(alice.id)
    for other in (date(2000, 1, 1), date(2013, 8, 24)):
        assert code_of(lambda other=other: declare(alice.id, other)) == "birth_date_declared"
    assert born(alice) == BORN
    assert code_of(lambda: declare("acc_" + "a" * 26)) == "not_found"


def test_it_is_kept_in_a_transaction_only(alice: User, transactional_db: None) -> None:
    with pytest.raises(NoTransaction):
        declare_birth_date(account=alice.id, birth_date=BORN, now=NOW, by=alice.id)
    with pytest.raises(NoTransaction):
        mend_birth_date(account=alice.id, birth_date=BORN, now=NOW, by="acc_staff")
    assert born(alice) is None


def test_the_ledger_has_that_it_was_declared_and_not_the_date(alice: User) -> None:
    declare(alice.id)
    mend(alice.id, date(2012, 1, 2))
    entries = LedgerEntry.objects.filter(chain_id=SERVICE_CHAIN).order_by("sequence")
    assert [entry.kind for entry in entries] == [
        "account.birth_date_declared",
        "account.birth_date_mended",
    ]
    assert [entry.body for entry in entries] == [
        {"account": alice.id, "by": alice.id},
        {"account": alice.id, "by": "acc_staff"},
    ]


def test_an_account_is_read_with_it_and_does_not_show_it(alice: User) -> None:
    declare(alice.id)
    found = read_account(alice.id)
    assert found == AccountState(alice.id, True, False, birth_date=BORN, guarded=False)
    assert "2013" not in repr(found)


def test_staff_mends_a_mistake_or_takes_it_back(alice: User) -> None:
    declare(alice.id)
    assert mend(alice.id, date(2000, 1, 1))
    assert not mend(alice.id, date(2000, 1, 1))
    assert born(alice) == date(2000, 1, 1)
    assert mend(alice.id, None)
    assert born(alice) is None
    assert declare(alice.id)


def test_a_guardian_cannot_be_made_a_minor(alice: User) -> None:
    child = User.objects.create_user("child@example.org", birth_date=BORN)
    declare(alice.id, date(1990, 1, 1))
    row = Guardianship.objects.create(
        minor=child, guardian=alice, asked=NOW, state="accepted", accepted=NOW
    )
    for worse in (BORN, None):
        assert code_of(lambda worse=worse: mend(alice.id, worse)) == "still_guards"
    assert mend(alice.id, date(1991, 1, 1))
    Guardianship.objects.filter(id=row.id).update(state="ended", ended=NOW)
    assert mend(alice.id, BORN)


def test_a_capture_asks_for_16_years_and_under_18_for_a_guardian(alice: User) -> None:
    check_age(alice.id, now=NOW)
    check_age("acc_" + "a" * 26, now=NOW)
    sixteen, adult = (datetime(year, 8, 23, 12, tzinfo=UTC) for year in (2029, 2031))
    declare(alice.id)
    assert code_of(lambda: check_age(alice.id, now=sixteen - TICK)) == "too_young"
    assert code_of(lambda: check_age(alice.id, now=sixteen)) == "guardian_needed"
    assert code_of(lambda: check_age(alice.id, now=adult - TICK)) == "guardian_needed"
    check_age(alice.id, now=adult)
    carol = User.objects.create_user("carol@example.org", birth_date=date(1990, 1, 1))
    row = Guardianship.objects.create(minor=alice, guardian=carol, asked=NOW)
    assert code_of(lambda: check_age(alice.id, now=sixteen)) == "guardian_needed"
    Guardianship.objects.filter(id=row.id).update(state="accepted")
    check_age(alice.id, now=sixteen)
    assert code_of(lambda: check_age(alice.id, now=sixteen - TICK)) == "too_young"
    User.objects.filter(id=carol.id).update(is_active=False)
    assert code_of(lambda: check_age(alice.id, now=sixteen)) == "guardian_needed"


class Secret(Exception):
    """What a signal may raise, with what it knows in its text."""


def knows(account_id: str) -> date | None:
    assert account_id.startswith("acc_")
    return BORN


def knows_nothing(account_id: str) -> date | None:
    return None


def fails(account_id: str) -> date | None:
    raise Secret(f"{account_id} was born on 2013-08-23")


def future(account_id: str) -> date | None:
    return date(2031, 1, 1)


def long_ago(account_id: str) -> date | None:
    return date(1, 1, 1)


def text(account_id: str) -> Any:
    return "2013-08-23"


def moment(account_id: str) -> Any:
    return datetime(2013, 8, 23, tzinfo=UTC)


def falsehood(account_id: str) -> Any:
    return False


def signal(settings: Settings, name: str) -> None:
    settings.CAMEO_AGE_SIGNAL = f"{__name__}.{name}"


def test_without_a_signal_nothing_is_known(alice: User, settings: Settings) -> None:
    assert settings.CAMEO_AGE_SIGNAL == ""
    assert signalled_birth_date(alice.id, now=NOW) is None


def test_a_signal_is_asked_where_nothing_is_declared(alice: User, settings: Settings) -> None:
    signal(settings, "knows")
    assert signalled_birth_date(alice.id, now=NOW) == BORN
    signal(settings, "knows_nothing")
    assert signalled_birth_date(alice.id, now=NOW) is None
    signal(settings, "fails")
    assert signalled_birth_date("acc_" + "a" * 26, now=NOW) is None
    declare(alice.id)
    assert signalled_birth_date(alice.id, now=NOW) is None


@pytest.mark.parametrize(
    "name", ["fails", "future", "long_ago", "text", "moment", "falsehood", "missing", "NOW"]
)
def test_a_signal_that_fails_or_talks_nonsense_lets_nobody_pass(
    alice: User, settings: Settings, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    signal(settings, name)
    with caplog.at_level(logging.DEBUG), pytest.raises(Unavailable) as refused:
        signalled_birth_date(alice.id, now=NOW)
    assert refused.value.code == "age_unknown"
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__
    lines = [JsonFormatter().format(record) for record in caplog.records]
    assert [json.loads(line)["message"] for line in lines] == ["the age signal failed"]
    assert "2013" not in "".join(lines)


@pytest.mark.parametrize("path", ["nowhere.nothing", "nothing", "..", "a\x00b.c"])
def test_a_signal_that_is_not_there_lets_nobody_pass(
    alice: User, settings: Settings, path: str
) -> None:
    settings.CAMEO_AGE_SIGNAL = path
    assert code_of(lambda: signalled_birth_date(alice.id, now=NOW)) == "age_unknown"
