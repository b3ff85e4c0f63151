"""What can be wrong with a request before any rule is asked."""

from __future__ import annotations

from common.errors import (
    Conflict,
    InvalidInput,
    MalformedInput,
    NotPermitted,
    TooLarge,
    UnsupportedMedia,
)


class InsufficientScope(NotPermitted):
    """The token isn't good for this: its scopes, or who it speaks for."""

    code = "insufficient_scope"
    message = "The access token is not good for this."


class BodyTooLarge(TooLarge):
    """A JSON body over the limit."""

    code = "body_too_large"
    message = "The body is larger than what is taken."


class BodyNotJson(UnsupportedMedia):
    """A body that isn't announced as JSON."""

    code = "body_not_json"
    message = "The body must be application/json."


class BodyIncomplete(MalformedInput):
    """The connection ended before the body did."""

    code = "body_incomplete"
    message = "The body ended too early."


class LengthRequired(MalformedInput):
    """A clip without its Content-Length."""

    code = "length_required"
    message = "The length of the clip must be announced (Content-Length)."


class IdempotencyKeyInvalid(MalformedInput):
    """A key of another form than documented."""

    code = "idempotency_key_invalid"
    message = "An Idempotency-Key is 1 to 128 printable ASCII characters."


class IdempotencyKeyReused(InvalidInput):
    """The key came before with another body."""

    code = "idempotency_key_reused"
    message = "This Idempotency-Key was used for another request."


class IdempotencyInFlight(Conflict):
    """The first request of this key isn't done."""

    code = "idempotency_in_flight"
    message = "The first request with this Idempotency-Key is not done yet."


class RequesterMisplaced(InvalidInput):
    """Whose request it is comes from the token, or else from the body; never from both."""

    code = "requester_misplaced"
    message = "Name the requester exactly when the token doesn't speak for a person."


class FormInvalid(MalformedInput):
    """A form without the parameter it is about, or with one twice."""

    code = "form_invalid"
    message = "The form must hold `token` once."
