"""Deciding on captures: real engines, the real decoder, simulated people."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings as django_settings
from django.db import OperationalError, connection, transaction
from pytest_django.fixtures import Settings

from accounts.models import User
from audit.interface import verify_all
from common.errors import Misconfigured, Unavailable
from events.models import Event
from identity import interface as identity
from identity.errors import SandboxUnavailable
from identity.models import Cameo, CaptureSession, DecisionRecord, Template
from identity.prompts import Script
from identity.protection import clips
from identity.protection.records import check_record
from identity.protection.templates import read_template
from identity.session_errors import TooManyCaptures
from identity.types import Outcome, Signal, SignalOutcome
from identity.verification import captures, records
from identity.verification.captures import MAX_ATTEMPTS, verify_capture
from identity.verification.findings import Claim, Finding
from tests.adversarial.clips import clip as encoded
from tests.identity.verification.conftest import OTHER_SCRIPT, Answered
from tests.simulation.person import Scene, SimulatedPerson

pytestmark = [pytest.mark.pack, pytest.mark.slow]
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

Submit = Callable[..., str]


@pytest.fixture
def submit(monkeypatch: pytest.MonkeyPatch) -> Submit:
    """Begin a session with a given script and send a clip to it; gives the session's id."""

    def submit(account: User, script: Script, clip: bytes) -> str:
        monkeypatch.setattr("identity.enrolment.sessions.generate_script", lambda *_: script)
        session = identity.create_session(account_id=account.id, now=NOW)
        identity.receive_clip(
            account_id=account.id,
            session_id=session.id,
            stream=io.BytesIO(clip),
            length=len(clip),
            now=NOW,
        )
        return session.id

    return submit


def outcome(account: User, session: str) -> tuple[str, str, list[str]]:
    view = identity.session_view(account_id=account.id, session_id=session, now=NOW)
    return view.state, view.outcome, [advice.code for advice in view.advice]


def left_behind(session: str) -> tuple[Any, ...]:
    row = CaptureSession.objects.get(id=session)
    folder = Path(django_settings.CAMEO_CLIP_DIR)
    return row.clip_key, row.clip_file, sorted(folder.iterdir())


def test_alice_becomes_an_active_cameo(alice: User, answered: Answered, submit: Submit) -> None:
    session = submit(alice, answered.script, answered.clip)
    verify_capture(session)
    assert outcome(alice, session) == ("decided", "pass", [])
    cameo = identity.own_cameo(alice.id)
    assert cameo is not None
    assert (cameo.state, cameo.assurance, cameo.epoch) == ("active", "standard", 2)
    template_format, vector = read_template(cameo.id)
    assert vector.shape == (128 + 1024,)
    # √22.3 and √24.9 scale the two unit vectors, so the whole has this length.
    assert np.linalg.norm(vector) == pytest.approx((22.3 + 24.9) ** 0.5, rel=1e-4)
    assert template_format
    assert left_behind(session) == (None, "", [])
    assert [event.kind for event in Event.objects.all()] == ["cameo.activated"]
    assert verify_all() == {cameo.id: 4}


def test_the_record_says_everything_but_shows_nobody(
    alice: User, answered: Answered, submit: Submit
) -> None:
    verify_capture(submit(alice, answered.script, answered.clip))
    record = DecisionRecord.objects.get()
    check_record(record.body, record.signature)
    body = json.loads(record.body)
    signals = body["judged"]["signals"]
    assert "fail" not in {signal["outcome"] for signal in signals}
    assert {"single_face", "quality", "compliance", "continuity"} <= {
        signal["name"] for signal in signals
    }
    assert body["script"] == answered.script.to_json()
    assert body["outcome"] == "pass"
    # A mesh has 1,404 numbers and a template 1,152: a list of numbers is prompts' times only.
    longest = max(
        (len(found) for found in _lists_of_numbers(body)),
        default=0,
    )
    assert longest <= 5


def _lists_of_numbers(value: Any) -> list[list[float]]:
    if isinstance(value, dict):
        return [found for member in value.values() for found in _lists_of_numbers(member)]
    if isinstance(value, list):
        if value and all(isinstance(member, int | float) for member in value):
            return [value]
        return [found for member in value for found in _lists_of_numbers(member)]
    return []


def test_an_answer_to_another_script_is_refused(
    alice: User, answered: Answered, submit: Submit
) -> None:
    session = submit(alice, OTHER_SCRIPT, answered.clip)
    verify_capture(session)
    state, decided, advice = outcome(alice, session)
    assert (state, decided in ("fail", "retry")) == ("decided", True)
    assert advice
    cameo = identity.own_cameo(alice.id)
    assert cameo is not None
    assert cameo.state == "pending"
    assert not Template.objects.exists()
    assert left_behind(session) == (None, "", [])


def test_a_still_picture_is_refused(
    alice: User, simulated_alice: SimulatedPerson, answered: Answered, submit: Submit
) -> None:
    session = submit(alice, answered.script, simulated_alice.still(seconds=12))
    verify_capture(session)
    assert outcome(alice, session)[1] in ("fail", "retry")
    assert not Template.objects.exists()


