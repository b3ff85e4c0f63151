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


def _review_id() -> str:
    return new_id("rev")


def _dispute_id() -> str:
    return new_id("dis")


def _client_id() -> str:
    return new_id("cli")


def _receipt_id() -> str:
    return new_id("ers")


class Cameo(models.Model):
    """An account's enrolled likeness.

    `epoch` grows with every change that a decision about this cameo could see; the row is the
    only lock of the cameo (`identity.interface.lock_cameos`). A suspension that is `held_by` a
    dispute ends with the dispute, not when the owner says so; one by a dispute that was lost
    never ends.
    """

    class State(models.TextChoices):
        PENDING = "pending"
        IN_REVIEW = "in_review"
        ACTIVE = "active"
        SUSPENDED = "suspended"
        EXPIRED = "expired"
        ERASED = "erased"

    class Hold(models.TextChoices):
        DISPUTE = "dispute"
        DISPUTE_LOST = "dispute_lost"

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
    reminded = models.DateTimeField(null=True)
    held_by = models.CharField(max_length=12, choices=Hold.choices, blank=True, default="")

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
        DUPLICATE_CHECK_PENDING = "duplicate_check_pending"
        DECIDED = "decided"
        EXPIRED = "expired"

    class Purpose(models.TextChoices):
        ENROL = "enrol"
        RE_ENROL = "re-enrol"
        STEP_UP = "step-up"

    class Without(models.TextChoices):
        LIGHT = "light"
        MOTION = "motion"

    id = models.CharField(max_length=32, primary_key=True, default=_session_id, editable=False)
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="capture_sessions"
    )
    cameo = models.ForeignKey(Cameo, on_delete=models.PROTECT, related_name="capture_sessions")
    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    without = models.CharField(max_length=6, choices=Without.choices, blank=True, default="")
    state = models.CharField(max_length=24, choices=State.choices, default=State.OPEN)
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
    assurance = models.CharField(max_length=12, blank=True, default="")
    attestation = models.JSONField(null=True)
    passed_at = models.DateTimeField(null=True)
    dispute = models.CharField(max_length=32, blank=True, default="")

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


class StoredTrack(models.Model):
    """What was measured of a clip, sealed under the cameo's data key, for as long as it is kept.

    `format` is the layout of the opened bytes (`identity.runtime.trackfile`).
    """

    session = models.OneToOneField(CaptureSession, on_delete=models.PROTECT, related_name="track")
    sealed = models.BinaryField()
    format = models.PositiveSmallIntegerField()
    created = models.DateTimeField()
    expires = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.session_id


class Review(models.Model):
    """A capture that a person looks at; who else's cameo it matched, only reviewers see."""

    class State(models.TextChoices):
        OPEN = "open"
        DECIDED = "decided"

    class Decision(models.TextChoices):
        APPROVE = "approve"
        REFUSE = "refuse"

    id = models.CharField(max_length=32, primary_key=True, default=_review_id, editable=False)
    session = models.OneToOneField(CaptureSession, on_delete=models.PROTECT, related_name="review")
    cameo = models.ForeignKey(Cameo, on_delete=models.PROTECT, related_name="reviews")
    reasons = models.JSONField(default=list)
    matched = models.ForeignKey(Cameo, on_delete=models.PROTECT, null=True, related_name="+")
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    decision = models.CharField(max_length=8, choices=Decision.choices, blank=True, default="")
    duplicate_confirmed = models.BooleanField(default=False)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    note = models.TextField(blank=True, default="")
    created = models.DateTimeField(db_index=True)
    decided = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["state", "-created"], name="identity_review_by_state")]

    def __str__(self) -> str:
        return self.id


class Dispute(models.Model):
    """Two accounts that say one face is theirs; both cameos stay suspended until it is decided.

    `holder_was` is the state the holder's cameo goes back to; `also_matched` is a third account's
    cameo that the claimant's capture was found to match.
    """

    class State(models.TextChoices):
        OPEN = "open"
        DECIDED = "decided"
        WITHDRAWN = "withdrawn"

    class Decision(models.TextChoices):
        CLAIMANT = "claimant"
        HOLDER = "holder"
        BOTH = "both"

    id = models.CharField(max_length=32, primary_key=True, default=_dispute_id, editable=False)
    claimant = models.ForeignKey(Cameo, on_delete=models.PROTECT, related_name="claims")
    holder = models.ForeignKey(Cameo, on_delete=models.PROTECT, related_name="disputes")
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    decision = models.CharField(max_length=8, choices=Decision.choices, blank=True, default="")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    note = models.TextField(blank=True, default="")
    holder_was = models.CharField(max_length=12, choices=Cameo.State.choices)
    also_matched = models.ForeignKey(Cameo, on_delete=models.PROTECT, null=True, related_name="+")
    created = models.DateTimeField(db_index=True)
    decided = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["claimant", "holder"],
                condition=models.Q(state="open"),
                name="identity_one_open_dispute",
            ),
        ]

    def __str__(self) -> str:
        return self.id


class CaptureClient(models.Model):
    """A capture client that was registered: what signs attestations with its Ed25519 key.

    `public_key` is the 32 raw bytes of RFC 8032.
    """

    id = models.CharField(max_length=32, primary_key=True, default=_client_id, editable=False)
    name = models.CharField(max_length=100, unique=True)
    public_key = models.BinaryField(max_length=32, unique=True)
    suspended = models.DateTimeField(null=True)
    created = models.DateTimeField()

    def __str__(self) -> str:
        return self.id


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


class ErasureReceipt(models.Model):
    """What the owner of an erased cameo can hold us to: a signed statement, and its dates.

    `unreadable_by` is when the key-encryption key of that time is destroyed at the latest, and
    with it whatever deleted rows, logs and backups still hold; `unreadable_since` is when it was.
    """

    id = models.CharField(max_length=32, primary_key=True, default=_receipt_id, editable=False)
    cameo = models.OneToOneField(Cameo, on_delete=models.PROTECT, related_name="erasure_receipt")
    erased = models.DateTimeField()
    unreadable_by = models.DateTimeField()
    key_destroyed = models.DateTimeField(null=True, db_index=True)
    unreadable_since = models.DateTimeField(null=True, db_index=True)
    body = models.TextField()
    signature = models.TextField()

    def __str__(self) -> str:
        return self.id
