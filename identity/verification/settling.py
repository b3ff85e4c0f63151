"""The one transaction that settles a capture: record, cameo, session, review and ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django.db import transaction

from audit import interface as audit
from identity.comparison import Template
from identity.models import Cameo, CaptureSession, DecisionRecord, Dispute, Review
from identity.protection.records import sign_record
from identity.runtime.trackfile import dump_track
from identity.selectors import bump_epochs, lock_cameos
from identity.types import Outcome
from identity.verification import advice as words
from identity.verification.activation import (
    RENEWABLE,
    activate,
    compare_with_own,
    duplicates_of,
    renew,
)
from identity.verification.findings import (
    COMPARISON,
    DUPLICATE,
    DUPLICATE_REVIEW,
    LIVENESS_REVIEW,
    Claim,
    Finding,
)
from identity.verification.records import record_of
from identity.verification.tracks import keep_track

_State = CaptureSession.State
_Purpose = CaptureSession.Purpose


def settle(claim: Claim, finding: Finding, *, now: datetime) -> Finding | None:
    """Write the decision down; None if this run was overtaken, and the clip is another's now.

    Gives the finding as it was written: what the templates of the cameo and of others said is
    added here, under the locks.

    Raises:
        DuplicateCheckPending: if nobody can be said to be new just now.
        Unavailable, Misconfigured: if something is down; nothing is written then.
    """
    plain = dump_track(finding.analysis.track) if finding.analysis else None
    with transaction.atomic():
        lock_cameos([claim.cameo_id])
        session = CaptureSession.objects.select_for_update().get(id=claim.session_id)
        if session.state != _State.PROCESSING or session.attempts != claim.attempt:
            return None
        cameo = Cameo.objects.get(id=claim.cameo_id)
        found = _against_templates(session, cameo, finding)
        body, signature, digest = sign_record(record_of(session, found, now=now))
        DecisionRecord.objects.create(
            session=session, body=body, signature=signature, digest=digest, created=now
        )
        if plain is not None:
            keep_track(session, plain, now=now)
        _change_cameo(session, cameo, found, now=now)
        _write(session, found, now=now)
        entry = {"session": session.id, "record_sha256": digest, "outcome": found.outcome.value}
        audit.append(chain=cameo.id, kind="capture.decided", body=entry, now=now)
    return found


def _against_templates(session: CaptureSession, cameo: Cameo, finding: Finding) -> Finding:
    """The finding with what its owner's template, or everybody else's, has to say."""
    template = finding.analysis.template if finding.analysis else None
    if session.dispute:
        return _for_dispute(session, finding, template)
    if cameo.held_by and finding.outcome in (Outcome.PASS, Outcome.REVIEW):
        # The dispute began while this waited.
        return replace(
            finding, outcome=Outcome.RETRY, advice=(words.COULD_NOT_CHECK,), error="held"
        )
    if finding.outcome not in (Outcome.PASS, Outcome.REVIEW) or template is None:
        return finding
    if session.purpose == _Purpose.ENROL:
        if cameo.state != Cameo.State.PENDING:
            return finding
        matches = duplicates_of(cameo.id, cameo.owner_id, template)
        if not matches:
            return finding
        return replace(
            finding,
            outcome=Outcome.REVIEW,
            advice=(words.WAIT,),
            matched=matches[0].cameo_id,
            against=(*finding.against, DUPLICATE),
        )
    compared = compare_with_own(cameo.id, template)
    if compared is None:
        return replace(
            finding,
            outcome=Outcome.UNSUPPORTED,
            advice=(words.NOT_REACHABLE,),
            error="not_comparable",
        )
    if not compared.matches:
        return replace(
            finding,
            outcome=Outcome.FAIL,
            advice=(words.TRY_AGAIN,),
            compared=compared,
            against=(*finding.against, COMPARISON),
        )
    if session.purpose == _Purpose.STEP_UP and finding.outcome is Outcome.REVIEW:
        # Who has to be here now can't wait for somebody to look.
        return replace(finding, outcome=Outcome.FAIL, advice=(words.TRY_AGAIN,), compared=compared)
    return replace(finding, compared=compared)


def _for_dispute(session: CaptureSession, finding: Finding, template: Template | None) -> Finding:
    """The finding with what the holder's template says, for those who decide the dispute.

    It takes no part in the outcome: neither side could try faces against it.
    """
    dispute = Dispute.objects.get(id=session.dispute)
    compared = None if template is None else compare_with_own(dispute.holder_id, template)
    found = replace(finding, compared=compared)
    if finding.outcome is Outcome.REVIEW:
        # There is no second person to look at it beside the one who decides.
        return replace(found, outcome=Outcome.FAIL, advice=(words.TRY_AGAIN,))
    return found


def _change_cameo(session: CaptureSession, cameo: Cameo, found: Finding, *, now: datetime) -> None:
    analysis = found.analysis
    if session.dispute:
        return
    if found.outcome is Outcome.REVIEW:
        _ask_for_review(session, cameo, found, now=now)
    elif found.outcome is Outcome.PASS and analysis is not None and analysis.template is not None:
        enrols, renews = _Purpose.ENROL, _Purpose.RE_ENROL
        if session.purpose == enrols and cameo.state == Cameo.State.PENDING:
            activate(cameo.id, analysis.template, found.assurance, now=now)
        elif session.purpose == renews and cameo.state in RENEWABLE and not cameo.held_by:
            renew(cameo, analysis.template, found.assurance, now=now)


def _ask_for_review(
    session: CaptureSession, cameo: Cameo, found: Finding, *, now: datetime
) -> None:
    enrols = session.purpose == _Purpose.ENROL
    if enrols and cameo.state != Cameo.State.PENDING:
        return
    doubtful = found.analysis is None or found.analysis.verdict.outcome is Outcome.REVIEW
    Review.objects.create(
        session=session,
        cameo=cameo,
        reasons=[
            *([LIVENESS_REVIEW] if doubtful else []),
            *([DUPLICATE_REVIEW] if found.matched else []),
        ],
        matched_id=found.matched,
        created=now,
    )
    if enrols:
        Cameo.objects.filter(id=cameo.id).update(state=Cameo.State.IN_REVIEW)
        bump_epochs([cameo.id])


def _write(session: CaptureSession, found: Finding, *, now: datetime) -> None:
    passed = found.outcome is Outcome.PASS
    session.state = _State.DECIDED
    session.decided = now
    session.stage, session.progress = "decided", 1.0
    session.outcome = found.outcome.value
    session.advice = [{"code": a.code, "message": a.message} for a in found.advice]
    session.assurance = found.assurance.value if passed else ""
    session.passed_at = now if passed else None
    if found.outcome is not Outcome.REVIEW:
        session.clip_key, session.clip_file = None, ""
    session.save()
