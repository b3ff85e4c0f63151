"""The domain events there are."""

from __future__ import annotations

from enum import StrEnum


class EventKind(StrEnum):
    """Each is documented in docs/events.md."""

    CAMEO_ACTIVATED = "cameo.activated"
    CAMEO_SUSPENDED = "cameo.suspended"
    CAMEO_RESUMED = "cameo.resumed"
    CAMEO_ERASED = "cameo.erased"
    CAMEO_RENEWED = "cameo.renewed"
    CAMEO_EXPIRING = "cameo.expiring"
    CAMEO_EXPIRED = "cameo.expired"
    CAMEO_DISPUTED = "cameo.disputed"
    CAMEO_DISPUTE_ENDED = "cameo.dispute_ended"
    LIKENESS_ATTEMPTED = "likeness.attempted"
    CONSENT_GRANTED = "consent.granted"
    CONSENT_WITHDRAWN = "consent.withdrawn"
    FRIENDSHIP_ASKED = "friendship.asked"
    FRIENDSHIP_ACCEPTED = "friendship.accepted"
    FRIENDSHIP_ENDED = "friendship.ended"
    CONSENT_CO_APPROVED = "consent.co_approved"
    GUARDIAN_ASKED = "guardian.asked"
    GUARDIAN_ACCEPTED = "guardian.accepted"
    GUARDIAN_ENDED = "guardian.ended"
    USE_STARTED = "use.started"
    APPROVAL_REQUESTED = "approval.requested"
    APPROVAL_DECIDED = "approval.decided"
