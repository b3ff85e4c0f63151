"""The outbox."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import transaction

from common.ids import is_id
from events.interface import EventKind, NoTransaction, emit
from events.models import Event

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.django_db
def test_events_of_a_subject_are_in_order() -> None:
    with transaction.atomic():
        first = emit(kind=EventKind.CAMEO_SUSPENDED, subject="cam_a", data={}, now=NOW)
        second = emit(kind=EventKind.CAMEO_RESUMED, subject="cam_a", data={}, now=NOW)
    found = list(Event.objects.order_by("position").values_list("id", flat=True))
    assert found == [first, second]
    assert is_id("evt", first)


@pytest.mark.django_db(transaction=True)
def test_an_event_stands_or_falls_with_its_transaction() -> None:
    with pytest.raises(NoTransaction):
        emit(kind=EventKind.CAMEO_SUSPENDED, subject="cam_a", data={}, now=NOW)
    with transaction.atomic():
        emit(kind=EventKind.CAMEO_SUSPENDED, subject="cam_a", data={}, now=NOW)
        transaction.set_rollback(True)
    assert not Event.objects.exists()
