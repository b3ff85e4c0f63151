"""Tables of what is between people: friendships, blocks, invites."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from common.ids import new_id


def _friendship_id() -> str:
    return new_id("fri")


def _block_id() -> str:
    return new_id("blk")


def _invite_id() -> str:
    return new_id("inv")


class Friendship(models.Model):
    """Between two accounts, `low` and `high` by id; one that has ended stays as history."""

    class State(models.TextChoices):
        ASKED = "asked"
        ACCEPTED = "accepted"
        ENDED = "ended"

    id = models.CharField(max_length=32, primary_key=True, default=_friendship_id, editable=False)
    low = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_constraint=False
    )
    high = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_constraint=False
    )
    asked_by = models.CharField(max_length=32)
    state = models.CharField(max_length=8, choices=State.choices, default=State.ASKED)
    asked = models.DateTimeField()
    accepted = models.DateTimeField(null=True)
    ended = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=32, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["low", "high"],
                condition=~models.Q(state="ended"),
                name="consent_one_live_friendship_per_pair",
            ),
            models.CheckConstraint(
                condition=models.Q(low__lt=models.F("high")), name="consent_friendship_ordered"
            ),
        ]
        indexes = [
            models.Index(fields=["low", "-asked", "-id"], name="consent_friend_by_low"),
            models.Index(fields=["high", "-asked", "-id"], name="consent_friend_by_high"),
        ]

    def __str__(self) -> str:
        return self.id


class Block(models.Model):
    """`blocker` wants nothing of `blocked`, who isn't told. A lifted one stays as history."""

    id = models.CharField(max_length=32, primary_key=True, default=_block_id, editable=False)
    blocker = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_constraint=False
    )
    blocked = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_constraint=False
    )
    since = models.DateTimeField()
    lifted = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["blocker", "blocked"],
                condition=models.Q(lifted__isnull=True),
                name="consent_one_live_block_per_pair",
            ),
        ]
        indexes = [
            models.Index(fields=["blocker", "-since", "-id"], name="consent_block_by_blocker"),
        ]

    def __str__(self) -> str:
        return self.id


class Invite(models.Model):
    """A code that brings one new person in, and makes them the inviter's friend.

    The code itself isn't kept: it is derived from the id (see consent.inviting).
    """

    id = models.CharField(max_length=32, primary_key=True, default=_invite_id, editable=False)
    inviter = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_constraint=False
    )
    digest = models.CharField(max_length=64, unique=True)
    created = models.DateTimeField()
    used = models.DateTimeField(null=True)
    used_by = models.CharField(max_length=32, blank=True, default="")
    revoked = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["inviter", "-created", "-id"], name="consent_invite_by_inviter"),
        ]

    def __str__(self) -> str:
        return self.id
