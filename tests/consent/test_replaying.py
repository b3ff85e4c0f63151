"""Kept decisions: the same case, the same bytes; changed, found; erased, gone and still proven."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from random import Random
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from audit.interface import read_chain
from consent.decision import decide
from consent.errors import DecisionNotFound
from consent.facts import Snapshot
from consent.interface import ReplayState, change_grant, replay, withdraw_grant
from consent.kept import decision_bytes, read_case, write_case, write_likeness
from consent.models import KeptDecision, KeptPart
from identity.protection.data_keys import KeystoreUnavailable, destroy_data_key
from tests.consent.conftest import NOW, Cast
from tests.consent.worlds import build
from tests.identity.keystores import take_down
from tests.reference.worlds import generate


def _facts(snapshot: Snapshot) -> list[dict[str, Any]]:
    return [write_likeness(fact) for fact in snapshot.likenesses]


def test_every_case_is_read_back_as_it_was_and_decided_alike() -> None:
    unwritten = 0
    for seed in range(1_500):
        request, snapshot = build(generate(Random(seed)))
        try:
            written = json.dumps([write_case(request, snapshot), *_facts(snapshot)])
        except ValueError:
            # What has no canonical form can't be permitted, and only permits are kept.
            unwritten += 1
            assert not decide(request, snapshot).permitted
            continue
        case, *facts = json.loads(written)
        read, again = read_case(case, facts)
        decision = decide(request, snapshot)
        assert decide(read, again).effect is decision.effect
        if decision.permitted and '"unknown"' not in written:
            # Terms that can't be read have no spelling of their own; their order may change.
            assert (read, again) == (request, snapshot)
        if decision.permitted:
            assert decision_bytes(decide(read, again)) == decision_bytes(decision)
    assert unwritten < 150


def test_a_token_s_decision_is_kept_and_gives_the_same_bytes_whatever_came_after(
    cast: Cast,
) -> None:
    grant = cast.grant()
    issued = cast.issue()
    withdraw_grant(grant=grant.id, now=NOW, by=cast.alice)
    found = replay(decision=issued.jti)
    assert found.state is ReplayState.SAME
    assert found.decision is not None
    assert json.loads(found.decision)["basis"][0]["grant"] == grant.id
    assert replay(decision=found.id) == found
    entry = next(e for e in read_chain(cast.cameo) if e.kind == "token.issued")
    assert (entry.body["decision"], entry.body["decision_digest"]) == (found.id, found.digest)


def test_what_is_kept_shows_nothing_without_the_key(cast: Cast) -> None:
    cast.grant()
    cast.issue()
    sealed = bytes(KeptPart.objects.get().sealed)
    for secret in (cast.bob, cast.alice, "personal", "permit"):
        assert secret.encode() not in sealed


def test_one_changed_byte_is_found(cast: Cast) -> None:
    cast.grant()
    jti = cast.issue().jti
    part = KeptPart.objects.get()
    for place in (0, len(part.sealed) // 2, len(part.sealed) - 1):
        body = bytearray(part.sealed)
        body[place] ^= 1
        KeptPart.objects.update(sealed=bytes(body))
        assert replay(decision=jti).state is ReplayState.DIFFERENT
    KeptPart.objects.update(sealed=part.sealed)
    KeptDecision.objects.update(digest="0" * 64)
    assert replay(decision=jti).state is ReplayState.DIFFERENT


def test_of_an_erased_cameo_it_says_erased_and_the_digest_stays(cast: Cast) -> None:
    cast.grant()
    jti = cast.issue().jti
    digest = replay(decision=jti).digest
    destroy_data_key(cast.cameo, erased=NOW)
    found = replay(decision=jti)
    assert (found.state, found.decision, found.digest) == (ReplayState.ERASED, None, digest)
    assert any(e.body.get("decision_digest") == digest for e in read_chain(cast.cameo))


def test_what_cannot_be_kept_gives_no_token(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    cast.grant()
    with monkeypatch.context() as patch:
        take_down(patch)
        with pytest.raises(KeystoreUnavailable), transaction.atomic():
            cast.issue()
    assert not KeptDecision.objects.exists()
    assert [e.kind for e in read_chain(cast.cameo)] == ["grant.created", "audience.changed"]


@pytest.mark.parametrize("name", ["", "dec_x", "lkt_" + "a" * 26, "dec_" + "a" * 26, "\x00"])
def test_what_is_not_kept_is_not_found(cast: Cast, name: str) -> None:
    with pytest.raises(DecisionNotFound):
        replay(decision=name)


def test_the_command_says_whether_it_is_the_same(cast: Cast) -> None:
    grant = cast.grant()
    jti = cast.issue().jti
    change_grant(
        grant=grant.id, terms={"purposes": ["news"]}, now=NOW + timedelta(1), by=cast.alice
    )
    out = StringIO()
    call_command("replay_consent", jti, stdout=out)
    assert " same " in out.getvalue()
    KeptDecision.objects.update(digest="0" * 64)
    with pytest.raises(CommandError, match="another decision"):
        call_command("replay_consent", jti, stdout=out)
    with pytest.raises(CommandError, match="not_found"):
        call_command("replay_consent", "dec_none", stdout=out)
