"""Replaying decisions: the same track, the same verdict, or it is said where they differ."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from audit.entries import GENESIS, Entry
from identity.keystore.models import DataKey
from identity.models import DecisionRecord, StoredTrack
from identity.protection.records import sign_record
from identity.verification import replay
from tests.identity.verification.people import ALICE, ENGINES, Booth

pytestmark = pytest.mark.django_db


def honest(verdict: Any) -> Any:
    return verdict


@pytest.fixture
def session(alice: User, booth: Booth) -> str:
    return booth.capture(alice, ALICE, change=honest)


def run(session: str) -> str:
    out = io.StringIO()
    call_command("replay_decision", session, stdout=out, stderr=out)
    return out.getvalue()


def test_the_same_track_gives_the_same_verdict(session: str) -> None:
    assert "the same, byte for byte" in run(session)


Rewrite = Callable[[str, Any], None]


@pytest.fixture
def rewrite(monkeypatch: pytest.MonkeyPatch) -> Rewrite:
    """Put another record in the place of one, signed, and in the ledger for all that is read."""

    def rewrite(session: str, change: Any) -> None:
        row = DecisionRecord.objects.get(session_id=session)
        body = json.loads(row.body)
        change(body)
        row.body, row.signature, row.digest = sign_record(body)
        row.save()
        said = {"session": session, "record_sha256": row.digest, "outcome": body["outcome"]}
        entry = Entry(body["cameo"], 1, "", "capture.decided", said, GENESIS)
        monkeypatch.setattr("audit.interface.read_chain", lambda _: (entry,))

    return rewrite


def test_a_verdict_that_differs_is_named(session: str, rewrite: Rewrite) -> None:
    def change(body: Any) -> None:
        body["judged"]["signals"][0]["n"] += 1
        body["judged"]["outcome"] = "review"
        body["frames"] += 1

    rewrite(session, change)
    out = io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("replay_decision", session, stdout=out)
    assert ended.value.code == 1
    assert out.getvalue().split("\n")[:-1] == [
        "differs: /judged/outcome",
        "differs: /judged/signals/0/n",
        "differs: /frames",
    ]


def test_another_version_of_the_code_is_a_warning(session: str, rewrite: Rewrite) -> None:
    rewrite(session, lambda body: body.update(code_version="0.0.9"))
    text = run(session)
    assert "warning: decided by version 0.0.9" in text
    assert "the same" in text


@pytest.mark.parametrize("column", ["body", "signature", "digest"])
def test_a_changed_record_is_refused(session: str, column: str) -> None:
    row = DecisionRecord.objects.get()
    text = getattr(row, column)
    changed = text.replace('"outcome":"', '"outcome":"x') if column == "body" else text[::-1]
    DecisionRecord.objects.update(**{column: changed})
    with pytest.raises(CommandError, match="record_broken"):
        run(session)


def test_a_record_that_the_ledger_does_not_know_is_refused(session: str) -> None:
    row = DecisionRecord.objects.get()
    body = json.loads(row.body) | {"note": "another"}
    row.body, row.signature, row.digest = sign_record(body)
    row.save()
    with pytest.raises(CommandError, match="record_broken"):
        run(session)


def test_a_track_that_is_gone_or_damaged_is_told(session: str) -> None:
    StoredTrack.objects.update(format=99)
    with pytest.raises(CommandError, match="track_broken"):
        run(session)
    StoredTrack.objects.update(format=1)
    DataKey.objects.all().delete()
    with pytest.raises(CommandError, match="track_gone"):
        run(session)
    StoredTrack.objects.all().delete()
    with pytest.raises(CommandError, match="track_gone"):
        run(session)


def test_another_pack_is_told(session: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    other = replace(ENGINES, template_format="tf_other")
    monkeypatch.setattr(replay, "engines", lambda: other)
    with pytest.raises(CommandError, match="pack_differs"):
        run(session)


def test_what_cannot_be_replayed_is_told(session: str, rewrite: Rewrite) -> None:
    for unknown in ("cap_" + "a" * 26, "", "x" * 500):
        with pytest.raises(CommandError, match="decision_unknown"):
            run(unknown)
    rewrite(session, lambda body: body.update(judged=None))
    with pytest.raises(CommandError, match="not_replayable"):
        run(session)
