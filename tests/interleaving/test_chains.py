"""The ledger's order, checked on chains made by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.interleaving.chains import misplaced

ALICE, BOB = "alice", "bob"


@dataclass(frozen=True)
class Line:
    kind: str
    body: dict[str, Any] = field(default_factory=dict)
    sequence: int = 0


def token(kind: str = "redeemed", epoch: int = 3, grant: str | None = "g", **more: Any) -> Line:
    body = {"requester": BOB, "grant": grant, "grant_version": 1, "epoch": epoch}
    return Line(f"token.{kind}", body | more)


GRANTED = (
    Line("grant.created", {"grant": "g", "version": 1}),
    Line("audience.changed", {"audience": "granted"}),
)


def why(*lines: Line) -> list[str]:
    return [one.why for one in misplaced("cam", ALICE, lines)]


def test_tokens_on_a_live_grant_stand_where_they_may() -> None:
    assert why(*GRANTED, token("issued"), token()) == []


@pytest.mark.parametrize(
    "ending",
    [
        Line("grant.withdrawn", {"grant": "g", "version": 1}),
        Line("grant.changed", {"grant": "g", "version": 2}),
        Line("audience.changed", {"audience": "only_me"}),
        Line("cameo.suspended"),
        Line("cameo.erased"),
    ],
    ids=lambda line: line.kind,
)
def test_a_token_behind_the_end_of_what_it_rests_on_is_found(ending: Line) -> None:
    assert len(why(*GRANTED, token("issued"), ending, token())) == 1


def test_an_epoch_that_falls_behind_is_found() -> None:
    assert why(*GRANTED, token(epoch=4), token(epoch=3)) == ["an epoch before the last one"]


def test_owners_and_open_audiences_need_no_grant() -> None:
    opened = Line("audience.changed", {"audience": "anyone"})
    assert why(token(requester=ALICE, grant=None), opened, token(grant=None)) == []
    assert why(*GRANTED, token(grant=None)) == ["nothing covers the requester"]


def test_what_ended_and_came_back_stands_again() -> None:
    assert why(*GRANTED, Line("cameo.suspended"), Line("cameo.resumed"), token()) == []
