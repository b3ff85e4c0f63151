"""Whoever holds Alice's phone can try, but can't learn from failing how to do better.

Sessions, pauses, comparison, records and answers are real; what the camera saw is made by hand,
so that its score is known exactly. The same climber does get in once it hears scores.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta

import numpy as np
import pytest
from pytest_django.fixtures import Settings

from accounts.interface import register_generator
from accounts.models import User
from identity.liveness.fusion import MISHAPS, is_soft
from identity.liveness.verdict import WHY
from identity.models import Cameo, DecisionRecord, Template
from identity.session_errors import TooManyCaptures
from identity.types import NOT_APPLICABLE, NOT_MEASURED, Signal, SignalOutcome
from identity.verification.findings import COMPARISON, PLAIN
from tests.adversarial.climbing import (
    DIMS,
    THRESHOLD,
    Answer,
    Climber,
    Faces,
    Service,
    analysis_of,
    climb,
    face_at,
    recorded,
    score_of,
    vetoing,
    walk,
)
from tests.api.conftest import Api, mint
from tests.identity.liveness.build import unit
from tests.identity.verification.people import NOW, Booth

pytestmark = pytest.mark.django_db
TRIES = 500
START = -5.0
"""Of another person -20 or less is usual; she begins with a likeness that is far better."""
WALKS = 40
SCORES = (-34.0, -20.0, -5.0, 0.0, 2.0, 2.9, 2.999)
NEVER_FAILS = ("ok", NOT_APPLICABLE, NOT_MEASURED, "no_script")
VETOING = sorted(
    (name, why)
    for name, whys in {**WHY, "continuity": ("jump", "other_person", "two_people")}.items()
    for why in whys
    if name not in PLAIN and (name, why) not in MISHAPS and why not in NEVER_FAILS
    if not is_soft(Signal(name, None, 0.0, SignalOutcome.FAIL, why, 0))
)
SHOWN = {
    *("id", "cameo", "purpose", "without", "state", "nonce_hash", "script", "created"),
    *("expires", "stage", "progress", "outcome", "advice"),
}


def faces(seed: int) -> Faces:
    chance = np.random.default_rng(seed)
    return tuple(unit(chance.normal(size=DIMS)) for _ in range(2))


ALICE, MALLORY, BEST = faces(1), faces(2), faces(3)
"""`BEST` is the way of attacking that a PAD signal would take for a living person."""


@pytest.fixture
def booth(monkeypatch: pytest.MonkeyPatch) -> Booth:
    return Booth(monkeypatch)


Meet = Callable[[str, str], Service]


@pytest.fixture
def meet(db: None, booth: Booth, monkeypatch: pytest.MonkeyPatch) -> Meet:
    back = "http://127.0.0.1/back"
    app = register_generator(
        name="App", renders=False, redirect_addresses=[back], by="test", now=NOW
    )

    def meet(name: str, purpose: str) -> Service:
        account = User.objects.create_user(f"{name}@example.org")
        # The token's life is the wall clock's, which hardly moves here.
        api = Api(mint(app.generator.client_id, account, "cameo:enrol cameo:read"))
        return Service(booth, monkeypatch, account, api, purpose)

    return meet


@pytest.fixture
def stolen(meet: Meet) -> Service:
    """Alice's account, in the hands of Mallory."""
    service = meet("alice", "enrol")
    assert service.ask(analysis_of(ALICE)).outcome == "pass"
    service.purpose = "step-up"
    service.taken.clear()
    return service


@pytest.fixture
def own(meet: Meet) -> Service:
    """Mallory's own account, in which she would enrol what isn't alive."""
    return meet("mallory", "enrol")


def as_somebody_else(attempt: Faces) -> float:
    return score_of(attempt, ALICE)


def as_no_living_person(attempt: Faces) -> float:
    return score_of(attempt, BEST)


def ask(service: Service, attempt: Faces) -> Answer:
    """One try, whichever of the two attacks this is."""
    if service.purpose == "step-up":
        return service.insist(analysis_of(attempt))
    depth = vetoing("depth", as_no_living_person(attempt), THRESHOLD, "flat")
    return service.insist(analysis_of(MALLORY, (depth,)))


def score_behind(service: Service, answer: Answer) -> float:
    body = recorded(answer.session)
    if service.purpose == "step-up":
        return float(body["compared"]["score"])
    return float(body["judged"]["signals"][0]["value"])


def target_of(service: Service) -> Faces:
    return ALICE if service.purpose == "step-up" else BEST


@pytest.fixture(params=["step-up", "enrol"])
def attacked(request: pytest.FixtureRequest) -> Service:
    name = {"step-up": "stolen", "enrol": "own"}[request.param]
    service: Service = request.getfixturevalue(name)
    return service


