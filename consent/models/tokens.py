"""Tables of issued tokens, uses and leases."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from common.ids import new_id
from consent.models.grants import Grant


def _use_id() -> str:
    return new_id("use")


def _lease_id() -> str:
    return new_id("lse")


def token_id() -> str:
    """A fresh `jti`: 128 random bits."""
    return new_id("lkt")


class IssuedToken(models.Model):
    """What is kept of a likeness token: its claims and its request's digests, never the token."""

    jti = models.CharField(max_length=32, primary_key=True)
    generator = models.CharField(max_length=100)
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_constraint=False
    )
    claims = models.JSONField()
    request = models.JSONField()
    expires = models.DateTimeField(db_index=True)
    redeemed = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.jti


class Use(models.Model):
    """One render of one or more likenesses, from the redemption of its token on."""

    class State(models.TextChoices):
        RENDERING = "rendering"

    id = models.CharField(max_length=32, primary_key=True, default=_use_id, editable=False)
    token = models.OneToOneField(IssuedToken, on_delete=models.PROTECT, related_name="use")
    generator = models.CharField(max_length=100)
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_constraint=False
    )
    request = models.JSONField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.RENDERING)
    started = models.DateTimeField()

    def __str__(self) -> str:
        return self.id


class UseLikeness(models.Model):
    """A likeness in a use, and the grant it rested on; none for the owner's own, or by audience."""

    use = models.ForeignKey(Use, on_delete=models.PROTECT, related_name="likenesses")
    cameo = models.ForeignKey("identity.Cameo", on_delete=models.PROTECT, related_name="+")
    grant = models.ForeignKey(Grant, on_delete=models.PROTECT, related_name="+", null=True)
    grant_version = models.PositiveIntegerField(null=True)
    epoch = models.BigIntegerField()
    started = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["use", "cameo"], name="consent_likeness_once_per_use"),
        ]
        indexes = [
            models.Index(fields=["cameo", "-started", "-use"], name="consent_use_by_cameo"),
        ]

    def __str__(self) -> str:
        return f"{self.use_id} {self.cameo_id}"


class Lease(models.Model):
    """The time within which a generator may render before it must ask again."""

    id = models.CharField(max_length=32, primary_key=True, default=_lease_id, editable=False)
    use = models.OneToOneField(Use, on_delete=models.PROTECT, related_name="lease")
    generator = models.CharField(max_length=100)
    obligations = models.JSONField(default=list)
    created = models.DateTimeField()
    expires = models.DateTimeField()

    def __str__(self) -> str:
        return self.id