def test_a_clip_without_a_face_is_refused(alice: User, answered: Answered, submit: Submit) -> None:
    session = submit(alice, answered.script, encoded(seconds=12, size=(320, 240)))
    verify_capture(session)
    assert outcome(alice, session) == ("decided", "retry", ["show_your_face"])


def test_a_second_face_is_refused(
    alice: User, simulated_alice: SimulatedPerson, answered: Answered, submit: Submit
) -> None:
    clip = simulated_alice.answer(
        answered.script.to_json(), size=(960, 540), scene=Scene(beside=simulated_alice)
    )
    session = submit(alice, answered.script, clip)
    verify_capture(session)
    state, decided, advice = outcome(alice, session)
    assert (state, decided) == ("decided", "fail")
    assert "one_face_only" in advice


def test_a_clip_that_is_too_dark_is_refused(
    alice: User, simulated_alice: SimulatedPerson, answered: Answered, submit: Submit
) -> None:
    clip = simulated_alice.answer(answered.script.to_json(), scene=Scene(exposure=0.005))
    session = submit(alice, answered.script, clip)
    verify_capture(session)
    state, decided, advice = outcome(alice, session)
    assert (state, decided) == ("decided", "retry")
    assert "more_light" in advice


def test_a_clip_that_the_decoder_refuses_gives_its_code(
    alice: User, answered: Answered, submit: Submit
) -> None:
    session = submit(alice, answered.script, encoded(seconds=1))
    verify_capture(session)
    assert outcome(alice, session) == ("decided", "retry", ["clip_too_short"])
    assert json.loads(DecisionRecord.objects.get().body)["error"] == "clip_too_short"


def test_a_person_sees_no_score_and_no_signal(
    alice: User, answered: Answered, submit: Submit
) -> None:
    session = submit(alice, OTHER_SCRIPT, answered.clip)
    verify_capture(session)
    shown = str(identity.session_view(account_id=alice.id, session_id=session, now=NOW))
    for word in ("single_face", "compliance", "continuity", "quality", "threshold", "score"):
        assert word not in shown


def test_a_settled_session_is_not_decided_again(
    alice: User, answered: Answered, submit: Submit
) -> None:
    session = submit(alice, answered.script, encoded(seconds=1))
    verify_capture(session)
    verify_capture(session)
    verify_capture("cap_" + "a" * 26)
    assert DecisionRecord.objects.count() == 1


