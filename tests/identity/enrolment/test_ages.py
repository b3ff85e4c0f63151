"""Before a capture: whose age allows it, and what the deployment knows of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from accounts.models import Guardianship, User
from audit.models import LedgerEntry
from common.errors import CameoError
from identity import interface as identity
from identity.models import Cameo, CaptureSession

NOW = datetime(2030, 5, 17, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)
MINOR, CHILD, ADULT = date(2013, 8, 23), date(2014, 8, 23), date(1990, 1, 1)


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice@example.org")


def born(account: User, birth_date: date) -> None:
    User.objects.filter(id=account.id).update(birth_date=birth_date)


def guard(account: User, state: str = "accepted") -> Guardianship:
    carol = User.objects.create_user("carol@example.org", birth_date=ADULT)
    return Guardianship.objects.create(minor=account, guardian=carol, asked=NOW, state=state)


def begin(account: User, purpose: str = "enrol", now: datetime = NOW) -> str:
    """`ok`, or the code of the refusal."""
    try:
        identity.create_session(account_id=account.id, now=now, purpose=purpose)
    except CameoError as error:
        return error.code
    return "ok"


def test_who_declared_nothing_begins_as_before(alice: User) -> None:
    assert begin(alice) == "ok"


def test_a_grown_up_begins(alice: User) -> None:
    born(alice, ADULT)
    assert begin(alice) == "ok"


def test_nobody_under_16_begins_with_or_without_a_guardian(alice: User) -> None:
    born(alice, CHILD)
    assert begin(alice) == "too_young"
    guard(alice)
    assert begin(alice) == "too_young"
    sixteen = datetime(2030, 8, 23, 12, tzinfo=UTC)
    assert begin(alice, now=sixteen - TICK) == "too_young"
    assert not Cameo.objects.exists()
    assert not CaptureSession.objects.exists()
    assert begin(alice, now=sixteen) == "ok"


def test_a_minor_begins_once_a_guardian_has_accepted(alice: User) -> None:
    born(alice, MINOR)
    assert begin(alice) == "guardian_needed"
    row = guard(alice, "asked")
    for state, code in (("asked", "guardian_needed"), ("ended", "guardian_needed")):
        Guardianship.objects.filter(id=row.id).update(state=state)
        assert begin(alice) == code
    Guardianship.objects.filter(id=row.id).update(state="accepted")
    assert begin(alice) == "ok"
    User.objects.filter(id=row.guardian_id).update(is_active=False)
    assert begin(alice) == "guardian_needed"
    assert begin(alice, now=datetime(2031, 8, 23, 12, tzinfo=UTC)) == "ok"


def test_a_new_template_asks_for_it_too_and_a_step_up_does_not(alice: User) -> None:
    cameo = Cameo.objects.create(owner=alice, state="active", created=NOW, activated=NOW)
    born(alice, MINOR)
    assert begin(alice, "re-enrol") == "guardian_needed"
    assert begin(alice, "step-up") == "ok"
    guard(alice)
    assert begin(alice, "re-enrol") == "ok"
    born(alice, CHILD)
    assert begin(alice, "re-enrol") == "too_young"
    assert Cameo.objects.get(id=cameo.id).epoch == cameo.epoch


def knows_minor(account_id: str) -> date:
    return MINOR


def knows_child(account_id: str) -> date:
    return CHILD


def knows_nothing(account_id: str) -> None:
    return None


def fails(account_id: str) -> Any:
    raise RuntimeError(account_id)


def test_the_deployments_signal_is_asked_and_its_answer_kept(
    alice: User, settings: Settings
) -> None:
    cameo = Cameo.objects.create(owner=alice, state="active", created=NOW, activated=NOW)
    settings.CAMEO_AGE_SIGNAL = f"{__name__}.knows_child"
    assert begin(alice, "step-up") == "ok"
    assert User.objects.get(id=alice.id).birth_date is None
    assert begin(alice, "re-enrol") == "too_young"
    # The refusal doesn't take back what is known.
    assert User.objects.get(id=alice.id).birth_date == CHILD
    assert Cameo.objects.get(id=cameo.id).epoch == cameo.epoch + 1
    entry = LedgerEntry.objects.get(kind="account.birth_date_declared")
    assert entry.body == {"account": alice.id, "by": "age_signal"}
    settings.CAMEO_AGE_SIGNAL = f"{__name__}.fails"
    assert begin(alice, "re-enrol") == "too_young"


def declares_meanwhile(account_id: str) -> date:
    User.objects.filter(id=account_id).update(birth_date=ADULT)
    return CHILD


def test_who_declares_while_the_signal_is_asked_has_declared(
    alice: User, settings: Settings
) -> None:
    settings.CAMEO_AGE_SIGNAL = f"{__name__}.declares_meanwhile"
    assert begin(alice) == "ok"
    assert User.objects.get(id=alice.id).birth_date == ADULT


def test_a_signal_that_knows_nothing_changes_nothing(alice: User, settings: Settings) -> None:
    settings.CAMEO_AGE_SIGNAL = f"{__name__}.knows_nothing"
    assert begin(alice) == "ok"
    assert User.objects.get(id=alice.id).birth_date is None


def test_without_the_signals_answer_no_capture_begins(alice: User, settings: Settings) -> None:
    settings.CAMEO_AGE_SIGNAL = f"{__name__}.fails"
    assert begin(alice) == "age_unknown"
    assert not CaptureSession.objects.exists()
    born(alice, ADULT)
    assert begin(alice) == "ok"


def test_what_is_declared_stands_against_the_signal(alice: User, settings: Settings) -> None:
    settings.CAMEO_AGE_SIGNAL = f"{__name__}.knows_minor"
    born(alice, ADULT)
    assert begin(alice) == "ok"
    assert User.objects.get(id=alice.id).birth_date == ADULT


def test_a_closed_account_is_refused_as_before(alice: User, settings: Settings) -> None:
    settings.CAMEO_AGE_SIGNAL = f"{__name__}.knows_minor"
    User.objects.filter(id=alice.id).update(is_active=False)
    assert begin(alice) == "unauthenticated"
