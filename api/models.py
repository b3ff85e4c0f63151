"""What is kept of requests that came with an Idempotency-Key: ids and digests, for 24 hours."""

from __future__ import annotations

from django.db import models


class KeptAnswer(models.Model):
    """The first request of a key, and which thing it made. Never the answer itself."""

    caller = models.CharField(max_length=320)
    key = models.CharField(max_length=128)
    operation = models.CharField(max_length=80)
    body_digest = models.CharField(max_length=64)
    made = models.CharField(max_length=40)
    created = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["caller", "key"], name="api_one_answer_per_key"),
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.made}"
