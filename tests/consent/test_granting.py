"""What owners may do with grants and audiences, and what they may not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import User
from audit.models import LedgerEntry
from common.errors import CameoError
from consent.interface import (
    change_grant,
    read_audience,
    read_grant_history,
    set_audience,
    withdraw_grant,
)
from consent.models import Grant
from events.models import Event
from identity.models import Cameo
from tests.consent.conftest import NOW, SECOND, Cast, cameo_of, user

LATER = NOW + SECOND
PARODY = {"purposes": ["parody"]}


def epoch(cast: Cast) -> int:
    return Cameo.objects.get(id=cast.cameo).epoch


def kinds(cast: Cast) -> list[str]:
    entries = LedgerEntry.objects.filter(chain_id=cast.cameo).order_by("sequence")
    return [entry.kind for entry in entries]


def code_of(action: Any) -> str:
    with pytest.raises(CameoError) as refused:
        action()
    return refused.value.code


def test_a_first_grant_opens_the_audience_as_an_entry_of_its_own(cast: Cast) -> None:
    assert read_audience(cameo=cast.cameo, by=cast.alice).audience == "only_me"
    before = epoch(cast)
    grant = cast.grant()
    assert grant.id.startswith("grt_")
    assert (grant.owner, grant.grantee, grant.version) == (cast.alice, cast.bob, 1)
    assert (grant.state, grant.terms) == ("live", {"purposes": ["personal"]})
    assert read_audience(cameo=cast.cameo, by=cast.alice).audience == "granted"
    assert kinds(cast) == ["grant.created", "audience.changed"]
    assert epoch(cast) == before + 1
    assert [event.kind for event in Event.objects.all()] == ["consent.granted"]


def test_a_grant_does_not_wake_others_by_surprise(cast: Cast) -> None:
    bobs = cast.grant()
    set_audience(cameo=cast.cameo, audience="only_me", now=NOW, by=cast.alice)
    assert code_of(lambda: cast.grant(to=cast.mallory)) == "audience_only_me"
    assert Grant.objects.count() == 1
    withdraw_grant(grant=bobs.id, now=LATER, by=cast.alice)
    assert cast.grant(to=cast.mallory).state == "live"


def test_other_grants_wake_when_that_is_meant(cast: Cast) -> None:
    cast.grant()
    set_audience(cameo=cast.cameo, audience="only_me", now=NOW, by=cast.alice)
    cast.grant(to=cast.mallory, widen_audience=True)
    assert read_audience(cameo=cast.cameo, by=cast.alice).audience == "granted"


def test_grants_that_ended_do_not_count_as_asleep(cast: Cast) -> None:
    end = "2030-05-17T13:00:00Z"
    cast.grant(terms={"purposes": ["personal"], "not_after": end})
    set_audience(cameo=cast.cameo, audience="only_me", now=NOW, by=cast.alice)
    assert code_of(lambda: cast.grant(to=cast.mallory)) == "audience_only_me"
    cast.grant(to=cast.mallory, now=NOW + timedelta(hours=1))


def test_there_is_one_live_grant_for_a_pair(cast: Cast) -> None:
    first = cast.grant()
    assert code_of(lambda: cast.grant(terms=PARODY)) == "grant_exists"
    withdraw_grant(grant=first.id, now=LATER, by=cast.alice)
    second = cast.grant(terms=PARODY)
    assert second.id != first.id
    assert Grant.objects.filter(cameo_id=cast.cameo).count() == 2


def test_to_whom_nothing_can_be_granted(cast: Cast) -> None:
    User.objects.filter(id=cast.mallory).update(is_active=False)
    assert code_of(lambda: cast.grant(to=cast.alice)) == "grantee_is_owner"
    assert code_of(lambda: cast.grant(to=cast.mallory)) == "grantee_unknown"
    assert code_of(lambda: cast.grant(to="acc_" + "a" * 26)) == "grantee_unknown"
    assert code_of(lambda: cast.grant(to="nul\x00")) == "grantee_unknown"
    assert Grant.objects.count() == 0
    assert kinds(cast) == []


def test_somebody_elses_cameo_looks_like_none(cast: Cast) -> None:
    for action in (
        lambda: cast.grant(by=cast.mallory),
        lambda: cast.grant(cameo="cam_" + "a" * 26),
        lambda: cast.grant(cameo="nul\x00"),
        lambda: set_audience(cameo=cast.cameo, audience="granted", now=NOW, by=cast.mallory),
        lambda: read_audience(cameo=cast.cameo, by=cast.mallory),
    ):
        assert code_of(action) == "not_found"


@pytest.mark.parametrize("state", ["pending", "in_review", "erased"])
def test_nothing_is_granted_of_a_likeness_that_is_not_enrolled(cast: Cast, state: str) -> None:
    carol = user("carol")
    cameo = cameo_of(carol, state)
    assert code_of(lambda: cast.grant(cameo=cameo, by=carol.id)) == "cameo_not_enrolled"
    audience: Any = {"audience": "granted", "now": NOW, "by": carol.id}
    assert code_of(lambda: set_audience(cameo=cameo, **audience)) == "cameo_not_enrolled"


def test_terms_that_cannot_be_granted_change_nothing(cast: Cast) -> None:
    assert code_of(lambda: cast.grant(terms={"purposes": ["personal"], "max_uses": 0})) == (
        "terms_invalid"
    )
    past = {"purposes": ["personal"], "not_after": "2030-05-17T12:00:00.250000Z"}
    assert code_of(lambda: cast.grant(terms=past)) == "terms_invalid"
    assert Grant.objects.count() == 0


def test_other_terms_make_the_next_version(cast: Cast) -> None:
    grant = cast.grant()
    before = epoch(cast)
    changed = change_grant(grant=grant.id, terms=PARODY, now=LATER, by=cast.alice)
    assert (changed.id, changed.version, changed.terms) == (grant.id, 2, PARODY)
    assert epoch(cast) == before + 1
    for reader in (cast.alice, cast.bob):
        history = read_grant_history(grant=grant.id, by=reader)
        assert [(entry.version, entry.since) for entry in history] == [(1, NOW), (2, LATER)]
        assert [entry.terms for entry in history] == [{"purposes": ["personal"]}, PARODY]
    assert kinds(cast)[-1] == "grant.changed"


def test_the_same_terms_again_change_nothing(cast: Cast) -> None:
    grant = cast.grant()
    before = epoch(cast)
    same = change_grant(grant=grant.id, terms={"purposes": ["personal"]}, now=LATER, by=cast.alice)
    assert (same.version, epoch(cast)) == (1, before)


def test_withdrawing_again_changes_nothing(cast: Cast) -> None:
    grant = cast.grant()
    granted_at = epoch(cast)
    first = withdraw_grant(grant=grant.id, now=LATER, by=cast.alice)
    before = epoch(cast)
    assert before == granted_at + 1
    second = withdraw_grant(grant=grant.id, now=LATER + SECOND, by=cast.alice)
    assert first == second
    assert (second.state, second.withdrawn) == ("withdrawn", LATER)
    assert epoch(cast) == before
    assert kinds(cast).count("grant.withdrawn") == 1
    assert code_of(
        lambda: change_grant(grant=grant.id, terms=PARODY, now=LATER, by=cast.alice)
    ) == ("grant_withdrawn")


def test_only_the_owner_changes_or_withdraws(cast: Cast) -> None:
    grant = cast.grant()
    for person in (cast.bob, cast.mallory, "", "nul\x00"):
        given: Any = {"grant": grant.id, "now": LATER, "by": person}
        assert code_of(lambda given=given: withdraw_grant(**given)) == "not_found"
        assert code_of(lambda given=given: change_grant(terms=PARODY, **given)) == "not_found"
    for reader in (cast.mallory, "nul\x00"):
        read: Any = {"grant": grant.id, "by": reader}
        assert code_of(lambda read=read: read_grant_history(**read)) == "not_found"
    unknown: Any = {"grant": "nul\x00", "now": LATER, "by": cast.alice}
    assert code_of(lambda: withdraw_grant(**unknown)) == "not_found"


def test_a_grant_of_an_erased_cameo_can_still_be_withdrawn(cast: Cast) -> None:
    grant = cast.grant()
    Cameo.objects.filter(id=cast.cameo).update(state="erased")
    given: Any = {"grant": grant.id, "now": LATER, "by": cast.alice}
    assert code_of(lambda: change_grant(terms=PARODY, **given)) == "cameo_not_enrolled"
    assert withdraw_grant(**given).state == "withdrawn"


def test_an_audience_is_one_of_those_there_are(cast: Cast) -> None:
    for audience in ("everyone", "", "ONLY_ME", None):
        given: Any = {"cameo": cast.cameo, "audience": audience, "now": NOW, "by": cast.alice}
        assert code_of(lambda given=given: set_audience(**given)) == "audience_unknown"
    before = epoch(cast)
    set_audience(cameo=cast.cameo, audience="only_me", now=NOW, by=cast.alice)
    assert (epoch(cast), kinds(cast)) == (before, [])
    opened = set_audience(cameo=cast.cameo, audience="granted", now=NOW, by=cast.alice)
    assert (opened.audience, opened.since) == ("granted", NOW)
    set_audience(cameo=cast.cameo, audience="only_me", now=LATER, by=cast.alice)
    assert epoch(cast) == before + 2
    assert [event.kind for event in Event.objects.all()] == ["consent.withdrawn"]


def test_the_ledger_holds_ids_and_digests_only(cast: Cast) -> None:
    grant = cast.grant(terms=PARODY)
    withdraw_grant(grant=grant.id, now=LATER, by=cast.alice)
    for entry in LedgerEntry.objects.filter(chain_id=cast.cameo):
        text = str(entry.body)
        assert "example.org" not in text
        assert "parody" not in text