@pytest.mark.slow
def test_500_tries_get_nowhere_and_take_two_days(attacked: Service) -> None:
    target = target_of(attacked)
    start = face_at(START, target, np.random.default_rng(7))
    answers: set[bytes] = set()

    def hear(attempt: Faces) -> tuple[bytes, bool]:
        answer = ask(attacked, attempt)
        answers.add(answer.said)
        return answer.said, answer.outcome == "pass"

    climber = Climber(start, np.random.default_rng(0))
    assert climb(climber, TRIES, hear) == (TRIES, False)

    # Nothing to learn from: she went, step by step, where somebody goes who hears nothing.
    assert len(answers) == 1
    blind = walk(start, 0, TRIES)
    assert all((a == b).all() for a, b in zip(climber.kept, blind, strict=True))
    ends = [score_of(walk(start, seed, TRIES), target) for seed in range(WALKS)]
    assert score_of(climber.kept, target) <= max(ends) < START
    assert not Template.objects.exclude(cameo__owner__email="alice@example.org").exists()

    # And it took her so long.
    assert len(attacked.taken) == TRIES
    gaps = zip(attacked.taken, attacked.taken[5:], strict=False)
    assert all(later - earlier >= timedelta(minutes=30) for earlier, later in gaps)
    assert attacked.taken[-1] - attacked.taken[0] >= timedelta(hours=49.5)
    assert attacked.refused == TRIES // 5 - 1


@pytest.mark.slow
def test_the_same_climber_gets_in_if_it_hears_scores(attacked: Service) -> None:
    start = face_at(START, target_of(attacked), np.random.default_rng(7))

    def hear(attempt: Faces) -> tuple[float, bool]:
        answer = ask(attacked, attempt)
        return score_behind(attacked, answer), answer.outcome == "pass"

    climber = Climber(start, np.random.default_rng(0))
    tries, passed = climb(climber, TRIES, hear)
    assert passed, score_of(climber.kept, target_of(attacked))
    assert tries > 20  # it had to climb


def test_a_pause_refuses_whatever_is_tried_in_it(stolen: Service, settings: Settings) -> None:
    attempt = analysis_of(face_at(START, ALICE, np.random.default_rng(1)))
    for _ in range(5):
        assert stolen.ask(attempt).outcome == "fail"
    last = stolen.now
    for minutes in (0, 1, 15, 29.9):
        stolen.now = last + timedelta(minutes=minutes)
        for purpose in ("step-up", "re-enrol"):
            stolen.purpose = purpose
            with pytest.raises(TooManyCaptures) as refused:
                stolen.ask(analysis_of(ALICE))
            assert refused.value.retry_after == round((30 - minutes) * 60)
    stolen.now, stolen.purpose = last + timedelta(minutes=30), "step-up"
    assert stolen.ask(analysis_of(ALICE)).outcome == "pass"
    assert DecisionRecord.objects.count() == 7


def failures(stolen: Service) -> Iterator[Answer]:
    """Every way of failing by identity or PAD, at any score and at its threshold's very edge."""
    chance = np.random.default_rng(5)
    for purpose in ("step-up", "re-enrol"):
        stolen.purpose = purpose
        for score in SCORES:
            answer = stolen.ask(analysis_of(face_at(score, ALICE, chance)))
            assert recorded(answer.session)["against"] == [COMPARISON]
            assert score_behind_comparison(answer) == pytest.approx(score, abs=2e-3)
            yield answer
        for name, why in VETOING:
            for value, shown in ((-1e6, MALLORY), (THRESHOLD - 1e-6, ALICE)):
                veto = vetoing(name, value, THRESHOLD, why)
                yield stolen.ask(analysis_of(shown, (veto,)))
        both = tuple(vetoing(name, 0.0, THRESHOLD, why) for name, why in VETOING)
        yield stolen.ask(analysis_of(ALICE, both))


def score_behind_comparison(answer: Answer) -> float:
    return float(recorded(answer.session)["compared"]["score"])


def test_an_answer_is_the_same_whatever_failed_by_however_much(
    stolen: Service, settings: Settings
) -> None:
    settings.CAMEO_CAPTURE_FAILURES = 100_000
    by_purpose: dict[str, set[bytes]] = {}
    count = 0
    for answer in failures(stolen):
        by_purpose.setdefault(stolen.purpose, set()).add(answer.said)
        body = json.loads(answer.raw)
        assert set(body) == SHOWN
        assert (body["outcome"], [a["code"] for a in body["advice"]]) == ("fail", ["try_again"])
        assert body["progress"] == 1.0
        count += 1
    assert {purpose: len(said) for purpose, said in by_purpose.items()} == {
        "step-up": 1,
        "re-enrol": 1,
    }
    one, other = (said.pop().decode() for said in by_purpose.values())
    assert one.replace('"step-up"', '"re-enrol"') == other
    assert count == 2 * (len(SCORES) + 2 * len(VETOING) + 1)
    for word in ("score", "threshold", "compar", "signal", *WHY, "continuity"):
        assert word not in one.lower()
    assert Cameo.objects.get().state == "active"


def test_at_the_threshold_it_passes(stolen: Service) -> None:
    chance = np.random.default_rng(5)
    answer = stolen.ask(analysis_of(face_at(THRESHOLD + 0.001, ALICE, chance)))
    assert answer.outcome == "pass"
    veto = vetoing("depth", THRESHOLD, THRESHOLD, "flat")
    assert stolen.ask(analysis_of(ALICE, (veto,))).outcome == "pass"
