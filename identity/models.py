"""Tables of captures, cameos and templates."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from common.ids import new_id


def _cameo_id() -> str:
    return new_id("cam")


def _session_id() -> str:
    return new_id("cap")


def _record_id() -> str:
    return new_id("rec")


class Cameo(models.Model):
    """An account's enrolled likeness.

    `epoch` grows with every change that a decision about this cameo could see; the row is the
    only lock of the cameo (`identity.interface.lock_cameos`).
    """

    class State(models.TextChoices):
        PENDING = "pending"
        IN_REVIEW = "in_review"
        ACTIVE = "active"
        SUSPENDED = "suspended"
        EXPIRED = "expired"
        ERASED = "erased"

    id = models.CharField(max_length=32, primary_key=True, default=_cameo_id, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="cameos"
    )
    state = models.CharField(max_length=12, choices=State.choices, default=State.PENDING)
    epoch = models.BigIntegerField(default=1)
    assurance = models.CharField(max_length=12, blank=True)
    created = models.DateTimeField()
    activated = models.DateTimeField(null=True)
    expires = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner"],
                condition=~models.Q(state="erased"),
                name="identity_one_live_cameo_per_account",
            ),
        ]

    def __str__(self) -> str:
        return self.id


class CaptureSession(models.Model):
    """One challenge and the clip that answers it, once."""

    class State(models.TextChoices):
        OPEN = "open"
        QUEUED = "queued"
        PROCESSING = "processing"
        DECIDED = "decided"
        EXPIRED = "expired"

    class Purpose(models.TextChoices):
        ENROL = "enrol"

    id = models.CharField(max_length=32, primary_key=True, default=_session_id, editable=False)
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="capture_sessions"
    )
    cameo = models.ForeignKey(Cameo, on_delete=models.PROTECT, related_name="capture_sessions")
    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    nonce_hash = models.CharField(max_length=64)
    script = models.JSONField()
    created = models.DateTimeField(db_index=True)
    expires = models.DateTimeField()
    received = models.DateTimeField(null=True)
    decided = models.DateTimeField(null=True)
    clip_file = models.CharField(max_length=64, blank=True)
    clip_key = models.BinaryField(null=True)
    clip_sha256 = models.CharField(max_length=64, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    stage = models.CharField(max_length=20, blank=True)
    progress = models.FloatField(default=0.0)
    outcome = models.CharField(max_length=12, blank=True)
    advice = models.JSONField(default=list)

    class Meta:
        indexes = [models.Index(fields=["account", "-created"], name="identity_session_by_account")]

    def __str__(self) -> str:
        return self.id


class UsedClip(models.Model):
    """Digest of a clip the service has seen; no clip answers twice."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    session = models.ForeignKey(CaptureSession, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return self.sha256


class DecisionRecord(models.Model):
    """What was decided on a capture and why: canonical bytes and a signature over them.

    Holds no picture, mesh or embedding. Staff see it; the person who was checked does not.
    """

    id = models.CharField(max_length=32, primary_key=True, default=_record_id, editable=False)
    session = models.OneToOneField(CaptureSession, on_delete=models.PROTECT, related_name="record")
    body = models.TextField()
    signature = models.TextField()
    digest = models.CharField(max_length=64)
    created = models.DateTimeField()

    def __str__(self) -> str:
        return self.id


class DataKey(models.Model):
    """A cameo's data key, wrapped by the key-encryption key; without it the template is noise."""

    cameo = models.OneToOneField(Cameo, on_delete=models.PROTECT, related_name="data_key")
    wrapped = models.BinaryField()

    def __str__(self) -> str:
        return self.cameo_id


class Template(models.Model):
    """A sealed template; bound to cameo id, template format and version."""

    cameo = models.ForeignKey(Cameo, on_delete=models.PROTECT, related_name="templates")
    version = models.PositiveIntegerField()
    template_format = models.CharField(max_length=40)
    sealed = models.BinaryField()
    created = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cameo", "version"], name="identity_template_version"),
        ]

    def __str__(self) -> str:
        return f"{self.cameo_id} {self.version}"
