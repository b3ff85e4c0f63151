"""What becomes of a capture once it is judged: purposes, duplicates, and what the person sees."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from accounts.models import User
from audit.interface import verify_all
from events.models import Event
from identity import interface as identity
from identity.duplicates import Duplicates
from identity.liveness.signals import WHY
from identity.models import Cameo, CaptureSession, DecisionRecord, Review, StoredTrack, Template
from identity.protection.templates import read_template
from identity.session_errors import DuplicateCheckPending, NotEnrolled
from identity.types import Assurance, Outcome, Signal, SignalOutcome, Verdict
from identity.verification.captures import verify_capture
from identity.verification.findings import PLAIN, assurance_of, told
from identity.verification.tracks import forget_tracks
from tests.identity.verification.people import (
    ALICE,
    BOB,
    MALLORY,
    NOW,
    Booth,
    doubtful,
    passing,
    view,
)

HIDDEN = (
    "continuity",
    "depth",
    "freshness",
    "light_response",
    "recapture",
    "timing",
    "pulse",
    "pad_model",
)


def objecting(*names: str, whole: Verdict | None = None) -> Any:
    """A change of a verdict: these signals fail, and nothing else stands in the way."""

    def change(verdict: Verdict) -> Verdict:
        signals = tuple(
            Signal(name.partition(":")[0], 1.0, 2.0, SignalOutcome.FAIL, name.partition(":")[2], 9)
            for name in names
        )
        others = tuple(s for s in verdict.signals if s.name not in {f.name for f in signals})
        clean = tuple(replace(s, outcome=SignalOutcome.PASS, why="ok") for s in others)
        return replace(
            verdict, outcome=Outcome.FAIL, signals=(*signals, *clean), reasons=tuple(names)
        )

    return change


def shown(account: User, session: str) -> bytes:
    """The answer as the person gets it, without what differs between any two sessions."""
    from api.v1.captures import SessionShape

    body = dict(SessionShape(view(account, session)).data)
    for name in ("id", "cameo", "purpose", "script", "nonce_hash", "created", "expires"):
        body.pop(name)
    return json.dumps(body).encode()


def reasons() -> Iterator[str]:
    for name in HIDDEN:
        for why in WHY.get(name, ("jump", "other_person", "flat", "frozen", "wrong_light")):
            yield f"{name}:{why}"


def test_every_failure_by_identity_or_pad_looks_the_same(
    alice: User, mallory: User, booth: Booth, settings: Settings
) -> None:
    settings.CAMEO_CAPTURE_FAILURES = 10_000
    booth.capture(mallory, MALLORY)
    answers = {
        shown(alice, booth.capture(alice, ALICE, change=objecting(*both)))
        for reason in ["continuity:jump", "depth:flat", "light_response:wrong_light"]
        for both in ([reason], [reason, "quality:too_dark"], ["compliance:not_done", reason])
    }
    booth.capture(alice, ALICE)
    for purpose in ("re-enrol", "step-up"):
        answers.add(shown(alice, booth.capture(alice, BOB, purpose)))
    answers.add(shown(alice, booth.capture(alice, ALICE, "step-up", doubtful)))
    assert len(answers) == 1
    body = json.loads(answers.pop())
    assert (body["outcome"], [a["code"] for a in body["advice"]]) == ("fail", ["try_again"])


@pytest.mark.parametrize("reason", sorted(set(reasons())))
def test_no_reason_of_a_hidden_signal_changes_the_answer(reason: str) -> None:
    empty = Verdict(Outcome.FAIL, (), (), (), 0.0, Assurance.BASIC)
    for beside in ([], ["quality:too_dark"], ["single_face:second_face"], ["compliance:not_done"]):
        outcome, advice = told(objecting(reason, *beside)(empty))
        assert (outcome, [a.code for a in advice]) == (Outcome.FAIL, ["try_again"])


def test_what_an_honest_person_can_mend_is_told() -> None:
    empty = Verdict(Outcome.FAIL, (), (), (), 0.0, Assurance.BASIC)
    assert {"single_face", "quality", "compliance"} == PLAIN
    assert [a.code for a in told(objecting("single_face:second_face")(empty))[1]] == [
        "one_face_only"
    ]
    retry = replace(empty, outcome=Outcome.RETRY, reasons=("quality:too_dark",))
    assert [a.code for a in told(retry)[1]] == ["more_light"]
    lacking = replace(empty, outcome=Outcome.UNSUPPORTED, reasons=("depth:not_measured",))
    assert [a.code for a in told(lacking)[1]] == ["assurance_not_reachable"]


def test_a_fresh_capture_of_its_owner_renews_a_cameo(alice: User, booth: Booth) -> None:
    booth.capture(alice, ALICE)
    cameo = Cameo.objects.get()
    Cameo.objects.update(expires=NOW + timedelta(days=3), reminded=NOW)
    session = booth.capture(alice, ALICE, "re-enrol")
    assert view(alice, session).outcome == "pass"
    renewed = Cameo.objects.get()
    assert (renewed.state, renewed.epoch, renewed.reminded) == ("active", cameo.epoch + 1, None)
    assert renewed.expires is not None
    assert renewed.expires > NOW + timedelta(days=300)
    assert list(Template.objects.values_list("version", flat=True)) == [1, 2]
    kinds = list(Event.objects.order_by("position").values_list("kind", flat=True))
    assert kinds == ["cameo.activated", "cameo.renewed"]
    verify_all()


@pytest.mark.parametrize(("before", "after"), [("expired", "active"), ("suspended", "suspended")])
def test_renewing_wakes_what_expired_and_not_what_its_owner_suspended(
    alice: User, booth: Booth, before: str, after: str
) -> None:
    booth.capture(alice, ALICE)
    Cameo.objects.update(state=before)
    assert view(alice, booth.capture(alice, ALICE, "re-enrol")).outcome == "pass"
    assert Cameo.objects.get().state == after


def test_somebody_else_renews_nothing(alice: User, booth: Booth) -> None:
    booth.capture(alice, ALICE)
    own = read_template(Cameo.objects.get().id)[1]
    session = booth.capture(alice, MALLORY, "re-enrol")
    assert view(alice, session).outcome == "fail"
    assert (read_template(Cameo.objects.get().id)[1] == own).all()
    body = json.loads(DecisionRecord.objects.get(session_id=session).body)
    assert body["against"] == ["comparison:other_person"]
    assert body["compared"]["score"] < body["compared"]["threshold"]


def test_a_step_up_counts_for_a_while_and_changes_nothing(alice: User, booth: Booth) -> None:
    booth.capture(alice, ALICE)
    before = Cameo.objects.values().get()
    hour = timedelta(hours=1)
    assert not identity.stepped_up(account_id=alice.id, now=NOW, within=hour)
    booth.capture(alice, MALLORY, "step-up")
    row = CaptureSession.objects.order_by("decided").last()
    assert row is not None
    assert not identity.stepped_up(account_id=alice.id, now=row.decided, within=hour)  # type: ignore[arg-type]
    session = booth.capture(alice, ALICE, "step-up")
    at = CaptureSession.objects.get(id=session).passed_at
    assert at is not None
    assert identity.stepped_up(account_id=alice.id, now=at, within=hour)
    assert not identity.stepped_up(account_id=alice.id, now=at + hour, within=hour)
    assert not identity.stepped_up(account_id="acc_x", now=at, within=hour)
    assert Cameo.objects.values().get() == before
    assert Template.objects.count() == 1


def test_a_template_that_cannot_be_compared_passes_nobody(alice: User, booth: Booth) -> None:
    booth.capture(alice, ALICE)
    Template.objects.update(template_format="tf_older")
    for purpose in ("re-enrol", "step-up"):
        assert view(alice, booth.capture(alice, ALICE, purpose)).outcome == "unsupported"


@pytest.mark.parametrize("purpose", ["re-enrol", "step-up"])
def test_there_must_be_a_template_to_compare_with(alice: User, booth: Booth, purpose: str) -> None:
    with pytest.raises(NotEnrolled):
        booth.begin(alice, purpose)
    booth.begin(alice)
    for changes in (
        {"state": "pending"},
        {"state": "in_review"},
        {"state": "suspended", "held_by": "dispute"},
    ):
        Cameo.objects.update(**changes)
        with pytest.raises(NotEnrolled):
            booth.begin(alice, purpose)


def test_a_face_that_is_enrolled_already_goes_to_a_person(
    alice: User, mallory: User, booth: Booth
) -> None:
    booth.capture(alice, ALICE)
    session = booth.capture(mallory, ALICE)
    assert view(mallory, session).outcome == "review"
    review = Review.objects.get()
    assert (review.reasons, review.matched_id) == (
        ["duplicate"],
        Cameo.objects.get(owner=alice).id,
    )
    assert Cameo.objects.get(owner=mallory).state == "in_review"
    assert "matched" not in shown(mallory, session).decode()
    row = CaptureSession.objects.get(id=session)
    assert row.clip_file


def test_nobody_is_new_while_the_index_is_not_whole(
    alice: User, booth: Booth, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = booth.begin(alice).id
    booth.send(alice, session)
    with monkeypatch.context() as patched:
        patched.setattr(
            "identity.verification.activation.find_duplicates",
            lambda **_: Duplicates(whole=False, matches=()),
        )
        for _ in range(4):  # more often than a clip may end its worker
            with pytest.raises(DuplicateCheckPending):
                booth.look(session, ALICE)
        assert view(alice, session).state == "duplicate_check_pending"
        assert Cameo.objects.get().state == "pending"
        assert not DecisionRecord.objects.exists()
    verify_capture(session)
    assert view(alice, session).outcome == "pass"


def test_light_and_an_attestation_make_a_capture_attested() -> None:
    assert assurance_of(Assurance.STANDARD, attested=True) is Assurance.ATTESTED
    assert assurance_of(Assurance.BASIC, attested=True) is Assurance.BASIC
    assert assurance_of(Assurance.STANDARD, attested=False) is Assurance.STANDARD


@pytest.mark.parametrize(("chosen", "worth"), [((), "standard"), (("light",), "basic")])
def test_policy_asks_less_of_people_who_chose_less(
    alice: User, booth: Booth, settings: Settings, chosen: tuple[str, ...], worth: str
) -> None:
    assert view(alice, booth.capture(alice, ALICE, without=chosen)).outcome == "pass"
    assert Cameo.objects.get().assurance == worth
    settings.CAMEO_REQUIRED_ASSURANCE = "attested"
    settings.CAMEO_REQUIRED_ASSURANCE_WITHOUT = "standard"
    Cameo.objects.update(state="pending")
    assert view(alice, booth.capture(alice, ALICE, without=chosen)).outcome == "unsupported"


def test_an_attested_capture_with_light_is_worth_the_most(alice: User, booth: Booth) -> None:
    session = booth.begin(alice).id
    booth.send(alice, session)
    CaptureSession.objects.update(attestation={"client": "cli_x", "issued": "now"})

    def lit(verdict: Verdict) -> Verdict:
        return replace(passing(verdict), assurance=Assurance.STANDARD)

    booth.look(session, ALICE, lit)
    assert Cameo.objects.get().assurance == "attested"
    body = json.loads(DecisionRecord.objects.get().body)
    assert (body["assurance"], body["attestation"]["client"]) == ("attested", "cli_x")


def test_tracks_are_sealed_and_forgotten_in_time(
    alice: User, booth: Booth, settings: Settings
) -> None:
    booth.capture(alice, ALICE, change=objecting("depth:flat"))
    row = StoredTrack.objects.get()
    assert b"times" not in bytes(row.sealed)
    assert forget_tracks(now=row.expires - timedelta(seconds=1)) == 0
    assert forget_tracks(now=row.expires) == 1
    assert row.expires - row.created == settings.CAMEO_TRACK_LIFE
