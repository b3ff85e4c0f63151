"""What holds of every decision, whatever the world (consent.md's invariants 1 to 3)."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from consent.decision import Effect, decide
from consent.reasons import OWN_FAULTS, Reason
from tests.consent.worlds import World, build, change, changes, plain, restrictions, worlds
from tests.reference.model import permits

EXAMPLES = settings(max_examples=400, deadline=None)


def permitted(plain_world: World) -> bool:
    return decide(*build(plain_world)).permitted


@EXAMPLES
@given(worlds())
def test_it_agrees_with_the_independent_model(plain_world: World) -> None:
    assert permitted(plain_world) == permits(plain_world)


def test_the_worlds_begin_permitted() -> None:
    assert all(permitted(plain(count)) and permits(plain(count)) for count in (1, 2, 3))


@EXAMPLES
@given(worlds(), restrictions)
def test_taking_something_away_never_turns_deny_into_permit(
    plain_world: World, restriction: Any
) -> None:
    after = change(plain_world, *restriction)
    assert permitted(plain_world) or not permitted(after)


@EXAMPLES
@given(worlds())
def test_all_or_nothing(plain_world: World) -> None:
    together = permitted(plain_world)
    asked_for = plain_world["request"]["likenesses"]
    alone = []
    for cameo in asked_for:
        one = copy.deepcopy(plain_world)
        one["request"]["likenesses"] = [cameo]
        alone.append(permitted(one))
    well_formed = 0 < len(asked_for) <= 8 and len(set(asked_for)) == len(asked_for)
    assert together == (well_formed and all(alone))


@EXAMPLES
@given(worlds())
def test_a_deny_has_reasons_and_a_permit_has_a_basis_for_each(plain_world: World) -> None:
    request, snapshot = build(plain_world)
    decision = decide(request, snapshot)
    if decision.effect is Effect.PERMIT:
        assert decision.reasons == ()
        assert tuple(entry.cameo for entry in decision.basis) == request.render.likenesses
    else:
        assert decision.reasons
        assert decision.basis == ()
        assert decision.obligations == ()
    assert decide(request, snapshot) == decision


@EXAMPLES
@given(worlds(), st.lists(changes, min_size=1, max_size=3))
def test_a_denied_requester_learns_nothing_but_of_their_own_request(
    plain_world: World, others: list[Any]
) -> None:
    other = plain_world
    for what, cameo in others:
        other = change(other, what, cameo)
    other["request"] = plain_world["request"]
    one, two = decide(*build(plain_world)), decide(*build(other))
    if not one.permitted and not two.permitted:
        assert one.for_requester() == two.for_requester()
    for decision in (one, two):
        told = set(decision.for_requester())
        assert decision.permitted or told == {Reason.NOT_PERMITTED} or told <= OWN_FAULTS


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner),
    max_leaves=5,
)


@EXAMPLES
@given(worlds(), st.sampled_from(["likenesses", "purpose", "labels", "prompt_digest"]), junk)
def test_junk_never_raises(plain_world: World, member: str, value: Any) -> None:
    request, snapshot = build(plain_world)
    object.__setattr__(request.render, member, value)
    decide(request, snapshot)


@EXAMPLES
@given(junk, junk)
def test_nothing_but_a_request_and_a_snapshot_is_permitted(one: Any, two: Any) -> None:
    assert not decide(one, two).permitted
