"""Deciding again on a stored track, to see that a decision was what the record says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit import interface as audit
from common.canonical import canonical_bytes
from common.errors import Conflict, NotFound
from common.version import VERSION
from identity.models import DecisionRecord
from identity.prompts import Script
from identity.protection.records import RecordBroken
from identity.runtime.analysis import judge_again
from identity.runtime.deployment import engines
from identity.verification.records import RECORD_VERSION, judged, read_body
from identity.verification.tracks import read_track


class NoSuchRecord(NotFound):
    """There is no decision on a session of this id."""

    code = "decision_unknown"
    message = "There is no decision record of such a session."


class PackDiffers(Conflict):
    """The decision was made with another model pack than the one in use."""

    code = "pack_differs"
    message = "The decision was made with another model pack; use that one to replay it."


class NotReplayable(Conflict):
    """There was no verdict on a track: the clip could not be analysed, or the record is older."""

    code = "not_replayable"
    message = "The record holds no verdict that could be replayed."


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay found.

    Attributes:
        session_id: of the session.
        outcome: as the record has it.
        differences: JSON pointers into the record at which the replay differs; none, if the
            same track gave the same verdict, byte for byte.
        warnings: what else whoever reads this should know.
    """

    session_id: str
    outcome: str
    differences: tuple[str, ...]
    warnings: tuple[str, ...]


def replay(session_id: str, *, now: datetime) -> Replayed:
    """Judge a stored track again, and compare with the signed record.

    What a person decided, and what other templates said at the time, is not in a track: the
    verdict is what is compared, the record's digest is looked up in the ledger.

    Raises:
        NoSuchRecord: if nothing was decided.
        RecordBroken: if the record's signature doesn't hold, or the ledger has another digest.
        ChainBroken: if the ledger doesn't hold.
        NotReplayable: if there is no verdict in it.
        PackDiffers: if another pack is in use.
        TrackGone, TrackBroken: if the track isn't there, or can't be read.
        Unavailable, Misconfigured: if keystore, keyring or pack can't be used.
    """
    record = DecisionRecord.objects.filter(session_id=session_id).first()
    if record is None:
        raise NoSuchRecord
    body = read_body(record)
    _check_ledger(record, body)
    if body.get("version") != RECORD_VERSION or not isinstance(body.get("judged"), dict):
        raise NotReplayable
    track = read_track(session_id, now=now)
    used = engines()
    if (body["pack"], body["template_format"]) != (used.pack, used.template_format):
        raise PackDiffers
    verdict = judge_again(track, Script.from_json(body["script"]), used.calibration)
    differences = list(_differences("/judged", body["judged"], judged(verdict)))
    if body["frames"] != int(track.times.size):
        differences.append("/frames")
    warnings = []
    if body["code_version"] != VERSION:
        warnings.append(f"decided by version {body['code_version']}, replayed by {VERSION}")
    return Replayed(session_id, body["outcome"], tuple(differences), tuple(warnings))


def _check_ledger(record: DecisionRecord, body: dict[str, Any]) -> None:
    found = [
        entry.body.get("record_sha256")
        for entry in audit.read_chain(body["cameo"])
        if entry.kind == "capture.decided" and entry.body.get("session") == record.session_id
    ]
    if body["session"] != record.session_id or found != [record.digest]:
        raise RecordBroken


def _differences(pointer: str, old: Any, new: Any) -> list[str]:
    """Where two JSON values differ, as deep as their shapes agree."""
    if isinstance(old, dict) and isinstance(new, dict) and set(old) == set(new):
        return [
            d for key in sorted(old) for d in _differences(f"{pointer}/{key}", old[key], new[key])
        ]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [
            d
            for place, (one, other) in enumerate(zip(old, new, strict=True))
            for d in _differences(f"{pointer}/{place}", one, other)
        ]
    return [] if canonical_bytes(old) == canonical_bytes(new) else [pointer]
