"""Lists by cursor: complete, stable while rows are added, and of one's own rows only."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from common.errors import InvalidInput, NotFound
from consent.interface import (
    list_grants_given,
    list_grants_received,
    list_uses,
    read_grant,
    withdraw_grant,
)
from tests.consent.conftest import NOW, SECOND, Cast, cameo_of, user


def grants(cast: Cast, count: int) -> list[str]:
    """Ids of grants to `count` people, oldest first; every second one at the same moment."""
    return [
        cast.grant(to=user(f"friend{index}").id, now=NOW + timedelta(seconds=index // 2)).id
        for index in range(count)
    ]


def walk(cast: Cast, limit: int) -> list[str]:
    found: list[str] = []
    after = None
    while True:
        page = list_grants_given(owner=cast.alice, after=after, limit=limit)
        found += [item.id for item in page.items]
        if page.next is None:
            return found
        after = page.next


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 100])
def test_a_walk_finds_each_once_newest_first(cast: Cast, limit: int) -> None:
    made = grants(cast, 5)
    found = walk(cast, limit)
    assert sorted(found) == sorted(made)
    moments = [read_grant(grant=grant, by=cast.alice).created for grant in found]
    assert moments == sorted(moments, reverse=True)


def test_one_can_walk_back(cast: Cast) -> None:
    grants(cast, 5)
    first = list_grants_given(owner=cast.alice, limit=2)
    assert first.previous is None
    second = list_grants_given(owner=cast.alice, limit=2, after=first.next)
    third = list_grants_given(owner=cast.alice, limit=2, after=second.next)
    assert (len(third.items), third.next) == (1, None)
    back = list_grants_given(owner=cast.alice, limit=2, before=third.previous)
    assert back == second
    assert list_grants_given(owner=cast.alice, limit=2, before=back.previous) == first


def test_what_is_added_meanwhile_moves_nothing(cast: Cast) -> None:
    grants(cast, 4)
    everything = walk(cast, 100)
    first = list_grants_given(owner=cast.alice, limit=2)
    cast.grant(now=NOW + timedelta(hours=1))
    second = list_grants_given(owner=cast.alice, limit=2, after=first.next)
    assert [item.id for item in first.items + second.items] == everything


def test_withdrawn_grants_stay_in_the_list(cast: Cast) -> None:
    grant = cast.grant()
    withdraw_grant(grant=grant.id, now=NOW + SECOND, by=cast.alice)
    (item,) = list_grants_given(owner=cast.alice).items
    assert (item.id, item.state) == (grant.id, "withdrawn")


def test_everybody_sees_their_own(cast: Cast) -> None:
    grant = cast.grant()
    assert [item.id for item in list_grants_received(grantee=cast.bob).items] == [grant.id]
    for empty in (
        list_grants_given(owner=cast.bob),
        list_grants_received(grantee=cast.alice),
        list_grants_given(owner=cast.mallory),
    ):
        assert (empty.items, empty.next, empty.previous) == ((), None, None)
    for reader in (cast.alice, cast.bob):
        assert read_grant(grant=grant.id, by=reader) == grant
    for name in (grant.id, "grt_" + "a" * 26, "nul\x00", ""):
        with pytest.raises(NotFound):
            read_grant(grant=name, by=cast.mallory)


@pytest.mark.parametrize(
    "asked",
    [
        {"after": "grt_" + "a" * 26},
        {"after": "nul\x00"},
        {"before": ""},
        {"limit": 0},
        {"limit": 101},
        {"limit": -1},
    ],
)
def test_a_cursor_must_be_of_the_list(cast: Cast, asked: dict[str, Any]) -> None:
    cast.grant()
    with pytest.raises(InvalidInput) as refused:
        list_grants_given(owner=cast.alice, **asked)
    assert refused.value.code == "cursor_unknown"


def test_somebody_elses_grant_is_no_cursor(cast: Cast) -> None:
    carol = user("carol")
    theirs = cast.grant(cameo=cameo_of(carol), by=carol.id)
    with pytest.raises(InvalidInput):
        list_grants_given(owner=cast.alice, after=theirs.id)
    with pytest.raises(InvalidInput):
        list_grants_given(owner=cast.alice, before=theirs.id)


def test_uses_are_the_owners_to_see(cast: Cast) -> None:
    cast.grant()
    uses = [cast.redeem(cast.issue(), now=NOW + n * SECOND).use for n in range(3)]
    first = list_uses(cameo=cast.cameo, by=cast.alice, limit=2)
    rest = list_uses(cameo=cast.cameo, by=cast.alice, limit=2, after=first.next)
    assert [use.id for use in first.items + rest.items] == uses[::-1]
    for cameo, by in (
        (cast.cameo, cast.bob),
        ("cam_" + "a" * 26, cast.alice),
        ("nul\x00", cast.alice),
    ):
        with pytest.raises(NotFound):
            list_uses(cameo=cameo, by=by)