def test_a_run_that_was_overtaken_settles_nothing(
    alice: User, answered: Answered, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = submit(alice, answered.script, encoded(seconds=1))
    check = captures._check

    def overtaken(claim: Claim) -> Finding:
        CaptureSession.objects.filter(id=session).update(attempts=claim.attempt + 1)
        return check(claim)

    with monkeypatch.context() as patched:
        patched.setattr(captures, "_check", overtaken)
        captures.verify_capture(session)
    assert outcome(alice, session)[0] == "processing"
    assert not DecisionRecord.objects.exists()
    # The clip is the newer run's, which still finds it.
    assert left_behind(session)[2]
    captures.verify_capture(session)
    assert outcome(alice, session) == ("decided", "retry", ["clip_too_short"])


def test_a_database_that_hiccups_costs_neither_the_clip_nor_the_person(
    alice: User, answered: Answered, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = submit(alice, answered.script, answered.clip)

    def hiccup(*_: object, **__: object) -> None:
        raise OperationalError

    with monkeypatch.context() as patched:
        patched.setattr(captures._Progress, "__call__", hiccup)
        with pytest.raises(Unavailable):
            verify_capture(session)
    assert outcome(alice, session)[0] == "queued"
    verify_capture(session)
    assert outcome(alice, session)[1] == "pass"


def test_a_review_changes_only_a_cameo_that_waits(
    alice: User, answered: Answered, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    for state in ("active", "pending"):
        session = submit(alice, answered.script, encoded(seconds=1 + len(state) / 10))
        Cameo.objects.update(state=state)
        finding = Finding(Outcome.REVIEW, ())
        with monkeypatch.context() as patched:
            patched.setattr(captures, "_check", lambda _, found=finding: found)
            verify_capture(session)
        expected = {"active": "active", "pending": "in_review"}[state]
        assert Cameo.objects.get().state == expected
        Cameo.objects.update(state="pending")


def test_a_number_that_has_no_canonical_form_does_not_stop_a_record() -> None:
    signal = Signal("quality", float("nan"), 1.0, SignalOutcome.FAIL, "blurred", 0)
    assert records._signal(signal)["value"] is None
    assert records.finite(float("inf")) is None


def test_a_clip_that_ends_its_worker_each_time_is_given_up(
    alice: User, answered: Answered, submit: Submit
) -> None:
    session = submit(alice, answered.script, answered.clip)
    CaptureSession.objects.filter(id=session).update(state="processing", attempts=MAX_ATTEMPTS)
    verify_capture(session)
    assert outcome(alice, session) == ("decided", "retry", ["could_not_check"])
    assert left_behind(session) == (None, "", [])


def test_a_clip_that_waited_for_a_day_is_settled_and_deleted(
    alice: User, answered: Answered, submit: Submit
) -> None:
    session = submit(alice, answered.script, answered.clip)
    assert captures.give_up_stale(now=NOW + timedelta(hours=23)) == 0
    assert captures.give_up_stale(now=NOW + timedelta(hours=25)) == 1
    assert outcome(alice, session) == ("decided", "retry", ["could_not_check"])
    assert left_behind(session) == (None, "", [])


def test_a_dependency_that_is_down_leaves_the_session_waiting(
    alice: User, answered: Answered, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = submit(alice, answered.script, answered.clip)

    def down(*_: object, **__: object) -> None:
        raise SandboxUnavailable

    def no_pack() -> None:
        raise Misconfigured

    for name, broken, error in (
        ("analyse", down, Unavailable),
        ("engines", no_pack, Misconfigured),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(captures, name, broken)
            with pytest.raises(error):
                verify_capture(session)
    row = CaptureSession.objects.get(id=session)
    # Being tried again for hours must not use up the attempts that a clip has.
    assert (row.state, row.attempts) == ("queued", 0)
    verify_capture(session)
    assert outcome(alice, session)[1] == "pass"


def test_what_nobody_foresaw_denies_and_says_nothing(
    alice: User,
    answered: Answered,
    submit: Submit,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    session = submit(alice, answered.script, answered.clip)

    def broken(*_: object, **__: object) -> None:
        raise ValueError("secret")

    monkeypatch.setattr(captures, "analyse", broken)
    verify_capture(session)
    assert outcome(alice, session) == ("decided", "retry", ["could_not_check"])


def test_a_decision_falls_with_its_ledger_entry(
    alice: User, answered: Answered, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = submit(alice, answered.script, answered.clip)

    def broken(**_: object) -> str:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr("audit.interface.append", broken)
        with pytest.raises(RuntimeError):
            verify_capture(session)
    assert not Template.objects.exists()
    assert not DecisionRecord.objects.exists()
    # The clip was not lost with it.
    verify_capture(session)
    assert outcome(alice, session)[1] == "pass"


def test_an_assurance_that_cannot_be_reached_activates_nobody(
    alice: User, answered: Answered, submit: Submit, settings: Settings
) -> None:
    settings.CAMEO_REQUIRED_ASSURANCE = "attested"
    session = submit(alice, answered.script, answered.clip)
    verify_capture(session)
    assert outcome(alice, session) == ("decided", "unsupported", ["assurance_not_reachable"])
    assert not Template.objects.exists()


def test_a_cameo_erased_meanwhile_stays_erased(
    alice: User, answered: Answered, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = submit(alice, answered.script, answered.clip)
    check = captures._check

    def erased_meanwhile(claim: Claim) -> Finding:
        finding = check(claim)
        identity.erase_cameo(account_id=alice.id, cameo_id=claim.cameo_id, now=NOW)
        return finding

    monkeypatch.setattr(captures, "_check", erased_meanwhile)
    captures.verify_capture(session)
    assert identity.own_cameo(alice.id) is None
    assert not Template.objects.exists()


def test_five_failures_end_in_a_pause(alice: User, answered: Answered, submit: Submit) -> None:
    for seed in range(5):
        verify_capture(submit(alice, answered.script, encoded(seconds=1 + seed / 10)))
    CaptureSession.objects.update(decided=NOW)
    with pytest.raises(TooManyCaptures):
        identity.create_session(account_id=alice.id, now=NOW + timedelta(minutes=1))


@pytest.mark.django_db(transaction=True)
def test_neither_the_database_nor_the_disk_keeps_the_clip_or_a_plain_template(
    answered: Answered, submit: Submit
) -> None:
    alice = User.objects.create_user("alice@example.org")
    canary = answered.clip[4096:4160]
    session = submit(alice, answered.script, answered.clip)
    # The canary is found where it is alive: opened with the session's own key.
    row = CaptureSession.objects.get(id=session)
    sealed = clips.SealedClip(row.clip_file, bytes(row.clip_key or b""))
    assert canary in clips.read(sealed, session_id=session)
    assert not _database_holds(canary)
    verify_capture(session)
    assert left_behind(session) == (None, "", [])
    assert not _database_holds(canary)
    cameo = identity.own_cameo(alice.id)
    assert cameo is not None
    _, vector = read_template(cameo.id)
    assert not _database_holds(vector.tobytes()[:64])


def _database_holds(canary: bytes) -> bool:
    """Whether any column of any row, as text, holds the canary in hexadecimal or as it is."""
    wanted = (canary.hex(), canary.decode("latin-1"))
    with transaction.atomic(), connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'select t::text from "{table}" t')  # noqa: S608 - our own tables
            for (line,) in cursor.fetchall():
                if any(text in line for text in wanted):
                    return True
    return False
