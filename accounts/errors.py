"""What can be wrong with a caller, a generator, somebody's age, or who stands by them."""

from __future__ import annotations

from common.errors import (
    Conflict,
    FieldError,
    InvalidInput,
    NotFound,
    NotPermitted,
    Unauthenticated,
    Unavailable,
)


class InvalidToken(Unauthenticated):
    """An access token that is unknown, expired, revoked, meant for elsewhere, or whose owner
    or client may not act; the reasons can't be told apart."""

    code = "invalid_token"
    message = "The access token is not valid, or not any more."


class InvalidClient(Unauthenticated):
    """A client id and secret that don't belong together, or to a suspended client."""

    code = "invalid_client"
    message = "The client is not known by these credentials."


class NoSuchGenerator(NotFound):
    """No client is registered under this id."""

    message = "There is no such generator."


class GeneratorStateConflict(Conflict):
    """Suspending what is suspended, or resuming what isn't."""

    code = "generator_state"
    message = "The generator is in that state already."


class AudienceTaken(Conflict):
    """Two generators can't answer to one audience, nor one to the other's client id."""

    code = "audience_taken"
    message = "Another generator has this audience."


class GeneratorNameInvalid(InvalidInput):
    """A name that can't be shown to people."""

    code = "generator_name_invalid"
    message = "A name of 1 to 100 printable characters."


class AudienceInvalid(InvalidInput):
    """An audience with spaces or signs, or too long."""

    code = "audience_invalid"
    message = "An audience of 1 to 200 letters, digits and ._~:/- without spaces."


class RedirectAddressInvalid(InvalidInput):
    """A redirect address that isn't https, nor http on the loopback."""

    code = "redirect_address_invalid"
    message = (
        "A redirect address is https, or http on 127.0.0.1, [::1] or localhost, "
        "without user, fragment or wildcard."
    )


class RedirectAddressMissing(InvalidInput):
    """A person's app that nobody could come back to."""

    code = "redirect_address_missing"
    message = "A person's app needs a redirect address."


class EncryptionKeyInvalid(InvalidInput):
    """A key that isn't a public JWK on X25519 or P-256."""

    code = "encryption_key_invalid"
    message = "The encryption key must be a public JWK on X25519 or P-256, for encryption."


class GeneratorKindInvalid(InvalidInput):
    """A person's app can't have what only a renderer has."""

    code = "generator_kind_invalid"
    message = "An app that renders nothing has no encryption key and is not first party."


class NoSuchAccount(NotFound):
    """No account has this id."""

    message = "There is no such account."


class NotStaff(NotPermitted):
    """What only members of staff may do, and not for themselves."""

    code = "not_staff"
    message = "This is for members of staff."


class BirthDateInvalid(InvalidInput):
    """A date of birth that no day of the calendar is, or that nobody alive can have. The error
    never quotes it."""

    code = "birth_date_invalid"
    message = "A date of birth is a past day of the calendar, such as 2010-05-01."

    def __init__(self) -> None:
        super().__init__(fields=(FieldError("/birth_date", self.code, type(self).message),))


class BirthDateDeclared(Conflict):
    """A date of birth is declared once; staff mends mistakes."""

    code = "birth_date_declared"
    message = "Another date of birth was declared before; a member of staff can mend a mistake."


class AgeUnknown(Unavailable):
    """The deployment's own age signal failed, or said what can't be."""

    code = "age_unknown"
    message = "Your age can't be checked just now; try again later."


class TooYoung(NotPermitted):
    """Nobody under 16 may have a likeness here."""

    code = "too_young"
    message = "Nobody under 16 can have a likeness here."


class GuardianNeeded(Conflict):
    """A minor's capture, before a guardian's account has accepted to stand by them."""

    code = "guardian_needed"
    message = "You are under 18: a guardian's account has to accept first."


class NotAMinor(Conflict):
    """Only an account whose declared date of birth makes it a minor's has a guardian."""

    code = "not_a_minor"
    message = "Only somebody whose declared date of birth makes them a minor has a guardian."


class GuardianUnknown(InvalidInput):
    """There is no such account, or it is closed; the two can't be told apart."""

    code = "guardian_unknown"
    message = "There is no such account to ask."


class GuardianIsSelf(InvalidInput):
    """Asking oneself."""

    code = "guardian_is_self"
    message = "Nobody is their own guardian."


class GuardianNotAdult(Conflict):
    """A guardian is 18 or older by a declared date of birth."""

    code = "guardian_not_adult"
    message = "A guardian has to have declared a date of birth, and to be 18 or older."


class GuardianshipExists(Conflict):
    """A minor has one guardian, or asks one, at a time."""

    code = "guardianship_exists"
    message = "There is a guardian already, or one is asked; end that first."


class GuardianshipEnded(Conflict):
    """A guardianship that has ended stays as it was; ask again."""

    code = "guardianship_ended"
    message = "This guardianship has ended; the minor may ask again."


class GuardianshipNotFound(NotFound):
    """There is none, or it is between others; the two can't be told apart."""

    message = "There is no such guardianship."


class StillGuards(Conflict):
    """Somebody's guardian can't be made a minor; their guardianships end first."""

    code = "still_guards"
    message = "This account is somebody's guardian; end that first."
