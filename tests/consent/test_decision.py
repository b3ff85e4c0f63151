"""The decision, case by case."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from consent.decision import Basis, Effect, Finding, decide
from consent.facts import AccountFact, GeneratorFact, LikenessFact, Snapshot
from consent.reasons import Reason
from consent.request import DecisionRequest, Outputs
from consent.vocabulary import read_terms
from tests.consent.worlds import CAMEOS, HOUR, NOW, asked, likeness, world


def reasons(request: DecisionRequest, snapshot: Snapshot) -> list[Reason]:
    return [finding.reason for finding in decide(request, snapshot).reasons]


def test_a_live_grant_permits_and_says_what_it_rests_on() -> None:
    decision = decide(asked(), world())
    assert decision.effect is Effect.PERMIT
    assert decision.reasons == ()
    assert decision.basis == (Basis(CAMEOS[0], 3, "grant", f"grt_{CAMEOS[0]}", 1),)
    assert decision.epochs == {CAMEOS[0]: 3}
    assert decision.valid_until is None
    assert decision.for_requester() == decision.for_owner(CAMEOS[0]) == ()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"likenesses": ()}, Reason.NO_LIKENESS),
        ({"likenesses": CAMEOS}, Reason.TOO_MANY_LIKENESSES),
        ({"likenesses": (CAMEOS[0], CAMEOS[0])}, Reason.LIKENESS_REPEATED),
        ({"purpose": ""}, Reason.PURPOSE_UNKNOWN),
        ({"purpose": "Personal"}, Reason.PURPOSE_UNKNOWN),
        ({"labels": None}, Reason.LABELS_UNDECLARED),
        ({"labels": frozenset({"sexy"})}, Reason.LABEL_UNKNOWN),
        ({"labels": frozenset({"sexual"})}, Reason.LABEL_ALWAYS_DENIED),
        ({"labels": frozenset({"minors_present", "nudity"})}, Reason.LABEL_ALWAYS_DENIED),
        ({"labels": frozenset({"minors_present", "sexual"})}, Reason.LABEL_ALWAYS_DENIED),
        ({"prompt_digest": ""}, Reason.DIGEST_INVALID),
        ({"prompt_digest": "G" * 64}, Reason.DIGEST_INVALID),
        ({"inputs_digest": ""}, Reason.DIGEST_INVALID),
        ({"outputs": Outputs(0, 8.0)}, Reason.OUTPUTS_INVALID),
        ({"outputs": Outputs(1, -1.0)}, Reason.OUTPUTS_INVALID),
        ({"outputs": Outputs(1, float("nan"))}, Reason.OUTPUTS_INVALID),
    ],
)
def test_the_requests_own_faults_deny_and_are_told(changes: dict[str, Any], reason: Reason) -> None:
    decision = decide(asked(**changes), world())
    assert decision.effect is Effect.DENY
    assert reason in decision.for_requester()
    assert Reason.NOT_PERMITTED not in decision.for_requester()


@pytest.mark.parametrize("labels", [{"nudity"}, {"minors_present"}, {"violence", "hate"}])
def test_labels_that_no_term_forbids_are_permitted(labels: set[str]) -> None:
    assert decide(asked(labels=frozenset(labels)), world()).permitted


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"state": "pending"}, Reason.CAMEO_NOT_ENROLLED),
        ({"state": "in_review"}, Reason.CAMEO_NOT_ENROLLED),
        ({"state": "a state to come"}, Reason.CAMEO_NOT_ENROLLED),
        ({"state": "suspended"}, Reason.CAMEO_SUSPENDED),
        ({"state": "expired"}, Reason.CAMEO_EXPIRED),
        ({"expires": NOW}, Reason.CAMEO_EXPIRED),
        ({"state": "erased"}, Reason.CAMEO_ERASED),
        ({"owner": AccountFact("alice", False)}, Reason.OWNER_INACTIVE),
        ({"audience": "only_me"}, Reason.AUDIENCE_ONLY_ME),
        ({"audience": "everyone"}, Reason.AUDIENCE_UNKNOWN),
        ({"audience": ""}, Reason.AUDIENCE_UNKNOWN),
        ({"grant": None}, Reason.NO_GRANT),
    ],
)
def test_what_a_likeness_is_denied_for_is_told_to_its_owner_only(
    changes: dict[str, Any], reason: Reason
) -> None:
    decision = decide(asked(), world(likeness(**changes)))
    assert decision.effect is Effect.DENY
    assert decision.for_owner(CAMEOS[0]) == (reason,)
    assert decision.for_requester() == (Reason.NOT_PERMITTED,)


def test_an_unknown_likeness_looks_like_an_ungranted_one() -> None:
    unknown = decide(asked(likenesses=(CAMEOS[1],)), world())
    ungranted = decide(asked(), world(likeness(grant=None)))
    assert [finding.reason for finding in unknown.reasons] == [Reason.CAMEO_UNKNOWN]
    assert unknown.for_requester() == ungranted.for_requester()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"requester": None}, Reason.REQUESTER_UNKNOWN),
        ({"requester": AccountFact("mallory", True)}, Reason.REQUESTER_UNKNOWN),
        ({"requester": AccountFact("bob", False)}, Reason.REQUESTER_INACTIVE),
        ({"generator": None}, Reason.GENERATOR_UNKNOWN),
        ({"generator": GeneratorFact("x", "x", False, True)}, Reason.GENERATOR_UNKNOWN),
        ({"generator": GeneratorFact("gen", "gen", True, True)}, Reason.GENERATOR_SUSPENDED),
        (
            {"generator": GeneratorFact("gen", "gen", False, False)},
            Reason.GENERATOR_RENDERS_NOTHING,
        ),
    ],
)
def test_who_asks_and_with_what_must_be_in_order(changes: dict[str, Any], reason: Reason) -> None:
    assert reasons(asked(), world(**changes)) == [reason]


def test_a_grant_to_somebody_else_is_none() -> None:
    fact = likeness()
    assert fact.grant is not None
    other = replace(fact, grant=replace(fact.grant, grantee="mallory"))
    assert reasons(asked(), world(other)) == [Reason.NO_GRANT]


def granted(**terms: object) -> LikenessFact:
    fact = likeness()
    assert fact.grant is not None
    return replace(fact, grant=replace(fact.grant, terms=read_terms(terms)))


def test_every_unmet_term_is_named() -> None:
    fact = granted(purposes=["news"], not_after="2030-01-01T12:00:00Z", price=3)
    assert set(reasons(asked(), world(fact))) == {
        Reason.PURPOSE_NOT_GRANTED,
        Reason.GRANT_ENDED,
        Reason.TERM_UNKNOWN,
    }
    assert reasons(asked(), world(granted())) == [Reason.TERMS_EMPTY]


def test_owners_need_no_grant_whatever_their_audience_is() -> None:
    own = likeness(owner=AccountFact("bob", True), audience="only_me", grant=None)
    decision = decide(asked(purpose="advertising"), world(own))
    assert decision.permitted
    assert decision.basis == (Basis(CAMEOS[0], 3, "own"),)
    assert reasons(asked(), world(replace(own, state="suspended"))) == [Reason.CAMEO_SUSPENDED]
    sexual = asked(labels=frozenset({"sexual"}))
    assert reasons(sexual, world(own)) == [Reason.LABEL_ALWAYS_DENIED]


def test_one_likeness_denied_denies_all_and_each_owner_hears_of_their_own() -> None:
    both = asked(likenesses=CAMEOS[:2])
    decision = decide(both, world(likeness(), likeness(CAMEOS[1], grant=None)))
    assert decision.reasons == (Finding(Reason.NO_GRANT, CAMEOS[1]),)
    assert decision.basis == ()
    assert decision.for_owner(CAMEOS[1]) == (Reason.NO_GRANT,)
    assert decision.for_owner(CAMEOS[0]) == (Reason.NOT_PERMITTED,)


def test_a_permit_ends_with_the_first_thing_that_ends() -> None:
    first = granted(purposes=["personal"], not_after="2030-01-01T13:00:00Z")
    second = likeness(CAMEOS[1], expires=NOW + HOUR / 2)
    both = asked(likenesses=CAMEOS[:2])
    assert decide(both, world(first, second)).valid_until == NOW + HOUR / 2
    assert decide(asked(), world(first)).valid_until == NOW + HOUR


@pytest.mark.parametrize(
    ("request_", "snapshot"),
    [
        (asked(at=NOW.replace(tzinfo=None)), world()),
        (asked(), world(likeness(), likeness(audience="only_me"))),
        (asked(labels=3), world()),
        (asked(purpose=[]), world()),
        (asked(likenesses=None), world()),
        (asked(outputs=None), world()),
        (None, world()),
        (asked(), None),
        (asked(), world(likeness(expires="tomorrow"))),
        (asked(), world(likeness(owner=None))),
    ],
)
def test_an_evaluation_error_denies(request_: Any, snapshot: Any) -> None:
    decision = decide(request_, snapshot)
    assert decision.effect is Effect.DENY
    assert decision.reasons == (Finding(Reason.EVALUATION_ERROR),)
    assert decision.for_requester() == (Reason.NOT_PERMITTED,)


def test_a_moment_decides() -> None:
    fact = granted(purposes=["personal"], not_after="2030-01-01T13:00:00Z")
    assert decide(asked(at=NOW + HOUR - timedelta(microseconds=1)), world(fact)).permitted
    assert not decide(asked(at=NOW + HOUR), world(fact)).permitted
