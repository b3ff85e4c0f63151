"""The door of `accounts`: other rooms import this and nothing else of it."""

from __future__ import annotations

from dataclasses import dataclass

from accounts.callers import Caller, caller_of, client_of
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
from accounts.oauth import TokenIssuer
from accounts.scopes import PERSON_SCOPES, RENDERER_SCOPES, SCOPES

__all__ = [
    "PERSON_SCOPES",
    "RENDERER_SCOPES",
    "SCOPES",
    "AccountState",
    "Caller",
    "GeneratorState",
    "Registered",
    "TokenIssuer",
    "caller_of",
    "client_of",
    "list_generators",
    "read_account",
    "read_generator",
    "register_generator",
    "resume_generator",
    "suspend_generator",
]


@dataclass(frozen=True, slots=True)
class AccountState:
    """One consistent read of an account's row."""

    id: str
    is_active: bool


def read_account(account_id: str) -> AccountState | None:
    """The account, or None if there is none of this id."""
    row = User.objects.filter(id=account_id).values_list("id", "is_active").first()
    return AccountState(id=row[0], is_active=row[1]) if row else None


def read_generator(client_id: str) -> GeneratorState | None:
    """The client, or None if there is none of this id."""
    row = Generator.objects.filter(client_id=client_id).first()
    return as_state(row) if row else None
