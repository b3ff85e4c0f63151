"""The keystore's one table. It lies in another database, so nothing refers to it, nor it to others.

That database's backup is its latest state only: what is erased here must not come back.
"""

from __future__ import annotations

from django.db import models


class DataKey(models.Model):
    """A cameo's data key, wrapped by the key-encryption key `kek`; without it all else is noise.

    A row whose key was destroyed stays as a tombstone: the id never gets a key again, and an
    older state of the main database learns from it what was erased since.
    `unclaimed_since` is when the main database was first seen not to know the cameo.
    """

    cameo_id = models.CharField(max_length=32, primary_key=True)
    wrapped = models.BinaryField(null=True)
    kek = models.CharField(max_length=200, blank=True, default="", db_index=True)
    created = models.DateTimeField()
    unclaimed_since = models.DateTimeField(null=True)
    erased = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(wrapped__isnull=True, kek="", erased__isnull=False)
                | models.Q(wrapped__isnull=False, erased__isnull=True),
                name="keystore_key_or_tombstone",
            ),
        ]

    def __str__(self) -> str:
        return self.cameo_id
