"""Issuing: who gets a token, what it says, what is kept of it, and what it costs."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from accounts.models import Generator, User
from audit.models import LedgerEntry
from common.errors import NotPermitted
from consent.interface import (
    Denied,
    Issued,
    change_grant,
    decide_for,
    issue_again,
    set_audience,
    withdraw_grant,
)
from consent.models import IssuedToken
from consent.tokens import LikenessToken, verify
from identity.interface import keyring
from identity.models import Cameo
from tests.consent.conftest import NOW, SECOND, Cast, cameo_of, user

ISSUER = "http://localhost:8000"


def read(issued: Issued, audience: str = "gen") -> LikenessToken:
    keys = {str(key.kid): key for key in keyring().public_keys("token", now=NOW)}
    return verify(issued.token, keys, issuer=ISSUER, audience=audience, now=NOW)


def denied(cast: Cast, **changes: Any) -> Denied:
    with pytest.raises(Denied) as refused:
        cast.issue(**changes)
    assert refused.value.code == "not_permitted"
    return refused.value


def test_a_token_says_who_whom_and_what_for(cast: Cast) -> None:
    grant = cast.grant()
    issued = cast.issue()
    token = read(issued)
    assert (token.issuer, token.audience, token.requester) == (ISSUER, cast.gen, cast.bob)
    assert token.expires - token.issued == 120
    assert token.issued == int(NOW.timestamp())
    assert issued.jti == token.jti
    assert issued.expires.timestamp() == token.expires
    assert token.request_hash == cast.request().digest()
    (detail,) = token.details
    assert (detail.identifier, detail.purpose) == (cast.cameo, "personal")
    assert (detail.grant, detail.grant_version) == (grant.id, 1)
    assert detail.epoch == Cameo.objects.get(id=cast.cameo).epoch


def test_a_token_names_the_audience_the_generator_registered(cast: Cast) -> None:
    cast.grant()
    Generator.objects.filter(client_id=cast.gen).update(audience="https://gen.example")
    assert read(cast.issue(), audience="https://gen.example").audience == "https://gen.example"


def test_a_token_ends_with_its_grant(cast: Cast) -> None:
    end = NOW + timedelta(seconds=10)
    cast.grant(terms={"purposes": ["personal"], "not_after": end.isoformat()})
    token = read(cast.issue())
    assert end.timestamp() <= token.expires < end.timestamp() + 1
    denied(cast, now=end)


def test_an_ungranted_requester_is_denied_like_one_who_asks_for_nobody(cast: Cast) -> None:
    cast.grant()
    erased = cameo_of(user("carol"), "erased")
    refusals = [
        denied(cast, requester=cast.mallory),
        denied(cast, request=cast.request(likenesses=("cam_" + "a" * 26,))),
        denied(cast, request=cast.request(likenesses=(erased,))),
        denied(cast, request=cast.request(likenesses=(cameo_of(user("dave"), "pending"),))),
        denied(cast, request=cast.request(likenesses=(cast.cameo, erased))),
        denied(cast, request=cast.request(purpose="news")),
        denied(cast, requester="acc_" + "a" * 26),
        denied(cast, requester="nul\x00"),
        denied(cast, request=cast.request(likenesses=("nul\x00",))),
    ]
    assert {(str(each), each.code, each.reasons, each.fields) for each in refusals} == {
        ("This is not permitted.", "not_permitted", ("not_permitted",), ())
    }
    assert IssuedToken.objects.count() == 0


def test_an_unknown_cameo_costs_as_many_queries_as_an_ungranted_one(
    cast: Cast, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for likenesses in ((cast.cameo,), ("cam_" + "a" * 26,)):
        # nothing is locked; the snapshot isn't seen, since it goes by the driver's own connection
        with django_assert_num_queries(0):
            denied(cast, request=cast.request(likenesses=likenesses))


def test_what_issuing_costs(cast: Cast, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    cast.grant()
    # the same without undoing, the token's row, what was decided, and the ledger's four
    with django_assert_num_queries(11):
        cast.issue()


def test_the_requests_own_faults_are_told(cast: Cast) -> None:
    assert denied(cast, request=cast.request(labels=None)).reasons == ("labels_undeclared",)
    sexual = cast.request(labels=frozenset({"sexual"}))
    assert denied(cast, request=sexual).reasons == ("label_always_denied",)


def test_owners_may_use_their_own_likeness(cast: Cast) -> None:
    (detail,) = read(cast.issue(requester=cast.alice)).details
    assert (detail.grant, detail.grant_version) == (None, None)
    Cameo.objects.filter(id=cast.cameo).update(state="suspended")
    denied(cast, requester=cast.alice)


def test_a_grant_that_sleeps_permits_nothing(cast: Cast) -> None:
    cast.grant()
    set_audience(cameo=cast.cameo, audience="only_me", now=NOW, by=cast.alice)
    denied(cast)
    decision = decide_for(generator=cast.gen, requester=cast.bob, request=cast.request(), now=NOW)
    assert decision.for_owner(cast.cameo) == ("audience_only_me",)
    assert decision.for_requester() == ("not_permitted",)


def test_whoever_is_closed_or_suspended_is_denied(cast: Cast) -> None:
    cast.grant()
    for person in (cast.alice, cast.bob):
        User.objects.filter(id=person).update(is_active=False)
        denied(cast)
        User.objects.filter(id=person).update(is_active=True)
    Generator.objects.filter(client_id=cast.gen).update(suspended=NOW)
    denied(cast)
    Generator.objects.filter(client_id=cast.gen).update(suspended=None, renders=False)
    denied(cast)
    denied(cast, generator="nobody")
    denied(cast, generator="nul\x00")


def test_two_likenesses_need_two_grants(cast: Cast) -> None:
    carol = user("carol")
    both = cast.request(likenesses=(cast.cameo, cameo_of(carol)))
    cast.grant()
    denied(cast, request=both)
    cast.grant(cameo=both.likenesses[1], by=carol.id)
    token = read(cast.issue(request=both))
    assert [detail.identifier for detail in token.details] == list(both.likenesses)
    for chain in both.likenesses:
        last = LedgerEntry.objects.filter(chain_id=chain).latest("sequence")
        assert (last.kind, last.body["jti"]) == ("token.issued", token.jti)


def test_a_token_is_kept_nowhere(cast: Cast, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    cast.grant()
    issued = cast.issue()
    signature = issued.token.split(".")[2]
    assert issued.token not in repr(issued)
    with connection.cursor() as cursor:
        cursor.execute("select tablename from pg_tables where schemaname = 'public'")
        tables = [name for (name,) in cursor.fetchall()]
        for table in tables:
            cursor.execute(
                f'select count(*) from "{table}" as t where t::text like %s',  # noqa: S608
                [f"%{signature}%"],
            )
            assert cursor.fetchone() == (0,), table
    assert signature not in caplog.text
    assert IssuedToken.objects.get().jti == issued.jti


def again(cast: Cast, jti: str, **changes: Any) -> Issued:
    given: dict[str, Any] = {
        "generator": cast.gen,
        "requester": cast.bob,
        "request": cast.request(),
        "jti": jti,
        "now": NOW + SECOND,
    }
    return issue_again(**(given | changes))


def test_a_lost_answer_is_signed_again(cast: Cast) -> None:
    cast.grant()
    issued = cast.issue()
    assert again(cast, issued.jti) == issued
    assert IssuedToken.objects.count() == 1


def test_signing_again_decides_again(cast: Cast) -> None:
    grant = cast.grant()
    issued = cast.issue()
    for changes in (
        {"generator": cast.other_gen},
        {"requester": cast.mallory},
        {"requester": cast.alice},
        {"request": replace(cast.request(), prompt_digest="1" * 64)},
        {"jti": "lkt_" + "a" * 26},
        {"jti": "nul\x00"},
        {"now": NOW + timedelta(seconds=121)},
    ):
        with pytest.raises(NotPermitted):
            again(cast, **({"jti": issued.jti} | changes))
    change_grant(grant=grant.id, terms={"purposes": ["personal", "news"]}, now=NOW, by=cast.alice)
    with pytest.raises(NotPermitted):
        again(cast, issued.jti)


def test_what_was_redeemed_is_not_signed_again(cast: Cast) -> None:
    cast.grant()
    issued = cast.issue()
    cast.redeem(issued)
    with pytest.raises(NotPermitted):
        again(cast, issued.jti)


def test_after_a_withdrawal_nothing_is_issued(cast: Cast) -> None:
    grant = cast.grant()
    issued = cast.issue()
    withdraw_grant(grant=grant.id, now=NOW, by=cast.alice)
    denied(cast)
    with pytest.raises(NotPermitted):
        again(cast, issued.jti)
