"""Who is asking: an access token in the Authorization header, and nowhere else (RFC 6750, 2.1)."""

from __future__ import annotations

import base64
from urllib.parse import unquote_plus

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from accounts.interface import (
    RENDERER_SCOPES,
    Caller,
    InvalidClient,
    caller_of,
    client_of,
)
from common.clock import utcnow
from common.errors import Unauthenticated

MAX_CREDENTIALS = 1000


class BearerAuthentication(BaseAuthentication):
    """Gives `request.auth` a `Caller`; `request.user` stays empty, rules take ids."""

    def authenticate(self, request: Request) -> tuple[None, Caller] | None:
        """The caller, or None where no token is given.

        Raises:
            InvalidToken: for a token that isn't good, or not any more.
        """
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        resource = request.build_absolute_uri(request.path)
        return None, caller_of(token.strip(), resource=resource, now=utcnow())

    def authenticate_header(self, request: Request) -> str:
        """The challenge of a 401."""
        return 'Bearer realm="cameo"'


def caller(request: Request) -> Caller:
    """Who is asking.

    Raises:
        Unauthenticated: nobody is.
    """
    if not isinstance(request.auth, Caller):
        raise Unauthenticated
    return request.auth


def person(request: Request) -> str:
    """The account that the token speaks for.

    Raises:
        Unauthenticated: none; the view's scopes have made sure of one.
    """
    account_id = caller(request).account_id
    if account_id is None:
        raise Unauthenticated
    return account_id


class ClientAuthentication(BaseAuthentication):
    """A generator's own credentials: HTTP Basic, each part form-encoded (RFC 6749, 2.3.1).

    Used for introspection alone; everywhere else a client gets itself an access token first.
    """

    def authenticate(self, request: Request) -> tuple[None, Caller] | None:
        """The caller, or None where no credentials are given.

        Raises:
            InvalidClient: for credentials that aren't good.
        """
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            decoded = base64.b64decode(text.strip(), validate=True).decode("utf-8")
        except ValueError as error:
            raise InvalidClient from error
        client_id, colon, secret = decoded.partition(":")
        if not colon or len(decoded) > MAX_CREDENTIALS:
            raise InvalidClient
        client = client_of(unquote_plus(client_id), unquote_plus(secret))
        # Having the secret is worth what its owner could ask for.
        return None, Caller(account_id=None, client=client, scopes=RENDERER_SCOPES)

    def authenticate_header(self, request: Request) -> str:
        """The challenge of a 401."""
        return 'Basic realm="cameo"'
