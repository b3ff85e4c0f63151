"""Tables of approvals, of what uses cost, and of decisions that are kept."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from common.ids import new_id
from consent.models.grants import Grant
from consent.models.tokens import Use


def _approval_id() -> str:
    return new_id("apr")


def _decision_id() -> str:
    return new_id("dec")


class Approval(models.Model):
    """An owner is asked about one request, and may permit it once."""

    class State(models.TextChoices):
        ASKED = "asked"
        APPROVED = "approved"
        DECLINED = "declined"
        SPENT = "spent"
        LAPSED = "lapsed"

    id = models.CharField(max_length=32, primary_key=True, default=_approval_id, editable=False)
    cameo = models.ForeignKey("identity.Cameo", on_delete=models.PROTECT, related_name="+")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_constraint=False
    )
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_constraint=False
    )
    generator = models.CharField(max_length=100)
    request_hash = models.CharField(max_length=64)
    request = models.JSONField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.ASKED)
    asked = models.DateTimeField()
    expires = models.DateTimeField()
    decided = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=32, blank=True, default="")
    spent_by = models.CharField(max_length=32, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["cameo", "requester", "generator", "request_hash"],
                condition=models.Q(state__in=["asked", "approved"]),
                name="consent_one_open_approval",
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "-asked", "-id"], name="consent_approval_by_owner"),
            models.Index(fields=["requester", "-asked", "-id"], name="consent_approval_by_asker"),
        ]

    def __str__(self) -> str:
        return self.id


class Accrual(models.Model):
    """What one use of one likeness costs, as its terms said when it was redeemed."""

    use = models.ForeignKey(Use, on_delete=models.PROTECT, related_name="accruals")
    cameo = models.ForeignKey("identity.Cameo", on_delete=models.PROTECT, related_name="+")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_constraint=False
    )
    generator = models.CharField(max_length=100)
    grant = models.ForeignKey(Grant, on_delete=models.PROTECT, related_name="+", null=True)
    amount = models.PositiveBigIntegerField()
    currency = models.CharField(max_length=3)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["use", "cameo"], name="consent_one_accrual_per_use"),
        ]
        indexes = [
            models.Index(fields=["owner", "at"], name="consent_accrual_by_owner"),
            models.Index(fields=["generator", "at"], name="consent_accrual_by_generator"),
        ]

    def __str__(self) -> str:
        return f"{self.use_id} {self.cameo_id}"


class KeptDecision(models.Model):
    """A decision that had an effect, so that it can be run again.

    What it was decided on is sealed part by part, each under its own cameo's data key
    (`KeptPart`); the ledger holds the salted digest of the whole.
    """

    id = models.CharField(max_length=32, primary_key=True, default=_decision_id, editable=False)
    token = models.CharField(max_length=32, db_index=True)
    effect = models.CharField(max_length=8)
    digest = models.CharField(max_length=64)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.id


class KeptPart(models.Model):
    """What was read of one cameo for a kept decision, under that cameo's data key."""

    decision = models.ForeignKey(KeptDecision, on_delete=models.PROTECT, related_name="parts")
    cameo = models.ForeignKey("identity.Cameo", on_delete=models.PROTECT, related_name="+")
    sealed = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["decision", "cameo"], name="consent_one_part_per_cameo"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.decision_id} {self.cameo_id}"
