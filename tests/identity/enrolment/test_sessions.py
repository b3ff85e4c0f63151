"""Beginning capture sessions and sending clips to them."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.models import User
from audit.interface import verify_all
from common.errors import CameoError, InvalidInput
from identity import interface as identity
from identity.capture.types import INTAKE
from identity.errors import ClipEmpty, ClipTooManyBytes, ClipTruncated, NotAVideo
from identity.models import Cameo, CaptureSession, UsedClip
from identity.prompts import Script
from identity.session_errors import (
    AlreadyEnrolled,
    CaptureInProgress,
    CaptureUnsupported,
    ClipAlreadyUsed,
    NoSuchSession,
    SessionAnswered,
    SessionExpired,
    TooManyCaptures,
    UnknownPurpose,
)
from identity.summaries import SessionView
from tests.identity.clips import plain_clip

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice@example.org")


@pytest.fixture
def mallory(db: None) -> User:
    return User.objects.create_user("mallory@example.org")


@pytest.fixture(scope="module")
def clip() -> bytes:
    return plain_clip()


def begin(account: User, *, now: datetime = NOW) -> SessionView:
    return identity.create_session(account_id=account.id, now=now)


def send(account: User, session: str, clip: bytes, *, now: datetime = NOW) -> SessionView:
    return identity.receive_clip(
        account_id=account.id,
        session_id=session,
        stream=io.BytesIO(clip),
        length=None,
        now=now,
    )


def clip_files() -> list[Path]:
    folder = Path(settings.CAMEO_CLIP_DIR)
    return list(folder.iterdir()) if folder.exists() else []


def test_a_session_gives_a_script_and_a_pending_cameo(alice: User) -> None:
    session = begin(alice)
    assert session.state == "open"
    assert session.expires == NOW + timedelta(seconds=180)
    assert 10 <= Script.from_json(session.script).seconds <= 14
    cameo = identity.own_cameo(alice.id)
    assert cameo is not None
    assert (cameo.id, cameo.state) == (session.cameo_id, "pending")
    assert verify_all() == {cameo.id: 1}


def test_two_sessions_have_two_scripts_and_the_older_one_ends(alice: User, clip: bytes) -> None:
    older, newer = begin(alice), begin(alice)
    assert older.script != newer.script
    with pytest.raises(SessionExpired):
        send(alice, older.id, clip)
    assert send(alice, newer.id, clip).state == "queued"


def test_the_secret_nonce_is_nowhere_in_the_database(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    nonce = bytes(range(32))
    monkeypatch.setattr("secrets.token_bytes", lambda n: nonce[:n])
    row = CaptureSession.objects.get(id=begin(alice).id)
    assert nonce.hex() not in str(vars(row))


def test_another_purpose_is_refused(alice: User) -> None:
    with pytest.raises(UnknownPurpose):
        identity.create_session(account_id=alice.id, now=NOW, purpose="marriage")


@pytest.mark.parametrize("state", ["active", "suspended", "in_review", "expired"])
def test_a_cameo_that_does_not_wait_for_a_capture_gets_no_session(alice: User, state: str) -> None:
    begin(alice)
    Cameo.objects.filter(owner=alice).update(state=state)
    with pytest.raises(AlreadyEnrolled):
        begin(alice)


def test_a_clip_is_sealed_queued_and_recorded(alice: User, clip: bytes) -> None:
    session = begin(alice)
    assert send(alice, session.id, clip).state == "queued"
    row = CaptureSession.objects.get(id=session.id)
    sealed = Path(settings.CAMEO_CLIP_DIR) / row.clip_file
    assert sealed.stat().st_mode & 0o777 == 0o600
    assert clip[4:64] not in sealed.read_bytes()
    job = ProcrastinateJob.objects.get()
    assert (job.task_name, job.args) == ("identity.verify_capture", {"session_id": session.id})
    assert verify_all() == {session.cameo_id: 2}


def test_a_second_clip_is_refused(alice: User, clip: bytes) -> None:
    session = begin(alice)
    send(alice, session.id, clip)
    with pytest.raises(SessionAnswered):
        send(alice, session.id, plain_clip(seed=1))
    assert len(clip_files()) == 1


def test_a_session_that_has_ended_takes_no_clip(alice: User, clip: bytes) -> None:
    session = begin(alice)
    late = NOW + timedelta(seconds=180)
    with pytest.raises(SessionExpired):
        send(alice, session.id, clip, now=late)
    view = identity.session_view(account_id=alice.id, session_id=session.id, now=late)
    assert view.state == "expired"


def test_somebody_elses_session_looks_like_none(alice: User, mallory: User, clip: bytes) -> None:
    session = begin(alice)
    errors = set()
    for session_id in (session.id, "cap_" + "a" * 26):
        with pytest.raises(NoSuchSession) as sent:
            send(mallory, session_id, clip)
        with pytest.raises(NoSuchSession) as read:
            identity.session_view(account_id=mallory.id, session_id=session_id, now=NOW)
        errors |= {(found.value.code, found.value.message) for found in (sent, read)}
    assert len(errors) == 1


def test_bytes_the_service_has_seen_are_refused(alice: User, mallory: User, clip: bytes) -> None:
    send(alice, begin(alice).id, clip)
    session = begin(mallory)
    with pytest.raises(ClipAlreadyUsed):
        send(mallory, session.id, clip)
    assert len(clip_files()) == 1
    # Nothing was lost: the session still takes a clip of its own.
    assert send(mallory, session.id, plain_clip(seed=2)).state == "queued"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", ClipEmpty),
        (b"GIF89a" + bytes(100), NotAVideo),
        (b"#EXTM3U\n", NotAVideo),
        (bytes(1000), NotAVideo),
    ],
)
def test_what_is_no_clip_is_refused_and_not_kept(
    alice: User, body: bytes, error: type[CameoError]
) -> None:
    session = begin(alice)
    with pytest.raises(error):
        send(alice, session.id, body)
    assert clip_files() == []
    assert not UsedClip.objects.exists()
    view = identity.session_view(account_id=alice.id, session_id=session.id, now=NOW)
    assert view.state == "open"


def test_a_clip_that_was_cut_is_refused(alice: User, clip: bytes) -> None:
    with pytest.raises(ClipTruncated):
        send(alice, begin(alice).id, clip[: len(clip) // 2])


def test_too_many_bytes_are_refused_announced_or_not(alice: User) -> None:
    session = begin(alice)

    class Endless(io.RawIOBase):
        given = 0

        def read(self, size: int = -1) -> bytes:
            self.given += size
            return bytes(size)

    endless = Endless()
    with pytest.raises(ClipTooManyBytes):
        identity.receive_clip(
            account_id=alice.id, session_id=session.id, stream=endless, length=None, now=NOW
        )
    assert endless.given <= INTAKE.max_bytes + 1_000_000
    with pytest.raises(ClipTooManyBytes):
        identity.receive_clip(
            account_id=alice.id,
            session_id=session.id,
            stream=io.BytesIO(b""),
            length=INTAKE.max_bytes + 1,
            now=NOW,
        )


def test_no_new_session_while_a_clip_is_checked(alice: User, clip: bytes) -> None:
    send(alice, begin(alice).id, clip)
    with pytest.raises(CaptureInProgress):
        begin(alice)


def test_five_failures_in_half_an_hour_earn_a_pause(alice: User) -> None:
    for minute in range(5):
        session = begin(alice, now=NOW + timedelta(minutes=minute))
        CaptureSession.objects.filter(id=session.id).update(
            state="decided", outcome="retry", decided=NOW + timedelta(minutes=minute)
        )
    with pytest.raises(TooManyCaptures) as found:
        begin(alice, now=NOW + timedelta(minutes=10))
    assert found.value.retry_after == 24 * 60
    assert begin(alice, now=NOW + timedelta(minutes=35)).state == "open"


def test_collecting_challenges_without_answering_earns_a_pause(alice: User) -> None:
    for _ in range(settings.CAMEO_CAPTURE_UNANSWERED):
        begin(alice)
    with pytest.raises(TooManyCaptures):
        begin(alice)


def test_a_clip_that_arrives_too_slowly_is_late(
    alice: User, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = begin(alice)
    seconds = iter([0.0, 100.0, 181.0, 181.0])
    monkeypatch.setattr("identity.enrolment.sessions.time.monotonic", lambda: next(seconds))
    monkeypatch.setattr("identity.enrolment.sessions._PIECE", len(clip) // 2)
    with pytest.raises(SessionExpired):
        send(alice, session.id, clip)
    assert clip_files() == []
    assert not UsedClip.objects.exists()


def test_what_is_received_is_dated_when_all_of_it_was_there(
    alice: User, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = begin(alice)
    seconds = iter([0.0])
    monkeypatch.setattr("identity.enrolment.sessions.time.monotonic", lambda: next(seconds, 90.0))
    send(alice, session.id, clip)
    row = CaptureSession.objects.get(id=session.id)
    assert row.received == NOW + timedelta(seconds=90)


def test_a_capture_falls_with_its_ledger_entry(
    alice: User, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = begin(alice)

    def broken(**_: object) -> str:
        raise RuntimeError

    monkeypatch.setattr("audit.interface.append", broken)
    with pytest.raises(RuntimeError):
        send(alice, session.id, clip)
    assert clip_files() == []
    assert CaptureSession.objects.get(id=session.id).state == "open"
    assert not ProcrastinateJob.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_clips_sent_side_by_side_one_is_taken(clip: bytes) -> None:
    alice = User.objects.create_user("alice@example.org")
    session = begin(alice)
    clips = [plain_clip(seed=seed) for seed in range(4)]

    def attempt(body: bytes) -> str:
        try:
            send(alice, session.id, body)
        except SessionAnswered:
            return "refused"
        finally:
            connection.close()
        return "taken"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(attempt, clips)) == ["refused"] * 3 + ["taken"]
    assert len(clip_files()) == 1
    assert ProcrastinateJob.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_sessions_raced_with_one_clip_one_gets_it(clip: bytes) -> None:
    people = [User.objects.create_user(f"{name}@example.org") for name in ("alice", "mallory")]
    sessions = [begin(person).id for person in people]

    def attempt(place: int) -> str:
        try:
            send(people[place], sessions[place], clip)
        except ClipAlreadyUsed:
            return "refused"
        finally:
            connection.close()
        return "taken"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(attempt, [0, 1])) == ["refused", "taken"]


@pytest.mark.django_db(transaction=True)
def test_a_new_session_and_an_upload_side_by_side_leave_one_capture(clip: bytes) -> None:
    """Either the old session is answered and no new one begins, or it has ended."""
    alice = User.objects.create_user("alice@example.org")
    clips = [plain_clip(seed=seed) for seed in range(4)]

    def begin_another() -> str:
        try:
            return begin(alice).state
        except CaptureInProgress:
            return "refused"
        finally:
            connection.close()

    def upload(session: str, body: bytes) -> str:
        try:
            return send(alice, session, body).state
        except SessionExpired:
            return "refused"
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        for body in clips:
            session = begin(alice)
            other, sent = pool.submit(begin_another), pool.submit(upload, session.id, body)
            assert sorted([other.result(), sent.result()]) in (
                ["open", "refused"],
                ["queued", "refused"],
            )
            waiting = CaptureSession.objects.filter(state__in=["open", "queued", "processing"])
            assert waiting.count() == 1
            waiting.update(state="expired")


def test_failures_of_any_purpose_count_together(alice: User) -> None:
    cameo = Cameo.objects.create(owner=alice, state="active", created=NOW)
    for minute, purpose in enumerate(["re-enrol", "step-up", "re-enrol", "step-up", "step-up"]):
        at = NOW + timedelta(minutes=6 * minute)
        session = identity.create_session(account_id=alice.id, now=at, purpose=purpose)
        CaptureSession.objects.filter(id=session.id).update(
            state="decided", outcome="fail", decided=at
        )
    # The first is over half an hour old by then, the fifth is not.
    late = NOW + timedelta(minutes=50)
    with pytest.raises(TooManyCaptures) as found:
        identity.create_session(account_id=alice.id, now=late, purpose="step-up")
    assert found.value.retry_after == 4 * 60
    again = NOW + timedelta(minutes=54)
    session = identity.create_session(account_id=alice.id, now=again, purpose="step-up")
    assert session.cameo_id == cameo.id


def test_a_capture_without_light_and_motion_is_none(alice: User) -> None:
    with pytest.raises(CaptureUnsupported):
        identity.create_session(account_id=alice.id, now=NOW, without=["light", "motion"])
    with pytest.raises(InvalidInput):
        identity.create_session(account_id=alice.id, now=NOW, without=["sound"])
    session = identity.create_session(account_id=alice.id, now=NOW, without=["light"])
    assert session.without == ("light",)
    assert CaptureSession.objects.get().without == "light"


def test_a_capture_asks_for_motion_and_light_but_for_what_is_left_out(alice: User) -> None:
    session = identity.create_session(account_id=alice.id, now=NOW, without=["motion"])
    assert "turn" not in {prompt["kind"] for prompt in session.script}
    plain = identity.create_session(account_id=alice.id, now=NOW)
    assert {"turn", "light"} <= {prompt["kind"] for prompt in plain.script}
