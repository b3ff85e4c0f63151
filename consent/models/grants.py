"""Tables of what an owner allows: audiences, restrictions, grants, and how much was used.

Accounts are named without a database constraint: a constraint would lock the account's row
while the cameo's is held, and who enrols locks those two the other way round.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models

from common.ids import new_id


def _grant_id() -> str:
    return new_id("grt")


class Audience(models.Model):
    """Whom a cameo is for; a cameo without a row is `only_me`."""

    class Kind(models.TextChoices):
        ONLY_ME = "only_me"
        GRANTED = "granted"
        MUTUALS = "mutuals"
        ANYONE = "anyone"

    cameo = models.OneToOneField(
        "identity.Cameo", on_delete=models.PROTECT, primary_key=True, related_name="+"
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    since = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.cameo_id} {self.kind}"


class Grant(models.Model):
    """Owner to grantee, with terms. A withdrawn grant stays as history.

    What was granted `while_minor` needs a guardian to have `co_approved` its present version,
    and ends at 18.
    """

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
    while_minor = models.BooleanField(default=False)
    co_approved = models.DateTimeField(null=True)
    co_approved_by = models.CharField(max_length=32, blank=True, default="")

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


class Restrictions(models.Model):
    """The owner's terms over every use of a cameo, by grants and audience alike."""

    cameo = models.OneToOneField(
        "identity.Cameo", on_delete=models.PROTECT, primary_key=True, related_name="+"
    )
    version = models.PositiveIntegerField(default=1)
    terms = models.JSONField()
    since = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.cameo_id} {self.version}"


class RestrictionsVersion(models.Model):
    """The restrictions a cameo had from `since` on, until its next version."""

    cameo = models.ForeignKey("identity.Cameo", on_delete=models.PROTECT, related_name="+")
    version = models.PositiveIntegerField()
    terms = models.JSONField()
    since = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["cameo", "version"], name="consent_restrictions_version"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.cameo_id} {self.version}"


class Tally(models.Model):
    """How often a cameo or a grant (`subject`, by id) was used, in all and on `day` (UTC).

    Written under the cameo's lock alone, so that no unit is counted twice or lost.
    """

    subject = models.CharField(max_length=32, primary_key=True)
    uses = models.PositiveBigIntegerField(default=0)
    day = models.DateField()
    uses_of_day = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.subject} {self.uses}"
