"""Who could be permitted at all: people who know of each other, by a grant or a friendship."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from django.db.models import QuerySet

from consent.facts import AccountFact, Snapshot
from consent.models import Friendship, Grant
from consent.request import DecisionRequest
from consent.snapshots import read_snapshot

STRANGER: Final = "acc_" + "a" * 26
"""Stands for somebody who is nobody in particular."""


def grantors(requester: str, *, after: str | None, most: int) -> list[str]:
    """The first `most` accounts by id, after the account id `after`, that gave `requester` a live
    grant or are their friends."""
    rows = Grant.objects.filter(grantee_id=requester, withdrawn=None)
    return _people(rows, "owner_id", requester, after, most)


def grantees(cameo: str, owner: str, *, after: str | None, most: int) -> list[str]:
    """The first `most` accounts by id, after the account id `after`, that have a live grant for
    `cameo` or are friends of its owner."""
    rows = Grant.objects.filter(cameo_id=cameo, withdrawn=None)
    return _people(rows, "grantee_id", owner, after, most)


def _people(
    grants: QuerySet[Grant], side: str, centre: str, after: str | None, most: int
) -> list[str]:
    friends = Friendship.objects.filter(state=Friendship.State.ACCEPTED)
    sources: tuple[tuple[QuerySet[Grant] | QuerySet[Friendship], str], ...] = (
        (grants, side),
        (friends.filter(low_id=centre), "high_id"),
        (friends.filter(high_id=centre), "low_id"),
    )
    found: set[str] = set()
    for rows, name in sources:
        beyond = rows if after is None else rows.filter(**{f"{name}__gt": after})
        found.update(beyond.order_by(name).values_list(name, flat=True).distinct()[:most])
    return sorted(found)[:most]


def with_stranger(asked: DecisionRequest) -> tuple[DecisionRequest, Snapshot]:
    """The request as somebody would make it of whom nothing is known but that their account is
    open, and its snapshot. Whom `asked` names as requester doesn't matter."""
    # The id is nobody's, as long as ids are random; no facts of theirs are read all the same.
    snapshot = read_snapshot(replace(asked, requester=""))
    stranger = AccountFact(STRANGER, is_active=True)
    return replace(asked, requester=STRANGER), replace(snapshot, requester=stranger)
