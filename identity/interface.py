"""The door of `identity`: other rooms import this and nothing else of it."""

from __future__ import annotations

from datetime import datetime

from identity.enrolment.cameos import resume_cameo, suspend_cameo
from identity.enrolment.disputes import open_dispute
from identity.enrolment.erasure import erase_cameo, keyless_cameos, reapply_erasures
from identity.enrolment.sessions import create_session, receive_clip
from identity.enrolment.upkeep import renew_keys
from identity.protection.data_keys import check_keystore, data_keys, open_with, seal_for
from identity.protection.keyring import keyring
from identity.protection.receipts import Receipt, erasure_receipt
from identity.protection.renewal import Renewal
from identity.runtime.deployment import prepare_to_verify
from identity.selectors import (
    CAMEO_FACTS,
    bump_epochs,
    cameo_view,
    lock_cameos,
    own_cameo,
    read_cameos,
    session_view,
    stepped_up,
)
from identity.summaries import (
    Advice,
    CameoState,
    CameoView,
    DisputeCapture,
    DisputeDetail,
    DisputeRuling,
    DisputeView,
    ReviewDetail,
    ReviewView,
    Ruling,
    SessionView,
)
from identity.verification.dispute_queue import list_disputes
from identity.verification.review_queue import list_reviews

__all__ = [
    "CAMEO_FACTS",
    "Advice",
    "CameoState",
    "CameoView",
    "DisputeCapture",
    "DisputeDetail",
    "DisputeRuling",
    "DisputeView",
    "Receipt",
    "Renewal",
    "ReviewDetail",
    "ReviewView",
    "Ruling",
    "SessionView",
    "bump_epochs",
    "cameo_view",
    "check_keystore",
    "create_session",
    "data_keys",
    "decide_dispute",
    "decide_review",
    "erase_cameo",
    "erasure_receipt",
    "keyless_cameos",
    "keyring",
    "list_disputes",
    "list_reviews",
    "lock_cameos",
    "open_dispute",
    "open_with",
    "own_cameo",
    "prepare_to_verify",
    "read_cameos",
    "read_dispute",
    "read_review",
    "reapply_erasures",
    "receive_clip",
    "renew_keys",
    "resume_cameo",
    "seal_for",
    "session_view",
    "stepped_up",
    "suspend_cameo",
]


def read_review(*, by: str, review_id: str, now: datetime) -> ReviewDetail:
    """Everything about one capture, for a reviewer (identity.verification.review_views)."""
    # Here and below on demand: what reads tracks is not for every process that imports this door.
    from identity.verification import review_views

    return review_views.read_review(by=by, review_id=review_id, now=now)


def decide_review(*, by: str, review_id: str, ruling: Ruling, now: datetime) -> ReviewView:
    """Decide an open review (identity.verification.reviews)."""
    from identity.verification import reviews

    return reviews.decide_review(by=by, review_id=review_id, ruling=ruling, now=now)


def read_dispute(*, by: str, as_staff: bool, dispute_id: str, now: datetime) -> DisputeDetail:
    """One dispute, for staff or for one of its sides (identity.verification.dispute_views)."""
    from identity.verification import dispute_views

    return dispute_views.read_dispute(by=by, as_staff=as_staff, dispute_id=dispute_id, now=now)


def decide_dispute(
    *, by: str, dispute_id: str, ruling: DisputeRuling, now: datetime
) -> DisputeView:
    """Decide an open dispute (identity.verification.dispute_decisions)."""
    from identity.verification import dispute_decisions

    return dispute_decisions.decide_dispute(by=by, dispute_id=dispute_id, ruling=ruling, now=now)
