"""The corners where consent is easily got wrong, one by one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from accounts.models import User
from common.errors import CameoError
from consent.errors import ConsentChanged, RequestInvalid
from consent.interface import (
    accept_friendship,
    ask_friendship,
    block_account,
    decide_for,
    end_friendship,
    lift_block,
    parse_request,
    redeem,
    set_audience,
    withdraw_grant,
)
from consent.models import Grant
from identity.interface import erase_cameo
from tests.consent.conftest import NOW, SECOND, Cast, cameo_of, user

LATER = NOW + SECOND
PERSONAL = {"purposes": ["personal"]}


def code_of(action: Any) -> str:
    with pytest.raises(CameoError) as refused:
        action()
    return refused.value.code


def effect(cast: Cast, now: datetime = LATER, **changes: Any) -> str:
    given: dict[str, Any] = {"generator": cast.gen, "requester": cast.bob} | changes
    return decide_for(request=cast.request(), now=now, **given).effect.value


def test_a_grant_to_oneself(cast: Cast) -> None:
    assert code_of(lambda: cast.grant(to=cast.alice)) == "grantee_is_owner"


def test_a_grant_to_somebody_blocked(cast: Cast) -> None:
    block = block_account(account=cast.bob, now=NOW, by=cast.alice)
    assert code_of(cast.grant) == "grantee_blocked"
    lift_block(block=block.id, now=NOW, by=cast.alice)
    cast.grant()
    assert effect(cast) == "permit"


def test_a_grant_by_somebody_who_is_blocked_is_made_and_tells_nothing(cast: Cast) -> None:
    block_account(account=cast.alice, now=NOW, by=cast.bob)
    assert cast.grant().state == "live"


def test_a_grant_to_a_closed_or_unknown_account(cast: Cast) -> None:
    User.objects.filter(id=cast.bob).update(is_active=False)
    assert code_of(cast.grant) == code_of(lambda: cast.grant(to="acc_" + "a" * 26))


def test_a_grant_to_somebody_whose_own_likeness_is_erased(cast: Cast) -> None:
    """It is the grantee's account that counts; they need no likeness of their own."""
    bobs = cameo_of(User.objects.get(id=cast.bob))
    erase_cameo(account_id=cast.bob, cameo_id=bobs, now=NOW)
    cast.grant()
    assert effect(cast) == "permit"


def test_a_grant_of_an_erased_likeness(cast: Cast) -> None:
    erase_cameo(account_id=cast.alice, cameo_id=cast.cameo, now=NOW)
    assert code_of(cast.grant) == "cameo_not_enrolled"


def test_a_grant_that_would_be_over_before_it_began(cast: Cast) -> None:
    for terms in (
        PERSONAL | {"not_after": "2030-05-17T12:00:00Z"},
        PERSONAL | {"not_before": "2031-01-01T00:00:00Z", "not_after": "2031-01-01T00:00:00Z"},
    ):
        assert code_of(lambda terms=terms: cast.grant(terms=terms)) == "terms_invalid"


def test_grants_that_overlap(cast: Cast) -> None:
    first = cast.grant()
    later = PERSONAL | {"not_before": "2031-01-01T00:00:00Z"}
    assert code_of(lambda: cast.grant(terms=later)) == "grant_exists"
    withdraw_grant(grant=first.id, now=NOW, by=cast.alice)
    cast.grant(terms=later)
    assert effect(cast) == "deny"


def test_a_friendship_that_ends_between_the_decision_and_the_redemption(cast: Cast) -> None:
    asked = ask_friendship(account=cast.bob, now=NOW, by=cast.alice)
    friendship = accept_friendship(friendship=asked.id, now=NOW, by=cast.bob)
    set_audience(cameo=cast.cameo, audience="mutuals", now=NOW, by=cast.alice)
    issued = cast.issue()
    kept = cast.issue()
    end_friendship(friendship=friendship.id, now=NOW, by=cast.alice)
    with pytest.raises(ConsentChanged):
        cast.redeem(issued)
    # Friends again is another consent: what was issued before stays dead.
    again = ask_friendship(account=cast.bob, now=NOW, by=cast.alice)
    accept_friendship(friendship=again.id, now=NOW, by=cast.bob)
    with pytest.raises(ConsentChanged):
        cast.redeem(kept)
    cast.redeem(cast.issue())


