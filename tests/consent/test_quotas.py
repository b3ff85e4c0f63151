"""Quotas: counted at redemption, by the day of UTC, over a grant's whole life."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from common.errors import CameoError
from consent.interface import (
    Denied,
    change_grant,
    read_lease,
    redeem_again,
    withdraw_grant,
)
from consent.models import Audience, IssuedToken, Lease, Restrictions, Tally, Use
from identity.interface import bump_epochs
from identity.models import Cameo
from tests.consent.conftest import NOW, SECOND, Cast, cameo_of, user

TODAY = date(2030, 5, 17)
MIDNIGHT = datetime(2030, 5, 18, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def counts(cast: Cast, subject: str) -> tuple[int, date, int] | None:
    row = Tally.objects.filter(subject=subject).first()
    return (row.uses, row.day, row.uses_of_day) if row else None


def let_anyone(cast: Cast) -> None:
    """As widening leaves it, without the step-up."""
    Audience.objects.update_or_create(
        cameo_id=cast.cameo, defaults={"kind": "anyone", "since": NOW}
    )


def use(cast: Cast, now: datetime = NOW, **changes: Any) -> str:
    issued = cast.issue(now=now, **changes)
    given = {"request": changes["request"]} if "request" in changes else {}
    return cast.redeem(issued, now=now, **given).id


def terms(**others: Any) -> dict[str, Any]:
    return {"purposes": ["personal"]} | others


def restrict(cast: Cast, **given: Any) -> None:
    Restrictions.objects.create(cameo_id=cast.cameo, terms=given, since=NOW)


def test_a_redemption_counts_for_the_grant_and_the_cameo(cast: Cast) -> None:
    grant = cast.grant()
    cast.issue()
    assert Tally.objects.count() == 0  # a token alone counts nothing
    epoch = Cameo.objects.get().epoch
    for number in (1, 2, 3):
        use(cast)
        assert counts(cast, grant.id) == counts(cast, cast.cameo) == (number, TODAY, number)
    assert Cameo.objects.get().epoch == epoch


def test_owners_use_their_own_likeness_uncounted(cast: Cast) -> None:
    carol = user("carol")
    duet = cast.request(likenesses=(cast.cameo, cameo_of(carol)))
    grant = cast.grant(cameo=duet.likenesses[1], by=carol.id, to=cast.alice)
    use(cast, requester=cast.alice)
    assert Tally.objects.count() == 0
    use(cast, requester=cast.alice, request=duet)
    assert {row.subject for row in Tally.objects.all()} == {duet.likenesses[1], grant.id}


def test_a_use_by_the_audience_counts_for_the_cameo_alone(cast: Cast) -> None:
    let_anyone(cast)
    restrict(cast, max_uses=2)
    use(cast)
    use(cast, requester=cast.mallory)
    assert {row.subject: row.uses for row in Tally.objects.all()} == {cast.cameo: 2}
    with pytest.raises(Denied):
        cast.issue()


@pytest.mark.parametrize("of", ["grant", "cameo"])
def test_what_is_used_up_permits_no_more(cast: Cast, of: str) -> None:
    if of == "cameo":
        restrict(cast, max_uses=2)
    cast.grant(terms=terms(max_uses=2) if of == "grant" else terms())
    left = [cast.issue() for _ in range(3)]
    cast.redeem(left[0])
    lease = cast.redeem(left[1])
    with pytest.raises(CameoError) as refused:
        cast.redeem(left[2])
    assert refused.value.code == "consent_changed"
    with pytest.raises(Denied):
        cast.issue()
    # The last unit doesn't end the render that it was taken for.
    given: dict[str, Any] = {"lease": lease.id, "generator": cast.gen, "now": NOW + SECOND}
    assert read_lease(**given).state == redeem_again(**given).state == "live"


def test_uses_are_counted_over_all_versions_of_a_grant(cast: Cast) -> None:
    grant = cast.grant(terms=terms(max_uses=5))
    use(cast)
    use(cast)
    change_grant(grant=grant.id, terms=terms(max_uses=2), now=NOW, by=cast.alice)
    with pytest.raises(Denied):
        cast.issue()
    change_grant(grant=grant.id, terms=terms(max_uses=3), now=NOW, by=cast.alice)
    use(cast)
    with pytest.raises(Denied):
        cast.issue()
    # A new grant begins anew, and the cameo's count goes on.
    withdraw_grant(grant=grant.id, now=NOW, by=cast.alice)
    again = cast.grant(terms=terms(max_uses=1))
    use(cast)
    assert counts(cast, again.id) == (1, TODAY, 1)
    assert counts(cast, cast.cameo) == (4, TODAY, 4)


def test_a_day_begins_at_midnight_of_utc(cast: Cast) -> None:
    grant = cast.grant(terms=terms(max_uses_per_day=1))
    use(cast, now=MIDNIGHT - SECOND)
    with pytest.raises(Denied):
        cast.issue(now=MIDNIGHT - TICK)
    use(cast, now=MIDNIGHT)
    assert counts(cast, grant.id) == (2, MIDNIGHT.date(), 1)
    with pytest.raises(Denied):
        cast.issue(now=MIDNIGHT + timedelta(hours=23))


def test_the_day_is_utcs_wherever_the_clock_stands(cast: Cast) -> None:
    grant = cast.grant(terms=terms(max_uses_per_day=1))
    elsewhere = timezone(timedelta(hours=13))
    issued = cast.issue(now=MIDNIGHT - SECOND)
    cast.redeem(issued, now=(MIDNIGHT - SECOND).astimezone(elsewhere))
    assert counts(cast, grant.id) == (1, TODAY, 1)
    assert use(cast, now=MIDNIGHT)


def test_a_token_of_yesterday_takes_a_unit_of_today(cast: Cast) -> None:
    grant = cast.grant(terms=terms(max_uses_per_day=1))
    first, second = (cast.issue(now=MIDNIGHT - SECOND) for _ in range(2))
    cast.redeem(first, now=MIDNIGHT - SECOND)
    cast.redeem(second, now=MIDNIGHT + SECOND)
    assert counts(cast, grant.id) == (2, MIDNIGHT.date(), 1)
    with pytest.raises(Denied):
        cast.issue(now=MIDNIGHT + SECOND)


def test_a_lease_outlives_midnight_though_others_use_up_the_day(cast: Cast) -> None:
    cast.grant(terms=terms(max_uses_per_day=1))
    lease = cast.redeem(cast.issue(now=MIDNIGHT - SECOND), now=MIDNIGHT - SECOND)
    use(cast, now=MIDNIGHT + SECOND)
    found = read_lease(lease=lease.id, generator=cast.gen, now=MIDNIGHT + 2 * SECOND)
    assert found.state == "live"


def test_a_lease_by_the_audience_outlives_midnight_beside_a_spent_grant(cast: Cast) -> None:
    cast.grant(terms=terms(max_uses_per_day=1))
    let_anyone(cast)
    moment = MIDNIGHT - SECOND
    use(cast, now=moment)
    lease = use(cast, now=moment)  # the grant is used up for today; the audience isn't
    assert [row.grant_id is None for row in Use.objects.get(lease=lease).likenesses.all()] == [True]
    found = read_lease(lease=lease, generator=cast.gen, now=MIDNIGHT + SECOND)
    assert found.state == "live"


def test_another_clocks_later_day_is_kept_and_counted(cast: Cast) -> None:
    grant = cast.grant(terms=terms(max_uses_per_day=2))
    use(cast, now=MIDNIGHT)
    use(cast, now=MIDNIGHT - SECOND)
    assert counts(cast, grant.id) == (2, MIDNIGHT.date(), 2)
    for moment in (MIDNIGHT - SECOND, MIDNIGHT):
        with pytest.raises(Denied):
            cast.issue(now=moment)


def test_a_duet_takes_a_unit_of_both_or_of_neither(cast: Cast) -> None:
    carol = user("carol")
    duet = cast.request(likenesses=(cast.cameo, cameo_of(carol)))
    mine = cast.grant()
    theirs = cast.grant(cameo=duet.likenesses[1], by=carol.id, terms=terms(max_uses=1))
    first, second = (cast.issue(request=duet) for _ in range(2))
    cast.redeem(first, request=duet)
    with pytest.raises(CameoError) as refused:
        cast.redeem(second, request=duet)
    assert refused.value.code == "consent_changed"
    assert counts(cast, mine.id) == counts(cast, theirs.id) == (1, TODAY, 1)


def test_a_refused_redemption_counts_nothing(cast: Cast) -> None:
    grant = cast.grant()
    issued = cast.issue()
    bump_epochs([cast.cameo])
    with pytest.raises(CameoError):
        cast.redeem(issued)
    assert counts(cast, grant.id) is None
    assert IssuedToken.objects.get().redeemed is None
    assert Lease.objects.count() == 0
