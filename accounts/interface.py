"""The door of `accounts`: other rooms import this and nothing else of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from accounts import ages
from accounts.callers import Caller, caller_of, client_of
from accounts.errors import InvalidClient, InvalidToken
from accounts.generators import (
    GeneratorState,
    Registered,
    as_state,
    list_generators,
    register_generator,
    resume_generator,
    suspend_generator,
)
from accounts.models import Generator, User
from accounts.scopes import PERSON_SCOPES, RENDERER_SCOPES, SCOPES
from audit.interface import NoTransaction, require_transaction
from common.errors import Unauthenticated

__all__ = [
    "ACCOUNT_FACTS",
    "GENERATOR_FACTS",
    "PERSON_SCOPES",
    "RENDERER_SCOPES",
    "SCOPES",
    "AccountState",
    "Caller",
    "GeneratorState",
    "InvalidClient",
    "InvalidToken",
    "NoTransaction",
    "Registered",
    "ages",
    "caller_of",
    "client_of",
    "hold_generator",
    "list_generators",
    "lock_account",
    "oauth_server",
    "read_account",
    "read_generator",
    "register_generator",
    "resume_generator",
    "suspend_generator",
]


ACCOUNT_FACTS: Final = """
    select u.id, u.is_active, u.birth_date, exists (
        select from accounts_guardianship w join accounts_user g on g.id = w.guardian_id
        where w.minor_id = u.id and w.state = 'accepted' and g.is_active
    ) as guarded
    from accounts_user u"""
"""What a decision needs of every account, as a query that others may join to theirs; `guarded`
is whether a guardian's open account stands by a minor."""
GENERATOR_FACTS: Final = """
    select client_id, audience, suspended, renders, tokens_not_before from accounts_generator"""
"""The same of every client."""


@dataclass(frozen=True, slots=True)
class AccountState:
    """What a rule needs to know of an account."""

    id: str
    is_active: bool
    is_staff: bool


def read_account(account_id: str) -> AccountState | None:
    """The account, or None if there is none."""
    row = User.objects.filter(id=account_id).first()
    return _state(row) if row else None


def lock_account(account_id: str) -> AccountState:
    """Lock the account's row until the transaction ends.

    Raises:
        Unauthenticated: if there is no such account, or it is closed.
    """
    # No key changes here: rows that point to the account needn't wait for it.
    row = User.objects.select_for_update(no_key=True).filter(id=account_id).first()
    if row is None or not row.is_active:
        raise Unauthenticated
    return _state(row)


def _state(row: User) -> AccountState:
    return AccountState(id=row.id, is_active=row.is_active, is_staff=row.is_staff)


def read_generator(client_id: str) -> GeneratorState | None:
    """The client, or None if there is none."""
    row = Generator.objects.filter(client_id=client_id).first()
    return as_state(row) if row else None


def hold_generator(client_id: str) -> GeneratorState | None:
    """Read the client and share its lock until the transaction ends: a suspension waits, other
    holders don't.

    Raises:
        NoTransaction: outside a transaction.
    """
    require_transaction("A generator was held")
    query = "SELECT * FROM accounts_generator WHERE client_id = %s FOR SHARE"
    for row in Generator.objects.raw(query, [client_id]):
        return as_state(row)
    return None


def oauth_server() -> tuple[type[Any], type[Any]]:
    """The server and validator classes that the OAuth endpoints run on.

    Imported on demand: the toolkit's validator reads the models when it is imported, which may
    be too early for who imports this door.
    """
    from accounts.oauth import AuthorizationServer, RequestValidator

    return AuthorizationServer, RequestValidator
