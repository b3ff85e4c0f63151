"""The door of `accounts`: other rooms import this and nothing else of it."""

from __future__ import annotations

from dataclasses import dataclass

from accounts.models import Generator, User
from common.errors import Unauthenticated

__all__ = [
    "AccountState",
    "GeneratorState",
    "lock_account",
    "read_account",
    "read_generator",
]


@dataclass(frozen=True, slots=True)
class AccountState:
    """What a rule needs to know of an account."""

    id: str
    is_active: bool


@dataclass(frozen=True, slots=True)
class GeneratorState:
    """What a rule needs to know of an OAuth client."""

    client_id: str
    audience: str
    suspended: bool
    renders: bool
    first_party: bool


def read_account(account_id: str) -> AccountState | None:
    """The account, or None if there is none."""
    row = User.objects.filter(id=account_id).first()
    return AccountState(id=row.id, is_active=row.is_active) if row else None


def lock_account(account_id: str) -> AccountState:
    """Lock the account's row until the transaction ends.

    Raises:
        Unauthenticated: if there is no such account, or it is closed.
    """
    row = User.objects.select_for_update().filter(id=account_id).first()
    if row is None or not row.is_active:
        raise Unauthenticated
    return AccountState(id=row.id, is_active=row.is_active)


def read_generator(client_id: str) -> GeneratorState | None:
    """The client, or None if there is none."""
    row = Generator.objects.filter(client_id=client_id).first()
    if row is None:
        return None
    return GeneratorState(
        client_id=row.client_id,
        audience=row.audience,
        suspended=row.suspended is not None,
        renders=row.renders,
        first_party=row.first_party,
    )
