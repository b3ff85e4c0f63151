"""What owners say of all uses at once: whom their likeness is for, and under which restrictions.

Widening an audience asks for step-up: a capture against the owner's own template that passed
lately. Narrowing never does, and neither do restrictions.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

import audit.interface as audit
import events.interface as events
from accounts.interface import ages, read_account
from common.canonical import canonical_digest
from common.ids import is_id
from consent.errors import (
    AudienceUnknown,
    CameoNotEnrolled,
    CameoNotFound,
    MinorsAudience,
    StepUpNeeded,
)
from consent.facts import AUDIENCES, GRANTED
from consent.models import Audience, Restrictions, RestrictionsVersion
from consent.records import AudienceRecord, RestrictionsRecord
from consent.selectors import restrictions_record
from consent.vocabulary import parse_restrictions
from identity.interface import CameoState, bump_epochs, lock_cameos, stepped_up

# A suspended or expired cameo denies by itself; its owner may still put their grants in order.
_GRANTABLE = frozenset({"active", "suspended", "expired"})


def lock_own(cameo: str, *, by: str) -> CameoState:
    """Lock a cameo for its owner `by` (account id) until the transaction ends.

    Raises:
        CameoNotFound: it isn't there, or isn't `by`'s.
        CameoNotEnrolled: it is pending, in review or erased.
    """
    state = lock_cameos([cameo]).get(cameo) if is_id("cam", cameo) else None
    if state is None or state.owner_id != by:
        raise CameoNotFound
    if state.state not in _GRANTABLE:
        raise CameoNotEnrolled
    return state


def require_step_up(account: str, *, now: datetime) -> None:
    """Raise `StepUpNeeded` unless the account showed lately that its owner is there."""
    if not stepped_up(account_id=account, now=now, within=settings.CAMEO_STEP_UP_LIFE):
        raise StepUpNeeded


def is_minor(account: str, now: datetime) -> bool:
    """Whether the account's owner is under age at `now`, as far as is known."""
    found = read_account(account)
    if found is None or found.birth_date is None:
        return False
    return now < ages.adult_on(found.birth_date)


def audience_of(cameo: str) -> str:
    """Whom a cameo is for; `only_me` where nothing was ever said."""
    row = Audience.objects.filter(cameo_id=cameo).first()
    return row.kind if row else Audience.Kind.ONLY_ME.value


def write_audience(
    cameo: str, audience: Audience.Kind, *, now: datetime, by: str, grant: str | None
) -> None:
    """Write an audience and its ledger entry; the caller holds the lock and counts the epoch up.

    Args:
        grant: id of the grant that moved it, if one did.
    """
    Audience.objects.update_or_create(
        cameo_id=cameo, defaults={"kind": audience.value, "since": now}
    )
    body = {"audience": audience.value, "by": by, "grant": grant}
    audit.append(chain=cameo, kind="audience.changed", body=body, now=now)


def set_audience(*, cameo: str, audience: str, now: datetime, by: str) -> AudienceRecord:
    """Say whom the cameo is for (`consent.facts.AUDIENCES`). The same again changes nothing.

    Raises:
        AudienceUnknown: no such audience.
        CameoNotFound: the cameo isn't there, or isn't `by`'s.
        CameoNotEnrolled: it is pending, in review or erased.
        MinorsAudience: it is wider than a minor's may be.
        StepUpNeeded: it is wider than before, and `by` hasn't shown lately who they are.
    """
    if audience not in AUDIENCES:
        raise AudienceUnknown
    with transaction.atomic():
        lock_own(cameo, by=by)
        row = Audience.objects.filter(cameo_id=cameo).first()
        present = row.kind if row else Audience.Kind.ONLY_ME.value
        if audience == present:
            return AudienceRecord(cameo, present, row.since if row else None)
        wider = AUDIENCES.index(audience) > AUDIENCES.index(present)
        if wider and is_minor(by, now) and AUDIENCES.index(audience) > AUDIENCES.index(GRANTED):
            raise MinorsAudience
        if wider:
            require_step_up(by, now=now)
        write_audience(cameo, Audience.Kind(audience), now=now, by=by, grant=None)
        bump_epochs([cameo])
        if not wider:
            data = {"cameo": cameo, "audience": audience}
            _emit_withdrawn(cameo, data, now)
        return AudienceRecord(cameo, audience, now)


def set_restrictions(*, cameo: str, terms: object, now: datetime, by: str) -> RestrictionsRecord:
    """Put terms over every use of the cameo, in place of those before; none lifts them all.

    Raises:
        TermsInvalid: such terms can't be set.
        CameoNotFound: the cameo isn't there, or isn't `by`'s.
        CameoNotEnrolled: it is pending, in review or erased.
    """
    document = parse_restrictions(terms, now=now).document()
    with transaction.atomic():
        lock_own(cameo, by=by)
        row = Restrictions.objects.filter(cameo_id=cameo).first()
        if row is None and not document:
            return restrictions_record(cameo, None)
        if row is not None and row.terms == document:
            return restrictions_record(cameo, row)
        version = 1 if row is None else row.version + 1
        row, _ = Restrictions.objects.update_or_create(
            cameo_id=cameo, defaults={"version": version, "terms": document, "since": now}
        )
        RestrictionsVersion.objects.create(
            cameo_id=cameo, version=version, terms=document, since=now
        )
        body = {"by": by, "terms_digest": canonical_digest(document), "version": version}
        audit.append(chain=cameo, kind="restrictions.changed", body=body, now=now)
        bump_epochs([cameo])
        # Whether they allow less than those before isn't told apart: generators decide again.
        _emit_withdrawn(cameo, {"cameo": cameo, "restrictions": version}, now)
        return restrictions_record(cameo, row)


def _emit_withdrawn(cameo: str, data: dict[str, Any], now: datetime) -> None:
    events.emit(kind=events.EventKind.CONSENT_WITHDRAWN, subject=cameo, data=data, now=now)
