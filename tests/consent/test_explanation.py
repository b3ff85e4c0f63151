"""What would have changed a denial: enough, and nothing that isn't needed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from consent.decision import Effect, decide
from consent.explanation import Step, apply, explain
from consent.facts import ANYONE, MUTUALS, ONLY_ME, Snapshot
from consent.request import DecisionRequest
from consent.vocabulary import read_terms
from tests.consent.worlds import CAMEOS, NOW, asked, build, likeness, world
from tests.reference.worlds import generate

ALICES = CAMEOS[0]


def steps_of(request: DecisionRequest, snapshot: Snapshot) -> tuple[Step, ...] | None:
    return explain(request, snapshot, ALICES).steps


def test_a_permit_needs_no_change() -> None:
    found = explain(asked(), world(), ALICES)
    assert (found.effect, found.reasons, found.steps) == (Effect.PERMIT, (), ())


def test_one_thing_that_is_missing_is_the_change() -> None:
    parody = asked(purpose="parody")
    assert steps_of(parody, world()) == (Step("grant_terms", "purposes"),)
    assert steps_of(asked(), world(likeness(state="suspended"))) == (Step("resume"),)
    assert steps_of(asked(), world(likeness(grant=None))) == (Step("grant"),)
    blocked = world(blocks=frozenset({("alice", "bob")}))
    assert steps_of(asked(), blocked) == (Step("lift_block"),)
    quiet = world(likeness(restrictions=read_terms({"remix": False})))
    assert steps_of(asked(inputs_digest="0" * 64), quiet) == (Step("restrictions", "remix"),)


def test_of_two_ways_the_one_that_takes_less_is_told() -> None:
    terms = read_terms({"purposes": ["news"], "max_outputs": 1, "max_duration_s": 1})
    fact = likeness()
    assert fact.grant is not None
    mutuals = likeness(audience=MUTUALS, grant=replace(fact.grant, terms=terms))
    assert steps_of(asked(), world(mutuals)) == (Step("befriend"),)
    stranger = likeness(audience=MUTUALS, grant=None)
    found = steps_of(asked(), world(stranger))
    assert found in ((Step("befriend"),), (Step("grant"),))


def test_what_waits_for_an_approval_needs_that_alone() -> None:
    asks = world(likeness(audience=ANYONE, restrictions=read_terms({"approval_each_time": True})))
    found = explain(asked(), asks, ALICES)
    assert found.effect is Effect.PENDING
    assert (found.steps, found.enough) == ((Step("approve"),), True)


@pytest.mark.parametrize("changes", [{"labels": frozenset({"sexual"})}, {"purpose": "no_such"}])
def test_what_nobody_may_has_no_change_that_is_enough(changes: dict[str, Any]) -> None:
    found = explain(asked(**changes), world(), ALICES)
    assert found.effect is Effect.DENY
    assert not found.enough


def test_what_is_gone_has_no_change_at_all() -> None:
    assert steps_of(asked(), world(likeness(state="erased"))) is None
    assert explain(asked(purpose="news"), world(), "cam_other").steps is None


def test_what_stands_in_others_ways_is_not_told() -> None:
    second = CAMEOS[1]
    both = world(likeness(audience=ONLY_ME), likeness(second, state="suspended"))
    found = explain(asked(likenesses=(ALICES, second)), both, ALICES)
    assert found.steps == (Step("set_audience", "granted"),)
    assert not found.enough
    assert "cameo_suspended" not in found.reasons


def _stands(
    request: DecisionRequest, snapshot: Snapshot, cameo: str, steps: tuple[Step, ...]
) -> bool:
    after = decide(request, apply(request, snapshot, cameo, steps))
    return any(one.cameo == cameo for one in after.reasons)


def test_in_every_world_the_change_is_enough_and_none_of_it_too_much() -> None:
    seen: Counter[str] = Counter()
    for seed in range(2_000):
        request, snapshot = build(generate(Random(seed)))
        decision = decide(request, snapshot)
        for cameo in request.render.likenesses:
            found = explain(request, snapshot, cameo)
            assert found.effect is decision.effect
            if decision.permitted or found.steps is None:
                seen["none" if found.steps is None else "permit"] += 1
                continue

            assert not _stands(request, snapshot, cameo, found.steps)
            for step in found.steps:
                fewer = tuple(one for one in found.steps if one != step)
                assert _stands(request, snapshot, cameo, fewer), (seed, step)
                seen[step.what] += 1
            after = decide(request, apply(request, snapshot, cameo, found.steps))
            assert found.enough is after.permitted
    for what in ("approve", "lift_block", "grant", "grant_terms", "restrictions", "set_audience"):
        assert seen[what] > 10, seen


def test_it_looks_at_the_moment_of_the_request() -> None:
    ended = likeness(expires=NOW)
    assert steps_of(asked(), world(ended)) == (Step("re_enrol"),)
