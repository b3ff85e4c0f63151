"""Redeeming once, introspecting, and what kills a token in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from accounts.interface import GeneratorState, resume_generator, suspend_generator
from accounts.models import Generator, User
from audit.models import LedgerEntry
from common.errors import CameoError
from consent import redemption
from consent.interface import (
    ConsentChanged,
    Denied,
    Issued,
    LeaseState,
    change_grant,
    introspect,
    issue_again,
    list_uses,
    read_lease,
    redeem_again,
    set_audience,
    withdraw_grant,
)
from consent.models import IssuedToken, Lease, Use
from events.models import Event
from identity.interface import bump_epochs
from identity.models import Cameo
from tests.consent.conftest import NOW, SECOND, Cast, cameo_of, user

LATER = NOW + SECOND


def code_of(cast: Cast, issued: Issued, **changes: Any) -> str:
    with pytest.raises(CameoError) as refused:
        cast.redeem(issued, **changes)
    return refused.value.code


def is_active(cast: Cast, issued: Issued, **changes: Any) -> bool:
    given: dict[str, Any] = {"generator": cast.gen, "token_text": issued.token, "now": LATER}
    answer = introspect(**(given | changes))
    if not answer["active"]:
        assert answer == {"active": False}
    return bool(answer["active"])


def test_a_redemption_makes_a_use_and_its_lease(cast: Cast) -> None:
    grant = cast.grant()
    issued = cast.issue()
    lease = cast.redeem(issued)
    assert lease.id.startswith("lse_")
    assert lease.use.startswith("use_")
    assert (lease.state, lease.expires) == (LeaseState.LIVE, LATER + timedelta(seconds=60))
    (use,) = list_uses(cameo=cast.cameo, by=cast.alice).items
    assert (use.id, use.state, use.started) == (lease.use, "rendering", LATER)
    assert (use.generator, use.requester) == (cast.gen, cast.bob)
    assert (use.grant, use.grant_version) == (grant.id, 1)
    assert use.prompt_digest == cast.request().prompt_digest
    last = LedgerEntry.objects.filter(chain_id=cast.cameo).latest("sequence")
    assert last.kind == "token.redeemed"
    assert (last.body["use"], last.body["lease"]) == (lease.use, lease.id)
    told = Event.objects.get(kind="use.started")
    assert (told.subject, told.data["use"]) == (cast.cameo, lease.use)


def test_a_token_is_redeemed_once(cast: Cast) -> None:
    cast.grant()
    issued = cast.issue()
    cast.redeem(issued)
    assert code_of(cast, issued) == "token_already_redeemed"
    assert Use.objects.count() == Lease.objects.count() == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"prompt_digest": "1" * 64},
        {"inputs_digest": "1" * 64},
        {"purpose": "parody"},
        {"labels": frozenset({"violence"})},
        {"labels": None},
        {"likenesses": ("cam_" + "a" * 26,)},
        {"likenesses": ()},
    ],
)
def test_another_request_is_refused(cast: Cast, changes: dict[str, Any]) -> None:
    cast.grant()
    issued = cast.issue()
    other = replace(cast.request(), **changes)
    assert code_of(cast, issued, request=other) == "token_request_mismatch"
    assert cast.redeem(issued).state == "live"


def test_another_generator_is_refused(cast: Cast) -> None:
    cast.grant()
    issued = cast.issue()
    given = {"generator": cast.other_gen, "by": cast.other_gen}
    assert code_of(cast, issued, **given) == "token_wrong_audience"
    assert code_of(cast, issued, generator="nobody") == "not_permitted"
    assert Use.objects.count() == 0


def test_a_token_is_redeemed_in_time(cast: Cast) -> None:
    cast.grant()
    issued = cast.issue()
    assert code_of(cast, issued, now=NOW + timedelta(seconds=125)) == "token_expired"


@pytest.mark.parametrize("text", ["", "a.b.c", "nul\x00", "é" * 50, "A" * 10_000])
def test_noise_is_refused(cast: Cast, text: str) -> None:
    cast.grant()
    issued = cast.issue()
    assert code_of(cast, issued, token_text=text) == "token_malformed"
    assert not is_active(cast, issued, token_text=text)


def test_a_good_signature_on_a_token_nobody_issued_is_refused(cast: Cast) -> None:
    cast.grant()
    issued = cast.issue()
    IssuedToken.objects.all().delete()
    assert code_of(cast, issued) == "token_refused"
    assert not is_active(cast, issued)


def test_other_claims_under_a_known_jti_are_refused(cast: Cast) -> None:
    cast.grant()
    issued = cast.issue()
    row = IssuedToken.objects.get()
    row.claims = row.claims | {"exp": row.claims["exp"] - 1}
    row.save()
    assert code_of(cast, issued) == "token_refused"
    assert not is_active(cast, issued)


def withdraw(cast: Cast, grant: str) -> None:
    withdraw_grant(grant=grant, now=NOW, by=cast.alice)


def withdraw_and_grant_again(cast: Cast, grant: str) -> None:
    withdraw_grant(grant=grant, now=NOW, by=cast.alice)
    cast.grant()


def change(cast: Cast, grant: str) -> None:
    terms = {"purposes": ["personal", "parody"]}
    change_grant(grant=grant, terms=terms, now=NOW, by=cast.alice)


def narrow(cast: Cast, grant: str) -> None:
    set_audience(cameo=cast.cameo, audience="only_me", now=NOW, by=cast.alice)


def narrow_and_widen(cast: Cast, grant: str) -> None:
    narrow(cast, grant)
    set_audience(cameo=cast.cameo, audience="granted", now=NOW, by=cast.alice)


def suspend_cameo(cast: Cast, grant: str) -> None:
    Cameo.objects.filter(id=cast.cameo).update(state="suspended")


def erase_cameo(cast: Cast, grant: str) -> None:
    Cameo.objects.filter(id=cast.cameo).update(state="erased")


def count_epoch(cast: Cast, grant: str) -> None:
    bump_epochs([cast.cameo])


def close_requester(cast: Cast, grant: str) -> None:
    User.objects.filter(id=cast.bob).update(is_active=False)


def close_owner(cast: Cast, grant: str) -> None:
    User.objects.filter(id=cast.alice).update(is_active=False)


@pytest.mark.parametrize(
    "happen",
    [
        withdraw,
        withdraw_and_grant_again,
        change,
        narrow,
        narrow_and_widen,
        suspend_cameo,
        erase_cameo,
        count_epoch,
        close_requester,
        close_owner,
    ],
)
def test_a_token_dies_with_the_consent_it_was_issued_on(
    cast: Cast, happen: Callable[[Cast, str], None]
) -> None:
    grant = cast.grant()
    issued = cast.issue()
    assert is_active(cast, issued)
    happen(cast, grant.id)
    assert code_of(cast, issued) == "consent_changed"
    assert not is_active(cast, issued)
    assert Use.objects.count() == 0
    assert IssuedToken.objects.get().redeemed is None


def test_a_token_dies_at_the_end_of_its_grant(cast: Cast) -> None:
    end = NOW + 3 * SECOND
    cast.grant(terms={"purposes": ["personal"], "not_after": end.isoformat()})
    issued = cast.issue()
    assert is_active(cast, issued, now=end - SECOND)
    assert not is_active(cast, issued, now=end)
    assert code_of(cast, issued, now=end) == "consent_changed"
    assert cast.redeem(issued, now=end - SECOND).state == "live"


@pytest.mark.parametrize("changes", [{"suspended": NOW}, {"renders": False}])
def test_a_suspended_generator_redeems_nothing(cast: Cast, changes: dict[str, Any]) -> None:
    cast.grant()
    issued = cast.issue()
    Generator.objects.filter(client_id=cast.gen).update(**changes)
    assert code_of(cast, issued) == "not_permitted"
    assert not is_active(cast, issued)


def suspend_and_resume(cast: Cast, at: datetime) -> None:
    suspend_generator(client_id=cast.gen, by="test", now=at)
    resume_generator(client_id=cast.gen, by="test", now=at)


@pytest.mark.parametrize("after", [timedelta(0), timedelta(microseconds=1), SECOND])
def test_a_token_dies_with_its_generators_suspension_for_good(cast: Cast, after: timedelta) -> None:
    cast.grant()
    issued = cast.issue()
    lease = cast.redeem(cast.issue(), now=NOW)
    suspend_and_resume(cast, NOW + after)
    later = NOW + 10 * SECOND
    assert code_of(cast, issued, now=later) == "consent_changed"
    assert not is_active(cast, issued, now=later)
    again: dict[str, Any] = {"generator": cast.gen, "requester": cast.bob, "now": later}
    with pytest.raises(Denied):
        issue_again(request=cast.request(), jti=issued.jti, **again)
    assert cast.redeem(cast.issue(now=later), now=later).id != lease.id


def test_nothing_is_issued_in_the_second_of_a_resumption(cast: Cast) -> None:
    # `iat` is in whole seconds: one of this second may be from before the suspension.
    cast.grant()
    suspend_and_resume(cast, NOW)
    whole = NOW.replace(microsecond=0)
    for moment in (NOW, whole + timedelta(microseconds=999_999)):
        with pytest.raises(Denied):
            cast.issue(now=moment)
    assert cast.redeem(cast.issue(now=whole + SECOND), now=whole + SECOND).state == "live"


def test_a_suspension_between_the_first_look_and_the_locks_is_seen(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast.grant()
    issued = cast.issue()
    usable = redemption._usable

    def look(generator: str) -> GeneratorState | None:
        found = usable(generator)
        suspend_and_resume(cast, NOW)
        return found

    monkeypatch.setattr(redemption, "_usable", look)
    assert code_of(cast, issued, now=NOW + 10 * SECOND) == "consent_changed"


def test_introspection_tells_the_generator_what_its_token_says(cast: Cast) -> None:
    cast.grant()
    issued = cast.issue()
    answer = introspect(generator=cast.gen, token_text=issued.token, now=LATER)
    assert answer["active"] is True
    assert (answer["client_id"], answer["aud"], answer["sub"]) == (cast.gen, cast.gen, cast.bob)
    assert answer["exp"] == issued.expires.timestamp()
    assert answer["jti"] == issued.jti
    assert answer["authorization_details"][0]["identifier"] == cast.cameo


def test_another_generators_token_is_inactive(cast: Cast) -> None:
    cast.grant()
    issued = cast.issue()
    assert not is_active(cast, issued, generator=cast.other_gen)
    assert not is_active(cast, issued, generator="nobody")
    assert is_active(cast, issued)


def test_a_redeemed_or_expired_token_is_inactive(cast: Cast) -> None:
    cast.grant()
    issued = cast.issue()
    assert not is_active(cast, issued, now=NOW + timedelta(seconds=125))
    cast.redeem(issued)
    assert not is_active(cast, issued)


def suspend_gen(cast: Cast, grant: str) -> None:
    suspend_generator(client_id=cast.gen, by="test", now=LATER)


def suspend_and_resume_gen(cast: Cast, grant: str) -> None:
    suspend_and_resume(cast, LATER)


@pytest.mark.parametrize(
    "happen",
    [
        withdraw,
        withdraw_and_grant_again,
        change,
        narrow,
        narrow_and_widen,
        suspend_cameo,
        erase_cameo,
        count_epoch,
        close_requester,
        close_owner,
        suspend_gen,
        suspend_and_resume_gen,
    ],
)
def test_a_lease_dies_with_the_consent_it_was_given_on(
    cast: Cast, happen: Callable[[Cast, str], None]
) -> None:
    grant = cast.grant()
    lease = cast.redeem(cast.issue())
    given: dict[str, Any] = {"lease": lease.id, "generator": cast.gen, "now": LATER + 2 * SECOND}
    assert read_lease(**given) == redeem_again(**given) == lease
    happen(cast, grant.id)
    assert read_lease(**given) == replace(lease, state=LeaseState.WITHDRAWN)
    with pytest.raises(ConsentChanged):
        redeem_again(**given)
    # Once it has ended by itself that is what is said of it, but it isn't given out again.
    given["now"] = lease.expires
    assert read_lease(**given).state == LeaseState.EXPIRED
    with pytest.raises(ConsentChanged):
        redeem_again(**given)


def test_a_lease_is_withdrawn_at_the_end_of_its_grant(cast: Cast) -> None:
    end = NOW + 3 * SECOND
    cast.grant(terms={"purposes": ["personal"], "not_after": end.isoformat()})
    lease = cast.redeem(cast.issue())
    given: dict[str, Any] = {"lease": lease.id, "generator": cast.gen}
    assert read_lease(**given, now=end - SECOND).state == LeaseState.LIVE
    assert read_lease(**given, now=end).state == LeaseState.WITHDRAWN


def test_a_lost_lease_is_told_again_while_it_stands(cast: Cast) -> None:
    cast.grant()
    lease = cast.redeem(cast.issue())
    given: dict[str, Any] = {"lease": lease.id, "generator": cast.gen}
    assert redeem_again(**given, now=lease.expires).state == LeaseState.EXPIRED
    for other in (given | {"generator": cast.other_gen}, given | {"lease": "nul\x00"}):
        with pytest.raises(CameoError) as refused:
            redeem_again(**other, now=LATER)
        assert refused.value.code == "not_found"


def test_a_lease_is_read_by_who_holds_it(cast: Cast) -> None:
    cast.grant()
    lease = cast.redeem(cast.issue())
    given: dict[str, Any] = {"lease": lease.id, "generator": cast.gen}
    assert read_lease(**given, now=LATER) == lease
    just_before = lease.expires - timedelta(microseconds=1)
    assert read_lease(**given, now=just_before).state == LeaseState.LIVE
    assert read_lease(**given, now=lease.expires).state == LeaseState.EXPIRED
    for other in (given | {"generator": cast.other_gen}, given | {"lease": "nul\x00"}):
        with pytest.raises(CameoError) as refused:
            read_lease(**other, now=LATER)
        assert refused.value.code == "not_found"


def test_a_duet_is_redeemed_for_both_in_whatever_order(cast: Cast) -> None:
    carol = user("carol")
    both = (cast.cameo, cameo_of(carol))
    cast.grant()
    theirs = cast.grant(cameo=both[1], by=carol.id)
    request = cast.request(likenesses=both)
    issued, second = cast.issue(request=request), cast.issue(request=request)
    lease = cast.redeem(issued, request=cast.request(likenesses=both[::-1]))
    assert [use.id for use in list_uses(cameo=both[0], by=cast.alice).items] == [lease.use]
    assert [use.id for use in list_uses(cameo=both[1], by=carol.id).items] == [lease.use]
    withdraw_grant(grant=theirs.id, now=LATER, by=carol.id)
    assert code_of(cast, second, request=request) == "consent_changed"


def test_what_redeeming_costs(
    cast: Cast, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    cast.grant()
    issued = cast.issue()
    # client; a savepoint and its end; the locks of cameo, token and generator; beside them the
    # snapshot, by the driver's own connection; token, counts, use, likeness, lease; the ledger's
    # four; the event
    with django_assert_num_queries(16):
        cast.redeem(issued)


@pytest.mark.django_db(transaction=True)
def test_reading_is_of_one_moment_and_changes_nothing() -> None:
    from tests.consent.conftest import make_cast

    cast = make_cast()
    cast.grant()
    issued = cast.issue()
    statements: list[str] = []

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        statements.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        assert is_active(cast, issued)
    assert statements[0] == "set transaction isolation level repeatable read, read only"
