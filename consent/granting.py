"""What owners do: say whom their likeness is for, grant, change, withdraw.

Each action takes its cameo's lock, counts the cameo's epoch up if anything changed, and writes
the ledger entry and the event in that same transaction: all of it happens, or none.

**Grants and the audience.** A cameo starts as `only_me`, and there a grant permits nothing. Who
grants a friend expects that friend to be let in, so the first grant moves the audience to
`granted` by itself, as an entry of its own in the ledger: at that moment it lets in nobody but
the person just named. But an owner who went back to `only_me` put their grants to sleep, and
naming one more person must not wake the others: while other live grants are asleep, a grant is
refused (`audience_only_me`) unless `widen_audience` says that this is meant, and asks for step-up
as any widening does.

What a minor grants waits for their guardian (consent.guarding), version by version, and ends at 18.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

import audit.interface as audit
import events.interface as events
from accounts.interface import read_account
from common.canonical import canonical_digest
from common.ids import is_id
from consent.errors import (
    GranteeBlocked,
    GranteeIsOwner,
    GranteeUnknown,
    GrantExists,
    GrantNotFound,
    GrantWithdrawn,
    WouldRevive,
)
from consent.models import Audience, Grant, GrantVersion
from consent.records import GrantRecord
from consent.relations import has_blocked
from consent.restricting import (
    audience_of,
    is_minor,
    lock_own,
    require_step_up,
    write_audience,
)
from consent.selectors import grant_record
from consent.vocabulary import parse_terms, read_terms
from identity.interface import bump_epochs, lock_cameos


def create_grant(
    *,
    cameo: str,
    grantee: str,
    terms: object,
    now: datetime,
    by: str,
    widen_audience: bool = False,
) -> GrantRecord:
    """Grant `grantee` the use of `cameo` under `terms`.

    Args:
        cameo: id of the owner's cameo.
        grantee: account id.
        terms: the JSON object of the terms.
        now: when.
        by: account id of who does it; must be the owner.
        widen_audience: that other grants, asleep under `only_me`, may wake (see above).

    Raises:
        CameoNotFound: the cameo isn't there, or isn't `by`'s.
        CameoNotEnrolled: it is pending, in review or erased.
        GranteeIsOwner, GranteeUnknown: whom nothing can be granted.
        TermsInvalid: the terms can't be granted.
        GrantExists: there is a live grant for this pair.
        WouldRevive: other grants would wake.
        StepUpNeeded: they may, but `by` hasn't shown lately who they are.
        GranteeBlocked: `by` has blocked them.
    """
    parsed = parse_terms(terms, now=now)
    with transaction.atomic():
        lock_own(cameo, by=by)
        if grantee == by:
            raise GranteeIsOwner
        account = read_account(grantee) if is_id("acc", grantee) else None
        if account is None or not account.is_active:
            raise GranteeUnknown
        if has_blocked(by, grantee):
            raise GranteeBlocked
        live = list(Grant.objects.filter(cameo_id=cameo, withdrawn=None))
        if any(row.grantee_id == grantee for row in live):
            raise GrantExists
        asleep = [row for row in live if not _is_over(row, now)]
        row = Grant.objects.create(
            cameo_id=cameo,
            owner_id=by,
            grantee_id=grantee,
            terms=parsed.document(),
            created=now,
            while_minor=is_minor(by, now),
        )
        _record_version(row, now)
        _record(row, "grant.created", now=now, by=by)
        if audience_of(cameo) == Audience.Kind.ONLY_ME:
            if asleep and not widen_audience:
                raise WouldRevive
            if asleep:
                require_step_up(by, now=now)
            write_audience(cameo, Audience.Kind.GRANTED, now=now, by=by, grant=row.id)
        bump_epochs([cameo])
        _emit(events.EventKind.CONSENT_GRANTED, row, now)
        return grant_record(row)


def change_grant(*, grant: str, terms: object, now: datetime, by: str) -> GrantRecord:
    """Give a live grant other terms, as its next version. The same terms again change nothing.

    Raises:
        GrantNotFound: there is none, or `by` isn't its owner.
        GrantWithdrawn: it was withdrawn.
        CameoNotEnrolled: its cameo is erased.
        TermsInvalid: the terms can't be granted.
    """
    parsed = parse_terms(terms, now=now)
    with transaction.atomic():
        row = _own_grant(grant, by)
        if row.withdrawn is not None:
            raise GrantWithdrawn
        lock_own(row.cameo_id, by=by)
        if row.terms == parsed.document():
            return grant_record(row)
        row.terms = parsed.document()
        row.version += 1
        row.while_minor = row.while_minor or is_minor(by, now)
        # A guardian approved the version that was.
        row.co_approved, row.co_approved_by = None, ""
        row.save(update_fields=["terms", "version", "while_minor", "co_approved", "co_approved_by"])
        _record_version(row, now)
        _record(row, "grant.changed", now=now, by=by)
        bump_epochs([row.cameo_id])
        _emit(events.EventKind.CONSENT_GRANTED, row, now)
        return grant_record(row)


def withdraw_grant(*, grant: str, now: datetime, by: str) -> GrantRecord:
    """Withdraw a grant. When this returns, no decision permits by it any more.

    Withdrawing again changes nothing and gives the grant as it was withdrawn.

    Raises:
        GrantNotFound: there is none, or `by` isn't its owner.
    """
    with transaction.atomic():
        row = _own_grant(grant, by)
        if row.withdrawn is not None:
            return grant_record(row)
        row.withdrawn = now
        row.save(update_fields=["withdrawn"])
        _record(row, "grant.withdrawn", now=now, by=by)
        bump_epochs([row.cameo_id])
        _emit(events.EventKind.CONSENT_WITHDRAWN, row, now)
        return grant_record(row)


def _own_grant(grant: str, by: str) -> Grant:
    """The owner's grant as it stands under its cameo's lock."""
    row = Grant.objects.filter(id=grant).first() if is_id("grt", grant) else None
    if row is None or row.owner_id != by:
        raise GrantNotFound
    lock_cameos([row.cameo_id])
    return Grant.objects.get(id=grant)


def _is_over(row: Grant, now: datetime) -> bool:
    end = read_terms(row.terms).not_after
    return end is not None and end <= now


def _record_version(row: Grant, now: datetime) -> None:
    GrantVersion.objects.create(grant=row, version=row.version, terms=row.terms, since=now)


def _record(row: Grant, kind: str, *, now: datetime, by: str) -> None:
    body = {
        "by": by,
        "grant": row.id,
        "grantee": row.grantee_id,
        "terms_digest": canonical_digest(row.terms),
        "version": row.version,
    }
    audit.append(chain=row.cameo_id, kind=kind, body=body, now=now)


def _emit(kind: events.EventKind, row: Grant, now: datetime) -> None:
    data = {
        "cameo": row.cameo_id,
        "grant": row.id,
        "grantee": row.grantee_id,
        "version": row.version,
    }
    events.emit(kind=kind, subject=row.cameo_id, data=data, now=now)
