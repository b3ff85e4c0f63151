"""What holds of every decision, whatever the world (consent.md's invariants 1 to 3 and 5)."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any, ClassVar

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from consent.decision import Decision, Effect, Finding, decide
from consent.facts import ApprovalFact, Count, LikenessFact, Snapshot
from consent.reasons import OWN_FAULTS, Reason
from consent.request import DecisionRequest, Outputs, Purpose
from consent.terms import (
    ApprovalEachTime,
    Attribution,
    Circumstances,
    CoAppear,
    ForbidLabels,
    Generators,
    MaxDuration,
    MaxOutputs,
    MaxUses,
    MaxUsesPerDay,
    NotAfter,
    NotBefore,
    Note,
    Price,
    Purposes,
    Remix,
    Satisfied,
    Terms,
    Unmet,
    VisibleMark,
)
from tests.consent.worlds import (
    CAMEOS,
    NOW,
    RESTRICTIONS,
    World,
    asked,
    build,
    change,
    changes,
    likeness,
    plain,
    restrictions,
    world,
    worlds,
)
from tests.reference.changes import HOUR, owners
from tests.reference.model import answer
from tests.reference.worlds import generate, permitted

EXAMPLES = settings(max_examples=300, deadline=None)
RANK = {Effect.DENY: 0, Effect.PENDING: 1, Effect.PERMIT: 2}
seeds = st.integers(0, 2**40)


def first_of(effect: str, seed: int) -> World:
    """The first world of a seed about which the model says `effect`."""
    rng = Random(seed)
    return next(
        found for found in iter(partial(generate, rng), None) if answer(found)["effect"] == effect
    )


permits = st.builds(partial(first_of, "permit"), seeds)
pendings = st.builds(partial(first_of, "pending"), seeds)


def decided(plain_world: World) -> Decision:
    return decide(*build(plain_world))


@EXAMPLES
@given(worlds())
def test_it_agrees_with_the_independent_model(plain_world: World) -> None:
    assert decided(plain_world).effect.value == answer(plain_world)["effect"]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_plain_worlds_begin_permitted(count: int) -> None:
    assert decided(plain(count)).permitted
    assert answer(plain(count))["effect"] == "permit"


# Invariant 1: a permit implies, for every likeness


def assert_met(terms: Terms, request: DecisionRequest, count: Count, around: World) -> None:
    """Every term is met, one kind after the other; an unknown one never is."""
    render, at = request.render, request.at
    for term in terms.terms:
        match term:
            case Purposes(allowed=allowed):
                assert render.purpose in allowed
            case NotBefore(moment=moment):
                assert moment <= at
            case NotAfter(moment=moment):
                assert at < moment
            case MaxUses(most=most):
                assert count.uses + 1 <= most
            case MaxUsesPerDay(most=most):
                assert count.today + 1 <= most
            case ApprovalEachTime(asked=asked_each_time):
                assert not asked_each_time or around["approval"] is not None
            case Generators(clients=clients, refused=refused):
                assert (request.generator not in clients) if refused else True
                assert refused or request.generator in clients
            case MaxDuration(most=seconds):
                assert render.outputs.seconds <= seconds
            case MaxOutputs(most=outputs):
                assert render.outputs.count <= outputs
            case ForbidLabels(labels=labels):
                assert render.labels is not None
                assert render.labels.isdisjoint(labels)
            case CoAppear(whom=whom):
                assert whom in ("anyone", "friends", "nobody")
                assert whom != "nobody" or not around["company"]
                assert whom != "friends" or around["company"] <= around["friends"]
            case Remix(allowed=may_remix):
                assert may_remix or render.inputs_digest is None
            case Attribution() | VisibleMark() | Price() | Note():
                pass
            case _:
                pytest.fail(f"a permit under {type(term).__name__}")


def assert_covered(request: DecisionRequest, snapshot: Snapshot, fact: LikenessFact) -> None:
    """One likeness may be used by this requester for this."""
    owner, at = fact.owner, request.at
    assert fact.state == "active"
    assert fact.expires is None or at < fact.expires
    assert owner.is_active
    named = {one.owner.id for one in snapshot.likenesses if one.cameo in request.render.likenesses}
    company = named - {owner.id}
    assert (owner.id, request.requester) not in snapshot.blocks
    assert not any((owner.id, other) in snapshot.blocks for other in company)
    minor = owner.minor is not None and at < owner.minor.adult_on
    if minor and owner.minor is not None:
        assert at >= owner.minor.of_age_on
        assert owner.minor.guarded
        assert request.render.purpose == "personal"
        assert request.render.inputs_digest is None
    if owner.id == request.requester:
        return
    approval = fact.approval if fact.approval is not None and at < fact.approval.until else None
    assert not minor or approval is not None
    friends = {two for one, two in snapshot.friendships if one == owner.id}
    around = {"approval": approval, "company": company, "friends": friends}
    assert_met(fact.restrictions, request, fact.count, around)
    if not minor and fact.audience == "anyone":
        return
    if not minor and fact.audience == "mutuals" and request.requester in friends:
        return
    assert fact.audience in ("granted", "mutuals", "anyone")
    grant = fact.grant
    assert grant is not None
    assert grant.grantee == request.requester
    assert grant.co_approved or not (minor or grant.while_minor)
    if grant.while_minor:
        assert owner.minor is not None
        assert at < owner.minor.adult_on
    assert any(isinstance(term, Purposes) for term in grant.terms.terms)
    assert_met(grant.terms, request, grant.count, around)


@EXAMPLES
@given(permits)
def test_a_permit_means_that_every_likeness_is_covered(plain_world: World) -> None:
    request, snapshot = build(plain_world)
    assert decide(request, snapshot).permitted
    render = request.render
    assert 1 <= len(render.likenesses) == len(set(render.likenesses)) <= 8
    assert render.purpose in [purpose.value for purpose in Purpose]
    assert render.labels is not None
    assert "sexual" not in render.labels
    assert not {"minors_present", "nudity"} <= render.labels
    assert snapshot.requester is not None
    assert snapshot.requester.is_active
    assert snapshot.generator is not None
    assert snapshot.generator.renders
    assert not snapshot.generator.suspended
    facts = {fact.cameo: fact for fact in snapshot.likenesses}
    for cameo in render.likenesses:
        assert_covered(request, snapshot, facts[cameo])


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
        assert (decision.basis, decision.obligations, decision.valid_until) == ((), (), None)
    only_approvals = {finding.reason for finding in decision.reasons} == {Reason.APPROVAL_NEEDED}
    assert (decision.effect is Effect.PENDING) == only_approvals
    assert bool(decision.pending) == only_approvals
    assert decide(request, snapshot) == decision


@EXAMPLES
@given(pendings)
def test_an_approval_is_all_that_a_pending_decision_lacks(plain_world: World) -> None:
    decision = decided(plain_world)
    assert decision.effect is Effect.PENDING
    approved = copy.deepcopy(plain_world)
    for cameo in decision.pending:
        approved["approvals"][cameo] = {"id": "apr", "until": NOW + 10**5 * HOUR}
    found = decided(approved)
    assert found.permitted
    assert {one.cameo for one in found.basis if one.approval == "apr"} == set(decision.pending)


@EXAMPLES
@given(permits, st.floats(0, 1))
def test_a_permit_holds_until_its_end_and_not_at_it(plain_world: World, share: float) -> None:
    request, snapshot = build(plain_world)
    decision = decide(request, snapshot)
    assert decision.permitted
    end = decision.valid_until or request.at + 1000 * HOUR
    assert end > request.at
    later = request.at + timedelta(microseconds=int((end - request.at).total_seconds() * share))
    for moment in (later, end - timedelta(microseconds=1)):
        assert decide(replace(request, at=moment), snapshot).permitted
    if decision.valid_until is not None:
        after = decide(replace(request, at=end), snapshot)
        assert not after.permitted or after.basis != decision.basis


# Invariant 2: monotone


def assert_no_more(before: Decision, after: Decision, what: object) -> None:
    assert RANK[after.effect] <= RANK[before.effect], what


@EXAMPLES
@given(worlds(), st.lists(restrictions, min_size=1, max_size=3))
def test_taking_something_away_never_permits_more(plain_world: World, less: list[Any]) -> None:
    before = after = plain_world
    for what, cameo in less:
        after = change(after, what, cameo)
    assert_no_more(decided(before), decided(after), less)


@pytest.mark.parametrize("seed", range(12))
def test_no_single_restriction_permits_more(seed: int) -> None:
    plain_world = generate(Random(seed))
    before = decided(plain_world)
    for what in RESTRICTIONS:
        for cameo in plain_world["cameos"]:
            assert_no_more(before, decided(change(plain_world, what, cameo)), (what, cameo))


# Invariant 3: all or nothing


@EXAMPLES
@given(seeds, st.lists(changes, max_size=2))
def test_all_or_nothing(seed: int, others: list[Any]) -> None:
    plain_world = permitted(Random(seed))
    for what, cameo in others:
        plain_world = change(plain_world, what, cameo)
    together = decided(plain_world).effect
    named = plain_world["request"]["likenesses"]
    assume(0 < len(named) <= 8 and len(set(named)) == len(named))
    alone = []
    for cameo in named:
        one = copy.deepcopy(plain_world)
        one["request"]["likenesses"] = [cameo]
        alone.append(decided(one).effect)
    worst = min(alone, key=RANK.__getitem__)
    assert RANK[together] <= RANK[worst]
    if len(set(owners(plain_world))) == 1:
        # Nothing that depends on the company can be in the way.
        assert together is worst


# Invariant 5: two views


@EXAMPLES
@given(worlds(), st.lists(changes, min_size=1, max_size=3))
def test_a_denied_requester_learns_nothing_but_of_their_own_request(
    plain_world: World, others: list[Any]
) -> None:
    other = plain_world
    for what, cameo in others:
        other = change(other, what, cameo)
    other["request"] = plain_world["request"]
    one, two = decided(plain_world), decided(other)
    if one.effect is two.effect is Effect.DENY:
        assert one.for_requester() == two.for_requester()
    for decision in (one, two):
        told = set(decision.for_requester())
        whole = {Effect.PERMIT: set(), Effect.PENDING: {Reason.APPROVAL_NEEDED}}
        if decision.effect is Effect.DENY:
            assert told == {Reason.NOT_PERMITTED} or (told and told <= OWN_FAULTS)
        else:
            assert told == whole[decision.effect]


def test_unknown_erased_blocked_and_ungranted_are_one_answer() -> None:
    waiting = ApprovalFact("apr", NOW)
    answers = {
        decide(asked(), snapshot).for_requester()
        for snapshot in (
            replace(world(), likenesses=()),
            world(likeness(state="erased")),
            replace(world(), blocks=frozenset({("alice", "bob")})),
            world(likeness(grant=None)),
            world(likeness(grant=None, approval=waiting)),
            world(likeness(audience="only_me")),
            replace(world(), requester=None),
        )
    }
    assert answers == {(Reason.NOT_PERMITTED,)}


_OF_ANOTHER = tuple(
    what
    for what in RESTRICTIONS
    if what[0] in ("narrow", "audience", "state", "expires_in", "remove_grant", "add_term", "use")
)


@EXAMPLES
@given(seeds, st.lists(st.sampled_from(_OF_ANOTHER), min_size=1, max_size=3))
def test_an_owner_hears_all_of_their_own_cameo_and_nothing_of_others(
    seed: int, others: list[Any]
) -> None:
    plain_world = generate(Random(seed))
    names = plain_world["request"]["likenesses"]
    assume(len(set(names)) > 1)
    mine, theirs = names[0], next(name for name in names if name != names[0])
    after = plain_world
    for what in others:
        after = change(after, what, theirs)
    one, two = decided(plain_world), decided(after)
    hidden = {Reason.NOT_PERMITTED}
    assert set(one.for_owner(mine)) - hidden == set(two.for_owner(mine)) - hidden
    for decision in (one, two):
        own = {found.reason for found in decision.reasons if found.cameo in (None, mine)}
        expected = own or (set() if decision.permitted else hidden)
        assert set(decision.for_owner(mine)) == expected


# Whatever cannot be evaluated denies


@dataclass(frozen=True, slots=True)
class Broken:
    """A term that can't be evaluated."""

    tag: ClassVar[str] = "broken"

    def verify(self, request: DecisionRequest, around: Circumstances) -> Satisfied | Unmet:
        raise ZeroDivisionError

    def document(self) -> Any:
        return None


