"""Searching and asking in bulk: what they say is what the decision says of each alone."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from audit.interface import CursorUnknown
from common.errors import InvalidInput, NotFound
from consent import searching
from consent.facts import Snapshot
from consent.interface import (
    DecisionRequest,
    Effect,
    Found,
    Match,
    decide_for,
    decide_many,
    evaluate_many,
    parse_template,
    set_audience,
    who_may_use,
    whom_may_i_use,
    withdraw_grant,
)
from consent.models import Audience, Block, Friendship, Grant
from consent.request import MAX_LIKENESSES
from consent.snapshots import read_snapshot
from identity.models import Cameo
from tests.consent.conftest import NOW, Cast, cameo_of, make_cast, user
from tests.consent.populations import TEMPLATE, Population, population

SEEDS = 200
GROUP = 20


def walk(page: Callable[[str | None], Found]) -> list[Match]:
    """All that pages find, one after the other."""
    found: list[Match] = []
    after = None
    while True:
        one = page(after)
        found += one.items
        if one.next is None:
            return found
        after = one.next


def befriend(one: str, two: str, state: str = "accepted") -> None:
    low, high = sorted((one, two))
    Friendship.objects.create(low_id=low, high_id=high, asked_by=one, state=state, asked=NOW)


def open_to(cameo: str, kind: str) -> None:
    Audience.objects.update_or_create(cameo_id=cameo, defaults={"kind": kind, "since": NOW})


def ties() -> set[tuple[str, str]]:
    """Who (first) may hear of whose cameo (second): friends, and grantees of the granting."""
    friends = Friendship.objects.filter(state="accepted").values_list("low_id", "high_id")
    grants = Grant.objects.filter(withdrawn=None).values_list("grantee_id", "owner_id")
    return {*friends, *((high, low) for low, high in friends), *grants}


def _agree(world: Population, generator: str) -> int:
    template = world.template
    alone = {
        (requester, cameo): decide_for(
            generator=generator, requester=requester, request=template.of(cameo), now=NOW
        )
        for requester in world.people
        for cameo in world.cameos.values()
    }
    open_ones = {pair for pair, decision in alone.items() if decision.effect is not Effect.DENY}
    owners = {cameo: owner for owner, cameo in world.cameos.items()}
    related = ties()
    for requester in world.people:
        bulk = decide_many(
            generator=generator,
            requester=requester,
            requests=[template.of(cameo) for cameo in owners],
            now=NOW,
        )
        assert list(bulk) == [alone[requester, cameo] for cameo in owners]
        found = walk(
            lambda after, requester=requester: whom_may_i_use(  # type: ignore[misc]
                generator=generator,
                requester=requester,
                template=template,
                now=NOW,
                after=after,
                limit=2,
            )
        )
        expected = {
            cameo
            for cameo, owner in owners.items()
            if (requester, cameo) in open_ones
            and (requester == owner or (requester, owner) in related)
        }
        assert len(found) == len(expected)
        assert {match.cameo for match in found} == expected
        for match in found:
            assert match.decision == alone[requester, match.cameo]
            assert (match.owner, match.account) == (owners[match.cameo], requester)
    for cameo, owner in owners.items():
        found = walk(
            lambda after, cameo=cameo, owner=owner: who_may_use(  # type: ignore[misc]
                cameo=cameo,
                by=owner,
                generator=generator,
                template=template,
                now=NOW,
                after=after,
                limit=2,
            )
        )
        expected = {
            account
            for account in world.people
            if account != owner and (account, cameo) in open_ones and (account, owner) in related
        }
        assert len(found) == len(expected)
        assert {match.account for match in found} == expected
        assert all(match.decision == alone[match.account, cameo] for match in found)
    return len(open_ones)


@pytest.mark.parametrize("first", range(0, SEEDS, GROUP))
def test_search_and_bulk_agree_with_the_decision_on_every_world(db: None, first: int) -> None:
    opened = 0
    for seed in range(first, first + GROUP):
        with population(seed) as world:
            opened += _agree(world, world.generators[seed % 2])
    assert opened > GROUP


def whom(cast: Cast, requester: str, **changes: Any) -> Found:
    given: dict[str, Any] = {
        "generator": cast.gen,
        "requester": requester,
        "template": parse_template(TEMPLATE),
        "now": NOW,
    }
    return whom_may_i_use(**(given | changes))


def who(cast: Cast, **changes: Any) -> Found:
    given: dict[str, Any] = {
        "cameo": cast.cameo,
        "by": cast.alice,
        "generator": cast.gen,
        "template": parse_template(TEMPLATE),
        "now": NOW,
    }
    return who_may_use(**(given | changes))


def cameos(found: Found) -> list[str]:
    return [match.cameo for match in found.items]


def accounts(found: Found) -> list[str]:
    return [match.account for match in found.items]


def test_a_grantee_finds_the_cameo_and_its_owner_finds_the_grantee(cast: Cast) -> None:
    grant = cast.grant()
    assert cameos(whom(cast, cast.bob)) == [cast.cameo]
    assert accounts(who(cast)) == [cast.bob]
    withdraw_grant(grant=grant.id, now=NOW, by=cast.alice)
    assert whom(cast, cast.bob) == Found((), None)
    assert who(cast) == Found((), None)


def test_an_owner_finds_their_own_cameo_but_isnt_who_may_use_it_unless_asked(cast: Cast) -> None:
    assert cameos(whom(cast, cast.alice)) == [cast.cameo]
    assert accounts(who(cast)) == []
    assert accounts(who(cast, own=True)) == [cast.alice]


def test_friends_find_each_other_where_the_audience_is_mutuals(cast: Cast) -> None:
    befriend(cast.alice, cast.bob)
    assert cameos(whom(cast, cast.bob)) == []
    open_to(cast.cameo, "mutuals")
    assert cameos(whom(cast, cast.bob)) == [cast.cameo]
    assert accounts(who(cast)) == [cast.bob]


@pytest.mark.parametrize("state", ["asked", "ended"])
def test_a_friendship_that_is_none_finds_nothing(cast: Cast, state: str) -> None:
    befriend(cast.alice, cast.bob, state)
    open_to(cast.cameo, "anyone")
    assert cameos(whom(cast, cast.bob)) == []
    assert accounts(who(cast)) == []


def test_nobody_learns_by_searching_who_is_open_to_anyone(cast: Cast) -> None:
    open_to(cast.cameo, "anyone")
    assert whom(cast, cast.mallory) == Found((), None)
    asked: dict[str, Any] = {"generator": cast.gen, "request": cast.request(), "now": NOW}
    assert decide_for(requester=cast.mallory, **asked).permitted
    found = who(cast)
    assert found.items == ()
    assert found.anyone


def test_anyone_is_said_only_where_a_stranger_would_be_let_in(cast: Cast) -> None:
    assert not who(cast).anyone
    open_to(cast.cameo, "anyone")
    assert not who(cast, generator="nobody").anyone
    assert not who(cast, template=parse_template(TEMPLATE | {"labels": None})).anyone
    Cameo.objects.update(state="suspended")
    assert not who(cast).anyone


def test_whoever_is_blocked_never_appears(cast: Cast) -> None:
    cast.grant()
    befriend(cast.alice, cast.bob)
    open_to(cast.cameo, "anyone")
    Block.objects.create(blocker_id=cast.alice, blocked_id=cast.bob, since=NOW)
    assert whom(cast, cast.bob) == Found((), None)
    assert accounts(who(cast)) == []


def test_what_waits_for_an_approval_is_found_as_pending(cast: Cast) -> None:
    cast.grant(terms={"purposes": ["personal"], "approval_each_time": True})
    (match,) = whom(cast, cast.bob).items
    assert match.decision.effect is Effect.PENDING


def test_somebody_elses_cameo_isnt_there(cast: Cast) -> None:
    cast.grant()
    for other in ("cam_" + "b" * 26, "nonsense", ""):
        with pytest.raises(NotFound):
            who(cast, cameo=other)
    with pytest.raises(NotFound):
        who(cast, by=cast.bob)


@pytest.mark.parametrize("limit", [0, -1, 101])
def test_another_limit_isnt_taken(cast: Cast, limit: int) -> None:
    with pytest.raises(CursorUnknown):
        whom(cast, cast.bob, limit=limit)
    with pytest.raises(CursorUnknown):
        who(cast, limit=limit)


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_find_each_once(cast: Cast, limit: int) -> None:
    friends = sorted(user(f"friend{number}").id for number in range(5))
    for friend in friends:
        cast.grant(to=friend)
    found = walk(lambda after: who(cast, after=after, limit=limit))
    assert [match.account for match in found] == friends


def test_a_page_looks_at_so_many_and_goes_on(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "MAX_SCANNED", 2)
    friends = sorted(user(f"friend{number}").id for number in range(5))
    for friend in friends[:4]:
        befriend(cast.alice, friend)
    cast.grant(to=friends[4])
    first = who(cast)
    assert (first.items, first.next) == ((), friends[1])
    assert [match.account for match in walk(lambda after: who(cast, after=after))] == friends[4:]


def test_someone_with_an_erased_and_a_new_cameo_is_found_once(cast: Cast) -> None:
    cast.grant()
    Cameo.objects.update(state="erased")
    again = cameo_of(type(Cameo.objects.get().owner).objects.get(id=cast.alice))
    cast.grant(cameo=again)
    assert cameos(whom(cast, cast.bob)) == [again]


def test_bulk_takes_fifty_and_no_more(cast: Cast) -> None:
    cast.grant()
    fifty = [cast.request()] * searching.MAX_BULK
    given: dict[str, Any] = {"generator": cast.gen, "requester": cast.bob, "now": NOW}
    found = decide_many(requests=fifty, **given)
    assert len(found) == 50
    assert all(decision.permitted for decision in found)
    with pytest.raises(InvalidInput):
        decide_many(requests=[*fifty, cast.request()], **given)
    assert decide_many(requests=[], **given) == ()


def test_bulk_denies_what_names_too_many_and_decides_the_rest(cast: Cast) -> None:
    cast.grant()
    many = cast.request(likenesses=tuple(f"cam_{'a' * 25}{c}" for c in "abcdefghi"))
    assert len(many.likenesses) == MAX_LIKENESSES + 1
    first, second = decide_many(
        generator=cast.gen, requester=cast.bob, requests=[many, cast.request()], now=NOW
    )
    assert not first.permitted
    assert second.permitted


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("together", [True, False])
def test_bulk_is_of_one_moment_though_consent_ends_between(
    monkeypatch: pytest.MonkeyPatch, together: bool
) -> None:
    """Read one by one, without their transaction, they would be of two."""
    cast = make_cast()
    grant = cast.grant().id
    if not together:
        monkeypatch.setattr(searching, "consistent_read", nullcontext)

    def withdraw() -> None:
        try:
            withdraw_grant(grant=grant, now=NOW, by=cast.alice)
        finally:
            connections.close_all()

    def read_and_withdraw(asked: DecisionRequest) -> Snapshot:
        found = read_snapshot(asked)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(withdraw).result(timeout=30)
        return found

    given: dict[str, Any] = {"generator": cast.gen, "requester": cast.bob, "now": NOW}
    monkeypatch.setattr(searching, "read_snapshot", read_and_withdraw)
    found = decide_many(requests=[cast.request()] * 2, **given)
    assert [one.permitted for one in found] == [True, together]
    monkeypatch.undo()
    assert not decide_many(requests=[cast.request()], **given)[0].permitted


def test_one_call_may_ask_for_several_requesters(cast: Cast) -> None:
    cast.grant()
    asked = [
        DecisionRequest(requester, cast.gen, NOW, cast.request())
        for requester in (cast.bob, cast.mallory, cast.alice)
    ]
    effects = [decision.effect.value for decision in evaluate_many(asked)]
    assert effects == ["permit", "deny", "permit"]


def test_nothing_is_written(cast: Cast) -> None:
    cast.grant()
    with CaptureQueriesContext(connection) as queries:
        whom(cast, cast.bob)
        who(cast)
    statements = [query["sql"].lstrip().lower() for query in queries.captured_queries]
    assert all(sql.startswith(("select", "with")) for sql in statements)


def test_a_deny_of_an_unreadable_time_doesnt_raise(cast: Cast) -> None:
    cast.grant()
    naive = datetime(2030, 1, 1, tzinfo=UTC).replace(tzinfo=None)
    assert whom(cast, cast.bob, now=naive).items == ()


@pytest.mark.parametrize("wrong", [None, [], "text", 7, {}, {"purpose": 1}])
def test_a_template_that_cant_be_read_is_refused(wrong: object) -> None:
    with pytest.raises(InvalidInput):
        parse_template(wrong)


def test_a_template_names_nobody() -> None:
    with pytest.raises(InvalidInput) as raised:
        parse_template(TEMPLATE | {"likenesses": ["cam_" + "a" * 26]})
    assert [field.pointer for field in raised.value.fields] == ["/likenesses"]


def test_grants_that_sleep_arent_found(cast: Cast) -> None:
    cast.grant()
    set_audience(cameo=cast.cameo, audience="only_me", now=NOW, by=cast.alice)
    assert cameos(whom(cast, cast.bob)) == []
