"""Minors: their dates of birth, who stands by them, and the guardian's word on each grant.

What `accounts` keeps of people changes what is permitted of their likeness. Each action here
locks the accounts it is about, then the minor's cameo (in that order, as a capture does), counts
that cameo's epoch up, and writes the ledger entry and the event in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from django.db import transaction

import accounts.interface as accounts
import audit.interface as audit
import events.interface as events
from accounts.interface import GuardianshipRecord
from common.canonical import canonical_digest
from common.errors import FieldError, InvalidInput
from common.ids import is_id
from consent.errors import CameoNotEnrolled, GrantChanged, GrantNotFound, GrantWithdrawn
from consent.models import Grant
from consent.records import GuardedGrant
from consent.selectors import grant_record
from identity.interface import bump_epochs, lock_cameos, own_cameo

APPROVE = "approve"
DECLINE = "decline"
DEFAULT_LIMIT = 50


def declare_birth_date(*, birth_date: object, now: datetime, by: str) -> None:
    """The account `by` declares its date of birth, once; the same again changes nothing.

    What the deployment's own age signal knows goes first, and is kept.

    Args:
        birth_date: such as `2010-05-01`.
        now: when.
        by: account id.

    Raises:
        BirthDateInvalid: another form, no day, or one that nobody alive can have.
        BirthDateDeclared: another date is known.
        AgeUnknown: the age signal failed.
        Unauthenticated: the account is closed.
    """
    found = accounts.ages.parse_birth_date(birth_date, now=now)
    _settle_age(by, now)
    with transaction.atomic():
        accounts.lock_account(by)
        cameo = _lock_cameo_of(by)
        if accounts.declare_birth_date(account=by, birth_date=found, now=now, by=by):
            bump_epochs(cameo)


def mend_birth_date(*, account: str, birth_date: object, now: datetime, by: str) -> None:
    """A member of staff replaces somebody's date of birth, or takes it back (None).

    Raises:
        NotStaff: `by` isn't an open account of staff's, or it is their own.
        NoSuchAccount: there is none.
        BirthDateInvalid: as in `declare_birth_date`.
        StillGuards: it is somebody's guardian, and would be known as a grown-up no more.
    """
    staff = accounts.read_account(by) if is_id("acc", by) else None
    if staff is None or not (staff.is_active and staff.is_staff) or by == account:
        raise accounts.NotStaff
    found = None
    if birth_date is not None:
        found = accounts.ages.parse_birth_date(birth_date, now=now)
    with transaction.atomic():
        if not is_id("acc", account) or not accounts.lock_accounts([account]):
            raise accounts.NoSuchAccount
        cameo = _lock_cameo_of(account)
        if accounts.mend_birth_date(account=account, birth_date=found, now=now, by=by):
            bump_epochs(cameo)


def ask_guardian(*, guardian: str, now: datetime, by: str) -> GuardianshipRecord:
    """The minor `by` asks the account `guardian` to stand by them.

    Raises:
        GuardianIsSelf, GuardianUnknown: who can't be asked.
        NotAMinor: `by` isn't known to be one.
        GuardianshipExists: there is a guardian, or one is asked.
        Unauthenticated: the account `by` is closed.
    """
    with transaction.atomic():
        accounts.lock_account(by)
        cameo = _lock_cameo_of(by)
        record = accounts.ask_guardian(minor=by, guardian=guardian, now=now)
        _tell(record, events.EventKind.GUARDIAN_ASKED, cameo, now=now, by=by)
        return record


def accept_guardianship(*, guardianship: str, now: datetime, by: str) -> GuardianshipRecord:
    """The guardian `by` accepts; accepting again changes nothing.

    Raises:
        GuardianshipNotFound: there is none, it asks somebody else, or the minor's account is
            closed.
        GuardianshipEnded: it was ended.
        GuardianNotAdult: `by` isn't known to be 18 or older.
        NotAMinor: who asked is of age by now.
        AgeUnknown: the age signal failed.
    """
    found = accounts.read_guardianship(guardianship=guardianship, by=by)
    if found.guardian != by:
        # The minor may read it, but not accept for somebody else.
        raise accounts.GuardianshipNotFound
    _settle_age(by, now)
    return _change(found, accounts.accept_guardianship, _ACCEPTED, now=now, by=by)


def end_guardianship(*, guardianship: str, now: datetime, by: str) -> GuardianshipRecord:
    """Either side ends it, asked or accepted. When this returns, nothing of the minor's likeness
    is permitted any more. Ending again changes nothing.

    Raises:
        GuardianshipNotFound: there is none, or it is between others.
    """
    found = accounts.read_guardianship(guardianship=guardianship, by=by)
    return _change(found, accounts.end_guardianship, _ENDED, now=now, by=by)


_ACCEPTED = events.EventKind.GUARDIAN_ACCEPTED
_ENDED = events.EventKind.GUARDIAN_ENDED


def _change(
    found: GuardianshipRecord,
    action: Callable[..., tuple[GuardianshipRecord, bool]],
    kind: events.EventKind,
    *,
    now: datetime,
    by: str,
) -> GuardianshipRecord:
    with transaction.atomic():
        # Both: a guardian's age mustn't be mended while they accept.
        accounts.lock_accounts([found.minor, found.guardian])
        cameo = _lock_cameo_of(found.minor)
        record, changed = action(guardianship=found.id, now=now)
        if changed:
            bump_epochs(cameo)
            _tell(record, kind, cameo, now=now, by=by)
        return record


def co_approve_grant(
    *, grant: str, decision: str, now: datetime, by: str, version: int | None = None
) -> GuardedGrant:
    """The guardian `by` of a grant's owner approves its present version, or withdraws it.

    Args:
        grant: id.
        decision: `approve` or `decline`.
        now: when.
        by: account id.
        version: what was read and is approved; declining asks for none.

    Raises:
        InvalidInput: for another decision, or an approval without its version.
        GrantNotFound: there is none, or `by` isn't the guardian of its owner, who is a minor.
        GrantWithdrawn: on `approve`: it was withdrawn.
        CameoNotEnrolled: on `approve`: its cameo is erased.
        GrantChanged: on `approve`: the grant has another version by now.
    """
    if decision not in (APPROVE, DECLINE):
        _refuse("/decision", "unknown_value", "approve or decline.")
    if decision == APPROVE and version is None:
        _refuse("/version", "required", "An approval names the version that was read.")
    with transaction.atomic():
        row = Grant.objects.filter(id=grant).first() if is_id("grt", grant) else None
        if row is None:
            raise GrantNotFound
        cameo = lock_cameos([row.cameo_id])[row.cameo_id]
        # Under the cameo's lock, which whoever ends a guardianship takes too.
        if row.owner_id not in accounts.wards_of(by, now=now):
            raise GrantNotFound
        row = Grant.objects.get(id=grant)
        if decision == DECLINE:
            return _decline(row, now=now, by=by)
        if row.withdrawn is not None:
            raise GrantWithdrawn
        if cameo.state == "erased":
            raise CameoNotEnrolled
        if row.version != version:
            raise GrantChanged
        return _approve(row, now=now, by=by)


def _approve(row: Grant, *, now: datetime, by: str) -> GuardedGrant:
    if row.while_minor and row.co_approved is not None:
        return _guarded(row)
    # One that was made before its owner's age was known is a minor's too, and ends at 18.
    row.while_minor, row.co_approved, row.co_approved_by = True, now, by
    row.save(update_fields=["while_minor", "co_approved", "co_approved_by"])
    _record(row, "grant.co_approved", events.EventKind.CONSENT_CO_APPROVED, now=now, by=by)
    return _guarded(row)


def _decline(row: Grant, *, now: datetime, by: str) -> GuardedGrant:
    if row.withdrawn is None:
        row.withdrawn = now
        row.save(update_fields=["withdrawn"])
        _record(row, "grant.withdrawn", events.EventKind.CONSENT_WITHDRAWN, now=now, by=by)
    return _guarded(row)


def list_grants_to_co_approve(
    *,
    guardian: str,
    now: datetime,
    after: str | None = None,
    before: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> audit.Page[GuardedGrant]:
    """Live grants that wait for the account `guardian`, newest first; cursors are grant ids.

    Raises:
        CursorUnknown: for a cursor that isn't a grant of one of their minors.
    """
    views = (own_cameo(ward) for ward in accounts.wards_of(guardian, now=now))
    rows = Grant.objects.filter(cameo_id__in=[view.id for view in views if view is not None])
    return audit.page(
        rows.filter(withdrawn=None, co_approved=None),
        _guarded,
        moment="created",
        name="id",
        prefix="grt",
        after=after,
        before=before,
        limit=limit,
        places=rows,
    )


def _settle_age(account: str, now: datetime) -> None:
    """Keep what the deployment knows of a person's age, whatever becomes of what they asked."""
    birth_date = accounts.signalled_birth_date(account, now=now)
    if birth_date is None:
        return
    with transaction.atomic():
        known = accounts.lock_account(account)
        cameo = _lock_cameo_of(account)
        # Who declared one meanwhile has declared it.
        if known.birth_date is None:
            accounts.declare_birth_date(
                account=account, birth_date=birth_date, now=now, by=accounts.AGE_SIGNAL
            )
            bump_epochs(cameo)


