"""The whole path once: grant, issue, redeem, withdraw."""

from __future__ import annotations

import pytest

import audit.interface as audit
from common.errors import Conflict, NotPermitted
from consent.interface import introspect, list_uses, withdraw_grant
from tests.consent.conftest import NOW, SECOND, Cast


def test_a_grant_gives_a_token_that_is_redeemed_once_and_dies_with_the_grant(cast: Cast) -> None:
    with pytest.raises(NotPermitted):
        cast.issue()
    grant = cast.grant()
    issued, left_behind = cast.issue(), cast.issue()
    assert introspect(generator=cast.gen, token_text=issued.token, now=NOW)["active"]

    lease = cast.redeem(issued)
    assert lease.state == "live"
    with pytest.raises(Conflict) as again:
        cast.redeem(issued)
    assert again.value.code == "token_already_redeemed"

    withdraw_grant(grant=grant.id, now=NOW + SECOND, by=cast.alice)
    with pytest.raises(NotPermitted) as dead:
        cast.redeem(left_behind)
    assert dead.value.code == "consent_changed"
    with pytest.raises(NotPermitted) as denied:
        cast.issue(now=NOW + 2 * SECOND)
    assert denied.value.code == "not_permitted"
    assert [use.id for use in list_uses(cameo=cast.cameo, by=cast.alice).items] == [lease.use]
    # grant, audience, two issued, one redeemed, withdrawn
    assert audit.verify_all() == {cast.cameo: 6}
