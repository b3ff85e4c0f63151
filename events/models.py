"""The outbox's table."""

from __future__ import annotations

from django.db import models

from common.ids import new_id


def _event_id() -> str:
    return new_id("evt")


class Event(models.Model):
    """A domain event, written in the transaction of what it tells of.

    `data` holds ids and digests only. Rows are delivered in order of `position` per subject.
    """

    position = models.BigAutoField(primary_key=True)
    id = models.CharField(max_length=32, unique=True, default=_event_id, editable=False)
    kind = models.CharField(max_length=60)
    subject = models.CharField(max_length=40, db_index=True)
    data = models.JSONField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"
