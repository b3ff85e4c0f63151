"""Approvals: asked once, decided by the owner alone, good for one request, once, and in time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

import audit.interface as audit
from accounts.models import User
from audit.models import LedgerEntry
from common.errors import CameoError
from consent.interface import (
    ApprovalRecord,
    Denied,
    GrantRecord,
    Pending,
    ask_again,
    block_account,
    change_grant,
    decide_approval,
    decide_for,
    issue_again,
    list_approvals,
    read_approval,
    read_lease,
    redeem_again,
    set_audience,
    withdraw_grant,
)
from consent.models import Approval, IssuedToken, Lease, Tally, Use
from events.models import Event
from identity.models import Cameo
from tests.consent.conftest import NOW, SECOND, Cast, cameo_of, user

LATER = NOW + SECOND
WEEK = timedelta(days=7)
DAY = timedelta(hours=24)
TICK = timedelta(microseconds=1)
ASKING = {"purposes": ["personal"], "approval_each_time": True}


@pytest.fixture
def grant(cast: Cast) -> GrantRecord:
    return cast.grant(terms=ASKING)


def decide(cast: Cast, approval: str, **changes: Any) -> ApprovalRecord:
    given: dict[str, Any] = {"approve": True, "now": LATER, "by": cast.alice}
    return decide_approval(approval=approval, **(given | changes))


def decide_code(cast: Cast, approval: str, **changes: Any) -> str:
    with pytest.raises(CameoError) as refused:
        decide(cast, approval, **changes)
    return refused.value.code


def effect(cast: Cast, now: datetime = LATER, **changes: Any) -> str:
    given: dict[str, Any] = {
        "generator": cast.gen,
        "requester": cast.bob,
        "request": cast.request(),
    }
    return decide_for(now=now, **(given | changes)).effect.value


def test_who_must_be_asked_is_asked_once(cast: Cast, grant: GrantRecord) -> None:
    assert effect(cast) == "pending"
    assert Approval.objects.count() == 0  # a dry run asks nobody
    pending = cast.ask()
    assert pending.expires == NOW + WEEK
    assert cast.ask(now=LATER) == pending
    (row,) = Approval.objects.all()
    assert pending.approvals == (row.id,) == (pending.latest,)
    assert (row.owner_id, row.requester_id, row.generator) == (cast.alice, cast.bob, cast.gen)
    assert row.request_hash == cast.request().digest()
    assert row.request == cast.request().document()
    entry = LedgerEntry.objects.filter(chain_id=cast.cameo).latest("sequence")
    assert (entry.kind, entry.body["approval"]) == ("approval.asked", row.id)
    told = Event.objects.get(kind="approval.requested")
    assert (told.subject, told.data["approval"]) == (cast.cameo, row.id)
    assert IssuedToken.objects.count() == 0


def test_an_approval_permits_its_request_once(cast: Cast, grant: GrantRecord) -> None:
    epoch = Cameo.objects.get(id=cast.cameo).epoch
    (approval,) = cast.ask().approvals
    decided = decide(cast, approval)
    assert (decided.state, decided.expires, decided.decided) == ("approved", LATER + DAY, LATER)
    # It adds a permit and takes none away, so that no live token has to end for it.
    assert Cameo.objects.get(id=cast.cameo).epoch == epoch
    issued = cast.issue(now=LATER)
    lease = cast.redeem(issued)
    row = Approval.objects.get()
    assert (row.state, row.spent_by) == ("spent", issued.jti)
    entry = LedgerEntry.objects.filter(kind="token.redeemed").get()
    assert entry.body["approval"] == approval
    assert effect(cast) == "pending"
    (again,) = cast.ask(now=LATER).approvals
    assert again != approval
    # What permitted the render was spent for it, and goes on permitting it.
    given: dict[str, Any] = {"lease": lease.id, "generator": cast.gen, "now": LATER}
    assert read_lease(**given).state == "live"
    assert redeem_again(**given).id == lease.id
    withdraw_grant(grant=grant.id, now=LATER, by=cast.alice)
    assert read_lease(**given).state == "withdrawn"
    audit.verify_all()


def test_a_second_token_on_the_same_approval_is_not_redeemed(
    cast: Cast, grant: GrantRecord
) -> None:
    decide(cast, cast.ask().approvals[0])
    first, second = cast.issue(now=LATER), cast.issue(now=LATER)
    cast.redeem(first, now=LATER)
    with pytest.raises(CameoError) as refused:
        cast.redeem(second, now=LATER)
    assert refused.value.code == "consent_changed"
    assert IssuedToken.objects.get(jti=second.jti).redeemed is None
    assert Use.objects.count() == Lease.objects.count() == 1
    assert {row.uses for row in Tally.objects.all()} == {1}


def test_a_token_of_a_first_approval_is_not_redeemed_on_a_second(
    cast: Cast, grant: GrantRecord
) -> None:
    decide(cast, cast.ask().approvals[0])
    first, second = cast.issue(now=LATER), cast.issue(now=LATER)
    cast.redeem(first, now=LATER)
    decide(cast, cast.ask(now=LATER).approvals[0], now=LATER)
    with pytest.raises(CameoError) as refused:
        cast.redeem(second, now=LATER)
    assert refused.value.code == "consent_changed"
    assert cast.redeem(cast.issue(now=LATER), now=LATER).state == "live"


@pytest.mark.parametrize(
    "other", ["requester", "generator", "prompt_digest", "purpose", "outputs", "labels"]
)
def test_an_approval_is_for_nothing_else(cast: Cast, other: str) -> None:
    terms = ASKING | {"purposes": ["personal", "parody"]}
    cast.grant(terms=terms)
    cast.grant(to=cast.mallory, terms=terms)
    decide(cast, cast.ask().approvals[0])
    assert effect(cast) == "permit"
    request = cast.request()
    changes: dict[str, dict[str, Any]] = {
        "requester": {"requester": cast.mallory},
        "generator": {"generator": cast.other_gen},
        "prompt_digest": {"request": replace(request, prompt_digest="1" * 64)},
        "purpose": {"request": replace(request, purpose="parody")},
        "outputs": {"request": replace(request, outputs=replace(request.outputs, count=2))},
        "labels": {"request": replace(request, labels=frozenset({"violence"}))},
    }
    assert effect(cast, **changes[other]) == "pending"


def withdraw(cast: Cast, grant: str) -> None:
    withdraw_grant(grant=grant, now=LATER, by=cast.alice)


def narrow(cast: Cast, grant: str) -> None:
    set_audience(cameo=cast.cameo, audience="only_me", now=LATER, by=cast.alice)


def change(cast: Cast, grant: str) -> None:
    change_grant(grant=grant, terms=ASKING | {"purposes": ["news"]}, now=LATER, by=cast.alice)


def block(cast: Cast, grant: str) -> None:
    block_account(account=cast.bob, now=LATER, by=cast.alice)


def suspend(cast: Cast, grant: str) -> None:
    Cameo.objects.filter(id=cast.cameo).update(state="suspended")


def expire(cast: Cast, grant: str) -> None:
    Cameo.objects.filter(id=cast.cameo).update(expires=LATER)


def close_requester(cast: Cast, grant: str) -> None:
    User.objects.filter(id=cast.bob).update(is_active=False)


ENDINGS = [withdraw, narrow, change, block, suspend, expire, close_requester]


@pytest.mark.parametrize("happen", ENDINGS)
def test_what_waits_permits_nothing_once_consent_has_ended(
    cast: Cast, grant: GrantRecord, happen: Callable[[Cast, str], None]
) -> None:
    (approval,) = cast.ask().approvals
    happen(cast, grant.id)
    assert decide_code(cast, approval) == "approval_lapsed"
    row = Approval.objects.get()
    assert (row.state, row.decided) == ("lapsed", None)
    last = LedgerEntry.objects.filter(chain_id=cast.cameo).latest("sequence")
    assert last.kind == "approval.lapsed"
    assert Event.objects.get(kind="approval.decided").data["state"] == "lapsed"
    # And it stays so.
    assert decide_code(cast, approval) == "approval_lapsed"
    assert decide_code(cast, approval, approve=False) == "approval_lapsed"
    assert effect(cast) == "deny"
    with pytest.raises(Denied):
        cast.ask(now=LATER)
    assert Approval.objects.count() == 1


@pytest.mark.parametrize("happen", ENDINGS)
def test_what_was_approved_permits_nothing_once_consent_has_ended(
    cast: Cast, grant: GrantRecord, happen: Callable[[Cast, str], None]
) -> None:
    decide(cast, cast.ask().approvals[0], now=NOW)
    issued = cast.issue()
    happen(cast, grant.id)
    assert effect(cast) == "deny"
    with pytest.raises(Denied):
        cast.issue(now=LATER)
    with pytest.raises(CameoError):
        cast.redeem(issued, now=LATER)
    assert Approval.objects.get().state == "approved"
    assert Use.objects.count() == 0


def test_a_declined_request_may_be_asked_again(cast: Cast, grant: GrantRecord) -> None:
    (approval,) = cast.ask().approvals
    assert decide(cast, approval, approve=False).state == "declined"
    assert Event.objects.get(kind="approval.decided").data["state"] == "declined"
    assert effect(cast) == "pending"
    assert cast.ask(now=LATER).approvals != (approval,)


def test_deciding_twice(cast: Cast, grant: GrantRecord) -> None:
    (approval,) = cast.ask().approvals
    first = decide(cast, approval)
    written = LedgerEntry.objects.count()
    assert decide(cast, approval, now=LATER + SECOND) == first
    assert decide_code(cast, approval, approve=False) == "approval_decided"
    assert decide_code(cast, approval, now=LATER + DAY) == "approval_lapsed"
    cast.redeem(cast.issue(now=LATER), now=LATER)
    assert decide(cast, approval).state == "spent"
    assert decide_code(cast, approval, approve=False) == "approval_decided"
    (other,) = cast.ask(now=LATER).approvals
    first = decide(cast, other, approve=False)
    assert decide(cast, other, approve=False, now=LATER + 2 * WEEK) == first
    assert decide_code(cast, other) == "approval_decided"
    assert LedgerEntry.objects.filter(kind__startswith="approval.").count() == 4
    assert written == 4  # the grant, its audience, asked, approved


def test_only_the_owner_decides(cast: Cast, grant: GrantRecord) -> None:
    (approval,) = cast.ask().approvals
    for by in (cast.bob, cast.mallory, cast.gen, "", "nul\x00"):
        assert decide_code(cast, approval, by=by) == "not_found"
    for name in ("apr_" + "a" * 26, "", "nul\x00", grant.id, approval + "a"):
        assert decide_code(cast, name) == "not_found"
    assert Approval.objects.get().state == "asked"


def test_an_owner_may_be_asked_until_just_before_the_end(cast: Cast, grant: GrantRecord) -> None:
    (approval,) = cast.ask().approvals
    for moment in (NOW + WEEK, NOW + 2 * WEEK):
        assert decide_code(cast, approval, now=moment) == "approval_lapsed"
        assert decide_code(cast, approval, now=moment, approve=False) == "approval_lapsed"
    assert read_approval(approval=approval, by=cast.alice, now=NOW + WEEK).state == "lapsed"
    assert decide(cast, approval, now=NOW + WEEK - TICK).state == "approved"


def test_an_approval_ends_at_its_end(cast: Cast, grant: GrantRecord) -> None:
    (approval,) = cast.ask().approvals
    decide(cast, approval, now=NOW)
    end = NOW + DAY
    issued = cast.issue(now=end - SECOND)
    assert effect(cast, now=end - TICK) == "permit"
    assert effect(cast, now=end) == "pending"
    assert issued.expires <= end + SECOND
    with pytest.raises(CameoError) as refused:
        cast.redeem(issued, now=end)
    assert refused.value.code == "consent_changed"
    assert read_approval(approval=approval, by=cast.bob, now=end).state == "lapsed"
    assert cast.redeem(issued, now=end - TICK).state == "live"


@pytest.mark.parametrize("approved", [False, True])
def test_after_its_end_the_owner_is_asked_anew(
    cast: Cast, grant: GrantRecord, approved: bool
) -> None:
    pending = cast.ask()
    if approved:
        decide(cast, pending.latest, now=NOW)
    end = NOW + (DAY if approved else WEEK)
    anew = cast.ask(now=end)
    assert anew.latest != pending.latest
    states = dict(Approval.objects.values_list("id", "state"))
    assert states == {pending.latest: "lapsed", anew.latest: "asked"}
    assert decide(cast, anew.latest, now=end).state == "approved"
    assert effect(cast, now=end) == "permit"


def test_of_two_owners_both_must_approve(cast: Cast, grant: GrantRecord) -> None:
    carol = user("carol")
    both = cast.request(likenesses=(cast.cameo, cameo_of(carol)))
    cast.grant(cameo=both.likenesses[1], by=carol.id, terms=ASKING)
    pending = cast.ask(request=both)
    assert len(pending.approvals) == 2
    owners = dict(Approval.objects.values_list("owner_id", "id"))
    assert set(owners) == {cast.alice, carol.id}
    assert decide_code(cast, owners[carol.id]) == "not_found"
    decide(cast, owners[cast.alice])
    assert effect(cast, request=both) == "pending"
    left = cast.ask(request=both, now=LATER)
    assert left.approvals == (owners[carol.id],)
    decide(cast, owners[carol.id], by=carol.id)
    # Neither approved a picture of themselves alone.
    assert effect(cast) == "pending"
    issued = cast.issue(request=both, now=LATER)
    cast.redeem(issued, request=replace(both, likenesses=both.likenesses[::-1]))
    assert set(Approval.objects.values_list("state", flat=True)) == {"spent"}


def test_one_owners_no_to_everything_ends_the_others_approval(
    cast: Cast, grant: GrantRecord
) -> None:
    carol = user("carol")
    both = cast.request(likenesses=(cast.cameo, cameo_of(carol)))
    theirs = cast.grant(cameo=both.likenesses[1], by=carol.id, terms=ASKING)
    cast.ask(request=both)
    withdraw_grant(grant=theirs.id, now=LATER, by=carol.id)
    mine = Approval.objects.get(owner_id=cast.alice).id
    assert decide_code(cast, mine) == "approval_lapsed"


def test_where_something_else_is_missing_nobody_is_asked(cast: Cast, grant: GrantRecord) -> None:
    carol = user("carol")
    unwilling = cast.request(likenesses=(cast.cameo, cameo_of(carol)))
    for changes in (
        {"request": unwilling},
        {"request": cast.request(purpose="news")},
        {"request": cast.request(labels=None)},
        {"requester": cast.mallory},
        {"generator": "nobody"},
    ):
        with pytest.raises(Denied):
            cast.ask(**changes)
    assert Approval.objects.count() == 0
    assert Event.objects.filter(kind="approval.requested").count() == 0


def test_owners_ask_nobody(cast: Cast, grant: GrantRecord) -> None:
    assert cast.issue(requester=cast.alice).jti


def test_what_one_is_asked_and_what_one_asked_for(cast: Cast, grant: GrantRecord) -> None:
    requests = [cast.request(prompt_digest=str(n) * 64) for n in range(3)]
    asked = [cast.ask(request=one, now=NOW + n * SECOND).latest for n, one in enumerate(requests)]
    for account, mine in ((cast.alice, True), (cast.bob, False)):
        first = list_approvals(account=account, mine=mine, now=LATER, limit=2)
        assert [one.id for one in first.items] == asked[:0:-1]
        rest = list_approvals(account=account, mine=mine, now=LATER, after=first.next)
        assert [one.id for one in rest.items] == asked[:1]
        assert list_approvals(account=account, mine=not mine, now=LATER).items == ()
        found = read_approval(approval=asked[0], by=account, now=LATER)
        assert (found.cameo, found.state, found.requester) == (cast.cameo, "asked", cast.bob)
        assert found.request == requests[0].document()
    with pytest.raises(CameoError) as refused:
        read_approval(approval=asked[0], by=cast.mallory, now=LATER)
    assert refused.value.code == "not_found"
    with pytest.raises(CameoError) as refused:
        list_approvals(account=cast.mallory, mine=True, now=LATER, after=asked[0])
    assert refused.value.code == "cursor_unknown"


def repeat(cast: Cast, approval: str, **changes: Any) -> Pending:
    given: dict[str, Any] = {
        "generator": cast.gen,
        "requester": cast.bob,
        "request": cast.request(),
        "now": LATER,
    }
    return ask_again(approval=approval, **(given | changes))


def test_a_lost_answer_is_told_again(cast: Cast, grant: GrantRecord) -> None:
    pending = cast.ask()
    assert repeat(cast, pending.latest) == pending
    decide(cast, pending.latest, now=NOW)
    assert repeat(cast, pending.latest) == pending
    for changes in (
        {"generator": cast.other_gen},
        {"requester": cast.mallory},
        {"request": replace(cast.request(), prompt_digest="1" * 64)},
    ):
        with pytest.raises(Denied):
            repeat(cast, pending.latest, **changes)
    for name in ("apr_" + "a" * 26, "nul\x00"):
        with pytest.raises(Denied):
            repeat(cast, name)
    withdraw_grant(grant=grant.id, now=LATER, by=cast.alice)
    with pytest.raises(Denied):
        repeat(cast, pending.latest)
    assert Approval.objects.count() == 1


def test_a_lost_answer_about_several_is_told_again(cast: Cast, grant: GrantRecord) -> None:
    carol = user("carol")
    both = cast.request(likenesses=(cast.cameo, cameo_of(carol)))
    cast.grant(cameo=both.likenesses[1], by=carol.id, terms=ASKING)
    pending = cast.ask(request=both)
    mine = Approval.objects.get(owner_id=cast.alice).id
    decide(cast, mine)
    assert repeat(cast, pending.latest, request=both) == pending
    # Who declined is asked anew, and that is another answer.
    theirs = Approval.objects.get(owner_id=carol.id).id
    decide(cast, theirs, by=carol.id, approve=False)
    anew = cast.ask(request=both, now=LATER + SECOND)
    assert len(anew.approvals) == 1
    assert repeat(cast, anew.latest, request=both) == anew
    assert repeat(cast, pending.latest, request=both) == pending


def test_a_token_is_not_signed_again_once_its_approval_is_spent(
    cast: Cast, grant: GrantRecord
) -> None:
    decide(cast, cast.ask().latest)
    first, second = cast.issue(now=LATER), cast.issue(now=LATER)
    given: dict[str, Any] = {"generator": cast.gen, "requester": cast.bob, "now": LATER}
    assert issue_again(request=cast.request(), jti=second.jti, **given) == second
    cast.redeem(first, now=LATER)
    with pytest.raises(Denied):
        issue_again(request=cast.request(), jti=second.jti, **given)
