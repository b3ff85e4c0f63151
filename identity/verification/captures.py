"""Deciding on a capture that waits.

A job may run twice: a worker that only seemed dead goes on. So a run takes a number from the
session's row when it begins, and settles the session only while that number is the newest.
"""

from __future__ import annotations

import contextlib
import logging
import math
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction

from audit import interface as audit
from common.clock import rfc3339, utcnow
from common.envelope import SealBroken
from common.errors import CameoError, Misconfigured, Unavailable
from common.version import VERSION
from events import interface as events
from events.interface import EventKind
from identity.comparison import comparison_vector
from identity.errors import ClipDamaged
from identity.models import Cameo, CaptureSession, DecisionRecord
from identity.prompts import Script
from identity.protection import clips
from identity.protection.records import sign_record
from identity.protection.templates import store_template
from identity.runtime.analysis import Analysis, analyse
from identity.runtime.deployment import engines
from identity.selectors import bump_epochs, lock_cameos
from identity.session_errors import ClipStoreUnavailable
from identity.summaries import Advice
from identity.types import MeasuredPrompt, Outcome, Signal
from identity.verification import advice as words

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
PROGRESS_SECONDS = 0.25
CLIP_LIFE = timedelta(hours=24)
"""How long a raw clip may wait (liveness.md, "Intake")."""
ASSURANCES = ("basic", "standard", "attested")
REACHED = "basic"
"""What scripts without light can reach (liveness.md, "Assurance")."""

_State = CaptureSession.State


@dataclass(frozen=True, slots=True)
class Claim:
    """A session that this run has taken, and the run's number."""

    session_id: str
    cameo_id: str
    attempt: int
    script: Script
    clip: clips.SealedClip


@dataclass(frozen=True, slots=True)
class Finding:
    """What a run found: an analysis, or the error that took its place."""

    outcome: Outcome
    advice: tuple[Advice, ...]
    error: str = ""
    analysis: Analysis | None = None


def verify_capture(session_id: str) -> None:
    """Check the clip of a queued session, and settle it. A settled one is left as it is.

    Raises:
        Unavailable, Misconfigured: if something is down; the job is tried again later.
    """
    try:
        _verify_capture(session_id)
    except (OperationalError, InterfaceError) as error:
        raise Unavailable from error


def _verify_capture(session_id: str) -> None:
    claim = _claim(session_id)
    if claim is None:
        return
    if claim.attempt > MAX_ATTEMPTS:
        # Earlier runs ended without a word: whatever the clip does to a worker, it did it.
        finding = Finding(Outcome.RETRY, (words.COULD_NOT_CHECK,), error="gave_up")
    else:
        try:
            finding = _check(claim)
        except (Unavailable, Misconfigured, OperationalError, InterfaceError):
            with contextlib.suppress(OperationalError, InterfaceError):
                _give_back(claim)
            raise
    if _settle(claim, finding, now=utcnow()):
        clips.forget(claim.clip.file)


def give_up_stale(*, now: datetime) -> int:
    """Settle sessions whose clip has waited longer than a raw clip may be kept; says how many.

    They end as `retry`, and their clips are deleted.
    """
    stale = CaptureSession.objects.filter(
        state__in=[_State.QUEUED, _State.PROCESSING], received__lt=now - CLIP_LIFE
    )
    found = list(stale.values_list("id", flat=True))
    stale.update(attempts=MAX_ATTEMPTS)
    for session_id in found:
        verify_capture(session_id)
    return len(found)


def _claim(session_id: str) -> Claim | None:
    with transaction.atomic():
        session = CaptureSession.objects.select_for_update().filter(id=session_id).first()
        if session is None or session.state not in (_State.QUEUED, _State.PROCESSING):
            return None
        session.state = _State.PROCESSING
        session.attempts += 1
        session.stage, session.progress = "starting", 0.0
        session.save(update_fields=["state", "attempts", "stage", "progress"])
        return Claim(
            session_id=session.id,
            cameo_id=session.cameo_id,
            attempt=session.attempts,
            script=Script.from_json(session.script),
            clip=clips.SealedClip(
                file=session.clip_file, wrapped_key=bytes(session.clip_key or b"")
            ),
        )


def _give_back(claim: Claim) -> None:
    """An attempt that ended by no doing of the clip's doesn't count against it."""
    CaptureSession.objects.filter(
        id=claim.session_id, state=_State.PROCESSING, attempts=claim.attempt
    ).update(state=_State.QUEUED, attempts=claim.attempt - 1, stage="queued", progress=0.0)


def _check(claim: Claim) -> Finding:
    try:
        clip = clips.read(claim.clip, session_id=claim.session_id)
    except (ClipStoreUnavailable, SealBroken):
        return Finding(Outcome.RETRY, (words.COULD_NOT_CHECK,), error="clip_gone")
    try:
        analysis = analyse(clip, claim.script, engines(), _Progress(claim))
    except (Unavailable, Misconfigured, OperationalError, InterfaceError):
        # Nothing the person did: the clip waits until this is mended.
        raise
    except CameoError as error:
        return Finding(Outcome.RETRY, (Advice(error.code, error.message),), error=error.code)
    except Exception:
        # Fail closed on what nobody foresaw, and keep the job from running for ever.
        log.exception("a capture could not be checked", extra={"fields": {"id": claim.session_id}})
        return Finding(Outcome.RETRY, (words.COULD_NOT_CHECK,), error=ClipDamaged.code)
    verdict = analysis.verdict
    if verdict.outcome is Outcome.PASS:
        if analysis.template is None:
            return Finding(Outcome.RETRY, (words.TRY_AGAIN,), "no_template", analysis)
        required = ASSURANCES.index(settings.CAMEO_REQUIRED_ASSURANCE)
        if ASSURANCES.index(REACHED) < required:
            return Finding(Outcome.UNSUPPORTED, (words.NOT_REACHABLE,), "", analysis)
        return Finding(Outcome.PASS, (), "", analysis)
    if verdict.outcome is Outcome.REVIEW:
        return Finding(Outcome.REVIEW, (words.WAIT,), "", analysis)
    return Finding(verdict.outcome, words.advise(verdict.reasons), "", analysis)


