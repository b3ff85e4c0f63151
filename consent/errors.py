"""What can be refused in this room: one class and one code each."""

from __future__ import annotations

from collections.abc import Sequence

from common.errors import Conflict, InvalidInput, NotFound, NotPermitted


class Denied(NotPermitted):
    """A decision was deny. `reasons` is the requester's view of it (docs/reasons.md).

    Unknown, erased, blocked and ungranted likenesses all give the one reason `not_permitted`,
    so that nobody learns who is enrolled.
    """

    def __init__(self, reasons: Sequence[str] = ("not_permitted",)) -> None:
        super().__init__()
        self.reasons = tuple(reasons)


class ConsentChanged(NotPermitted):
    """A good token whose consent no longer stands as it did when the token was issued."""

    code = "consent_changed"
    message = "Consent has changed since this token was issued; ask for a new one."


class RequestInvalid(InvalidInput):
    """A request to render isn't in the form that is taken; `fields` says where."""

    code = "request_invalid"
    message = "The request isn't in the form that is taken."


class TermsInvalid(InvalidInput):
    """Terms can't be granted; `fields` says why."""

    code = "terms_invalid"
    message = "These terms can't be granted."


class AudienceUnknown(InvalidInput):
    """No such audience."""

    code = "audience_unknown"
    message = "There is no such audience."


class GranteeUnknown(InvalidInput):
    """There is no such account, or it is closed; the two can't be told apart."""

    code = "grantee_unknown"
    message = "There is no such account to grant to."


class GranteeIsOwner(InvalidInput):
    """A grant to oneself."""

    code = "grantee_is_owner"
    message = "Your own likeness needs no grant to yourself."


class GranteeBlocked(Conflict):
    """The owner has blocked whom they would grant; the owner knows that they did."""

    code = "grantee_blocked"
    message = "You have blocked this account; lift the block first."


class MinorsAudience(Conflict):
    """A minor's likeness is for people whom they name, at most."""

    code = "minors_audience"
    message = "Until you are 18 your likeness is only for people you name."


class StepUpNeeded(NotPermitted):
    """Widening an audience asks for a fresh capture against the owner's own template."""

    code = "step_up_needed"
    message = "Show that it is you: pass a step-up capture first."


class CameoNotEnrolled(Conflict):
    """Nothing can be granted of a likeness that isn't enrolled, or is erased."""

    code = "cameo_not_enrolled"
    message = "This cameo is not enrolled, so nothing of it can be granted."


class GrantExists(Conflict):
    """There is a live grant for this pair; change that one."""

    code = "grant_exists"
    message = "There is a live grant to this account; change its terms instead."


class GrantWithdrawn(Conflict):
    """A withdrawn grant stays as it was; make a new one."""

    code = "grant_withdrawn"
    message = "This grant was withdrawn; make a new one instead."


class GrantChanged(Conflict):
    """The grant has other terms than the ones its guardian read."""

    code = "grant_changed"
    message = "The terms of this grant have changed; read them again."


class WouldRevive(Conflict):
    """A grant would widen the audience, and so wake other grants the owner put to sleep."""

    code = "audience_only_me"
    message = "Only you may use this cameo; granting would also revive your other grants."


class GrantNotFound(NotFound):
    """There is no such grant, or it is somebody else's."""

    message = "There is no such grant."


class CameoNotFound(NotFound):
    """There is no such cameo, or it is somebody else's."""

    message = "There is no such cameo."


class ApprovalNotFound(NotFound):
    """There is no such approval, or it is between others."""

    message = "There is no such approval."


class ApprovalLapsed(Conflict):
    """It came too late, or what was asked for wouldn't be permitted any more by approving it."""

    code = "approval_lapsed"
    message = "This has lapsed; approving it would permit nothing."


class ApprovalDecided(Conflict):
    """It was decided otherwise; what was said stays said."""

    code = "approval_decided"
    message = "This was decided otherwise before."


class ApprovalsFull(Conflict):
    """Too many requests of one person wait with one owner."""

    code = "approvals_full"
    message = "Too many of your requests wait for an answer; let some be decided first."


