"""Issuing likeness tokens."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import transaction

import audit.interface as audit
from common.ids import is_id
from common.keyring import TOKEN
from consent import approvals
from consent.decision import Decision, Effect, decide
from consent.errors import Denied
from consent.models import IssuedToken, token_id
from consent.records import Issued, Pending
from consent.replaying import keep_decision
from consent.request import DecisionRequest, RenderRequest
from consent.snapshots import hold_snapshot, lock_likenesses, read_snapshot
from consent.tokens import MAX_LIFE, LikenessDetail, LikenessToken, from_claims, mint
from identity.interface import keyring


def issue(
    *, generator: str, requester: str, request: RenderRequest, now: datetime, by: str
) -> Issued | Pending:
    """A likeness token for `requester`'s request through `generator`, if the decision permits.

    Decides under the cameos' locks; the token's row and the ledger entries are written in that
    transaction, and the token is signed from them. The token itself is kept nowhere. Where only
    approvals are missing their owners are asked, and there is no token yet.

    Args:
        generator: client id of who asks for the token.
        requester: account id of who it is for; that they asked is the caller's to know.
        request: what is to be rendered.
        now: when.
        by: who does it, for the ledger: the generator's client id.

    Raises:
        Denied: the decision was deny; carries the requester's view of it.
        ApprovalsFull: too many requests of this person wait with an owner already.
        KeystoreUnavailable: what was decided on can't be kept; then there is no token.
    """
    asked = DecisionRequest(requester, generator, now, request)
    _refuse_early(asked)
    with transaction.atomic():
        cameos = lock_likenesses(request)
        snapshot = hold_snapshot(asked)
        decision = decide(asked, snapshot)
        if decision.effect is Effect.PENDING:
            owners = {name: cameos[name].owner_id for name in decision.pending}
            return approvals.ask(asked=asked, owners=owners, now=now, by=by)
        if not decision.permitted or snapshot.generator is None:
            raise Denied(decision.for_requester())
        token = _claims(asked, decision, audience=snapshot.generator.audience)
        key = keyring().signing_key(TOKEN)
        IssuedToken.objects.create(
            jti=token.jti,
            generator=generator,
            requester_id=requester,
            claims=token.claims(),
            request=request.document(),
            expires=_moment(token.expires),
        )
        kept = keep_decision(
            token=token.jti, request=asked, snapshot=snapshot, decision=decision, now=now
        )
        for basis in sorted(decision.basis, key=lambda entry: entry.cameo):
            body = {
                "approval": basis.approval,
                "by": by,
                "decision": kept.id,
                "decision_digest": kept.digest,
                "epoch": basis.epoch,
                "generator": generator,
                "grant": basis.grant,
                "grant_version": basis.grant_version,
                "jti": token.jti,
                "request_hash": token.request_hash,
                "requester": requester,
            }
            audit.append(chain=basis.cameo, kind="token.issued", body=body, now=now)
        return _issued(token, mint(token, key))


def issue_again(
    *, generator: str, requester: str, request: RenderRequest, jti: str, now: datetime
) -> Issued:
    """The token that was issued as `jti`, signed once more from its claims.

    For a caller who repeats a request whose answer was lost. Decides again: a token that would
    be refused when redeemed isn't given out.

    Raises:
        Denied: there is no such token for this generator, requester and request; or it is
            redeemed or expired; or consent has changed, or the generator was suspended, since.
    """
    asked = DecisionRequest(requester, generator, now, request)
    _refuse_early(asked)
    with transaction.atomic():
        lock_likenesses(request)
        snapshot = hold_snapshot(asked)
        decision = decide(asked, snapshot)
        if not decision.permitted or snapshot.generator is None:
            raise Denied(decision.for_requester())
        if not is_id("lkt", jti):
            raise Denied
        row = IssuedToken.objects.filter(
            jti=jti, generator=generator, requester_id=requester, redeemed=None, expires__gt=now
        ).first()
        if row is None:
            raise Denied
        token = from_claims(row.claims)
        if snapshot.generator.has_revoked(token.issued):
            raise Denied
        epochs = {detail.identifier: detail.epoch for detail in token.details}
        if token.request_hash != request.digest() or epochs != decision.epochs:
            raise Denied
        return _issued(token, mint(token, keyring().signing_key(TOKEN)))


def ask_again(
    *, generator: str, requester: str, request: RenderRequest, approval: str, now: datetime
) -> Pending:
    """The pending answer whose `latest` was `approval`, once more; changes nothing.

    For a caller who repeats a request whose answer was lost. Decides again: who would be denied
    by now isn't told any more that somebody was asked. Where the owners have approved meanwhile
    the answer stays what it was; a token is a new request's to ask for.

    Raises:
        Denied: there was no such answer to this generator, requester and request, or the
            decision is deny by now.
    """
    asked = DecisionRequest(requester, generator, now, request)
    with transaction.atomic():
        lock_likenesses(request)
        decision = decide(asked, hold_snapshot(asked))
        if decision.effect is Effect.DENY:
            raise Denied(decision.for_requester())
        found = approvals.asked_before(approval=approval, asked=asked)
        if found is None:
            raise Denied
        return found


def _refuse_early(asked: DecisionRequest) -> None:
    """Raise `Denied` for what is denied without any lock.

    A likeness that isn't there has no row to lock, and what it takes to lock one can be measured;
    nor shall those who are denied wait for, or hold up, those who aren't.
    """
    decision = decide(asked, read_snapshot(asked))
    if decision.effect is Effect.DENY:
        raise Denied(decision.for_requester())


def _claims(asked: DecisionRequest, decision: Decision, *, audience: str) -> LikenessToken:
    issued = math.floor(asked.at.timestamp())
    life = min(settings.CAMEO_TOKEN_LIFE, timedelta(seconds=MAX_LIFE))
    expires = issued + int(life.total_seconds())
    if decision.valid_until is not None:
        # Rounded up, so that it is never before `iat`; redemption knows the exact end.
        expires = min(expires, math.ceil(decision.valid_until.timestamp()))
    return LikenessToken(
        issuer=settings.CAMEO_PUBLIC_URL,
        audience=audience,
        requester=asked.requester,
        issued=issued,
        not_before=issued,
        expires=expires,
        jti=token_id(),
        details=tuple(
            LikenessDetail(
                identifier=basis.cameo,
                purpose=asked.render.purpose,
                epoch=basis.epoch,
                grant=basis.grant,
                grant_version=basis.grant_version,
                approval=basis.approval,
                price=basis.price,
            )
            for basis in decision.basis
        ),
        request_hash=asked.render.digest(),
        obligations=decision.obligations,
    )


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _issued(token: LikenessToken, text: str) -> Issued:
    return Issued(
        token=text,
        jti=token.jti,
        expires=_moment(token.expires),
        obligations=token.obligations,
    )
