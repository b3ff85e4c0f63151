"""Beginning a capture session and taking the clip that answers it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Protocol

from django.conf import settings
from django.db import transaction
from procrastinate.contrib.django import app

from accounts.interface import (
    AGE_SIGNAL,
    check_age,
    declare_birth_date,
    lock_account,
    read_account,
    signalled_birth_date,
)
from audit import interface as audit
from common.canonical import sha256_hex
from common.errors import FieldError, InvalidInput
from identity.capture.script import Without, generate_script
from identity.capture.sniff import clip_container
from identity.capture.types import INTAKE
from identity.enrolment.attestation import attested
from identity.enrolment.disputes import open_dispute_of
from identity.enrolment.pauses import refuse_if_too_many
from identity.errors import ClipEmpty, ClipTooManyBytes
from identity.models import Cameo, CaptureSession, UsedClip
from identity.protection import clips
from identity.selectors import bump_epochs, lock_cameos, own_cameo, view_of_session
from identity.session_errors import (
    AlreadyEnrolled,
    CameoHeld,
    CaptureInProgress,
    CaptureUnsupported,
    ClipAlreadyUsed,
    NoSuchSession,
    NotEnrolled,
    SessionAnswered,
    SessionExpired,
    UnknownPurpose,
)
from identity.summaries import SessionView

NONCE_BYTES = 32
VERIFY_TASK = "identity.verify_capture"
VERIFY_QUEUE = "verification"
_PIECE = 256 * 1024
# What a likeness comes of; a step-up only shows that its owner is here.
_FOR_A_LIKENESS = (CaptureSession.Purpose.ENROL, CaptureSession.Purpose.RE_ENROL)
UNDECIDED = (
    CaptureSession.State.QUEUED,
    CaptureSession.State.PROCESSING,
    CaptureSession.State.DUPLICATE_CHECK_PENDING,
)


class Readable(Protocol):
    """What a clip is read from, in pieces."""

    def read(self, size: int, /) -> bytes: ...


def create_session(
    *,
    account_id: str,
    now: datetime,
    purpose: str = CaptureSession.Purpose.ENROL,
    without: Iterable[str] = (),
) -> SessionView:
    """Begin a capture session: a random script, to be answered once within its life.

    An older session that still waits for its clip ends: one challenge at a time.

    Args:
        account_id: whose.
        now: when.
        purpose: `enrol`; `re-enrol` renews the template, `step-up` shows that its owner is here.
            While a dispute holds the cameo, `re-enrol` is for those who decide it: it changes
            nothing by itself.
        without: `light` or `motion`, where the person can't take part in it.

    Raises:
        UnknownPurpose: for any other purpose.
        TooYoung, GuardianNeeded: on `enrol` and `re-enrol`, of minors (docs/guardians.md).
        AgeUnknown: on these, if the deployment's age signal fails.
        InvalidInput: for anything else to be left out.
        CaptureUnsupported: if what is left shows nothing.
        CameoHeld: on `enrol`, while a dispute holds the cameo.
        AlreadyEnrolled: on `enrol`, if the account's cameo doesn't wait for a capture.
        NotEnrolled: on the others, if there is no template to compare with.
        CaptureInProgress: while another clip of the account is being checked.
        TooManyCaptures: after too many that failed, or were begun and left.
    """
    if purpose not in CaptureSession.Purpose.values:
        raise UnknownPurpose
    left_out = _left_out(without)
    nonce = secrets.token_bytes(NONCE_BYTES)
    script = generate_script(nonce, left_out)
    if purpose in _FOR_A_LIKENESS:
        _settle_age(account_id, now)
    with transaction.atomic():
        # The account's row is what serialises its captures: there may be no cameo yet.
        lock_account(account_id)
        if purpose in _FOR_A_LIKENESS:
            check_age(account_id, now=now)
        refuse_if_too_many(account_id, now)
        cameo, dispute = _cameo_for(account_id, purpose, now)
        mine = CaptureSession.objects.filter(account_id=account_id)
        states = CaptureSession.State
        if mine.filter(state__in=UNDECIDED).exists():
            raise CaptureInProgress
        mine.filter(state=states.OPEN).update(state=states.EXPIRED)
        session = CaptureSession.objects.create(
            account_id=account_id,
            cameo=cameo,
            purpose=purpose,
            without=left_out.value if left_out else "",
            nonce_hash=sha256_hex(nonce),
            script=script.to_json(),
            dispute=dispute,
            created=now,
            expires=now + settings.CAMEO_CAPTURE_SESSION_LIFE,
        )
        audit.append(
            chain=cameo.id,
            kind="capture.begun",
            body={"session": session.id, "purpose": purpose, "nonce_hash": session.nonce_hash},
            now=now,
        )
        return view_of_session(session, now=now)


def _settle_age(account_id: str, now: datetime) -> None:
    """Keep what the deployment knows of a person's age, in a transaction of its own: a capture
    that is refused for it doesn't take it back.
    """
    birth_date = signalled_birth_date(account_id, now=now)
    if birth_date is None:
        return
    with transaction.atomic():
        lock_account(account_id)
        mine = [cameo.id] if (cameo := own_cameo(account_id)) else []
        lock_cameos(mine)
        known = read_account(account_id)
        # Who declared one meanwhile has declared it.
        if known is not None and known.birth_date is None:
            declare_birth_date(account=account_id, birth_date=birth_date, now=now, by=AGE_SIGNAL)
            bump_epochs(mine)


def _left_out(without: Iterable[str]) -> Without | None:
    wishes = frozenset(without)
    if not wishes <= set(CaptureSession.Without.values):
        message = f"One of {', '.join(CaptureSession.Without.values)}."
        raise InvalidInput(fields=(FieldError("/without", "unknown_value", message),))
    if len(wishes) > 1:
        raise CaptureUnsupported
    return Without(next(iter(wishes))) if wishes else None


def _cameo_for(account_id: str, purpose: str, now: datetime) -> tuple[Cameo, str]:
    """The account's cameo, locked; made where there is none and one is to be enrolled.

    With it the open dispute that the capture is for, if it is for one.
    """
    states = Cameo.State
    cameo = Cameo.objects.filter(owner_id=account_id).exclude(state=states.ERASED).first()
    if purpose == CaptureSession.Purpose.ENROL:
        if cameo is None:
            cameo = Cameo.objects.create(owner_id=account_id, created=now)
        # Before any session's row, here as everywhere; what is read from here on holds.
        if lock_cameos([cameo.id])[cameo.id].state != states.PENDING:
            raise AlreadyEnrolled
        cameo.refresh_from_db(fields=["held_by"])
        if cameo.held_by:
            raise CameoHeld
        return cameo, ""
    if cameo is None:
        raise NotEnrolled
    lock_cameos([cameo.id])
    cameo.refresh_from_db()
    if purpose == CaptureSession.Purpose.RE_ENROL and cameo.held_by == Cameo.Hold.DISPUTE:
        found = open_dispute_of(cameo.id)
        if found is not None:
            return cameo, found.id
    if cameo.state not in (states.ACTIVE, states.SUSPENDED, states.EXPIRED) or cameo.held_by:
        raise NotEnrolled
    return cameo, ""


def receive_clip(
    *,
    account_id: str,
    session_id: str,
    stream: Readable,
    length: int | None,
    now: datetime,
    attestation: str | None = None,
) -> SessionView:
    """Take the clip that answers a session: seal it, and queue its check, once.

    Args:
        account_id: who sends it.
        session_id: one of that account's sessions.
        stream: the clip's bytes; read in pieces, never past the limit.
        length: how many bytes are announced, if that is known.
        now: when the upload began. The whole clip must be there before the session ends:
            an upload that dawdles would buy time to make an answer.
        attestation: a capture client's signed statement about this clip, if there is one. One
            that doesn't hold refuses the clip before anything of it is kept.

    Raises:
        NoSuchSession, SessionExpired, SessionAnswered: about the session.
        AttestationInvalid: about the statement.
        ClipEmpty, ClipTooManyBytes, NotAVideo, ClipTruncated, ClipAlreadyUsed: about the clip.
        ClipStoreUnavailable: if it can't be kept.
    """
    limit, began = INTAKE.max_bytes, time.monotonic()

    def moment() -> datetime:
        return now + timedelta(seconds=time.monotonic() - began)

    mine = CaptureSession.objects.filter(id=session_id, account_id=account_id)
    found = _answerable(mine.first(), now)
    if length is not None and length > limit:
        raise ClipTooManyBytes
    clip = _read(stream, limit, lambda: moment() >= found.expires)
    # Plain Python looks before anything is kept; what the decoder finds is decided on later.
    clip_container(clip)
    digest = sha256_hex(clip)
    signed = attested(
        attestation,
        session_id=found.id,
        nonce_hash=found.nonce_hash,
        clip_sha256=digest,
        now=moment(),
    )
    sealed = clips.keep(clip, session_id=session_id)
    try:
        with transaction.atomic():
            # A cameo is locked before its sessions, here as everywhere.
            lock_cameos([found.cameo_id])
            arrived = moment()
            session = _answerable(mine.select_for_update().first(), arrived)
            _, fresh = UsedClip.objects.get_or_create(sha256=digest, defaults={"session": session})
            if not fresh:
                raise ClipAlreadyUsed
            session.state = CaptureSession.State.QUEUED
            session.received = arrived
            session.clip_file = sealed.file
            session.clip_key = sealed.wrapped_key
            session.clip_sha256 = digest
            session.attestation = signed.to_json() if signed else None
            session.stage = "queued"
            session.save()
            audit.append(
                chain=session.cameo_id,
                kind="capture.received",
                body={"session": session.id, "clip_sha256": digest},
                now=arrived,
            )
            app.configure_task(VERIFY_TASK, queue=VERIFY_QUEUE, lock=session.id).defer(
                session_id=session.id
            )
            return view_of_session(session, now=arrived)
    except BaseException:
        clips.forget(sealed.file)
        raise


def _answerable(session: CaptureSession | None, now: datetime) -> CaptureSession:
    if session is None:
        raise NoSuchSession
    states = CaptureSession.State
    if session.state == states.EXPIRED or (session.state == states.OPEN and now >= session.expires):
        raise SessionExpired
    if session.state != states.OPEN:
        raise SessionAnswered
    return session


def _read(stream: Readable, limit: int, is_late: Callable[[], bool]) -> bytes:
    pieces, size = [], 0
    while piece := stream.read(_PIECE):
        size += len(piece)
        if size > limit:
            raise ClipTooManyBytes
        if is_late():
            raise SessionExpired
        pieces.append(piece)
    if not size:
        raise ClipEmpty
    return b"".join(pieces)