class _Progress:
    """Writes how far a run is, a few times a second, while the run is still the newest."""

    def __init__(self, claim: Claim) -> None:
        self._claim = claim
        self._last = 0.0

    def __call__(self, done: float) -> None:
        now = time.monotonic()
        if now - self._last < PROGRESS_SECONDS:
            return
        self._last = now
        CaptureSession.objects.filter(
            id=self._claim.session_id, state=_State.PROCESSING, attempts=self._claim.attempt
        ).update(stage="looking", progress=max(0.0, min(1.0, done)))


def _settle(claim: Claim, finding: Finding, *, now: datetime) -> bool:
    """Write the decision down; False if this run was overtaken, and the clip is another's now."""
    with transaction.atomic():
        held = lock_cameos([claim.cameo_id])[claim.cameo_id]
        session = CaptureSession.objects.select_for_update().get(id=claim.session_id)
        if session.state != _State.PROCESSING or session.attempts != claim.attempt:
            return False
        passed = finding.outcome is Outcome.PASS and held.state == Cameo.State.PENDING
        body, signature, digest = sign_record(_record(session, finding, passed=passed, now=now))
        DecisionRecord.objects.create(
            session=session, body=body, signature=signature, digest=digest, created=now
        )
        if passed and finding.analysis is not None and finding.analysis.template is not None:
            _activate(claim.cameo_id, finding.analysis, now=now)
        elif finding.outcome is Outcome.REVIEW and held.state == Cameo.State.PENDING:
            Cameo.objects.filter(id=claim.cameo_id).update(state=Cameo.State.IN_REVIEW)
            bump_epochs([claim.cameo_id])
        session.state = _State.DECIDED
        session.decided = now
        session.stage, session.progress = "decided", 1.0
        session.outcome = finding.outcome.value
        session.advice = [{"code": a.code, "message": a.message} for a in finding.advice]
        session.clip_key, session.clip_file = None, ""
        session.save()
        audit.append(
            chain=claim.cameo_id,
            kind="capture.decided",
            body={
                "session": session.id,
                "record_sha256": digest,
                "outcome": finding.outcome.value,
            },
            now=now,
        )
    return True


def _activate(cameo_id: str, analysis: Analysis, *, now: datetime) -> None:
    template = analysis.template
    assert template is not None  # noqa: S101 - for the type checker; the caller looked
    version = store_template(
        cameo_id=cameo_id,
        template_format=template.template_format,
        vector=comparison_vector(template, engines().calibration),
        now=now,
    )
    Cameo.objects.filter(id=cameo_id).update(
        state=Cameo.State.ACTIVE,
        assurance=REACHED,
        activated=now,
        expires=now + settings.CAMEO_LIFE,
    )
    bump_epochs([cameo_id])
    body = {
        "assurance": REACHED,
        "template_format": template.template_format,
        "template_version": version,
    }
    audit.append(chain=cameo_id, kind=EventKind.CAMEO_ACTIVATED.value, body=body, now=now)
    events.emit(kind=EventKind.CAMEO_ACTIVATED, subject=cameo_id, data={"cameo": cameo_id}, now=now)


def _record(
    session: CaptureSession, finding: Finding, *, passed: bool, now: datetime
) -> dict[str, Any]:
    analysis = finding.analysis
    return {
        "version": 1,
        "session": session.id,
        "cameo": session.cameo_id,
        "purpose": session.purpose,
        "nonce_hash": session.nonce_hash,
        "script": session.script,
        "clip_sha256": session.clip_sha256,
        "created": rfc3339(session.created),
        "received": rfc3339(session.received) if session.received else None,
        "decided": rfc3339(now),
        "attempt": session.attempts,
        "code_version": VERSION,
        "pack": settings.CAMEO_MODEL_PACK,
        "template_format": analysis.template_format if analysis else None,
        "error": finding.error or None,
        "signals": [_signal(found) for found in analysis.verdict.signals] if analysis else [],
        "reasons": list(analysis.verdict.reasons) if analysis else [],
        "prompts": [_prompt(found) for found in analysis.verdict.prompts] if analysis else [],
        "frames": int(analysis.track.times.size) if analysis else None,
        "outcome": finding.outcome.value,
        "assurance": REACHED if passed else None,
        "note": "A clip made in software that follows the script passes all but attestation.",
    }


def _signal(found: Signal) -> dict[str, Any]:
    body = found.to_json()
    return body | {"value": body["value"] if _finite(found.value) is not None else None}


def _prompt(found: MeasuredPrompt) -> dict[str, Any]:
    return {
        "kind": found.prompt.kind.value,
        "found": found.found,
        "times": [round(time, 3) for time in found.times],
        "measured": _finite(found.measured),
        "why": found.why,
    }


def _finite(value: float | None) -> float | None:
    """A number that has a canonical form, or None: a record must be written whatever came out."""
    return None if value is None or not math.isfinite(value) else round(value, 3)
