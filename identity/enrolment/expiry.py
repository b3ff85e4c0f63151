"""A cameo's time: reminding its owner before it ends, and ending it."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction

from common.clock import rfc3339
from events import interface as events
from events.interface import EventKind
from identity.chronicle import tell
from identity.models import Cameo
from identity.selectors import bump_epochs, lock_cameos

_BATCH = 500


def expire_cameos(*, now: datetime) -> int:
    """End the active cameos whose time is over; gives how many.

    A decision denies from the moment itself on; this writes it down. A suspended one stays
    suspended: it expires when it is resumed.
    """
    due = Cameo.objects.filter(state=Cameo.State.ACTIVE, expires__lte=now)
    ended = 0
    for cameo_id in due.order_by("expires").values_list("id", flat=True)[:_BATCH]:
        with transaction.atomic():
            lock_cameos([cameo_id])
            # Somebody may have renewed it since it was found.
            if not due.filter(id=cameo_id).update(state=Cameo.State.EXPIRED):
                continue
            bump_epochs([cameo_id])
            tell(cameo_id, EventKind.CAMEO_EXPIRED, {}, now=now)
        ended += 1
    return ended


def remind_owners(*, now: datetime) -> int:
    """Tell owners, once, that a cameo's time is nearly over; gives how many."""
    due = Cameo.objects.filter(
        state__in=[Cameo.State.ACTIVE, Cameo.State.SUSPENDED],
        expires__gt=now,
        expires__lte=now + settings.CAMEO_REMINDER,
        reminded=None,
    )
    told = 0
    for cameo_id in due.order_by("expires").values_list("id", flat=True)[:_BATCH]:
        with transaction.atomic():
            held = lock_cameos([cameo_id])[cameo_id]
            if held.expires is None or not due.filter(id=cameo_id).update(reminded=now):
                continue
            data = {"cameo": cameo_id, "expires": rfc3339(held.expires)}
            events.emit(kind=EventKind.CAMEO_EXPIRING, subject=cameo_id, data=data, now=now)
        told += 1
    return told
