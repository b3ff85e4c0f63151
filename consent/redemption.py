"""Redeeming a likeness token, once, and telling whether one is still good."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from django.conf import settings
from django.db import connection, transaction

import audit.interface as audit
import events.interface as events
from accounts.interface import GeneratorState, read_generator
from common.keyring import TOKEN
from consent import approvals
from consent.errors import (
    ConsentChanged,
    Denied,
    TokenAlreadyRedeemed,
    TokenRefused,
    TokenRequestMismatch,
)
from consent.models import Accrual, IssuedToken, Lease, Use, UseLikeness
from consent.records import LeaseRecord
from consent.request import RenderRequest, parse_request
from consent.selectors import find_lease, lease_record, lease_stands, stands
from consent.snapshots import (
    consistent_read,
    hold_snapshot,
    lock_likenesses,
    read_snapshot,
)
from consent.tokens import LikenessToken, verify
from identity.interface import keyring


def redeem(
    *, generator: str, token_text: str, request: RenderRequest, now: datetime, by: str
) -> LeaseRecord:
    """Turn a likeness token into a use and its render lease: exactly once.

    Verifies the token, then under the locks of its cameos and its row compares epochs and
    decides again; in that transaction the use, the lease, the ledger entries and the events are
    written, quotas are counted, approvals spent and prices accrue.

    Args:
        generator: client id of who redeems.
        token_text: the token.
        request: the request it was issued for, repeated.
        now: when.
        by: who does it, for the ledger: the generator's client id.

    Raises:
        TokenRefused: a subclass that says what is wrong with the token or the request.
        TokenAlreadyRedeemed: it was redeemed before.
        ConsentChanged: the token is good, but consent no longer stands as it did.
        Denied: the generator is unknown or suspended, or renders nothing.
    """
    client = _usable(generator)
    if client is None:
        raise Denied
    token = _verified(client, token_text, now)
    if request.digest() != token.request_hash:
        raise TokenRequestMismatch
    with transaction.atomic():
        cameos = lock_likenesses(request)
        row = IssuedToken.objects.select_for_update().filter(jti=token.jti).first()
        if row is None or row.claims != token.claims():
            raise TokenRefused
        if row.redeemed is not None:
            raise TokenAlreadyRedeemed
        if not stands(token, request, generator, now, hold_snapshot):
            raise ConsentChanged
        row.redeemed = now
        row.save(update_fields=["redeemed"])
        approvals.spend_approvals(token, generator, now=now)
        owners = {name: cameos[name].owner_id for name in request.likenesses}
        _count(token, owners, now=now)
        use = _begin_use(row, token, request, now=now)
        _accrue(use, token, owners, now=now)
        return _lend(use, token, now=now, by=by)


def redeem_again(*, lease: str, generator: str, now: datetime) -> LeaseRecord:
    """The lease that a redemption gave, for who repeats it because the answer was lost.

    Decides again, under the locks that redeeming takes: a lease that no longer permits isn't
    given out.

    Raises:
        LeaseNotFound: there is none, or it is another generator's (client id).
        ConsentChanged: consent no longer stands as it did when the token was issued.
    """
    with transaction.atomic():
        row = find_lease(lease=lease, generator=generator)
        lock_likenesses(parse_request(row.use.request))
        if not lease_stands(row, now=now, snapshot_of=hold_snapshot):
            raise ConsentChanged
        return lease_record(row, now=now)


def introspect(*, generator: str, token_text: str, now: datetime) -> dict[str, Any]:
    """RFC 7662: whether `token_text` would be redeemed for `generator` (client id) now.

    Whatever is wrong with a token, all that is said of it is `{"active": False}`.
    """
    inactive = {"active": False}
    with consistent_read():
        client = _usable(generator)
        if client is None:
            return inactive
        try:
            token = _verified(client, token_text, now)
        except TokenRefused:
            return inactive
        row = IssuedToken.objects.filter(jti=token.jti, redeemed=None).first()
        if row is None or row.claims != token.claims():
            return inactive
        request = parse_request(row.request)
        if not stands(token, request, generator, now, read_snapshot):
            return inactive
    return {"active": True, "client_id": client.client_id, **token.claims()}


def _usable(generator: str) -> GeneratorState | None:
    client = read_generator(generator)
    if client is None or client.suspended or not client.renders:
        return None
    return client


def _verified(client: GeneratorState, token_text: str, now: datetime) -> LikenessToken:
    keys = {str(key.kid): key for key in keyring().public_keys(TOKEN, now=now)}
    return verify(
        token_text, keys, issuer=settings.CAMEO_PUBLIC_URL, audience=client.audience, now=now
    )


_COUNT: Final = """
insert into consent_tally as tally (subject, uses, day, uses_of_day)
select subject, 1, %(day)s, 1 from unnest(%(subjects)s::text[]) as subject
on conflict (subject) do update set
    uses = tally.uses + 1,
    uses_of_day = case when tally.day >= excluded.day then tally.uses_of_day + 1 else 1 end,
    day = greatest(tally.day, excluded.day)
