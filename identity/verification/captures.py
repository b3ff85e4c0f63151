"""Deciding on a capture that waits.

A job may run twice: a worker that only seemed dead goes on. So a run takes a number from the
session's row when it begins, and settles the session only while that number is the newest.
"""

from __future__ import annotations

import contextlib
import logging
import time
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, transaction

from common.clock import utcnow
from common.envelope import SealBroken
from common.errors import CameoError, Misconfigured, Unavailable
from identity.errors import ClipDamaged
from identity.models import CaptureSession
from identity.prompts import Script
from identity.protection import clips
from identity.runtime.analysis import analyse
from identity.runtime.deployment import engines, pad_engine
from identity.session_errors import ClipStoreUnavailable, DuplicateCheckPending
from identity.summaries import Advice
from identity.types import Outcome
from identity.verification import advice as words
from identity.verification.findings import Claim, Finding, conclude
from identity.verification.settling import settle

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
PROGRESS_SECONDS = 0.25
CLIP_LIFE = timedelta(hours=24)
"""How long a raw clip may wait (liveness.md, "Intake")."""

_State = CaptureSession.State
WAITING = (_State.QUEUED, _State.PROCESSING, _State.DUPLICATE_CHECK_PENDING)


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
            _give_back(claim)
            raise
    try:
        settled = settle(claim, finding, now=utcnow())
    except DuplicateCheckPending:
        _give_back(claim, _State.DUPLICATE_CHECK_PENDING)
        raise
    except (Unavailable, Misconfigured, OperationalError, InterfaceError):
        _give_back(claim)
        raise
    if settled is not None and settled.outcome is not Outcome.REVIEW:
        clips.forget(claim.clip.file)


def give_up_stale(*, now: datetime) -> int:
    """Settle sessions whose clip has waited longer than a raw clip may be kept; says how many.

    They end as `retry`, and their clips are deleted.
    """
    stale = CaptureSession.objects.filter(state__in=WAITING, received__lt=now - CLIP_LIFE)
    found = list(stale.values_list("id", flat=True))
    stale.update(attempts=MAX_ATTEMPTS)
    for session_id in found:
        verify_capture(session_id)
    return len(found)


def forget_reviewed_clips(*, now: datetime) -> int:
    """Delete clips that have waited for a reviewer as long as a raw clip may; says how many.

    The reviews stay open: what was measured is still there to decide by.
    """
    files = []
    with transaction.atomic():
        old = CaptureSession.objects.select_for_update().filter(
            state=_State.DECIDED, received__lt=now - CLIP_LIFE
        )
        for session in old.exclude(clip_file=""):
            files.append(session.clip_file)
            session.clip_key, session.clip_file = None, ""
            session.save(update_fields=["clip_key", "clip_file"])
    for file in files:
        clips.forget(file)
    return len(files)


def _claim(session_id: str) -> Claim | None:
    with transaction.atomic():
        session = CaptureSession.objects.select_for_update().filter(id=session_id).first()
        if session is None or session.state not in WAITING:
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
            chose_less=bool(session.without),
            attested=session.attestation is not None,
        )


def _give_back(claim: Claim, state: _State = _State.QUEUED) -> None:
    """An attempt that ended by no doing of the clip's doesn't count against it."""
    with contextlib.suppress(OperationalError, InterfaceError):
        CaptureSession.objects.filter(
            id=claim.session_id, state=_State.PROCESSING, attempts=claim.attempt
        ).update(state=state, attempts=claim.attempt - 1, stage="queued", progress=0.0)


def _check(claim: Claim) -> Finding:
    try:
        clip = clips.read(claim.clip, session_id=claim.session_id)
    except (ClipStoreUnavailable, SealBroken):
        return Finding(Outcome.RETRY, (words.COULD_NOT_CHECK,), error="clip_gone")
    try:
        analysis = analyse(clip, claim.script, engines(), _Progress(claim), pad=pad_engine())
    except (Unavailable, Misconfigured, OperationalError, InterfaceError):
        # Nothing the person did: the clip waits until this is mended.
        raise
    except CameoError as error:
        return Finding(Outcome.RETRY, (Advice(error.code, error.message),), error=error.code)
    except Exception:
        # Fail closed on what nobody foresaw, and keep the job from running for ever.
        log.exception("a capture could not be checked", extra={"fields": {"id": claim.session_id}})
        return Finding(Outcome.RETRY, (words.COULD_NOT_CHECK,), error=ClipDamaged.code)
    return conclude(analysis, chose_less=claim.chose_less, attested=claim.attested)


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
