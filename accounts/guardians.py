"""Guardianships: a minor asks, a grown-up accepts, either ends it.

What changes one here is called under the locks of both accounts and of the minor's cameo, by
`consent.guarding`, which tells the ledger and the outbox as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Q

from accounts import ages
from accounts.errors import (
    GuardianIsSelf,
    GuardianNotAdult,
    GuardianshipEnded,
    GuardianshipExists,
    GuardianshipNotFound,
    GuardianUnknown,
    NotAMinor,
)
from accounts.models import Guardianship, User
from audit.interface import Page, page, require_transaction
from common.ids import is_id

DEFAULT_LIMIT: Final = 50
_State = Guardianship.State


@dataclass(frozen=True, slots=True)
class GuardianshipRecord:
    """A guardianship as it stands; `minor` and `guardian` are account ids.

    Attributes:
        state: `asked`, `accepted` or `ended`. One of somebody who is 18 by now is still
            `accepted`, and without any effect.
    """

    id: str
    minor: str
    guardian: str
    state: str
    asked: datetime
    accepted: datetime | None
    ended: datetime | None


def _record(row: Guardianship) -> GuardianshipRecord:
    return GuardianshipRecord(
        id=row.id,
        minor=row.minor_id,
        guardian=row.guardian_id,
        state=row.state,
        asked=row.asked,
        accepted=row.accepted,
        ended=row.ended,
    )


def ask(*, minor: str, guardian: str, now: datetime) -> GuardianshipRecord:
    """Ask `guardian` to stand by `minor`. Of their age nothing is said before they accept: who
    asks isn't to learn it.

    Raises:
        NoTransaction: outside a transaction.
        GuardianIsSelf, GuardianUnknown: who can't be asked.
        NotAMinor: who asks isn't known to be one.
        GuardianshipExists: there is a guardian, or one is asked.
    """
    require_transaction("A guardian was asked")
    if guardian == minor:
        raise GuardianIsSelf
    known = User.objects.filter(id=guardian, is_active=True) if is_id("acc", guardian) else None
    if known is None or not known.exists():
        raise GuardianUnknown
    asking = User.objects.filter(id=minor).first()
    if asking is None or not ages.is_minor(asking.birth_date, now):
        raise NotAMinor
    if Guardianship.objects.filter(minor_id=minor).exclude(state=_State.ENDED).exists():
        raise GuardianshipExists
    return _record(Guardianship.objects.create(minor_id=minor, guardian_id=guardian, asked=now))


def accept(*, guardianship: str, now: datetime) -> tuple[GuardianshipRecord, bool]:
    """Accept one that is asked, and whether it was accepted just now.

    Raises:
        NoTransaction: outside a transaction.
        GuardianshipNotFound: there is none, or the minor's account is closed.
        GuardianshipEnded: it was ended.
        GuardianNotAdult: who accepts isn't known to be 18 or older.
        NotAMinor: who asked is of age by now.
    """
    require_transaction("A guardianship was accepted")
    rows = Guardianship.objects.select_related("minor", "guardian")
    row = rows.filter(id=guardianship).first()
    if row is None or not row.minor.is_active:
        raise GuardianshipNotFound
    if row.state == _State.ENDED:
        raise GuardianshipEnded
    if row.state == _State.ACCEPTED:
        return _record(row), False
    if not (row.guardian.is_active and ages.is_adult(row.guardian.birth_date, now)):
        raise GuardianNotAdult
    if not ages.is_minor(row.minor.birth_date, now):
        raise NotAMinor
    row.state, row.accepted = _State.ACCEPTED, now
    row.save(update_fields=["state", "accepted"])
    return _record(row), True


def end(*, guardianship: str, now: datetime) -> tuple[GuardianshipRecord, bool]:
    """End one, asked or accepted, and whether it ended just now.

    Raises:
        NoTransaction: outside a transaction.
        GuardianshipNotFound: there is none.
    """
    require_transaction("A guardianship was ended")
    row = Guardianship.objects.filter(id=guardianship).first()
    if row is None:
        raise GuardianshipNotFound
    if row.state == _State.ENDED:
        return _record(row), False
    row.state, row.ended = _State.ENDED, now
    row.save(update_fields=["state", "ended"])
    return _record(row), True


def read_guardianship(*, guardianship: str, by: str) -> GuardianshipRecord:
    """One guardianship, to either side `by` (account id).

    Raises:
        GuardianshipNotFound: there is none, or it is between others.
    """
    row = None
    if is_id("gua", guardianship):
        row = Guardianship.objects.filter(id=guardianship).first()
    if row is None or by not in (row.minor_id, row.guardian_id):
        raise GuardianshipNotFound
    return _record(row)


def list_guardianships(
    *,
    account: str,
    after: str | None = None,
    before: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Page[GuardianshipRecord]:
    """Guardianships that `account` is one side of, newest first, ended ones too; cursors are ids.

    Raises:
        CursorUnknown: for a cursor that isn't one of them.
    """
    return page(
        Guardianship.objects.filter(Q(minor_id=account) | Q(guardian_id=account)),
        _record,
        moment="asked",
        name="id",
        prefix="gua",
        after=after,
        before=before,
        limit=limit,
    )


def is_guarded(account_id: str) -> bool:
    """Whether a guardian's open account stands by this one; as `ACCOUNT_FACTS` has it."""
    return Guardianship.objects.filter(
        minor_id=account_id, state=_State.ACCEPTED, guardian__is_active=True
    ).exists()


def guards_anybody(account_id: str) -> bool:
    """Whether the account has accepted to stand by somebody."""
    return Guardianship.objects.filter(guardian_id=account_id, state=_State.ACCEPTED).exists()


def wards_of(guardian: str, *, now: datetime) -> tuple[str, ...]:
    """Account ids of the minors that the open account `guardian` stands by at `now`, sorted.

    Who is 18 has no guardian any more, whatever was accepted before.
    """
    if not is_id("acc", guardian):
        return ()
    rows = Guardianship.objects.select_related("minor").filter(
        guardian_id=guardian, state=_State.ACCEPTED, guardian__is_active=True
    )
    return tuple(sorted(row.minor_id for row in rows if ages.is_minor(row.minor.birth_date, now)))
