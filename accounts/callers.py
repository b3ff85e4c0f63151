"""Who is asking: from an access token, or from a client's id and secret."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.hashers import check_password, make_password
from oauth2_provider.models import get_access_token_model

from accounts.errors import InvalidClient, InvalidToken
from accounts.generators import GeneratorState, as_state
from accounts.models import Generator

MAX_TOKEN_LENGTH = 512


@dataclass(frozen=True, slots=True)
class Caller:
    """Who an access token speaks for.

    Attributes:
        account_id: the person, or None where a client speaks for itself.
        client: the app or generator that holds the token.
        scopes: what the token is good for.
    """

    account_id: str | None
    client: GeneratorState
    scopes: frozenset[str]

    @property
    def key(self) -> str:
        """Names the caller in a table: the client and, if there is one, the person."""
        return f"{self.client.client_id}/{self.account_id or ''}"


def caller_of(token: str, *, resource: str, now: datetime) -> Caller:
    """Who the access token `token` speaks for.

    Args:
        token: as it stands in the Authorization header.
        resource: absolute address that is asked for; a token that names its resources
            (RFC 8707) is good for those alone.
        now: when.

    Raises:
        InvalidToken: unknown, expired, for another resource, of an inactive account, of a
            suspended client, or issued before its last suspension.
    """
    if not 1 <= len(token) <= MAX_TOKEN_LENGTH or not token.isascii():
        raise InvalidToken
    checksum = hashlib.sha256(token.encode("ascii")).hexdigest()
    row = (
        get_access_token_model()
        .objects.select_related("user", "application")
        .filter(token_checksum=checksum)
        .first()
    )
    if row is None or row.application is None or now >= row.expires:
        raise InvalidToken
    if row.application.suspended is not None or not row.allows_audience(resource):
        raise InvalidToken
    if row.application.has_revoked(row.created):
        raise InvalidToken
    if row.user is not None and not row.user.is_active:
        raise InvalidToken
    return Caller(
        account_id=row.user_id,
        client=as_state(row.application),
        scopes=frozenset(row.scope.split()),
    )


def client_of(client_id: str, client_secret: str) -> GeneratorState:
    """The client that these credentials belong to. Hashes a secret in every case, so that the
    time tells nothing of which ids there are.

    Raises:
        InvalidClient: unknown, public, suspended, or another secret.
    """
    row = None
    if "\x00" not in client_id:
        row = Generator.objects.filter(client_id=client_id).first()
    if row is None or row.client_type != Generator.CLIENT_CONFIDENTIAL:
        make_password(client_secret)
        raise InvalidClient
    if not check_password(client_secret, row.client_secret) or row.suspended is not None:
        raise InvalidClient
    return as_state(row)
