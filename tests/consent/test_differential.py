"""Production's decision beside the model's and Cedar's, and planted bugs that must be found."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import consent.decision
import consent.terms
from consent.decision import Decision, decide
from consent.facts import AccountFact, LikenessFact, Snapshot
from consent.reasons import Reason
from consent.request import DecisionRequest
from consent.terms import Circumstances, Satisfied, Terms, Unmet
from tests.reference import cedar
from tests.reference.differential import Decide, run_block

CI_WORLDS = 20_000
CI_OF_CEDAR = 500
PROJECT = Path(__file__).resolve().parent.parent.parent

MET = Satisfied()


def test_production_decides_as_the_model_does() -> None:
    shares = dict.fromkeys(("permit", "pending", "deny"), 0)
    for block in range(2):
        found = run_block(1, block, CI_WORLDS // 2)
        assert found.mismatches == 0, found.examples
        for effect in shares:
            shares[effect] += found.effects[effect]
    assert sum(shares.values()) == CI_WORLDS
    assert min(shares.values()) >= 0.15 * CI_WORLDS, shares


def test_production_decides_as_cedar_does() -> None:
    found = cedar.run_block(1, 0, CI_OF_CEDAR)
    assert found.mismatches == 0, found.examples
    assert min(found.effects.values()) >= 0.1 * CI_OF_CEDAR


def test_the_command_prints_one_object() -> None:
    command = [sys.executable, "-m", "tests.reference", "--worlds", "300", "--seed", "7"]
    done = subprocess.run(command, capture_output=True, check=True, cwd=PROJECT)
    told = json.loads(done.stdout)
    assert (told["seed"], told["worlds"], told["mismatches"]) == (7, 300, 0)
    assert sum(told["effects"].values()) == 300


# Planted bugs: each must be found by as many worlds as run on every commit


def of_terms(class_name: str, verify: Callable[..., Satisfied | Unmet]) -> Any:
    """A term that judges otherwise."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(getattr(consent.terms, class_name), "verify", verify)

    return plant


def unless(reason: Reason, is_unmet: Callable[[Any, Any, Any], bool]) -> Any:
    def verify(self: Any, request: DecisionRequest, around: Circumstances) -> Satisfied | Unmet:
        return Unmet(reason) if is_unmet(self, request, around) else MET

    return verify


