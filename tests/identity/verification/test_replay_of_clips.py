"""Replaying decisions on clips that were really decoded, tracked and judged."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command

from accounts.models import User
from common.clock import utcnow
from identity import interface as identity
from identity.models import CaptureSession, StoredTrack
from identity.prompts import Script
from identity.runtime.analysis import Analysis, analyse, judge_again
from identity.runtime.deployment import engines as deployed
from identity.runtime.trackfile import dump_track
from identity.types import Track
from identity.verification.captures import verify_capture
from identity.verification.tracks import keep_track, read_track
from tests.identity.verification.conftest import Answered

pytestmark = [pytest.mark.pack, pytest.mark.slow]
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Analysis]:
    """The analyses that were made, as they were before anything was stored."""
    found: list[Analysis] = []

    def watched(*args: Any, **more: Any) -> Analysis:
        found.append(analyse(*args, **more))
        return found[-1]

    monkeypatch.setattr("identity.verification.captures.analyse", watched)
    return found


@pytest.fixture
def session(
    alice: User, answered: Answered, seen: list[Analysis], monkeypatch: pytest.MonkeyPatch
) -> str:
    """A session that was decided on Alice's simulated clip, whatever the decision was."""
    monkeypatch.setattr("identity.enrolment.sessions.generate_script", lambda *_: answered.script)
    begun = identity.create_session(account_id=alice.id, now=NOW)
    identity.receive_clip(
        account_id=alice.id,
        session_id=begun.id,
        stream=io.BytesIO(answered.clip),
        length=len(answered.clip),
        now=NOW,
    )
    verify_capture(begun.id)
    assert len(seen) == 1
    assert seen[0].track.present.any()
    return begun.id


def replayed(session: str) -> tuple[int, str]:
    """The command's exit status and what it wrote."""
    out, status = io.StringIO(), 0
    try:
        call_command("replay_decision", session, stdout=out, stderr=out)
    except SystemExit as ended:
        status = int(str(ended.code))
    return status, out.getvalue()


def test_a_real_decision_is_replayed_bit_for_bit(session: str, seen: list[Analysis]) -> None:
    status, text = replayed(session)
    assert (status, "the same, byte for byte" in text) == (0, True)
    # The record rounds; what lies behind it is the same to the last bit.
    (made,) = seen
    track = read_track(session, now=utcnow())
    assert dump_track(track) == dump_track(made.track)
    script = Script.from_json(CaptureSession.objects.get(id=session).script)
    assert repr(judge_again(track, script, deployed().calibration)) == repr(made.verdict)


def without_a_face(track: Track) -> Track:
    """One bit: the frame in the middle held no face."""
    present = track.present.copy()
    present.view(np.uint8)[np.flatnonzero(present)[present.sum() // 2]] ^= 1
    return replace(track, present=present)


def at_another_time(track: Track) -> Track:
    """One bit: the last frame came at half or twice its time."""
    times = track.times.copy()
    times.view(np.uint64)[-1] ^= np.uint64(1 << 52)
    return replace(track, times=times)


def another_face(track: Track) -> Track:
    """One bit: the sign of the first number that describes the first sample."""
    first, *others = track.samples
    vector = first.vectors[0].copy()
    vector.view(np.uint32)[np.abs(vector).argmax()] ^= np.uint32(1 << 31)
    changed = replace(first, vectors=(vector, *first.vectors[1:]))
    return replace(track, samples=(changed, *others))


@pytest.mark.parametrize("change", [without_a_face, at_another_time, another_face])
def test_one_bit_of_the_stored_track_makes_a_difference(
    session: str, change: Callable[[Track], Track]
) -> None:
    track = read_track(session, now=utcnow())
    row = CaptureSession.objects.get(id=session)
    kept = bytes(StoredTrack.objects.get().sealed)
    changed = change(track)
    assert bits_apart(track, changed) == 1
    StoredTrack.objects.all().delete()
    keep_track(row, dump_track(changed), now=utcnow())
    status, text = replayed(session)
    assert status == 1
    assert all(line.startswith("differs: /judged/") for line in text.splitlines())
    StoredTrack.objects.update(sealed=kept)
    assert replayed(session)[0] == 0


def bits_apart(one: Track, other: Track) -> int:
    """How many bits of what can be changed here differ."""

    def bits(track: Track) -> bytes:
        vectors = [vector for sample in track.samples for vector in sample.vectors]
        arrays: list[np.ndarray[Any, Any]] = [track.times, track.meshes, track.present, *vectors]
        return b"".join(array.tobytes() for array in arrays)

    pairs = zip(bits(one), bits(other), strict=True)
    return sum((a ^ b).bit_count() for a, b in pairs)
