"""Tables of audiences, grants, issued tokens, uses and leases.

Accounts are named without a database constraint: a constraint would lock the account's row
while the cameo's is held, and who enrols locks those two the other way round.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models

from common.ids import new_id


def _grant_id() -> str:
    return new_id("grt")


def _use_id() -> str:
    return new_id("use")


def _lease_id() -> str:
    return new_id("lse")


def token_id() -> str:
    """A fresh `jti`: 128 random bits."""
    return new_id("lkt")


class Audience(models.Model):
    """Whom a cameo is for; a cameo without a row is `only_me`."""

    class Kind(models.TextChoices):
        ONLY_ME = "only_me"
        GRANTED = "granted"

    cameo = models.OneToOneField(
        "identity.Cameo", on_delete=models.PROTECT, primary_key=True, related_name="+"
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    since = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.cameo_id} {self.kind}"


class Grant(models.Model):
    """Owner to grantee, with terms. A withdrawn grant stays as history."""

    id = models.CharField(max_length=32, primary_key=True, default=_grant_id, editable=False)
    cameo = models.ForeignKey("identity.Cameo", on_delete=models.PROTECT, related_name="+")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_constraint=False
    )
    grantee = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_constraint=False
    )
    version = models.PositiveIntegerField(default=1)
    terms = models.JSONField()
    created = models.DateTimeField()
    withdrawn = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["cameo", "grantee"],
                condition=models.Q(withdrawn__isnull=True),
                name="consent_one_live_grant_per_pair",
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "-created", "-id"], name="consent_grant_by_owner"),
            models.Index(fields=["grantee", "-created", "-id"], name="consent_grant_by_grantee"),
        ]

    def __str__(self) -> str:
        return self.id


class GrantVersion(models.Model):
    """The terms a grant had from `since` on, until its next version or its withdrawal."""

    grant = models.ForeignKey(Grant, on_delete=models.PROTECT, related_name="versions")
    version = models.PositiveIntegerField()
    terms = models.JSONField()
    since = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["grant", "version"], name="consent_grant_version"),
        ]

    def __str__(self) -> str:
        return f"{self.grant_id} {self.version}"


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
    """A likeness in a use, and the grant it rested on (none for the owner's own)."""

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
