"""Who comes second waits for who came first, and then sees what they did."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event
from typing import Any

import pytest
from django.db import connections, transaction

import audit.interface as audit
from accounts.interface import suspend_generator
from common.errors import CameoError
from consent.interface import set_audience, withdraw_grant
from tests.consent.conftest import NOW, make_cast

pytestmark = pytest.mark.django_db(transaction=True)

# Long enough that who doesn't wait is done by then.
HELD = 0.4


def first(action: Callable[[], Any], acted: Event, second_done: Event) -> bool:
    """Act, then keep the transaction open; whether the second was done before it was closed."""
    try:
        with transaction.atomic():
            action()
            acted.set()
            return second_done.wait(timeout=HELD)
    finally:
        connections.close_all()


def second(action: Callable[[], Any], acted: Event, second_done: Event) -> str:
    try:
        assert acted.wait(timeout=30)
        action()
        return "ok"
    except CameoError as error:
        return error.code
    finally:
        second_done.set()
        connections.close_all()


def one_after_the_other(one: Callable[[], Any], other: Callable[[], Any]) -> tuple[bool, str]:
    """Whether `other` was done before `one`'s transaction ended, and how it ended."""
    acted, done = Event(), Event()
    with ThreadPoolExecutor(2) as pool:
        held = pool.submit(first, one, acted, done)
        answer = pool.submit(second, other, acted, done)
        return held.result(), answer.result()


@pytest.mark.parametrize(
    ("ending", "codes"),
    [
        ("withdraw", {"issue": "not_permitted", "redeem": "consent_changed"}),
        ("narrow", {"issue": "not_permitted", "redeem": "consent_changed"}),
        ("suspend", {"issue": "not_permitted", "redeem": "consent_changed"}),
    ],
)
def test_what_permits_waits_for_what_ends_consent(ending: str, codes: dict[str, str]) -> None:
    for name, code in codes.items():
        cast = make_cast(name)
        grant = cast.grant()
        issued = cast.issue()
        endings: dict[str, Callable[[], Any]] = {
            "withdraw": partial(withdraw_grant, grant=grant.id, now=NOW, by=cast.alice),
            "narrow": partial(
                set_audience, cameo=cast.cameo, audience="only_me", now=NOW, by=cast.alice
            ),
            "suspend": partial(suspend_generator, client_id=cast.gen, by="staff", now=NOW),
        }
        permits: dict[str, Callable[[], Any]] = {
            "issue": cast.issue,
            "redeem": partial(cast.redeem, issued),
        }
        assert one_after_the_other(endings[ending], permits[name]) == (False, code)


def test_a_withdrawal_waits_for_a_redemption_under_way() -> None:
    cast = make_cast()
    grant = cast.grant()
    issued = cast.issue()
    withdraw = partial(withdraw_grant, grant=grant.id, now=NOW, by=cast.alice)
    assert one_after_the_other(partial(cast.redeem, issued), withdraw) == (False, "ok")


def test_generators_do_not_wait_for_each_other() -> None:
    """One generator's tokens for two people's likenesses are issued side by side."""
    cast = make_cast()
    cast.grant()
    own = partial(cast.issue, requester=cast.alice)
    other = make_cast("other", generator_of=cast)
    other.grant()
    done_first, code = one_after_the_other(own, other.issue)
    assert (done_first, code) == (True, "ok")


def test_of_two_withdrawals_one_is_recorded() -> None:
    cast = make_cast()
    grant = cast.grant()
    withdraw = partial(withdraw_grant, grant=grant.id, now=NOW, by=cast.alice)
    assert one_after_the_other(withdraw, withdraw) == (False, "ok")
    # the grant, its audience, the withdrawal
    assert audit.verify_all()[cast.cameo] == 3
