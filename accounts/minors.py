"""Dates of birth of accounts: declared once, asked of the deployment, mended by staff.

A date of birth is personal: it stands in the account's row, and never in the ledger, in an
event, in a log or in an error.
"""

from __future__ import annotations

import logging
from datetime import date, datetime

from django.conf import settings
from django.utils.module_loading import import_string

from accounts import ages
from accounts.errors import (
    AgeUnknown,
    BirthDateDeclared,
    BirthDateInvalid,
    GuardianNeeded,
    NoSuchAccount,
    StillGuards,
    TooYoung,
)
from accounts.guardians import guards_anybody, is_guarded
from accounts.models import User
from audit.interface import SERVICE_CHAIN, append, require_transaction

log = logging.getLogger(__name__)

SIGNAL = "age_signal"
"""Who declared what the deployment's signal answered, in the ledger."""


def signalled_birth_date(account_id: str, *, now: datetime) -> date | None:
    """What the deployment's own age signal (`CAMEO_AGE_SIGNAL`) says of an account.

    Asked before any lock is taken, as it may be slow, and only where nothing is declared.

    Args:
        account_id: whose.
        now: when.

    Returns:
        The date; None where one is declared, no signal is set, or it knows nothing.

    Raises:
        AgeUnknown: it can't be found, raised, or gave no date that somebody alive can have.
    """
    path: str = settings.CAMEO_AGE_SIGNAL
    if not path or not User.objects.filter(id=account_id, birth_date=None).exists():
        return None
    try:
        found: object = import_string(path)(account_id)
        if found is None:
            return None
        # A datetime is a date too, but of which place nobody said.
        if type(found) is not date:
            raise BirthDateInvalid
        return ages.check_birth_date(found, now=now)
    except Exception as error:
        # Its text may quote what the signal knows of the person.
        log.error("the age signal failed", extra={"fields": {"error": type(error).__name__}})
        raise AgeUnknown from None


def declare(*, account: str, birth_date: date, now: datetime, by: str) -> bool:
    """Keep a date of birth where there is none; whether there was none. The caller holds the
    account's lock, and that of its cameo, whose epoch it counts up.

    Raises:
        NoTransaction: outside a transaction.
        NoSuchAccount: there is none.
        BirthDateDeclared: there is another date.
    """
    row = _row(account)
    if row.birth_date == birth_date:
        return False
    if row.birth_date is not None:
        raise BirthDateDeclared
    _save(row, birth_date, "account.birth_date_declared", now=now, by=by)
    return True


def mend(*, account: str, birth_date: date | None, now: datetime, by: str) -> bool:
    """Replace a date of birth, or take it back; whether that changed anything. Locks as in
    `declare`.

    Raises:
        NoTransaction: outside a transaction.
        NoSuchAccount: there is none.
        StillGuards: it is somebody's guardian, and would be known as a grown-up no more.
    """
    row = _row(account)
    if row.birth_date == birth_date:
        return False
    if not ages.is_adult(birth_date, now) and guards_anybody(account):
        raise StillGuards
    _save(row, birth_date, "account.birth_date_mended", now=now, by=by)
    return True


def check_age(account_id: str, *, now: datetime) -> None:
    """Whether somebody may begin a capture for their likeness: nothing is raised where they may,
    or no date of birth is known. The caller holds the account's lock.

    Raises:
        TooYoung: under 16.
        GuardianNeeded: under 18, and no guardian's open account has accepted.
    """
    row = User.objects.filter(id=account_id).first()
    if row is None or row.birth_date is None:
        return
    if now < ages.of_age_on(row.birth_date):
        raise TooYoung
    if ages.is_minor(row.birth_date, now) and not is_guarded(account_id):
        raise GuardianNeeded


def _row(account: str) -> User:
    require_transaction("A date of birth was kept")
    row = User.objects.filter(id=account).first()
    if row is None:
        raise NoSuchAccount
    return row


def _save(row: User, birth_date: date | None, kind: str, *, now: datetime, by: str) -> None:
    row.birth_date = birth_date
    row.save(update_fields=["birth_date"])
    append(chain=SERVICE_CHAIN, kind=kind, body={"account": row.id, "by": by}, now=now)
