"""What can be wrong with a caller, or with a generator that is registered or changed."""

from __future__ import annotations

from common.errors import Conflict, InvalidInput, NotFound, Unauthenticated


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
