"""What can be wrong with a capture session or a cameo, apart from its clip: one code each."""

from __future__ import annotations

from common.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    NotPermitted,
    RateLimited,
    Unavailable,
)


class NoSuchSession(NotFound):
    """There is none, or it is somebody else's; the two can't be told apart."""

    message = "There is no such capture session."


class NoSuchCameo(NotFound):
    """There is none, or it is somebody else's; the two can't be told apart."""

    message = "There is no such cameo."


class UnknownPurpose(InvalidInput):
    """A capture session for something that isn't done here."""

    code = "unknown_purpose"
    message = "A capture session can be for `enrol`, `re-enrol` or `step-up`."


class AlreadyEnrolled(Conflict):
    """The account's cameo doesn't wait for a capture."""

    code = "already_enrolled"
    message = "There is a cameo already; it doesn't wait for a capture."


class NotEnrolled(Conflict):
    """There is no template of the account's that a capture could be compared with."""

    code = "not_enrolled"
    message = "There is no cameo that this capture could be compared with."


class CaptureUnsupported(InvalidInput):
    """What the person asks to be left out leaves nothing that could show they are there."""

    code = "capture_unsupported"
    message = (
        "A capture needs light or motion. A member of staff can enrol you in another way; ask them."
    )


class AttestationInvalid(InvalidInput):
    """What should attest the capture doesn't; `why` says which step of the check it failed."""

    code = "attestation_invalid"
    message = "The attestation of the capture doesn't hold."

    def __init__(self, why: str) -> None:
        super().__init__()
        self.why = why


class SessionExpired(Conflict):
    """The clip came after the session had ended."""

    code = "capture_session_expired"
    message = "The capture session has ended; begin a new one."


class SessionAnswered(Conflict):
    """A session takes one clip."""

    code = "capture_session_answered"
    message = "This capture session has its clip already."


class ClipAlreadyUsed(Conflict):
    """The service has seen these very bytes."""

    code = "clip_already_used"
    message = "This clip was used before; record a new one."


class CaptureInProgress(Conflict):
    """Another capture of the same account is being looked at."""

    code = "capture_in_progress"
    message = "Another capture is still being checked."


class TooManyCaptures(RateLimited):
    """Failed, or began and left, too many captures in a short time."""

    code = "too_many_captures"
    message = "Too many captures; wait a while and try again."


class CameoStateConflict(Conflict):
    """The cameo's state doesn't allow this."""

    code = "cameo_state"
    message = "The state of the cameo doesn't allow this."


class CameoHeld(CameoStateConflict):
    """A dispute holds the cameo; its owner may give a capture for it, or erase."""

    code = "cameo_held"
    message = "A dispute holds this cameo until it is decided."


class NoSuchDispute(NotFound):
    """There is none, or nothing to dispute, or it is somebody else's; it all looks the same."""

    message = "There is no such dispute."


class DisputeUnavailable(Conflict):
    """It was decided, or the other side is gone, or in another dispute."""

    code = "dispute_unavailable"
    message = "This can't be disputed now."


class DisputeDecided(Conflict):
    """A dispute ends once: decided, or withdrawn as one side erased its cameo."""

    code = "dispute_decided"
    message = "This dispute has ended."


class DisputeChanged(Conflict):
    """The claimant's capture matches a third account's cameo too; look at the dispute again."""

    code = "dispute_changed"
    message = "There is something new about this dispute; look at it again."


class FreshCaptureMissing(Conflict):
    """The claimant gave no fresh capture that passed, so there is nothing to enrol."""

    code = "fresh_capture_missing"
    message = "The claimant has to pass a fresh capture first."


class ClipStoreUnavailable(Unavailable):
    """The sealed clips can't be written or read."""

    code = "clip_store_unavailable"
    message = "Clips can't be taken just now; try again later."


class NotStaff(NotPermitted):
    """What only members of staff may do."""

    code = "not_staff"
    message = "This is for members of staff."


class OwnReview(NotPermitted):
    """Nobody decides on themselves."""

    code = "own_review"
    message = "Somebody else has to decide on this; it is about your own cameo."


class NoSuchReview(NotFound):
    """There is none."""

    message = "There is no such review."


class ReviewDecided(Conflict):
    """A review is decided once."""

    code = "review_decided"
    message = "This review has been decided."


class ReviewChanged(Conflict):
    """While the review was open another cameo was found to match; look at it again."""

    code = "review_changed"
    message = "There is something new about this capture; look at the review again."


class TrackGone(NotFound):
    """What was measured of the capture is not kept any more: it expired, or was erased."""

    code = "track_gone"
    message = "What was measured of this capture is not kept any more."


class DuplicateCheckPending(Unavailable):
    """The index of templates isn't whole, so nobody can be activated until it is."""

    code = "duplicate_check_pending"
    message = "This can't be decided just now; it is tried again by itself."
