"""Asking owners about one request, and what they answer.

An approval is a permit for one request (by its hash), one requester and one generator, and is
spent by the redemption it permits. It is asked for only where nothing else is missing, and what
its owner says holds only as long as everything else does: the decision is made anew when they
approve, when a token is issued and when it is redeemed.

**The epoch.** None of this counts a cameo's epoch up. Being asked and declining change nothing
that a decision sees; approving adds a permit and takes none away, and counting up would end
other requests' live tokens for it. A spent approval is seen by the decision itself, which reads
the row's state under the cameo's lock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

import audit.interface as audit
import events.interface as events
from audit.interface import Page, page
from common.clock import rfc3339
from common.ids import is_id
from consent.decision import Effect, decide
from consent.errors import (
    ApprovalDecided,
    ApprovalLapsed,
    ApprovalNotFound,
    ApprovalsFull,
    ConsentChanged,
)
from consent.facts import ApprovalFact, Snapshot
from consent.models import Approval
from consent.records import ApprovalRecord, Pending
from consent.request import DecisionRequest, parse_request
from consent.selectors import DEFAULT_LIMIT
from consent.snapshots import hold_snapshot, lock_likenesses
from consent.tokens import LikenessToken

State = Approval.State
_OPEN = (State.ASKED, State.APPROVED)
MAX_WAITING = 20
"""So many requests of one person may wait with one owner: an inbox is nobody's to fill."""


def ask(
    *,
    asked: DecisionRequest,
    owners: Mapping[str, str],
    now: datetime,
    by: str,
) -> Pending:
    """Ask owners about one request, in the caller's transaction.

    Who was asked already and may still decide isn't asked twice.

    Args:
        asked: the request, whose decision was pending.
        owners: account ids by the cameos that wait for them, whose locks the caller holds.
        now: when.
        by: who asks, for the ledger: the generator's client id.

    Raises:
        ApprovalsFull: too many requests of this person wait with an owner already.
    """
    rows = [
        _waiting(asked, cameo, now, by) or _ask(asked, cameo, owner, now, by)
        for cameo, owner in sorted(owners.items())
    ]
    return _pending(rows)


def asked_before(*, approval: str, asked: DecisionRequest) -> Pending | None:
    """The answer whose `latest` was `approval`, for who repeats a request whose answer was lost;
    None if there was no such answer to this requester, generator and request.
    """
    mine = _of_request(asked)
    named = mine.filter(id=approval).first() if is_id("apr", approval) else None
    if named is None:
        return None
    # Those that waited when the latest of them was asked for: neither decided nor at their end.
    waited = mine.filter(asked__lte=named.asked, expires__gt=named.asked)
    rows = waited.exclude(decided__lt=named.asked).order_by("asked", "id")
    return _pending(list(({row.cameo_id: row for row in rows} | {named.cameo_id: named}).values()))


def _of_request(asked: DecisionRequest) -> QuerySet[Approval]:
    return Approval.objects.filter(
        requester_id=asked.requester,
        generator=asked.generator,
        request_hash=asked.render.digest(),
    )


def _pending(rows: Sequence[Approval]) -> Pending:
    return Pending(
        approvals=tuple(row.id for row in sorted(rows, key=lambda row: row.cameo_id)),
        # Once approved, a row's own end is another.
        expires=min(row.asked for row in rows) + settings.CAMEO_APPROVAL_LIFE,
        latest=max(rows, key=lambda row: (row.asked, row.id)).id,
    )


def _waiting(asked: DecisionRequest, cameo: str, now: datetime, by: str) -> Approval | None:
    """What waits for this cameo's owner; what came to its end unnoticed makes room."""
    row = _of_request(asked).filter(cameo_id=cameo, state__in=_OPEN).first()
    if row is None:
        return None
    if row.state == State.ASKED and now < row.expires:
        return row
    _move(row, row.state, state=State.LAPSED)
    _record(row, "approval.lapsed", now=now, by=by)
    return None


def _ask(asked: DecisionRequest, cameo: str, owner: str, now: datetime, by: str) -> Approval:
    waiting = Approval.objects.filter(
        cameo_id=cameo, requester_id=asked.requester, state=State.ASKED, expires__gt=now
    )
    if waiting.count() >= MAX_WAITING:
        raise ApprovalsFull
    row = Approval.objects.create(
        cameo_id=cameo,
        owner_id=owner,
        requester_id=asked.requester,
        generator=asked.generator,
        request_hash=asked.render.digest(),
        request=asked.render.document(),
        asked=now,
        expires=now + settings.CAMEO_APPROVAL_LIFE,
    )
    _record(row, "approval.asked", now=now, by=by)
    events.emit(
        kind=events.EventKind.APPROVAL_REQUESTED,
        subject=cameo,
        data=_told(row) | {"expires": rfc3339(row.expires)},
        now=now,
    )
    return row


