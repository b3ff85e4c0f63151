"""Disputes: two accounts that say one face is theirs. Opening them, and what holds meanwhile.

A reviewer found that a capture shows the person of another account's cameo. The first to enrol
may be the impostor, so either side can dispute that. Nobody is told whose face matched.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from accounts.interface import lock_account
from audit import interface as audit
from events.interface import EventKind
from identity.chronicle import tell
from identity.models import Cameo, Dispute, Review
from identity.selectors import (
    CLAIMANT,
    HOLDER,
    lock_cameos,
    release_from_dispute,
    view_of_dispute,
)
from identity.session_errors import DisputeUnavailable, NoSuchDispute
from identity.summaries import CameoState, DisputeView

_State = Cameo.State
_Hold = Cameo.Hold
# A claimant whose cameo is active by now was let in after all: there is nothing left to claim.
_CLAIMING = (_State.PENDING, _State.IN_REVIEW)
_HOLDING = (_State.ACTIVE, _State.SUSPENDED, _State.EXPIRED)


@dataclass(frozen=True, slots=True)
class _Attempt:
    review: Review
    claimant_id: str
    holder_id: str
    side: str


class _Moved(Exception):
    """A dispute began or ended between looking and locking."""


def open_dispute(
    *, account_id: str, now: datetime, session_id: str | None = None, cameo_id: str | None = None
) -> DisputeView:
    """Open a dispute, or give the open one of the same pair, whoever opened it.

    Both cameos are held until it ends: an active one is suspended, and no token or lease
    outlives that.

    Args:
        account_id: who opens it.
        now: when.
        session_id: the claimant's: one of their captures that a reviewer refused, as it shows
            the person of another account's cameo.
        cameo_id: the holder's: their cameo, that somebody else tried to enrol.

    Raises:
        Unauthenticated: if the account is closed.
        NoSuchDispute: if there is no such confirmed attempt, or it is somebody else's.
        DisputeUnavailable: if it was decided, or one of the two cameos can't be held now.
    """
    attempt = _attempt(account_id, session_id=session_id, cameo_id=cameo_id)
    if attempt is None:
        raise NoSuchDispute
    pair = sorted((attempt.claimant_id, attempt.holder_id))
    with transaction.atomic():
        # Before the cameos, here as everywhere; the new row's reference would ask for it after.
        lock_account(account_id)
        lock_cameos(pair)
        of_pair = Dispute.objects.filter(
            claimant_id=attempt.claimant_id, holder_id=attempt.holder_id
        )
        found = of_pair.filter(state=Dispute.State.OPEN).first()
        if found is not None:
            return view_of_dispute(found, account_id)
        if of_pair.filter(created__gte=attempt.review.decided).exists():
            raise DisputeUnavailable
        cameos = Cameo.objects.in_bulk(pair)
        claimant, holder = cameos[attempt.claimant_id], cameos[attempt.holder_id]
        if (
            claimant.held_by
            or holder.held_by
            or claimant.state not in _CLAIMING
            or holder.state not in _HOLDING
        ):
            raise DisputeUnavailable
        found = Dispute.objects.create(
            claimant=claimant,
            holder=holder,
            opened_by_id=account_id,
            holder_was=holder.state,
            created=now,
        )
        # Once each: a row that is updated twice asks for its owner's, after the cameos' locks.
        for cameo, state in ((claimant, claimant.state), (holder, _State.SUSPENDED)):
            Cameo.objects.filter(id=cameo.id).update(
                held_by=_Hold.DISPUTE, state=state, epoch=F("epoch") + 1
            )
        for cameo in (claimant, holder):
            side = CLAIMANT if cameo.id == claimant.id else HOLDER
            opened = {"by": account_id} if side == attempt.side else {}
            tell(
                cameo.id,
                EventKind.CAMEO_DISPUTED,
                {"dispute": found.id, "side": side, **opened},
                now=now,
            )
        return view_of_dispute(found, account_id)


def _attempt(account_id: str, *, session_id: str | None, cameo_id: str | None) -> _Attempt | None:
    """The newest confirmed attempt that the account may dispute, if there is one."""
    confirmed = Review.objects.filter(duplicate_confirmed=True, matched__isnull=False)
    if session_id is not None:
        review = confirmed.filter(session_id=session_id, cameo__owner_id=account_id).first()
        side = CLAIMANT
    else:
        mine = confirmed.filter(
            matched_id=cameo_id, matched__owner_id=account_id, cameo__state__in=_CLAIMING
        )
        disputed = Dispute.objects.filter(
            claimant_id=OuterRef("cameo_id"), holder_id=cameo_id, created__gte=OuterRef("decided")
        )
        # What is open comes first, then what was never disputed, then what was decided.
        standing = disputed.exclude(state=Dispute.State.OPEN)
        review = (
            mine.filter(Exists(disputed.filter(state=Dispute.State.OPEN))).first()
            or mine.exclude(Exists(standing)).order_by("-decided", "-id").first()
            or mine.first()
        )
        side = HOLDER
    if review is None or review.matched_id is None:
        return None
    return _Attempt(review, review.cameo_id, review.matched_id, side)


def open_dispute_of(cameo_id: str) -> Dispute | None:
    """The open dispute that holds a cameo; under the cameo's lock there is at most one."""
    rows = Dispute.objects.filter(state=Dispute.State.OPEN)
    return rows.filter(Q(claimant_id=cameo_id) | Q(holder_id=cameo_id)).first()


def lock_with_opponent(cameo_id: str) -> dict[str, CameoState]:
    """Lock a cameo, and in id order with it the other side of its open dispute, if it has one.

    Raises:
        NoTransaction: outside a transaction.
    """
    while True:
        seen = _pair(cameo_id)
        try:
            # Undone to here, the locks are let go, and may be taken anew in their order.
            with transaction.atomic():
                held = lock_cameos(seen)
                if _pair(cameo_id) != seen:
                    raise _Moved
        except _Moved:
            continue
        return held


def _pair(cameo_id: str) -> frozenset[str]:
    found = open_dispute_of(cameo_id)
    return frozenset((cameo_id, found.claimant_id, found.holder_id) if found else (cameo_id,))


def withdraw_dispute(cameo_id: str, *, now: datetime) -> None:
    """End the open dispute of a cameo that is being erased, if it has one; the other is released.

    The caller holds the locks of both (`lock_with_opponent`). Nobody decided: the other side has
    neither won nor lost.
    """
    found = open_dispute_of(cameo_id)
    if found is None:
        return
    found.state, found.decided = Dispute.State.WITHDRAWN, now
    found.save(update_fields=["state", "decided"])
    body = {"dispute": found.id, "state": found.state}
    for name in sorted((found.claimant_id, found.holder_id)):
        if name == cameo_id:
            audit.append(chain=name, kind=EventKind.CAMEO_DISPUTE_ENDED.value, body=body, now=now)
        else:
            release_from_dispute(found, name)
            tell(name, EventKind.CAMEO_DISPUTE_ENDED, body, now=now)


def stay_suspended(cameo_id: str) -> None:
    """The owner of a held cameo wants it suspended: so it stays when the dispute is over.

    The caller holds its lock.
    """
    was_active = Dispute.objects.filter(holder_id=cameo_id, state=Dispute.State.OPEN)
    was_active.filter(holder_was=_State.ACTIVE).update(holder_was=_State.SUSPENDED)