@pytest.mark.parametrize(
    ("wall", "utc"),
    [
        # The hour that summer time leaves out, and the one that comes twice.
        ("2030-03-31T03:00:00+02:00", "2030-03-31T01:00:00"),
        ("2030-10-27T02:30:00+02:00", "2030-10-27T00:30:00"),
        ("2030-10-27T02:30:00+01:00", "2030-10-27T01:30:00"),
    ],
)
def test_a_window_across_daylight_saving_is_one_moment(cast: Cast, wall: str, utc: str) -> None:
    given = NOW.replace(year=2029)
    grant = cast.grant(terms=PERSONAL | {"not_before": wall}, now=given)
    assert grant.terms["not_before"] == f"{utc}.000000Z"
    begins = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    tick = timedelta(microseconds=1)
    berlin = ZoneInfo("Europe/Berlin")
    for zone in (UTC, berlin):
        assert effect(cast, (begins - tick).astimezone(zone)) == "deny"
        assert effect(cast, begins.astimezone(zone)) == "permit"


def test_a_quota_of_a_day_is_of_the_utc_day_wherever_the_clock_stands(cast: Cast) -> None:
    cast.grant(terms=PERSONAL | {"max_uses_per_day": 1})
    cast.redeem(cast.issue())
    evening = datetime(2030, 5, 17, 23, 59, 59, tzinfo=UTC)
    tokyo = ZoneInfo("Asia/Tokyo")
    assert effect(cast, evening.astimezone(tokyo)) == "deny"
    assert effect(cast, (evening + SECOND).astimezone(tokyo)) == "permit"


@pytest.mark.parametrize("label", ["ｓexual", "sеxual", "sexual\u200b", "se\u00adxual", "SEXUAL"])
def test_a_label_in_other_scripts_or_with_marks_that_do_not_show(cast: Cast, label: str) -> None:
    document = cast.request().document() | {"labels": [label]}
    with pytest.raises(RequestInvalid):
        parse_request(document)
    asked = cast.request(labels=frozenset({label}))
    cast.grant()
    decision = decide_for(generator=cast.gen, requester=cast.bob, request=asked, now=LATER)
    assert decision.for_requester() == ("label_unknown",)


def test_a_person_in_the_request_twice(cast: Cast) -> None:
    cast.grant()
    asked = cast.request(likenesses=(cast.cameo, cast.cameo))
    decision = decide_for(generator=cast.gen, requester=cast.bob, request=asked, now=LATER)
    assert decision.for_requester() == ("likeness_repeated",)
    with pytest.raises(RequestInvalid):
        parse_request(asked.document())


def test_clocks_that_differ_by_less_than_a_token_lives(cast: Cast) -> None:
    cast.grant()
    issued = cast.issue(now=NOW + timedelta(seconds=5))
    lease = redeem(
        generator=cast.gen,
        token_text=issued.token,
        request=cast.request(),
        now=NOW,
        by=cast.gen,
    )
    assert lease.use
    early = cast.issue(now=NOW + timedelta(seconds=30))
    assert code_of(lambda: cast.redeem(early, now=NOW)) == "token_not_yet_valid"


def test_ten_thousand_grants_on_one_cameo(cast: Cast) -> None:
    cast.grant()
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into accounts_user (id, password, is_superuser, email, is_active, is_staff,"
            " created) select 'acc_' || lpad(to_base32, 26, 'a'), '', false,"
            " 'p' || to_base32 || '@example.org', true, false, now() from ("
            " select translate(n::text, '0123456789', 'abcdefghij') as to_base32"
            " from generate_series(1, 9999) as n) as people"
        )
        cursor.execute(
            "insert into consent_grant (id, cameo_id, owner_id, grantee_id, version, terms,"
            " created, while_minor, co_approved_by) select 'grt_' || substr(id, 5), %s, %s, id, 1,"
            """ '{"purposes": ["news"]}', now(), false, '' from accounts_user"""
            " where email like 'p%%@example.org'",
            [cast.cameo, cast.alice],
        )
    assert Grant.objects.filter(cameo_id=cast.cameo, withdrawn=None).count() == 10_000
    assert effect(cast) == "permit"
    assert effect(cast, requester="acc_" + "a" * 25 + "b") == "deny"
    cast.redeem(cast.issue())
    late = user("latecomer").id
    assert cast.grant(to=late).state == "live"
    assert effect(cast, requester=late) == "permit"
