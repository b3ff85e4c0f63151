"""The door of `accounts`: other rooms import this and nothing else of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from accounts import ages
from accounts.callers import Caller, caller_of, client_of
from accounts.errors import (
    GuardianshipNotFound,
    InvalidClient,
    InvalidToken,
    NoSuchAccount,
    NotStaff,
)
from accounts.generators import (
    GeneratorState,
    Registered,
    as_state,
    list_generators,
    register_generator,
    resume_generator,
    suspend_generator,
)
from accounts.guardians import (
    GuardianshipRecord,
    is_guarded,
    list_guardianships,
    read_guardianship,
    wards_of,
)
from accounts.guardians import accept as accept_guardianship
from accounts.guardians import ask as ask_guardian
from accounts.guardians import end as end_guardianship
from accounts.minors import SIGNAL as AGE_SIGNAL
from accounts.minors import check_age, signalled_birth_date
from accounts.minors import declare as declare_birth_date
from accounts.minors import mend as mend_birth_date
from accounts.models import Generator, User
from accounts.scopes import PERSON_SCOPES, RENDERER_SCOPES, SCOPES
from audit.interface import NoTransaction, require_transaction
from common.errors import Unauthenticated

__all__ = [
    "ACCOUNT_FACTS",
    "AGE_SIGNAL",
    "GENERATOR_FACTS",
    "PERSON_SCOPES",
    "RENDERER_SCOPES",
    "SCOPES",
    "AccountState",
    "Caller",
    "GeneratorState",
    "GuardianshipNotFound",
    "GuardianshipRecord",
    "InvalidClient",
    "InvalidToken",
    "NoSuchAccount",
    "NoTransaction",
    "NotStaff",
    "Registered",
    "accept_guardianship",
    "ages",
    "ask_guardian",
    "caller_of",
    "check_age",
    "client_of",
    "declare_birth_date",
    "end_guardianship",
    "hold_generator",
    "list_generators",
    "list_guardianships",
    "lock_account",
    "lock_accounts",
    "mend_birth_date",
    "oauth_server",
    "read_account",
    "read_generator",
    "read_guardianship",
    "register_generator",
    "resume_generator",
    "signalled_birth_date",
    "suspend_generator",
    "wards_of",
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
    """What a rule needs to know of an account.

    Attributes:
        birth_date: as declared, None where it isn't known; `repr` doesn't show it.
        guarded: whether a guardian's open account stands by them.
    """

    id: str
    is_active: bool
    is_staff: bool
    birth_date: date | None = field(default=None, repr=False)
    guarded: bool = False


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


def lock_accounts(ids: Iterable[str]) -> dict[str, AccountState]:
    """Lock accounts' rows in id order until the transaction ends, closed ones too; unknown ids
    are left out. Accounts are locked before cameos, here as everywhere.

    Raises:
        NoTransaction: outside a transaction.
    """
    require_transaction("Accounts were locked")
    rows = User.objects.select_for_update(no_key=True).filter(id__in=sorted(set(ids)))
    return {row.id: _state(row) for row in rows.order_by("id")}


def _state(row: User) -> AccountState:
    return AccountState(
        id=row.id,
        is_active=row.is_active,
        is_staff=row.is_staff,
        birth_date=row.birth_date,
        guarded=is_guarded(row.id),
    )


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