class MonthInvalid(InvalidInput):
    """A statement is for a calendar month, written as 2026-11."""

    code = "month_invalid"
    message = "This is not a month."


class DecisionNotFound(NotFound):
    """No decision is kept under this id."""

    message = "There is no such decision."


class LeaseNotFound(NotFound):
    """There is no such lease, or it is somebody else's."""

    message = "There is no such lease."


class PersonUnknown(InvalidInput):
    """There is no such account, or it is closed; the two can't be told apart."""

    code = "person_unknown"
    message = "There is no such person."


class PersonIsOneself(InvalidInput):
    """A friendship with oneself, a block of oneself, or one's own invite."""

    code = "person_is_oneself"
    message = "This takes somebody else."


class PersonBlocked(Conflict):
    """Asking for the friendship of somebody whom one has blocked oneself."""

    code = "person_blocked"
    message = "You have blocked this person; lift the block first."


class FriendshipOwnAsk(Conflict):
    """Who asked can't accept as well."""

    code = "friendship_own_ask"
    message = "You asked for this friendship; the other one has to accept it."


class FriendshipEnded(Conflict):
    """An ended friendship stays as it was; ask again."""

    code = "friendship_ended"
    message = "This friendship has ended; ask for a new one instead."


class FriendshipNotFound(NotFound):
    """There is no such friendship, or it is between others."""

    message = "There is no such friendship."


class BlockNotFound(NotFound):
    """There is no such block, or it is somebody else's."""

    message = "There is no such block."


class InviteNotFound(NotFound):
    """There is no such invite, or it is somebody else's."""

    message = "There is no such invite."


class InviteUnknown(InvalidInput):
    """A code that is no invite's, was used or revoked, or isn't for this person; told alike."""

    code = "invite_unknown"
    message = "This invite code can't be used."


class InviteUsed(Conflict):
    """A used invite can't be revoked any more; end the friendship instead."""

    code = "invite_used"
    message = "This invite was used already; end the friendship instead."


class TokenRefused(NotPermitted):
    """Root of every reason for which a likeness token is refused."""

    code = "token_refused"
    message = "This likeness token is refused."


class TokenMalformed(TokenRefused):
    """Not three strict base64url parts that hold strict JSON objects, or too long."""

    code = "token_malformed"
    message = "This is not a likeness token."


class TokenHeaderRefused(TokenRefused):
    """Another type or algorithm, or a header that changes how a token is read."""

    code = "token_header_refused"
    message = "The token is of another type or algorithm."


class TokenKeyUnknown(TokenRefused):
    """Signed with a key that isn't among the issuer's."""

    code = "token_key_unknown"
    message = "The token's key isn't among the issuer's."


class TokenSignatureInvalid(TokenRefused):
    """The signature doesn't hold."""

    code = "token_signature_invalid"
    message = "The token's signature doesn't hold."


class TokenClaimsInvalid(TokenRefused):
    """A claim is missing, unknown or of another type."""

    code = "token_claims_invalid"
    message = "The token's claims aren't those of a likeness token."


class TokenWrongIssuer(TokenRefused):
    """Issued by somebody else."""

    code = "token_wrong_issuer"
    message = "The token was issued by another service."


class TokenWrongAudience(TokenRefused):
    """Issued for another generator."""

    code = "token_wrong_audience"
    message = "The token is for another generator."


class TokenExpired(TokenRefused):
    """Past its end."""

    code = "token_expired"
    message = "The token has expired."


class TokenNotYetValid(TokenRefused):
    """Before its beginning."""

    code = "token_not_yet_valid"
    message = "The token isn't valid yet."


class TokenRequestMismatch(TokenRefused):
    """The request isn't the one the token was issued for."""

    code = "token_request_mismatch"
    message = "The request isn't the one this token was issued for."


class TokenAlreadyRedeemed(Conflict):
    """A token is redeemed once."""

    code = "token_already_redeemed"
    message = "This token was redeemed before."
