"""The root of every error that is raised on purpose, and the few kinds that an edge can tell apart.

A rule raises one of these (or a subclass) with a stable `code`; only `api/problems.py` knows
which HTTP status a kind becomes. Messages are for people and never hold a template, token,
clip, prompt or e-mail address.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field that was wrong: `pointer` is a JSON pointer (RFC 6901) into the request body."""

    pointer: str
    code: str
    message: str


class CameoError(Exception):
    """Root of the project's errors.

    Attributes:
        code: stable snake_case identifier, documented in docs/errors.md.
        message: one sentence for people.
        fields: the fields that were wrong, if the error is about a body.
    """

    code: str = "internal"
    message: str = "Something is wrong."

    def __init__(
        self,
        message: str | None = None,
        *,
        code: str | None = None,
        fields: tuple[FieldError, ...] = (),
    ) -> None:
        self.code = code or type(self).code
        self.message = message or type(self).message
        self.fields = fields
        super().__init__(self.message)


class InvalidInput(CameoError):
    """The input is well-formed but can't be accepted."""

    code = "invalid_input"
    message = "The input can't be accepted."


class MalformedInput(CameoError):
    """The input can't be read at all."""

    code = "malformed_input"
    message = "The input can't be read."


class UnsupportedMedia(CameoError):
    """The bytes are of a kind that isn't taken."""

    code = "unsupported_media"
    message = "This kind of file isn't taken."


class TooLarge(CameoError):
    """More bytes than are taken."""

    code = "too_large"
    message = "This is larger than what is taken."


class Unauthenticated(CameoError):
    """Nobody is known to be asking."""

    code = "unauthenticated"
    message = "Sign in first."


class NotPermitted(CameoError):
    """Somebody known asks for what they may not have."""

    code = "not_permitted"
    message = "This is not permitted."


class NotFound(CameoError):
    """There is no such thing, or the asker may not know that there is."""

    code = "not_found"
    message = "There is no such thing."


class Conflict(CameoError):
    """The state of things doesn't allow it now."""

    code = "conflict"
    message = "The state of things doesn't allow this."


class RateLimited(CameoError):
    """Asked too often; `retry_after` is in seconds."""

    code = "rate_limited"
    message = "Too many tries; wait and try again."

    def __init__(
        self, message: str | None = None, *, retry_after: int, code: str | None = None
    ) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class Unavailable(CameoError):
    """A dependency is down; the same call may succeed later."""

    code = "unavailable"
    message = "A part of the service is not available; try again later."


class Misconfigured(CameoError):
    """The deployment is not set up as it must be; start-up stops."""

    code = "misconfigured"
    message = "The deployment is not set up as it must be."