def decide_approval(*, approval: str, approve: bool, now: datetime, by: str) -> ApprovalRecord:
    """Approve or decline what `by` is asked. The same again gives the same answer.

    Approving decides on the request once more, as if the approval held: where something else
    denies by now (the grant withdrawn, the requester blocked, the cameo suspended...), the
    approval lapses. What other owners in the request are still asked is no hindrance.

    Args:
        approval: id of what is asked.
        approve: whether they permit it, once; otherwise they decline.
        now: when.
        by: account id of who decides; must be the cameo's owner.

    Raises:
        ApprovalNotFound: there is none, or `by` isn't its owner.
        ApprovalDecided: they decided otherwise before.
        ApprovalLapsed: it is too late, or approving would permit nothing.
    """
    found = Approval.objects.filter(id=approval).first() if is_id("apr", approval) else None
    if found is None or found.owner_id != by:
        raise ApprovalNotFound
    with transaction.atomic():
        render = parse_request(found.request)
        lock_likenesses(render)
        row = Approval.objects.get(id=approval)
        if row.decided is not None:
            return _as_decided(row, approve, now)
        if _state(row, now) == State.LAPSED:
            raise ApprovalLapsed
        state, expires = State.DECLINED, row.expires
        if approve:
            expires = now + settings.CAMEO_PERMIT_LIFE
            asked = DecisionRequest(row.requester_id, row.generator, now, render)
            snapshot = _as_if(hold_snapshot(asked), row.cameo_id, ApprovalFact(row.id, expires))
            decision = decide(asked, snapshot)
            held = decision.effect is not Effect.DENY and row.cameo_id not in decision.pending
            state = State.APPROVED if held else State.LAPSED
            expires = expires if held else row.expires
        decided = {} if state == State.LAPSED else {"decided": now, "decided_by": by}
        _move(row, State.ASKED, state=state, expires=expires, **decided)
        _record(row, f"approval.{state.value}", now=now, by=by)
        events.emit(
            kind=events.EventKind.APPROVAL_DECIDED,
            subject=row.cameo_id,
            data=_told(row) | {"state": state.value},
            now=now,
        )
    # Only now: that it lapsed is to stay written.
    if state == State.LAPSED:
        raise ApprovalLapsed
    return approval_record(row, now=now)


def _as_decided(row: Approval, approve: bool, now: datetime) -> ApprovalRecord:
    """The answer to who decides once more.

    Raises:
        ApprovalDecided: they say something else than before.
        ApprovalLapsed: what they approved ended unused.
    """
    if approve == (row.state == State.DECLINED):
        raise ApprovalDecided
    if _state(row, now) == State.LAPSED:
        raise ApprovalLapsed
    return approval_record(row, now=now)


def _as_if(snapshot: Snapshot, cameo: str, approval: ApprovalFact) -> Snapshot:
    likenesses = tuple(
        replace(fact, approval=approval) if fact.cameo == cameo else fact
        for fact in snapshot.likenesses
    )
    return replace(snapshot, likenesses=likenesses)


def spend_approvals(token: LikenessToken, generator: str, *, now: datetime) -> None:
    """Spend what `token` rests on, in the transaction that redeems it.

    The caller holds the cameos' locks and has decided again, so that there is nothing left to
    refuse; an update that finds no approval undoes the redemption all the same.

    Raises:
        ConsentChanged: an approval doesn't hold, is spent, or is for something else.
    """
    for detail in token.details:
        if detail.approval is None:
            continue
        spent = Approval.objects.filter(
            id=detail.approval,
            cameo_id=detail.identifier,
            requester_id=token.requester,
            generator=generator,
            request_hash=token.request_hash,
            state=State.APPROVED,
            expires__gt=now,
        ).update(state=State.SPENT, spent_by=token.jti)
        if spent != 1:
            raise ConsentChanged


def read_approval(*, approval: str, by: str, now: datetime) -> ApprovalRecord:
    """One approval, to the owner who is asked or the requester it is for (`by`, account id).

    Raises:
        ApprovalNotFound: if there is none, or it is between others.
    """
    row = Approval.objects.filter(id=approval).first() if is_id("apr", approval) else None
    if row is None or by not in (row.owner_id, row.requester_id):
        raise ApprovalNotFound
    return approval_record(row, now=now)


def list_approvals(
    *,
    account: str,
    mine: bool,
    now: datetime,
    after: str | None = None,
    before: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Page[ApprovalRecord]:
    """What `account` is asked to approve (`mine`), or has asked others for; newest first.

    Raises:
        CursorUnknown: for a cursor that isn't the id of one of them.
    """
    whose = {"owner_id": account} if mine else {"requester_id": account}
    return page(
        Approval.objects.filter(**whose),
        lambda row: approval_record(row, now=now),
        moment="asked",
        name="id",
        prefix="apr",
        after=after,
        before=before,
        limit=limit,
    )


def approval_record(row: Approval, *, now: datetime) -> ApprovalRecord:
    """A row as the record that goes out at `now`."""
    return ApprovalRecord(
        id=row.id,
        cameo=row.cameo_id,
        requester=row.requester_id,
        generator=row.generator,
        request=row.request,
        state=_state(row, now),
        asked=row.asked,
        expires=row.expires,
        decided=row.decided,
    )


def _state(row: Approval, now: datetime) -> str:
    """What its row says, but for what came to its end and nobody wrote it down."""
    if row.state in _OPEN and now >= row.expires:
        return State.LAPSED.value
    return State(row.state).value


def _move(row: Approval, present: str, **changes: object) -> None:
    """Change a row that is as it was read under its cameo's lock, and no other."""
    for name, value in changes.items():
        setattr(row, name, value)
    if Approval.objects.filter(id=row.id, state=present).update(**changes) != 1:
        raise ApprovalDecided


def _told(row: Approval) -> dict[str, str]:
    return {
        "approval": row.id,
        "cameo": row.cameo_id,
        "generator": row.generator,
        "requester": row.requester_id,
    }


def _record(row: Approval, kind: str, *, now: datetime, by: str) -> None:
    body = {
        "approval": row.id,
        "by": by,
        "expires": rfc3339(row.expires),
        "generator": row.generator,
        "request_hash": row.request_hash,
        "requester": row.requester_id,
    }
    audit.append(chain=row.cameo_id, kind=kind, body=body, now=now)
