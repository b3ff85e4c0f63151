"""What can be wrong with a capture session or a cameo, apart from its clip: one code each."""

from __future__ import annotations

from common.errors import Conflict, InvalidInput, NotFound, RateLimited, Unavailable


class NoSuchSession(NotFound):
    """There is none, or it is somebody else's; the two can't be told apart."""

    message = "There is no such capture session."


class NoSuchCameo(NotFound):
    """There is none, or it is somebody else's; the two can't be told apart."""

    message = "There is no such cameo."


class UnknownPurpose(InvalidInput):
    """A capture session for something that isn't done here."""

    code = "unknown_purpose"
    message = "A capture session can be for `enrol`."


class AlreadyEnrolled(Conflict):
    """The account's cameo doesn't wait for a capture."""

    code = "already_enrolled"
    message = "There is a cameo already; it doesn't wait for a capture."


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


class ClipStoreUnavailable(Unavailable):
    """The sealed clips can't be written or read."""

    code = "clip_store_unavailable"
    message = "Clips can't be taken just now; try again later."
