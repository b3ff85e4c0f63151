"""Friendships: who may ask, accept and end them, and who gets to know of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

import audit.interface as audit
from accounts.models import User
from consent.interface import (
    accept_friendship,
    ask_friendship,
    block_account,
    decide_for,
    end_friendship,
    lift_block,
    list_friendships,
    read_friendship,
)
from consent.models import Audience, Friendship
from identity.models import Cameo
from tests.consent.between import (
    LATER,
    NOT_ACCOUNTS,
    befriended,
    code_of,
    epochs,
    ledger,
    told,
)
from tests.consent.conftest import NOW, Cast, cameo_of, user


def test_an_ask_waits_for_the_other_and_changes_nothing_yet(cast: Cast) -> None:
    before = epochs(cast.cameo)
    asked = ask_friendship(account=cast.alice, now=NOW, by=cast.bob)
    assert (asked.account, asked.friend, asked.asked_by) == (cast.bob, cast.alice, cast.bob)
    assert (asked.state, asked.asked, asked.accepted, asked.ended) == ("asked", NOW, None, None)
    seen = read_friendship(friendship=asked.id, by=cast.alice)
    assert (seen.account, seen.friend, seen.asked_by) == (cast.alice, cast.bob, cast.bob)
    assert (epochs(cast.cameo), ledger(cast.cameo)) == (before, [])
    data = {"account": cast.alice, "friendship": asked.id, "cameo": cast.cameo}
    assert told() == [("friendship.asked", data)]


def test_accepting_counts_for_both_and_is_in_both_ledgers(cast: Cast) -> None:
    bobs = cameo_of(User.objects.get(id=cast.bob))
    before = epochs(cast.cameo, bobs)
    asked = ask_friendship(account=cast.alice, now=NOW, by=cast.bob)
    friends = accept_friendship(friendship=asked.id, now=LATER, by=cast.alice)
    assert (friends.state, friends.accepted, friends.friend) == ("accepted", LATER, cast.bob)
    assert epochs(cast.cameo, bobs) == [epoch + 1 for epoch in before]
    low, high = sorted((cast.alice, cast.bob))
    for chain in (cast.cameo, bobs):
        (entry,) = audit.read_chain(chain)
        assert entry.kind == "friendship.accepted"
        assert entry.body == {"by": cast.alice, "friendship": asked.id, "high": high, "low": low}
    assert [kind for kind, _ in told(cast.cameo)] == ["friendship.asked", "friendship.accepted"]
    assert [kind for kind, _ in told(bobs)] == ["friendship.accepted"]
    again = accept_friendship(friendship=asked.id, now=LATER + timedelta(1), by=cast.alice)
    assert again == friends
    assert epochs(cast.cameo, bobs) == [epoch + 1 for epoch in before]


def test_asking_who_asked_accepts(cast: Cast) -> None:
    asked = ask_friendship(account=cast.alice, now=NOW, by=cast.bob)
    friends = ask_friendship(account=cast.bob, now=LATER, by=cast.alice)
    assert (friends.id, friends.state, friends.asked_by) == (asked.id, "accepted", cast.bob)
    assert ledger(cast.cameo) == ["friendship.accepted"]


def test_asking_again_gives_the_same_and_tells_nobody_twice(cast: Cast) -> None:
    first = ask_friendship(account=cast.alice, now=NOW, by=cast.bob)
    assert ask_friendship(account=cast.alice, now=LATER, by=cast.bob) == first
    accept_friendship(friendship=first.id, now=LATER, by=cast.alice)
    for one, other in ((cast.alice, cast.bob), (cast.bob, cast.alice)):
        again = ask_friendship(account=one, now=LATER, by=other)
        assert (again.id, again.state) == (first.id, "accepted")
    assert len(told()) == 3
    assert ledger(cast.cameo) == ["friendship.accepted"]


def test_without_cameos_it_is_in_the_services_ledger(cast: Cast) -> None:
    asked = befriended(cast.bob, cast.mallory)
    end_friendship(friendship=asked.id, now=LATER, by=cast.mallory)
    assert ledger(audit.SERVICE_CHAIN) == ["friendship.accepted", "friendship.ended"]
    assert told(cast.bob)[-1] == (
        "friendship.ended",
        {"account": cast.bob, "friendship": asked.id},
    )


def test_an_erased_cameo_is_left_alone(cast: Cast) -> None:
    erased = cameo_of(User.objects.get(id=cast.bob), "erased")
    before = epochs(erased)
    befriended(cast.bob, cast.alice)
    assert (epochs(erased), ledger(erased), told(erased)) == (before, [], [])


@pytest.mark.parametrize("by", ["alice", "bob"])
def test_an_ask_is_declined_or_withdrawn_without_a_trace_in_decisions(cast: Cast, by: str) -> None:
    before = epochs(cast.cameo)
    asked = ask_friendship(account=cast.alice, now=NOW, by=cast.bob)
    ended = end_friendship(friendship=asked.id, now=LATER, by=getattr(cast, by))
    assert (ended.state, ended.ended, ended.accepted) == ("ended", LATER, None)
    assert (epochs(cast.cameo), ledger(cast.cameo)) == (before, [])
    assert [kind for kind, _ in told(cast.cameo)] == ["friendship.asked", "friendship.ended"]
    late = code_of(lambda: accept_friendship(friendship=asked.id, now=LATER, by=cast.alice))
    assert late == "friendship_ended"


@pytest.mark.parametrize("by", ["alice", "bob"])
def test_either_ends_a_friendship_and_both_keep_it_as_history(cast: Cast, by: str) -> None:
    asked = befriended(cast.bob, cast.alice)
    before = epochs(cast.cameo)
    ended = end_friendship(friendship=asked.id, now=LATER, by=getattr(cast, by))
    assert (ended.state, ended.accepted, ended.ended) == ("ended", NOW, LATER)
    assert epochs(cast.cameo) == [before[0] + 1]
    assert ledger(cast.cameo) == ["friendship.accepted", "friendship.ended"]
    again = end_friendship(friendship=asked.id, now=LATER + timedelta(1), by=getattr(cast, by))
    assert again == ended
    assert len(ledger(cast.cameo)) == 2
    for person in (cast.alice, cast.bob):
        (seen,) = list_friendships(account=person, state="ended").items
        assert (seen.id, seen.ended) == (asked.id, LATER)
    anew = ask_friendship(account=cast.alice, now=LATER, by=cast.bob)
    assert (anew.state, anew.id == asked.id) == ("asked", False)
    assert len(list_friendships(account=cast.alice).items) == 2


def test_friends_are_whom_mutuals_lets_in(cast: Cast) -> None:
    Audience.objects.create(cameo_id=cast.cameo, kind="mutuals", since=NOW)

    def permitted() -> bool:
        asked = cast.request()
        return decide_for(generator=cast.gen, requester=cast.bob, request=asked, now=NOW).permitted

    asked = ask_friendship(account=cast.alice, now=NOW, by=cast.bob)
    assert not permitted()
    accept_friendship(friendship=asked.id, now=NOW, by=cast.alice)
    assert permitted()
    issued = cast.issue()
    end_friendship(friendship=asked.id, now=NOW, by=cast.bob)
    assert not permitted()
    assert code_of(lambda: cast.redeem(issued)) in {"consent_changed", "not_permitted"}


@pytest.mark.parametrize("account", NOT_ACCOUNTS)
def test_who_is_not_there_cannot_be_asked(cast: Cast, account: str) -> None:
    assert code_of(lambda: ask_friendship(account=account, now=NOW, by=cast.bob)) == (
        "person_unknown"
    )
    assert not Friendship.objects.exists()


def test_a_closed_account_is_as_if_it_were_not_there(cast: Cast) -> None:
    asked = ask_friendship(account=cast.alice, now=NOW, by=cast.bob)
    User.objects.filter(id=cast.bob).update(is_active=False)
    ask = code_of(lambda: ask_friendship(account=cast.bob, now=NOW, by=cast.mallory))
    assert ask == "person_unknown"
    accept = code_of(lambda: accept_friendship(friendship=asked.id, now=NOW, by=cast.alice))
    assert accept == "person_unknown"
    assert end_friendship(friendship=asked.id, now=NOW, by=cast.alice).state == "ended"


def test_nobody_befriends_themselves_or_accepts_for_the_other(cast: Cast) -> None:
    own = code_of(lambda: ask_friendship(account=cast.bob, now=NOW, by=cast.bob))
    assert own == "person_is_oneself"
    asked = ask_friendship(account=cast.alice, now=NOW, by=cast.bob)
    accept = code_of(lambda: accept_friendship(friendship=asked.id, now=NOW, by=cast.bob))
    assert accept == "friendship_own_ask"


def test_what_is_between_others_is_not_there(cast: Cast) -> None:
    asked = befriended(cast.bob, cast.alice)
    for name in (asked.id, "fri_" + "a" * 26, "", "fri_\x00", "grt_" + "a" * 26, "x" * 9999):
        for action in (
            lambda name=name: read_friendship(friendship=name, by=cast.mallory),
            lambda name=name: accept_friendship(friendship=name, now=NOW, by=cast.mallory),
            lambda name=name: end_friendship(friendship=name, now=NOW, by=cast.mallory),
        ):
            assert code_of(action) == "not_found"
    assert list_friendships(account=cast.mallory).items == ()


def test_an_ask_of_who_blocked_looks_like_one_that_is_never_answered(cast: Cast) -> None:
    block = block_account(account=cast.mallory, now=NOW, by=cast.alice)
    told_before = told()
    asked = ask_friendship(account=cast.alice, now=NOW, by=cast.mallory)
    unanswered = ask_friendship(account=cast.bob, now=NOW, by=cast.mallory)
    for record in (asked, unanswered):
        assert (record.state, record.asked, record.accepted) == ("asked", NOW, None)
        assert read_friendship(friendship=record.id, by=cast.mallory) == record
    mine = list_friendships(account=cast.mallory).items
    assert {record.id for record in mine} == {asked.id, unanswered.id}
    # Both cost an event, but the one that stays hidden is for nobody.
    assert told()[len(told_before) :] == [
        ("friendship.asked", {"friendship": asked.id}),
        ("friendship.asked", {"friendship": unanswered.id, "account": cast.bob}),
    ]
    assert told(asked.id) == [("friendship.asked", {"friendship": asked.id})]

    assert list_friendships(account=cast.alice).items == ()
    for action in (
        lambda: read_friendship(friendship=asked.id, by=cast.alice),
        lambda: accept_friendship(friendship=asked.id, now=NOW, by=cast.alice),
        lambda: end_friendship(friendship=asked.id, now=NOW, by=cast.alice),
    ):
        assert code_of(action) == "not_found"
    lift_block(block=block.id, now=LATER, by=cast.alice)
    assert [one.id for one in list_friendships(account=cast.alice).items] == [asked.id]


def test_withdrawing_a_hidden_ask_tells_only_who_asked(cast: Cast) -> None:
    block_account(account=cast.mallory, now=NOW, by=cast.alice)
    asked = ask_friendship(account=cast.alice, now=NOW, by=cast.mallory)
    before = told(cast.cameo)
    end_friendship(friendship=asked.id, now=LATER, by=cast.mallory)
    assert told(cast.cameo) == before
    assert told(cast.mallory)[-1][0] == "friendship.ended"


def test_whom_one_has_blocked_one_cannot_ask(cast: Cast) -> None:
    ask_friendship(account=cast.alice, now=NOW, by=cast.mallory)
    block_account(account=cast.mallory, now=NOW, by=cast.alice)
    ask = code_of(lambda: ask_friendship(account=cast.mallory, now=NOW, by=cast.alice))
    assert ask == "person_blocked"
    assert Friendship.objects.get().state == "asked"


def test_a_friendship_under_a_block_stays_in_both_lists(cast: Cast) -> None:
    asked = befriended(cast.alice, cast.mallory)
    block_account(account=cast.mallory, now=NOW, by=cast.alice)
    for person in (cast.alice, cast.mallory):
        (seen,) = list_friendships(account=person).items
        assert (seen.id, seen.state) == (asked.id, "accepted")
    assert end_friendship(friendship=asked.id, now=LATER, by=cast.alice).state == "ended"


def test_lists_are_paged_and_filtered_and_survive_a_change(cast: Cast) -> None:
    people = [user(f"friend{index}").id for index in range(5)]
    made = [
        ask_friendship(account=cast.alice, now=NOW + timedelta(seconds=index // 2), by=person).id
        for index, person in enumerate(people)
    ]
    found: list[str] = []
    after = None
    while True:
        page = list_friendships(account=cast.alice, state="asked", after=after, limit=2)
        found += [one.id for one in page.items]
        if page.next is None:
            break
        after = page.next
        # Who was at the cursor leaves the filtered list.
        accept_friendship(friendship=after, now=NOW, by=cast.alice)
    assert (len(found), set(found)) == (5, set(made))
    accepted = list_friendships(account=cast.alice, state="accepted").items
    assert {one.state for one in accepted} == {"accepted"}
    assert list_friendships(account=people[0]).items[0].friend == cast.alice
    other = code_of(lambda: list_friendships(account=people[0], after=made[1]))
    assert other == "cursor_unknown"
    assert Cameo.objects.count() == 1
