"""Tables of the ledger. A trigger refuses to change or delete an entry (migration 0002)."""

from __future__ import annotations

from django.db import models

from audit.entries import Entry


class Chain(models.Model):
    """The head of one chain; its row is the chain's lock."""

    name = models.CharField(max_length=40, primary_key=True)
    sequence = models.BigIntegerField(default=0)
    head = models.CharField(max_length=64)

    def __str__(self) -> str:
        return self.name


class LedgerEntry(models.Model):
    """One appended entry. `at` is kept as the text that was hashed."""

    chain = models.ForeignKey(Chain, on_delete=models.PROTECT, related_name="entries")
    sequence = models.BigIntegerField()
    at = models.CharField(max_length=27)
    kind = models.CharField(max_length=60)
    body = models.JSONField()
    previous = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["chain", "sequence"], name="ledger_one_per_sequence"),
        ]

    def __str__(self) -> str:
        return f"{self.chain_id} {self.sequence} {self.kind}"

    def entry(self) -> Entry:
        """The entry as it was hashed."""
        return Entry(
            chain=self.chain_id,
            sequence=self.sequence,
            at=self.at,
            kind=self.kind,
            body=self.body,
            previous=self.previous,
        )
