"""Prices accrue at redemption, and a month of UTC adds them up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from audit.models import LedgerEntry
from common.errors import CameoError
from consent.interface import (
    change_grant,
    list_statement_lines,
    read_statement,
)
from consent.models import Accrual, Audience, Restrictions
from consent.statements import month_bounds
from tests.consent.conftest import NOW, Cast, cameo_of, user

JUNE = datetime(2030, 6, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def priced(amount: int, currency: str = "EUR") -> dict[str, Any]:
    return {"purposes": ["personal"], "price": {"amount": amount, "currency": currency}}


def let_anyone(cast: Cast) -> None:
    """As widening leaves it, without the step-up."""
    Audience.objects.update_or_create(
        cameo_id=cast.cameo, defaults={"kind": "anyone", "since": NOW}
    )


def use(cast: Cast, now: datetime = NOW, **changes: Any) -> str:
    issued = cast.issue(now=now, **changes)
    given = {name: changes[name] for name in ("request", "generator") if name in changes}
    return cast.redeem(issued, now=now, **given).use


def totals(cast: Cast, month: str = "2030-05", owner: str | None = None) -> list[Any]:
    found = read_statement(owner=owner or cast.alice, month=month).totals
    return [(one.generator, one.currency, one.amount, one.uses) for one in found]


def test_a_use_accrues_what_its_terms_said_when_it_was_redeemed(cast: Cast) -> None:
    grant = cast.grant(terms=priced(250))
    name = use(cast)
    (row,) = Accrual.objects.all()
    assert (row.use_id, row.cameo_id, row.owner_id) == (name, cast.cameo, cast.alice)
    assert (row.generator, row.grant_id) == (cast.gen, grant.id)
    assert (row.amount, row.currency, row.at) == (250, "EUR", NOW)
    entry = LedgerEntry.objects.get(kind="token.redeemed")
    assert (entry.body["amount"], entry.body["currency"]) == (250, "EUR")
    change_grant(grant=grant.id, terms=priced(300), now=NOW, by=cast.alice)
    use(cast)
    assert totals(cast) == [(cast.gen, "EUR", 550, 2)]


def test_a_token_of_an_older_price_is_not_redeemed(cast: Cast) -> None:
    grant = cast.grant(terms=priced(250))
    issued = cast.issue()
    change_grant(grant=grant.id, terms=priced(1), now=NOW, by=cast.alice)
    with pytest.raises(CameoError) as refused:
        cast.redeem(issued)
    assert refused.value.code == "consent_changed"
    assert Accrual.objects.count() == 0


def test_what_has_no_price_accrues_nothing(cast: Cast) -> None:
    cast.grant()
    Restrictions.objects.create(
        cameo_id=cast.cameo, terms={"price": {"amount": 5, "currency": "EUR"}}, since=NOW
    )
    use(cast, requester=cast.alice)
    assert Accrual.objects.count() == 0
    Restrictions.objects.all().delete()
    use(cast)
    assert Accrual.objects.count() == 0
    entries = LedgerEntry.objects.filter(kind="token.redeemed")
    assert {(one.body["amount"], one.body["currency"]) for one in entries} == {(None, None)}
    assert totals(cast) == []


def test_an_audience_pays_the_restrictions_price(cast: Cast) -> None:
    let_anyone(cast)
    Restrictions.objects.create(
        cameo_id=cast.cameo, terms={"price": {"amount": 5, "currency": "EUR"}}, since=NOW
    )
    use(cast)
    cast.grant(to=cast.mallory, terms=priced(2, "JPY"))
    use(cast, requester=cast.mallory)
    assert totals(cast) == [(cast.gen, "EUR", 5, 1), (cast.gen, "JPY", 2, 1)]
    lines = list_statement_lines(owner=cast.alice, month="2030-05").items
    assert {(one.requester, one.grant is None) for one in lines} == {
        (cast.bob, True),
        (cast.mallory, False),
    }


def test_totals_are_by_generator_and_currency(cast: Cast) -> None:
    cast.grant(terms=priced(250))
    cast.grant(to=cast.mallory, terms=priced(10, "USD"))
    for _ in range(2):
        use(cast)
        use(cast, requester=cast.mallory)
    use(cast, generator=cast.other_gen)
    assert totals(cast) == [
        (cast.gen, "EUR", 500, 2),
        (cast.gen, "USD", 20, 2),
        (cast.other_gen, "EUR", 250, 1),
    ]
    assert totals(cast, owner=cast.bob) == totals(cast, owner="nul") == []


def test_everybody_in_a_duet_earns_their_own(cast: Cast) -> None:
    carol = user("carol")
    duet = cast.request(likenesses=(cast.cameo, cameo_of(carol)))
    cast.grant(terms=priced(250))
    cast.grant(cameo=duet.likenesses[1], by=carol.id, terms=priced(90))
    name = use(cast, request=duet)
    assert totals(cast) == [(cast.gen, "EUR", 250, 1)]
    assert totals(cast, owner=carol.id) == [(cast.gen, "EUR", 90, 1)]
    (line,) = list_statement_lines(owner=carol.id, month="2030-05").items
    assert (line.use, line.cameo, line.amount) == (name, duet.likenesses[1], 90)


def test_months_are_utcs(cast: Cast) -> None:
    cast.grant(terms=priced(1))
    use(cast, now=JUNE - TICK)
    use(cast, now=JUNE)
    for month in ("2030-05", "2030-06"):
        assert totals(cast, month) == [(cast.gen, "EUR", 1, 1)]
        assert len(list_statement_lines(owner=cast.alice, month=month).items) == 1
    assert totals(cast, "2030-07") == []
    assert month_bounds("2030-12") == (
        datetime(2030, 12, 1, tzinfo=UTC),
        datetime(2031, 1, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    "month",
    [
        "",
        "2030",
        "2030-13",
        "2030-00",
        "2030-5",
        "1999-01",
        "2030-05-01",
        "٢٠٣٠-05",
        "2030-05\n",
        "nul\x00",
        "9999-12",
    ],
)
def test_a_month_is_a_month(cast: Cast, month: str) -> None:
    for read in (read_statement, list_statement_lines):
        with pytest.raises(CameoError) as refused:
            read(owner=cast.alice, month=month)
        assert refused.value.code == "month_invalid"


def test_lines_are_listed_in_pages(cast: Cast) -> None:
    cast.grant(terms=priced(1))
    names = [use(cast, now=NOW + timedelta(minutes=n)) for n in range(3)]
    first = list_statement_lines(owner=cast.alice, month="2030-05", limit=2)
    assert [line.use for line in first.items] == names[:0:-1]
    rest = list_statement_lines(owner=cast.alice, month="2030-05", limit=2, after=first.next)
    assert [line.use for line in rest.items] == names[:1]
    back = list_statement_lines(owner=cast.alice, month="2030-05", limit=2, before=rest.previous)
    assert back.items == first.items
    for wrong in ({"after": "use_" + "a" * 26}, {"after": "nul\x00"}, {"limit": 0}):
        with pytest.raises(CameoError) as refused:
            list_statement_lines(owner=cast.alice, month="2030-05", **wrong)
        assert refused.value.code == "cursor_unknown"
    with pytest.raises(CameoError):
        list_statement_lines(owner=cast.alice, month="2030-06", after=names[0])


def test_terms_of_eight_people_fit_into_a_token(cast: Cast) -> None:
    people = [user(f"person{n}") for n in range(8)]
    many = cast.request(likenesses=tuple(cameo_of(person) for person in people))
    for person, cameo in zip(people, many.likenesses, strict=True):
        cast.grant(
            cameo=cameo,
            by=person.id,
            terms=priced(1_000_000) | {"attribution": True, "visible_mark": True},
        )
    issued = cast.issue(request=many)
    assert issued.obligations == ("attribution", "visible_mark")
    assert len(cast.redeem(issued, request=many).obligations) == 2
    assert len(issued.token) < 8192
    assert Accrual.objects.count() == 8
