"""Friendships, blocks and invites raced: each is made once, nobody waits forever."""

from __future__ import annotations

from functools import partial

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
    list_invites,
    redeem_invite,
    revoke_invite,
)
from consent.models import Audience, Block, Friendship, Invite
from events.models import Event
from tests.consent.conftest import NOW, Cast, cameo_of, make_cast, user
from tests.consent.test_races import Action, together, violations

pytestmark = pytest.mark.django_db(transaction=True)


def ask(by: str, account: str) -> Action:
    return ("ask", partial(ask_friendship, account=account, now=NOW, by=by))


@pytest.mark.parametrize("enrolled", [True, False])
def test_two_who_befriend_each_other_at_once_are_friends(enrolled: bool) -> None:
    """Each asks and so accepts; 50 times, so that an order of locks that could fail does."""
    cast = make_cast()
    pairs = [(user(f"one{index}"), user(f"other{index}")) for index in range(50)]
    for one, other in pairs:
        if enrolled:
            cameo_of(one)
            cameo_of(other)
        done = together([ask(one.id, other.id)], [ask(other.id, one.id)])
        assert [entry.code for entry in done] == ["ok", "ok"]
    assert Friendship.objects.filter(state="accepted").count() == Friendship.objects.count() == 50
    chains = audit.verify_all()
    assert chains.pop(audit.SERVICE_CHAIN, 0) == (0 if enrolled else 50)
    assert list(chains.values()) == ([1] * 100 if enrolled else [])
    assert cast.cameo not in chains
    kinds = list(Event.objects.values_list("kind", flat=True))
    assert (kinds.count("friendship.asked"), kinds.count("friendship.accepted")) == (50, 100)


def test_of_many_asks_one_is_made() -> None:
    cast = make_cast()
    done = together(*[[ask(cast.bob, cast.alice)]] * 8)
    assert {entry.code for entry in done} == {"ok"}
    assert Friendship.objects.count() == Event.objects.count() == 1


def test_accepting_while_the_other_withdraws_ends_one_way() -> None:
    cast = make_cast()
    for _ in range(10):
        asked = ask_friendship(account=cast.alice, now=NOW, by=cast.bob)
        accept = partial(accept_friendship, friendship=asked.id, now=NOW)
        end = partial(end_friendship, friendship=asked.id, now=NOW)
        done = together(
            [("accept", partial(accept, by=cast.alice))],
            [("end", partial(end, by=cast.bob))],
            [("end", partial(end, by=cast.alice))],
        )
        codes = {entry.name: entry.code for entry in done}
        assert codes["end"] == "ok"
        row = Friendship.objects.get(id=asked.id)
        assert row.state == "ended"
        assert (codes["accept"] == "ok") == (row.accepted is not None)
    chain = [entry.kind for entry in audit.read_chain(cast.cameo)]
    assert chain.count("friendship.accepted") == chain.count("friendship.ended")


def test_asking_while_it_is_ended_and_asked_again_keeps_one_live() -> None:
    cast = make_cast()
    for people in ((cast.alice, cast.bob), (cast.bob, cast.mallory)):
        for _ in range(10):
            asked = ask_friendship(account=people[1], now=NOW, by=people[0])
            end = partial(end_friendship, friendship=asked.id, now=NOW, by=people[1])
            done = together(
                [ask(*people), ("end", end)],
                [("end", end), ask(*people)],
                [ask(*people[::-1]), ask(*people)],
            )
            assert {entry.code for entry in done} == {"ok"}
            for row in Friendship.objects.exclude(state="ended"):
                end_friendship(friendship=row.id, now=NOW, by=row.low_id)
    audit.verify_all()


def test_of_twenty_at_one_code_one_wins() -> None:
    cast = make_cast()
    people = [user(f"guest{index}") for index in range(20)]
    for person in people[::2]:
        cameo_of(person)
    code = list_invites(inviter=cast.alice, now=NOW)[0].code or ""
    redeem = [partial(redeem_invite, code=code, now=NOW, by=person.id) for person in people]
    done = together(*[[("redeem", action)] for action in redeem])
    assert sorted(entry.code for entry in done) == ["invite_unknown"] * 19 + ["ok"]
    friendship = Friendship.objects.get()
    winner = Invite.objects.exclude(used=None).get().used_by
    assert {friendship.low_id, friendship.high_id} == {cast.alice, winner}
    assert [entry.kind for entry in audit.read_chain(cast.cameo)] == ["friendship.accepted"]


