"""The decision record: what was decided on a capture and why, without a picture of anybody."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any, Final

from django.conf import settings

from common.canonical import sha256_hex, strict_json
from common.clock import rfc3339
from common.version import VERSION
from identity.models import CaptureSession, DecisionRecord
from identity.protection.records import RecordBroken, check_record
from identity.types import MeasuredPrompt, Outcome, Signal, Verdict
from identity.verification.findings import Finding

RECORD_VERSION: Final = 2
NOTE: Final = "A clip made in software that follows the script passes all but attestation."


def record_of(session: CaptureSession, finding: Finding, *, now: datetime) -> dict[str, Any]:
    """The body of a record, before it is signed.

    Args:
        session: its row, locked, before the decision is written to it.
        finding: what is decided.
        now: when.
    """
    analysis = finding.analysis
    passed = finding.outcome is Outcome.PASS
    reviewed = finding.outcome is Outcome.REVIEW
    return {
        "version": RECORD_VERSION,
        "session": session.id,
        "cameo": session.cameo_id,
        "purpose": session.purpose,
        "without": session.without or None,
        "nonce_hash": session.nonce_hash,
        "script": session.script,
        "clip_sha256": session.clip_sha256,
        "attestation": session.attestation,
        "created": rfc3339(session.created),
        "received": rfc3339(session.received) if session.received else None,
        "decided": rfc3339(now),
        "attempt": session.attempts,
        "code_version": VERSION,
        "pack": analysis.pack if analysis else settings.CAMEO_MODEL_PACK,
        "pad_pack": settings.CAMEO_PAD_PACK or None,
        "template_format": analysis.template_format if analysis else None,
        "error": finding.error or None,
        "judged": judged(analysis.verdict) if analysis else None,
        "frames": int(analysis.track.times.size) if analysis else None,
        "compared": {
            "score": finite(finding.compared.score),
            "threshold": finite(finding.compared.threshold),
        }
        if finding.compared
        else None,
        "against": list(finding.against),
        "outcome": finding.outcome.value,
        "reached": finding.assurance.value if passed or reviewed else None,
        "assurance": finding.assurance.value if passed else None,
        "note": NOTE,
    }


def judged(verdict: Verdict) -> dict[str, Any]:
    """What follows from the track, the script and the calibration alone: what a replay compares."""
    return {
        "signals": [_signal(found) for found in verdict.signals],
        "prompts": [_prompt(found) for found in verdict.prompts],
        "reasons": list(verdict.reasons),
        "soft": finite(verdict.soft),
        "assurance": verdict.assurance.value,
        "outcome": verdict.outcome.value,
    }


def read_body(record: DecisionRecord) -> dict[str, Any]:
    """A stored record's body, once its signature was checked.

    Raises:
        RecordBroken: if it doesn't hold.
    """
    check_record(record.body, record.signature)
    body = strict_json(record.body)
    if not isinstance(body, dict) or sha256_hex(record.body.encode("utf-8")) != record.digest:
        raise RecordBroken
    return body


def _signal(found: Signal) -> dict[str, Any]:
    body = found.to_json()
    return body | {
        "value": None if finite(found.value) is None else body["value"],
        "threshold": None if finite(found.threshold) is None else body["threshold"],
    }


def _prompt(found: MeasuredPrompt) -> dict[str, Any]:
    return {
        "kind": found.prompt.kind.value,
        "found": found.found,
        "times": [finite(time) for time in found.times],
        "measured": finite(found.measured),
        "why": found.why,
    }


def finite(value: float | None) -> float | None:
    """A number that has a canonical form, or None: a record must be written whatever came out."""
    if value is None or not math.isfinite(value):
        return None
    return round(float(value), 3)
