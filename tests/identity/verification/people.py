"""People who answer a capture without a camera: tracks made by hand, judged for real."""

from __future__ import annotations

import io
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import numpy as np
import pytest

from accounts.models import User
from identity import interface as identity
from identity.capture.types import ClipInfo, DecodeStats
from identity.prompts import Script
from identity.runtime.analysis import Analysis, template_of
from identity.summaries import SessionView
from identity.types import Colours, Outcome, Track, Verdict
from identity.verification.captures import verify_capture
from models.engine import Engines
from tests.identity.liveness.build import CALIBRATION, RATE, a_sample, a_track, answering

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FORMAT = "tf_verification"
ENGINES = Engines(
    pack="open",
    template_format=FORMAT,
    detector=cast(Any, None),
    mesh=cast(Any, None),
    embedders=(),
    calibration=CALIBRATION,
)
ALICE, MALLORY, BOB = 0, 1, 2
Change = Callable[[Verdict], Verdict]


def passing(verdict: Verdict) -> Verdict:
    return replace(verdict, outcome=Outcome.PASS, reasons=())


def doubtful(verdict: Verdict) -> Verdict:
    return replace(verdict, outcome=Outcome.REVIEW, reasons=("pulse:weak",))


def track_of(person: int, script: Script) -> Track:
    seconds = script.seconds + 0.5
    samples = [a_sample(t, person) for t in np.arange(0.0, seconds, 12 / RATE)]
    track = a_track(seconds, samples=samples, **answering(script))
    frames = track.times.size
    skin = np.full((frames, 3, 3), 0.25, np.float32)
    skin[0] = np.nan
    return replace(track, colours=Colours(skin, np.full((frames, 3), 0.5, np.float32)))


def analysis_of(person: int, script: Script, change: Change = passing) -> Analysis:
    """What an analysis of a clip of this person gives; the verdict is changed at the end."""
    from identity.runtime.analysis import judge_again

    track = track_of(person, script)
    return Analysis(
        info=cast(ClipInfo, None),
        track=track,
        verdict=change(judge_again(track, script, CALIBRATION)),
        template=template_of(track, FORMAT),
        pack="open",
        template_format=FORMAT,
        script=script,
        timings={},
        stats=cast(DecodeStats, None),
    )


def _clip() -> bytes:
    """The boxes of an MP4 around noise: nobody decodes it."""
    head = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2" + b"\x00\x00\x00\x08moov"
    return head + b"\x00\x00\x00\x48mdat" + secrets.token_bytes(64)


class Booth:
    """Where captures are made: sessions are real, what the camera saw is as told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch = monkeypatch
        for room in (
            "verification.captures",
            "verification.activation",
            "verification.reviews",
            "verification.replay",
            "duplicates.search",
        ):
            monkeypatch.setattr(f"identity.{room}.engines", lambda: ENGINES)

    def begin(self, account: User, purpose: str = "enrol", **more: Any) -> SessionView:
        more.setdefault("now", NOW)
        return identity.create_session(account_id=account.id, purpose=purpose, **more)

    def send(self, account: User, session: str, *, now: datetime = NOW, **more: Any) -> None:
        identity.receive_clip(
            account_id=account.id,
            session_id=session,
            stream=io.BytesIO(_clip()),
            length=None,
            now=now,
            **more,
        )

    def look(self, session: str, person: int, change: Change = passing) -> None:
        """Decide on a session whose clip shows this person."""
        self._patch.setattr(
            "identity.verification.captures.analyse",
            lambda _clip, script, *_, **__: analysis_of(person, script, change),
        )
        verify_capture(session)

    def capture(
        self,
        account: User,
        person: int,
        purpose: str = "enrol",
        change: Change = passing,
        **more: Any,
    ) -> str:
        session = self.begin(account, purpose, **more).id
        self.send(account, session, now=more.get("now", NOW))
        self.look(session, person, change)
        return session


def view(account: User, session: str) -> SessionView:
    return identity.session_view(account_id=account.id, session_id=session, now=NOW)
