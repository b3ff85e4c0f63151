"""Threads against one database: once is once, and a withdrawal that returned has won."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from django.db import connections

import audit.interface as audit
from accounts.interface import suspend_generator
from common.errors import CameoError
from consent.interface import RenderRequest, introspect, set_audience, withdraw_grant
from consent.models import Grant, IssuedToken, Lease, Use
from tests.consent.conftest import NOW, Cast, cameo_of, make_cast, user

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass(frozen=True)
class Done:
    """One action as its thread saw it: when it was called, when it answered, and what."""

    name: str
    began: float
    ended: float
    code: str

    @property
    def permitted(self) -> bool:
        return self.code == "ok"


Action = tuple[str, Callable[[], Any]]


def together(*threads: Sequence[Action]) -> list[Done]:
    """Run each list of actions in a thread of its own, all begun at once."""
    barrier = Barrier(len(threads))

    def run(actions: Sequence[Action]) -> list[Done]:
        done = []
        try:
            barrier.wait(timeout=30)
            for name, action in actions:
                began = time.monotonic()
                try:
                    answer = action()
                    code = "ok" if answer is not False else "inactive"
                except CameoError as error:
                    code = error.code
                done.append(Done(name, began, time.monotonic(), code))
        finally:
            connections.close_all()
        return done

    with ThreadPoolExecutor(len(threads)) as pool:
        return [entry for done in pool.map(run, threads) for entry in done]


def violations(history: list[Done], ending: str) -> list[Done]:
    """Permits that were asked for after `ending` had answered."""
    ended = max(entry.ended for entry in history if entry.name == ending)
    return [
        entry
        for entry in history
        if entry.name != ending and entry.permitted and entry.began > ended
    ]


def test_of_many_redemptions_one_succeeds() -> None:
    cast = make_cast()
    cast.grant()
    for _ in range(4):
        issued = cast.issue()
        redeem: Action = ("redeem", partial(cast.redeem, issued))
        codes = sorted(entry.code for entry in together(*[[redeem]] * 8))
        assert codes == ["ok"] + ["token_already_redeemed"] * 7
    assert Use.objects.count() == Lease.objects.count() == 4
    # a grant and its audience, four issued, four redeemed
    assert audit.verify_all() == {cast.cameo: 10}


def test_of_many_grants_to_one_person_one_succeeds() -> None:
    cast = make_cast()
    grant: Action = ("grant", cast.grant)
    codes = sorted(entry.code for entry in together(*[[grant]] * 6))
    assert codes == ["grant_exists"] * 5 + ["ok"]
    assert Grant.objects.count() == 1


def _is_active(cast: Cast, token: str) -> bool:
    answer = introspect(generator=cast.gen, token_text=token, now=NOW)
    return bool(answer["active"])


def _scramble(cast: Cast, name: str, ending: Callable[[], Any]) -> list[Done]:
    """`ending` while tokens are issued, introspected and redeemed by others."""
    tokens = [cast.issue() for _ in range(12)]
    spare = cast.issue()
    redeem: list[Action] = [("redeem", partial(cast.redeem, issued)) for issued in tokens]
    return together(
        redeem[::2],
        redeem[1::2],
        [("issue", cast.issue)] * 6,
        [("introspect", lambda: _is_active(cast, spare.token))] * 10,
        [("wait", lambda: time.sleep(0.01)), (name, ending)],
    )


def test_after_a_withdrawal_returned_nothing_permits() -> None:
    cast = make_cast()
    seen = set()
    for _ in range(6):
        grant = cast.grant()
        history = _scramble(
            cast,
            "withdraw",
            partial(withdraw_grant, grant=grant.id, now=NOW, by=cast.alice),
        )
        assert violations(history, "withdraw") == []
        seen |= {entry.code for entry in history}
    assert {"ok", "consent_changed", "not_permitted"} <= seen
    assert seen <= {"ok", "consent_changed", "not_permitted", "inactive"}
    assert Use.objects.count() == IssuedToken.objects.exclude(redeemed=None).count()
    audit.verify_all()


def test_after_a_narrowing_returned_nothing_permits() -> None:
    cast = make_cast()
    cast.grant()
    for _ in range(3):
        set_audience(cameo=cast.cameo, audience="granted", now=NOW, by=cast.alice)
        history = _scramble(
            cast,
            "narrow",
            lambda: set_audience(cameo=cast.cameo, audience="only_me", now=NOW, by=cast.alice),
        )
        assert violations(history, "narrow") == []


def test_after_a_suspension_of_the_generator_returned_nothing_permits() -> None:
    cast = make_cast()
    cast.grant()
    history = _scramble(
        cast,
        "suspend",
        lambda: suspend_generator(client_id=cast.gen, by="staff", now=NOW) is not None,
    )
    assert violations(history, "suspend") == []


def test_the_check_catches_a_redemption_that_does_not_decide_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cast = make_cast()
    grant = cast.grant()
    monkeypatch.setattr("consent.redemption.stands", lambda *given: True)
    left = [cast.issue() for _ in range(30)]
    history = together(
        [("redeem", partial(cast.redeem, issued)) for issued in left],
        [("withdraw", lambda: withdraw_grant(grant=grant.id, now=NOW, by=cast.alice))],
    )
    assert violations(history, "withdraw")


def test_duets_in_opposite_order_do_not_lock_each_other_out() -> None:
    cast = make_cast()
    carol = user("carol")
    both = (cast.cameo, cameo_of(carol))
    cast.grant()
    cast.grant(cameo=both[1], by=carol.id)
    there = cast.request(likenesses=both)
    back = cast.request(likenesses=both[::-1])

    def issue_and_redeem(request: RenderRequest) -> None:
        cast.redeem(cast.issue(request=request), request=request)

    threads: list[list[Action]] = [
        [("both", partial(issue_and_redeem, request))] * 4 for request in (there, back, there, back)
    ]
    assert {entry.code for entry in together(*threads)} == {"ok"}