def test_four_are_made_however_many_look_at_once() -> None:
    cast = make_cast()
    look: Action = ("look", partial(list_invites, inviter=cast.alice, now=NOW))
    assert {entry.code for entry in together(*[[look]] * 8)} == {"ok"}
    assert Invite.objects.count() == 4


def test_a_code_is_redeemed_or_revoked() -> None:
    cast = make_cast()
    for index, invite in enumerate(list_invites(inviter=cast.alice, now=NOW)):
        guest = user(f"guest{index}").id
        code = invite.code or ""
        redeem: Action = ("redeem", partial(redeem_invite, code=code, now=NOW, by=guest))
        revoke = partial(revoke_invite, invite=invite.id, now=NOW, by=cast.alice)
        codes = {entry.name: entry.code for entry in together([redeem], [("revoke", revoke)])}
        assert codes in (
            {"redeem": "ok", "revoke": "invite_used"},
            {"redeem": "invite_unknown", "revoke": "ok"},
        )


def test_of_many_blocks_one_is_made() -> None:
    cast = make_cast()
    block: Action = ("block", partial(block_account, account=cast.bob, now=NOW, by=cast.alice))
    assert {entry.code for entry in together(*[[block]] * 8)} == {"ok"}
    assert Block.objects.count() == 1
    assert [entry.kind for entry in audit.read_chain(cast.cameo)] == ["block.made"]


def test_two_who_block_and_befriend_each_other_do_not_lock_each_other_out() -> None:
    cast = make_cast()
    cameo_of(User.objects.get(id=cast.bob))

    def block_and_lift(by: str, account: str) -> None:
        lift_block(block=block_account(account=account, now=NOW, by=by).id, now=NOW, by=by)

    pairs = ((cast.alice, cast.bob), (cast.bob, cast.alice))
    threads: list[list[Action]] = []
    for pair in pairs:
        threads += [[("block", partial(block_and_lift, *pair))] * 8, [ask(*pair)] * 8]
    assert {entry.code for entry in together(*threads)} <= {"ok", "person_blocked"}
    audit.verify_all()


def _permits(cast: Cast) -> bool:
    request = cast.request()
    return decide_for(generator=cast.gen, requester=cast.bob, request=request, now=NOW).permitted


@pytest.mark.parametrize("ending", ["end", "block"])
def test_after_an_end_or_a_block_returned_nothing_permits(ending: str) -> None:
    cast = make_cast()
    Audience.objects.create(cameo_id=cast.cameo, kind="mutuals", since=NOW)
    seen = set()
    for _ in range(4):
        asked = ask_friendship(account=cast.alice, now=NOW, by=cast.bob)
        if asked.state == "asked":
            accept_friendship(friendship=asked.id, now=NOW, by=cast.alice)
        tokens = [cast.issue() for _ in range(10)]
        redeem: list[Action] = [("redeem", partial(cast.redeem, issued)) for issued in tokens]
        end = partial(end_friendship, friendship=asked.id, now=NOW, by=cast.bob)
        block = partial(block_account, account=cast.bob, now=NOW, by=cast.alice)
        act: Action = (ending, end if ending == "end" else block)
        history = together(
            redeem[::2],
            redeem[1::2],
            [("issue", cast.issue)] * 5,
            [("decide", partial(_permits, cast))] * 8,
            [act],
        )
        assert violations(history, ending) == []
        assert not _permits(cast)
        seen |= {entry.code for entry in history}
        for row in Block.objects.filter(lifted=None):
            lift_block(block=row.id, now=NOW, by=cast.alice)
    assert seen <= {"ok", "inactive", "consent_changed", "not_permitted"}
    audit.verify_all()
