"""A cameo's time: its end, the reminder before it, and pauses after failures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import User
from audit.interface import read_chain
from events.models import Event
from identity.enrolment.expiry import expire_cameos, remind_owners
from identity.enrolment.pauses import paused_until
from identity.models import Cameo

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
WINDOW = timedelta(minutes=30)


@pytest.fixture
def cameo(db: None) -> Cameo:
    alice = User.objects.create_user("alice@example.org")
    return Cameo.objects.create(owner=alice, state="active", created=NOW, expires=NOW + 40 * DAY)


def test_a_cameo_expires_once_its_time_is_over(cameo: Cameo) -> None:
    assert expire_cameos(now=NOW + 40 * DAY - timedelta(seconds=1)) == 0
    assert expire_cameos(now=NOW + 40 * DAY) == 1
    assert expire_cameos(now=NOW + 41 * DAY) == 0
    cameo.refresh_from_db()
    assert (cameo.state, cameo.epoch) == ("expired", 2)
    assert [event.kind for event in Event.objects.all()] == ["cameo.expired"]
    assert [entry.kind for entry in read_chain(cameo.id)] == ["cameo.expired"]


@pytest.mark.parametrize("state", ["pending", "in_review", "suspended", "erased"])
def test_other_states_stay(cameo: Cameo, state: str) -> None:
    Cameo.objects.update(state=state)
    assert expire_cameos(now=NOW + 50 * DAY) == 0


def test_an_owner_is_reminded_once(cameo: Cameo) -> None:
    assert remind_owners(now=NOW + 9 * DAY) == 0
    assert remind_owners(now=NOW + 10 * DAY) == 1
    assert remind_owners(now=NOW + 11 * DAY) == 0
    event = Event.objects.get()
    assert (event.kind, event.subject) == ("cameo.expiring", cameo.id)
    assert event.data == {"cameo": cameo.id, "expires": "2026-04-10T12:00:00.000000Z"}


def test_nobody_is_reminded_of_what_is_over(cameo: Cameo) -> None:
    assert remind_owners(now=NOW + 40 * DAY) == 0


def minutes(*numbers: float) -> list[datetime | None]:
    return [NOW + timedelta(minutes=number) for number in numbers]


@pytest.mark.parametrize(
    ("failed", "until"),
    [
        ((), None),
        ((0, 1, 2, 3), None),
        ((0, 1, 2, 3, 4), 34),
        ((0, 10, 20, 25, 29), 59),  # the first is forgotten before the pause is over
        ((0, 10, 20, 25, 30), None),
        ((0, 1, 2, 3, 4, 33), 34),  # one that was being checked when the pause began
        ((0, 1, 2, 3, 4, 5), 35),
    ],
)
def test_a_pause_lasts_from_the_last_of_too_many(
    failed: tuple[float, ...], until: float | None
) -> None:
    expected = minutes(until)[0] if until is not None else None
    assert paused_until(minutes(*failed), 5, WINDOW) == expected
