from __future__ import annotations

import pytest

from identity.liveness.continuity import continuity
from identity.types import Jump, Sample, Signal
from tests.identity.liveness.build import CALIBRATION, a_sample, a_track

ALICE, MALLORY = 0, 1


def judged(samples: list[Sample], jumps: tuple[Jump, ...] = ()) -> Signal:
    return continuity(a_track(samples=samples, jumps=jumps), CALIBRATION)


def of(people: list[int]) -> list[Sample]:
    return [a_sample(0.4 * k, person) for k, person in enumerate(people)]


def test_one_person_throughout_passes() -> None:
    signal = judged(of([ALICE] * 20))
    assert (signal.outcome.value, signal.why, signal.n) == ("pass", "ok", 20)
    assert signal.value is not None
    assert signal.value > CALIBRATION.continuity_threshold


@pytest.mark.parametrize("place", [0, 7, 19])
def test_one_sample_of_another_person_fails(place: int) -> None:
    people = [ALICE] * 20
    people[place] = MALLORY
    signal = judged(of(people))
    assert (signal.outcome.value, signal.why) == ("fail", "other_person")


@pytest.mark.parametrize(
    "people",
    [
        [ALICE] * 10 + [MALLORY] * 10,
        [ALICE] * 7 + [MALLORY] * 6 + [ALICE] * 7,
        [ALICE, MALLORY] * 10,
    ],
)
def test_two_people_who_share_a_clip_fail(people: list[int]) -> None:
    """Each half is near the mean of all, so the groups have to be told apart."""
    assert judged(of(people)).outcome.value == "fail"


def test_a_second_person_only_while_turned_away_fails_too() -> None:
    samples = of([ALICE] * 20)
    samples[9] = a_sample(3.6, MALLORY, yaw=40.0)
    assert judged(samples).outcome.value == "fail"


def test_turned_samples_are_allowed_a_little_less() -> None:
    noisy = a_sample(3.6, ALICE, noise=0.9)
    turned = a_sample(3.6, ALICE, noise=0.9, yaw=35.0)
    straight = judged([*of([ALICE] * 15), noisy]).value
    aside = judged([*of([ALICE] * 15), turned]).value
    assert straight is not None
    assert aside == pytest.approx(straight + 2.0)


def test_samples_too_dark_or_blurred_to_tell_are_left_out() -> None:
    dark = a_sample(9.0, MALLORY, brightness=5.0)
    blurred = a_sample(9.4, MALLORY, sharpness=0.0001)
    signal = judged([*of([ALICE] * 10), dark, blurred])
    assert (signal.outcome.value, signal.n) == ("pass", 10)


def test_with_too_few_samples_it_abstains() -> None:
    signal = judged(of([ALICE] * 3))
    assert (signal.outcome.value, signal.why, signal.value) == ("abstain", "too_few_samples", None)


@pytest.mark.parametrize(("kind", "outcome"), [("place", "fail"), ("size", "fail")])
def test_a_jump_of_the_face_fails(kind: str, outcome: str) -> None:
    signal = judged(of([ALICE] * 10), (Jump(2.0, kind, 1.7),))
    assert (signal.outcome.value, signal.why, signal.value) == (outcome, "jump", 1.7)


@pytest.mark.parametrize("kind", ["shape", "look"])
def test_a_changed_look_alone_is_left_to_the_embedders(kind: str) -> None:
    assert judged(of([ALICE] * 10), (Jump(2.0, kind, 0.5),)).outcome.value == "pass"


def test_a_face_too_small_to_tell_makes_it_abstain() -> None:
    samples = of([ALICE] * 9 + [MALLORY])
    signal = continuity(a_track(samples=samples, size=90), CALIBRATION)
    assert (signal.outcome.value, signal.why) == ("abstain", "too_small")


def test_a_mesh_that_slips_and_comes_back_at_once_is_no_jump() -> None:
    slip = (Jump(2.0, "place", 0.9), Jump(2.1, "place", 0.9))
    assert judged(of([ALICE] * 10), slip).outcome.value == "pass"
    apart = (Jump(2.0, "place", 0.9), Jump(2.5, "place", 0.9))
    assert judged(of([ALICE] * 10), apart).why == "jump"
    different = (Jump(2.0, "place", 0.9), Jump(2.1, "size", 1.9))
    assert judged(of([ALICE] * 10), different).why == "jump"