@pytest.mark.parametrize("audience", ["granted", "anyone"])
@pytest.mark.parametrize("holder", ["grant", "restrictions"])
def test_a_term_that_raises_denies(holder: str, audience: str) -> None:
    fact = likeness(audience=audience)
    grant = fact.grant
    assert grant is not None
    broken = Terms((Broken(), *grant.terms.terms))
    if holder == "restrictions":
        fact = replace(fact, restrictions=broken)
    else:
        fact = replace(fact, grant=replace(grant, terms=broken))
    decision = decide(asked(), world(fact))
    assert decision.effect is Effect.DENY
    assert decision.reasons == (Finding(Reason.EVALUATION_ERROR),)
    assert decision.for_requester() == (Reason.NOT_PERMITTED,)


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner),
    max_leaves=5,
)
_MEMBERS = ["likenesses", "purpose", "labels", "prompt_digest", "inputs_digest", "outputs"]


@EXAMPLES
@given(worlds(), st.sampled_from(_MEMBERS), junk)
def test_junk_never_raises(plain_world: World, member: str, value: Any) -> None:
    request, snapshot = build(plain_world)
    object.__setattr__(request.render, member, value)
    decide(request, snapshot)


@EXAMPLES
@given(junk, junk)
def test_nothing_but_a_request_and_a_snapshot_is_permitted(one: Any, two: Any) -> None:
    assert decide(one, two).effect is Effect.DENY


@EXAMPLES
@given(junk, junk)
def test_outputs_are_numbers(count: Any, seconds: Any) -> None:
    decision = decide(asked(outputs=Outputs(count, seconds)), world())
    fits = type(count) is int and 1 <= count <= 100 and type(seconds) in (int, float)
    assert decision.permitted == bool(fits and 0 <= seconds <= 3600)


def test_the_cameos_of_a_request_have_an_order() -> None:
    both = asked(likenesses=(CAMEOS[1], CAMEOS[0]))
    decision = decide(both, world(likeness(), likeness(CAMEOS[1])))
    assert [entry.cameo for entry in decision.basis] == [CAMEOS[1], CAMEOS[0]]
