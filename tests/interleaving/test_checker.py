"""The checker on histories made by hand: what it must find, and what it must leave alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.interleaving.checker import violations
from tests.interleaving.history import (
    Claim,
    Done,
    History,
    Outcome,
    Register,
    Span,
    Write,
    at_first,
)

ALICE, BOB, CAROL = "alice", "bob", "carol"
CAMEO, OTHER = "cameo", "other"
STATE: Register = ("state", CAMEO)
AUDIENCE: Register = ("audience", CAMEO)
GRANT: Register = ("grant", CAMEO, BOB, "g1")
GEN: Register = ("generator", "gen")
FIRST = at_first(
    Write(STATE, "active"),
    Write(AUDIENCE, "granted"),
    Write(("restrictions", CAMEO), "open"),
    Write(GEN, "usable"),
    Write(GRANT, "open"),
    Write(("state", OTHER), "active"),
    Write(("audience", OTHER), "anyone"),
    Write(("restrictions", OTHER), "open"),
)


def did(register: Register, value: str, begin: int, end: int, **more: bool) -> Done:
    return Done(
        0, value, "door", begin, end, Outcome.DONE, writes=(Write(register, value, **more),)
    )


def permit(begin: int, end: int, *cameos: str, by: str = BOB, issued: Span | None = None) -> Done:
    claim = Claim(by, cameos or (CAMEO,), "gen", "hash", issued)
    return Done(1, "decide", "http", begin, end, Outcome.DONE, claim=claim)


def found(*done: Done) -> tuple[Done, ...]:
    history = History({CAMEO: ALICE, OTHER: CAROL}, (FIRST, *done))
    return tuple(violation.done for violation in violations(history))


withdrawn = did(GRANT, "withdrawn", 10, 20, final=True)

ENDINGS = {
    "withdrawal": withdrawn,
    "narrowing": did(AUDIENCE, "only_me", 10, 20),
    "worse terms": did(GRANT, "closed", 10, 20),
    "restrictions": did(("restrictions", CAMEO), "closed", 10, 20),
    "approval asked for by terms": did(GRANT, "asks", 10, 20),
    "approval asked for by restrictions": did(("restrictions", CAMEO), "asks", 10, 20),
    "suspension": did(STATE, "suspended", 10, 20),
    "erasure": did(STATE, "erased", 10, 20, final=True),
    "suspension of the generator": did(GEN, "suspended", 10, 20),
    "block": did(("block", ALICE, BOB, "b1"), "on", 10, 20),
}


def test_what_was_granted_may_be_permitted() -> None:
    assert found(permit(5, 6)) == ()


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
def test_a_permit_after_an_acknowledged_end_is_found(ending: Done) -> None:
    late = permit(21, 22)
    assert found(ending, late) == (late,)


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
@pytest.mark.parametrize("span", [(1, 9), (5, 12), (12, 15), (15, 30), (5, 30), (20, 21)])
def test_a_permit_that_overlaps_an_end_is_none(ending: Done, span: Span) -> None:
    assert found(ending, permit(*span)) == ()


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
@pytest.mark.parametrize("outcome", [Outcome.UNSURE, Outcome.REFUSED])
def test_an_end_that_was_not_acknowledged_is_none(ending: Done, outcome: Outcome) -> None:
    assert found(replace(ending, outcome=outcome), permit(21, 22)) == ()


RESTORING = {
    "widening": (ENDINGS["narrowing"], did(AUDIENCE, "granted", 30, 40)),
    "a grant that may have widened": (
        ENDINGS["narrowing"],
        did(AUDIENCE, "granted", 30, 40, implied=True),
    ),
    "better terms": (ENDINGS["worse terms"], did(GRANT, "open", 30, 40)),
    "another grant": (withdrawn, did(("grant", CAMEO, BOB, "g2"), "open", 30, 40)),
    "anyone": (withdrawn, did(AUDIENCE, "anyone", 30, 40)),
    "looser restrictions": (
        ENDINGS["restrictions"],
        did(("restrictions", CAMEO), "open", 30, 40),
    ),
    "approval": (
        ENDINGS["approval asked for by terms"],
        did(("approval", CAMEO, BOB, "gen", "hash", "a1"), "approved", 30, 40),
    ),
    "resumption": (ENDINGS["suspension"], did(STATE, "active", 30, 40)),
    "resumption of the generator": (
        ENDINGS["suspension of the generator"],
        did(GEN, "usable", 30, 40),
    ),
    "lift": (ENDINGS["block"], did(("block", ALICE, BOB, "b1"), "off", 30, 40, final=True)),
}


@pytest.mark.parametrize(("ending", "restoring"), RESTORING.values(), ids=RESTORING)
def test_what_restores_counts_from_its_beginning_on(ending: Done, restoring: Done) -> None:
    early, overlapping, late = permit(22, 29), permit(28, 31), permit(50, 51)
    assert found(ending, restoring, early, overlapping, late) == (early,)


@pytest.mark.parametrize(("ending", "restoring"), RESTORING.values(), ids=RESTORING)
def test_what_may_have_restored_counts_ever_after(ending: Done, restoring: Done) -> None:
    unsure = replace(restoring, outcome=Outcome.UNSURE)
    early, late = permit(22, 29), permit(500, 510)
    assert found(ending, unsure, early, late) == (early,)


@pytest.mark.parametrize(("ending", "restoring"), RESTORING.values(), ids=RESTORING)
def test_what_was_refused_restores_nothing(ending: Done, restoring: Done) -> None:
    late = permit(50, 51)
    assert found(ending, replace(restoring, outcome=Outcome.REFUSED), late) == (late,)


def test_an_end_that_overlaps_what_restores_may_have_come_first() -> None:
    assert (
        found(did(AUDIENCE, "only_me", 10, 20), did(AUDIENCE, "granted", 15, 18), permit(30, 31))
        == ()
    )


def test_nothing_restores_what_ended_for_good() -> None:
    late = permit(40, 41)
    assert found(withdrawn, did(GRANT, "open", 15, 30), late) == (late,)
    erased = ENDINGS["erasure"]
    assert found(erased, did(STATE, "active", 15, 30), late) == (late,)


def test_all_that_is_needed_must_have_been_so_at_one_moment() -> None:
    # The grant came when the audience was narrow already, and both are long since over.
    narrowed = did(AUDIENCE, "only_me", 10, 20)
    granted = did(("grant", CAMEO, BOB, "g2"), "open", 30, 40)
    late = permit(25, 50)
    assert found(withdrawn, narrowed, granted, late) == (late,)


def test_withdrawing_an_old_grant_again_ends_no_new_one() -> None:
    again = did(GRANT, "withdrawn", 50, 60, final=True)
    granted = did(("grant", CAMEO, BOB, "g2"), "open", 30, 40)
    assert found(withdrawn, granted, again, permit(70, 71)) == ()


def test_lifting_an_old_block_again_lifts_no_new_one() -> None:
    one, two = ("block", ALICE, BOB, "b1"), ("block", ALICE, BOB, "b2")
    late = permit(70, 71)
    history = (
        did(one, "on", 10, 20),
        did(one, "off", 22, 24, final=True),
        did(two, "on", 30, 40),
        did(one, "off", 50, 60, final=True),
    )
    assert found(*history, permit(26, 27), late) == (late,)


def test_friends_are_let_in_by_mutuals_until_the_friendship_ends() -> None:
    friends = ("friends", ALICE, BOB, "f1")
    history = (
        withdrawn,
        did(AUDIENCE, "mutuals", 30, 31),
        did(friends, "on", 40, 41),
        did(friends, "off", 50, 51, final=True),
    )
    strangers, late = permit(35, 36), permit(60, 61)
    assert found(*history, strangers, permit(45, 46), late) == (strangers, late)


def test_owners_need_nothing_but_an_active_cameo_and_a_usable_generator() -> None:
    history = (withdrawn, ENDINGS["narrowing"], ENDINGS["restrictions"])
    assert found(*history, permit(30, 31, by=ALICE)) == ()
    late = permit(30, 31, by=ALICE)
    assert found(ENDINGS["suspension"], late) == (late,)


def test_of_several_likenesses_each_must_be_allowed() -> None:
    assert found(permit(1, 2, CAMEO, OTHER)) == ()
    late = permit(30, 31, CAMEO, OTHER)
    assert found(did(("audience", OTHER), "only_me", 10, 20), late) == (late,)


@pytest.mark.parametrize("pair", [(ALICE, CAROL), (CAROL, ALICE)])
def test_owners_who_blocked_each_other_do_not_appear_together(pair: tuple[str, str]) -> None:
    late = permit(30, 31, CAMEO, OTHER)
    assert found(did(("block", *pair, "b"), "on", 10, 20), late) == (late,)
    assert found(did(("block", *pair, "b"), "on", 10, 20), permit(30, 31)) == ()


def test_a_token_does_not_outlive_what_ended_meanwhile_and_came_back() -> None:
    blinked = (did(STATE, "suspended", 10, 20), did(STATE, "active", 30, 40))
    late = permit(50, 51, issued=(1, 2))
    assert found(*blinked, late, permit(50, 51), permit(50, 51, issued=(35, 41))) == (late,)


def test_a_token_that_was_issued_while_it_ended_may_have_been_issued_after() -> None:
    blinked = (did(STATE, "suspended", 10, 20), did(STATE, "active", 15, 18))
    assert found(*blinked, permit(50, 51, issued=(12, 19))) == ()