def _lock_cameo_of(account: str) -> list[str]:
    """The account's cameo, locked, if it has one. No other can be made while its row is held."""
    view = own_cameo(account)
    return list(lock_cameos([view.id])) if view is not None else []


def _tell(
    record: GuardianshipRecord,
    kind: events.EventKind,
    cameo: Iterable[str],
    *,
    now: datetime,
    by: str,
) -> None:
    # Most minors have no cameo yet when they ask: then it is the service that remembers.
    chain = next(iter(cameo), audit.SERVICE_CHAIN)
    sides = {"guardian": record.guardian, "guardianship": record.id, "minor": record.minor}
    audit.append(chain=chain, kind=kind.value, body={**sides, "by": by}, now=now)
    events.emit(kind=kind, subject=record.minor, data=sides, now=now)


def _record(row: Grant, entry: str, kind: events.EventKind, *, now: datetime, by: str) -> None:
    data = {"grant": row.id, "grantee": row.grantee_id, "version": row.version}
    body = {**data, "by": by, "terms_digest": canonical_digest(row.terms)}
    audit.append(chain=row.cameo_id, kind=entry, body=body, now=now)
    bump_epochs([row.cameo_id])
    events.emit(kind=kind, subject=row.cameo_id, data={**data, "cameo": row.cameo_id}, now=now)


def _guarded(row: Grant) -> GuardedGrant:
    return GuardedGrant(grant=grant_record(row), co_approved=row.co_approved)


def _refuse(pointer: str, code: str, message: str) -> None:
    raise InvalidInput(fields=(FieldError(pointer, code, message),))
