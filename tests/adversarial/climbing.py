"""Mallory climbs: she tries, changes her attempt a little, and keeps what seems to do better."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, cast

import numpy as np
import pytest

from accounts.models import User
from identity.capture.types import ClipInfo, DecodeStats
from identity.comparison import Template
from identity.liveness.fusion import fuse, reasons_of
from identity.models import DecisionRecord
from identity.runtime.analysis import Analysis
from identity.session_errors import TooManyCaptures
from identity.types import Assurance, Signal, SignalOutcome, Track, Vector, Verdict
from identity.verification.captures import verify_capture
from tests.api.conftest import Api
from tests.identity.liveness.build import CALIBRATION, a_track, unit
from tests.identity.verification.people import FORMAT, NOW, Booth

DIMS: Final = 64
SECONDS_FOR_A_TRY: Final = 15
THRESHOLD: Final = CALIBRATION.template_threshold
# What differs between any two sessions, whoever answers them and however.
OF_THE_SESSION: Final = ("id", "script", "nonce_hash", "created", "expires")

Faces = tuple[Vector, ...]
Signals = tuple[Signal, ...]
_NONCE: Final = re.compile(r"'nonce-[\w-]{22}'")
_TRACK: Final[Track] = a_track(0.2)


def face_at(score: float, target: Faces, chance: np.random.Generator) -> Faces:
    """Vectors that score exactly so against the target's, in a direction of chance."""
    cosine = (score - CALIBRATION.bias) / sum(CALIBRATION.weights)
    found = []
    for vector in target:
        one = vector.astype(np.float64)
        other = chance.normal(size=one.size)
        other -= (other @ one) * one
        sine = np.sqrt(max(0.0, 1.0 - cosine**2))
        found.append(unit(cosine * one + sine * other / np.linalg.norm(other)))
    return tuple(found)


def score_of(attempt: Faces, target: Faces) -> float:
    """As identity.comparison.score."""
    cosines = [float(a.astype(np.float64) @ b) for a, b in zip(attempt, target, strict=True)]
    return CALIBRATION.bias + float(np.dot(CALIBRATION.weights, cosines))


def analysis_of(attempt: Faces, signals: Signals = ()) -> Analysis:
    """What an analysis gives of a clip that shows such a face, and of which signals say this."""
    verdict = Verdict(fuse(signals, ()), signals, (), reasons_of(signals), 0.0, Assurance.STANDARD)
    return Analysis(
        info=cast(ClipInfo, None),
        track=_TRACK,
        verdict=verdict,
        template=Template(FORMAT, attempt, 12),
        pack="open",
        template_format=FORMAT,
        script=None,
        timings={},
        stats=cast(DecodeStats, None),
    )


def vetoing(name: str, value: float, threshold: float, why: str) -> Signal:
    """A signal that passes from its threshold on."""
    good = value >= threshold
    outcome = SignalOutcome.PASS if good else SignalOutcome.FAIL
    return Signal(name, value, threshold, outcome, "ok" if good else why, 9)


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes back over HTTP about one capture.

    Attributes:
        outcome: of it.
        said: body and headers, without what is the session's own.
        raw: the body as it is.
    """

    session: str
    outcome: str
    said: bytes
    raw: bytes


@dataclass
class Service:
    """The service as Mallory meets it, with a clock that is moved by hand."""

    booth: Booth
    patch: pytest.MonkeyPatch
    account: User
    api: Api
    purpose: str
    now: datetime = NOW
    taken: list[datetime] = field(default_factory=list)
    refused: int = 0

    def ask(self, analysis: Analysis) -> Answer:
        """One try: begin, send, be judged, ask what came of it."""
        session = self.booth.begin(self.account, self.purpose, now=self.now).id
        self.now += timedelta(seconds=SECONDS_FOR_A_TRY)
        self.booth.send(self.account, session, now=self.now)
        self.patch.setattr("identity.verification.captures.analyse", lambda *_, **__: analysis)
        self.patch.setattr("identity.verification.captures.utcnow", lambda: self.now)
        verify_capture(session)
        self.taken.append(self.now)
        response = self.api("GET", f"/v1/capture-sessions/{session}").response
        body = json.loads(response.content)
        headers = {name: value for name, value in response.items() if name != "X-Request-ID"}
        said = {name: value for name, value in body.items() if name not in OF_THE_SESSION}
        # The script's length is the session's own, too; a page's nonce is each answer's.
        headers.pop("Content-Length", None)
        text = _NONCE.sub("", json.dumps([headers, said])).encode()
        return Answer(session, body["outcome"], text, response.content)

    def insist(self, analysis: Analysis) -> Answer:
        """One try, as soon as one is taken again."""
        while True:
            try:
                return self.ask(analysis)
            except TooManyCaptures as error:
                self.refused += 1
                self.now += timedelta(seconds=error.retry_after)


@dataclass
class Climber:
    """An evolution strategy with one parent: its step grows when it gets on, and else shrinks."""

    kept: Faces
    chance: np.random.Generator
    step: float = 0.35
    heard: Any = None

    def attempt(self) -> Faces:
        """The kept attempt, changed a little."""
        scale = self.step / np.sqrt(DIMS)
        return tuple(unit(v + scale * self.chance.normal(size=v.size)) for v in self.kept)

    def learn(self, attempt: Faces, heard: Any) -> None:
        """Keep the attempt if it seems better; toss a coin where nothing can be told apart."""
        toss = bool(self.chance.random() < 0.5)
        if self.heard is None or heard == self.heard:
            better = toss
        else:
            better = heard > self.heard
            # A fifth of the tries succeeding is what keeps the step as it is (Rechenberg 1973).
            self.step *= np.exp(0.2 if better else -0.05)
        if better:
            self.kept = attempt
        if better or self.heard is None:
            self.heard = heard


def climb(
    climber: Climber, tries: int, hear: Callable[[Faces], tuple[Any, bool]]
) -> tuple[int, bool]:
    """Climb until a try passes or all are used; how many were, and whether one passed.

    Args:
        climber: who climbs; it changes.
        tries: how many at most.
        hear: tries one attempt; what is learnt of it, and whether it passed.
    """
    for count in range(1, tries + 1):
        attempt = climber.attempt()
        heard, passed = hear(attempt)
        if passed:
            climber.kept = attempt
            return count, True
        climber.learn(attempt, heard)
    return tries, False


def recorded(session: str) -> dict[str, Any]:
    """The decision record, which no person who is checked can read."""
    body: dict[str, Any] = json.loads(DecisionRecord.objects.get(session_id=session).body)
    return body


def walk(start: Faces, seed: int, tries: int) -> Faces:
    """Where somebody ends who hears nothing at all."""
    climber = Climber(start, np.random.default_rng(seed))
    climb(climber, tries, lambda _: (b"", False))
    return climber.kept