def of_function(name: str, wrong: Callable[..., Any] | Terms) -> Any:
    """A function, or a constant, of the decision that does otherwise."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(consent.decision, name, wrong)

    return plant


def of_facts(owner: Any, name: str, wrong: Any) -> Any:
    def plant(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(owner, name, wrong)

    return plant


def no_faults(*_: Any) -> tuple[Reason, ...]:
    return ()


def without(name: str, *reasons: Reason) -> Any:
    """A function of the decision that never finds `reasons`."""
    right = getattr(consent.decision, name)

    def wrong(*given: Any) -> list[Any]:
        return [found for found in right(*given) if found not in reasons]

    return of_function(name, wrong)


def is_minor_at_equality(self: AccountFact, at: Any) -> bool:
    return self.minor is not None and at <= self.minor.adult_on


def audience_under_minors(
    request: DecisionRequest, snapshot: Snapshot, fact: LikenessFact
) -> list[Any]:
    adult = replace(fact, owner=replace(fact.owner, minor=None))
    return list(_by_audience(request, snapshot, adult))


_by_audience = consent.decision._by_audience
_by_grant = consent.decision._by_grant


def grant_under_only_me(request: DecisionRequest, fact: LikenessFact, around: Any) -> Any:
    return _by_grant(request, replace(fact, audience="granted"), around)


def grant_without_co_approval(request: DecisionRequest, fact: LikenessFact, around: Any) -> Any:
    grant = fact.grant and replace(fact.grant, co_approved=True)
    return _by_grant(request, replace(fact, grant=grant), around)


def grant_for_life(request: DecisionRequest, fact: LikenessFact, around: Any) -> Any:
    grant = fact.grant and replace(fact.grant, while_minor=False)
    return _by_grant(request, replace(fact, grant=grant), around)


def friends_by_one_side(
    request: DecisionRequest, snapshot: Snapshot, fact: LikenessFact
) -> list[Any]:
    one_way = frozenset(pair for pair in snapshot.friendships if pair[0] < pair[1])
    return list(_by_audience(request, replace(snapshot, friendships=one_way), fact))


PLANTED: dict[str, Any] = {
    "not_after holds at its end": of_terms(
        "NotAfter", unless(Reason.GRANT_ENDED, lambda term, asked, _: asked.at > term.moment)
    ),
    "not_before begins a tick late": of_terms(
        "NotBefore",
        unless(Reason.GRANT_NOT_YET_VALID, lambda term, asked, _: asked.at <= term.moment),
    ),
    "one use too many": of_terms(
        "MaxUses", unless(Reason.USES_SPENT, lambda term, _, around: around.uses > term.most)
    ),
    "one use of the day too few": of_terms(
        "MaxUsesPerDay",
        unless(
            Reason.USES_OF_TODAY_SPENT, lambda term, _, around: around.uses_today + 1 >= term.most
        ),
    ),
    "the quota of the day counts all days": of_terms(
        "MaxUsesPerDay",
        unless(Reason.USES_OF_TODAY_SPENT, lambda term, _, around: around.uses >= term.most),
    ),
    "approval_each_time false asks": of_terms(
        "ApprovalEachTime",
        unless(Reason.APPROVAL_NEEDED, lambda _, __, around: not around.approved),
    ),
    "refused generators are the allowed ones": of_terms(
        "Generators",
        unless(
            Reason.GENERATOR_NOT_ALLOWED, lambda term, asked, _: asked.generator not in term.clients
        ),
    ),
    "the longest is too long": of_terms(
        "MaxDuration",
        unless(Reason.TOO_LONG, lambda term, asked, _: asked.render.outputs.seconds >= term.most),
    ),
    "outputs aren't counted": of_terms("MaxOutputs", lambda *_: MET),
    "all forbidden labels at once": of_terms(
        "ForbidLabels",
        unless(Reason.LABEL_FORBIDDEN, lambda term, asked, _: term.labels <= asked.render.labels),
    ),
    "one friend among the company is enough": of_terms(
        "CoAppear",
        unless(
            Reason.CO_APPEARANCE_NOT_ALLOWED,
            lambda term, _, around: (
                term.whom != "anyone"
                and bool(around.company)
                and not (term.whom == "friends" and around.company & around.friends)
            ),
        ),
    ),
    "remix is never refused": of_terms("Remix", lambda *_: MET),
    "an unknown term is passed over": of_terms("Unknown", lambda *_: MET),
    "blocks are ignored": of_function("_block_faults", no_faults),
    "blocks of others in the request are ignored": without(
        "_block_faults", Reason.CO_APPEARANCE_BLOCKED
    ),
    "guardians are not looked for": without("_state_faults", Reason.GUARDIAN_MISSING),
    "anybody is old enough": without("_state_faults", Reason.OWNER_TOO_YOUNG),
    "closed accounts own": without("_state_faults", Reason.OWNER_INACTIVE),
    "an enrolment has no end": without("_state_faults", Reason.CAMEO_EXPIRED),
    "a closed account asks": without("_party_faults", Reason.REQUESTER_INACTIVE),
    "labels needn't be declared": without("own_faults", Reason.LABELS_UNDECLARED),
    "a minor at the 18th birthday": of_facts(AccountFact, "is_minor", is_minor_at_equality),
    "the audience lets in to a minor": of_function("_by_audience", audience_under_minors),
    "friends one way only": of_function("_by_audience", friends_by_one_side),
    "no audience lets in": of_function("_by_audience", no_faults),
    "grants wake under only_me": of_function("_by_grant", grant_under_only_me),
    "nobody needs co-approve": of_function("_by_grant", grant_without_co_approval),
    "a minor's grant outlives 18": of_function("_by_grant", grant_for_life),
    "a grant without purposes allows all": of_facts(Terms, "allow_nothing", False),
    "a minor's strict set is for others": of_function("STRICT", consent.terms.NO_TERMS),
    "others need no approval of a minor": of_function("STRICT_FOR_OTHERS", consent.decision.STRICT),
    "obligations are lost": of_facts(Terms, "obligations", ()),
    "the price is lost": of_facts(Terms, "price", None),
    "the end of terms is lost": of_facts(Terms, "not_after", None),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_found(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    PLANTED[bug](monkeypatch)
    assert is_found(decide), bug


def is_found(decider: Decide) -> bool:
    """Whether the worlds of every commit tell `decider` from the model."""
    return any(run_block(1, block, 1000, decider).mismatches for block in range(CI_WORLDS // 1000))


def approval_at_its_end(request: DecisionRequest, snapshot: Snapshot) -> Decision:
    """An approval still holds at `until`."""
    held = tuple(
        replace(
            fact,
            approval=replace(fact.approval, until=request.at.max.replace(tzinfo=request.at.tzinfo)),
        )
        if fact.approval is not None and fact.approval.until == request.at
        else fact
        for fact in snapshot.likenesses
    )
    return decide(request, replace(snapshot, likenesses=held))


def first_likeness_only(request: DecisionRequest, snapshot: Snapshot) -> Decision:
    """Only the first likeness is looked at."""
    first = replace(request.render, likenesses=request.render.likenesses[:1])
    return decide(replace(request, render=first), snapshot)


def restrictions_ignored(request: DecisionRequest, snapshot: Snapshot) -> Decision:
    """Restrictions aren't looked at."""
    free = tuple(replace(fact, restrictions=Terms(())) for fact in snapshot.likenesses)
    return decide(request, replace(snapshot, likenesses=free))


def counts_of_the_cameo(request: DecisionRequest, snapshot: Snapshot) -> Decision:
    """A grant's quota counts the whole cameo's uses."""
    mixed = tuple(
        replace(fact, grant=fact.grant and replace(fact.grant, count=fact.count))
        for fact in snapshot.likenesses
    )
    return decide(request, replace(snapshot, likenesses=mixed))


@pytest.mark.parametrize(
    "bug", [approval_at_its_end, first_likeness_only, restrictions_ignored, counts_of_the_cameo]
)
def test_a_decision_that_is_planted_wrong_is_found(bug: Decide) -> None:
    assert is_found(bug)