"""


def _count(token: LikenessToken, owners: Mapping[str, str], *, now: datetime) -> None:
    """Count a use of every cameo, and of every grant that it rests on.

    An owner's use of their own likeness takes nothing from what others may have. A grant's uses
    are counted over all its versions. A later day, which another clock wrote, is kept. No epoch
    counts up: a count is no change of consent, and decisions read it themselves.
    """
    others = [one for one in token.details if owners[one.identifier] != token.requester]
    subjects = {one.identifier for one in others} | {one.grant for one in others if one.grant}
    if subjects:
        day = now.astimezone(UTC).date()
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, {"day": day, "subjects": sorted(subjects)})


def _begin_use(
    row: IssuedToken, token: LikenessToken, request: RenderRequest, *, now: datetime
) -> Use:
    use = Use.objects.create(
        token=row,
        generator=row.generator,
        requester_id=row.requester_id,
        request=request.document(),
        started=now,
    )
    UseLikeness.objects.bulk_create(
        UseLikeness(
            use=use,
            cameo_id=detail.identifier,
            grant_id=detail.grant,
            grant_version=detail.grant_version,
            epoch=detail.epoch,
            started=now,
        )
        for detail in token.details
    )
    return use


def _accrue(use: Use, token: LikenessToken, owners: Mapping[str, str], *, now: datetime) -> None:
    """What the use costs by the terms it was decided on, which the token repeats."""
    lines = [
        Accrual(
            use=use,
            cameo_id=detail.identifier,
            owner_id=owners[detail.identifier],
            generator=use.generator,
            grant_id=detail.grant,
            amount=detail.price.amount,
            currency=detail.price.currency,
            at=now,
        )
        for detail in token.details
        if detail.price is not None
    ]
    if lines:
        Accrual.objects.bulk_create(lines)


def _lend(use: Use, token: LikenessToken, *, now: datetime, by: str) -> LeaseRecord:
    """The lease, and word of the use in every likeness' chain and to its owner."""
    lease = Lease.objects.create(
        use=use,
        generator=use.generator,
        obligations=list(token.obligations),
        created=now,
        expires=now + settings.CAMEO_LEASE_LIFE,
    )
    for detail in sorted(token.details, key=lambda one: one.identifier):
        told = {
            "generator": use.generator,
            "grant": detail.grant,
            "requester": use.requester_id,
            "use": use.id,
        }
        entry = told | {
            "amount": detail.price.amount if detail.price else None,
            "approval": detail.approval,
            "by": by,
            "currency": detail.price.currency if detail.price else None,
            "epoch": detail.epoch,
            "grant_version": detail.grant_version,
            "jti": token.jti,
            "lease": lease.id,
            "request_hash": token.request_hash,
        }
        audit.append(chain=detail.identifier, kind="token.redeemed", body=entry, now=now)
        events.emit(
            kind=events.EventKind.USE_STARTED, subject=detail.identifier, data=told, now=now
        )
    return lease_record(lease, now=now)
