from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from benchmarks.decision import __main__ as decision
from benchmarks.decision.casbin_peer import Casbin
from benchmarks.decision.results import CONTENDERS, mismatches, report
from benchmarks.decision.world import COLLECTOR, POPULAR, Ask, World, name
from common.ids import is_id

NOW = datetime(2030, 5, 17, 12, 0, 0, tzinfo=UTC)
PROMPT = "0" * 64


@pytest.fixture(scope="module")
def world() -> World:
    return World(1_000, now=NOW)


def ask(requester: int, *likenesses: int, **changes: Any) -> Ask:
    given: dict[str, Any] = {"purpose": "personal", "labels": (), "seconds": 8.0, "prompt": PROMPT}
    return Ask(requester, likenesses, **(given | changes))


def test_names_have_the_form_of_real_ids_and_differ() -> None:
    names = {name("cam", number) for number in range(500)}
    assert len(names) == 500
    assert all(is_id("cam", one) for one in names)


def test_a_world_has_as_many_grants_as_asked_for_and_no_pair_twice(world: World) -> None:
    pairs = {tuple(pair) for pair in world.grants.tolist()}
    assert len(pairs) == len(world.grants) == world.size
    assert all(owner != grantee for owner, grantee in pairs)


def test_one_likeness_has_a_tenth_of_all_grants(world: World) -> None:
    counts = np.bincount(world.grants[:, 0])
    assert counts[POPULAR] == counts.max() == 100


def test_a_world_is_the_same_every_time(world: World) -> None:
    again = World(1_000, now=NOW)
    assert np.array_equal(again.grants, world.grants)
    assert again.asks(50, seed=1) == world.asks(50, seed=1)


def test_too_small_a_world_is_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        World(50, now=NOW)


def test_requests_are_a_mix_of_permits_and_denials(world: World) -> None:
    rights = [world.permitted(one) for one in world.asks(1_000, seed=2)]
    assert 300 < sum(rights) < 700


def test_the_collector_may_mostly_use_eight_at_once(world: World) -> None:
    asks = world.asks_of_many(100, 8, seed=3)
    assert all(one.requester == COLLECTOR and len(set(one.likenesses)) == 8 for one in asks)
    assert sum(world.permitted(one) for one in asks) > 50


def test_nobody_is_permitted_a_likeness_without_a_grant_or_an_audience(world: World) -> None:
    granted = {int(grantee) for owner, grantee in world.grants if owner == POPULAR}
    stranger = next(one for one in range(2, world.people) if one not in granted)
    assert not world.permitted(ask(stranger, POPULAR))
    assert world.permitted(ask(POPULAR, POPULAR))


def test_every_popular_grant_that_is_withdrawn_permitted_before(world: World) -> None:
    found = world.popular_asks(20)
    assert len({place for place, _ in found}) == 20
    assert all(world.permitted(one) and one.likenesses == (POPULAR,) for _, one in found)


@pytest.mark.parametrize("fast", [False, True])
def test_pycasbin_answers_as_the_world_does(world: World, fast: bool) -> None:
    peer = Casbin(world, fast=fast)
    asks = [one for one in world.asks(60, seed=5) if peer.fits(one)]
    assert len(asks) > 20
    assert [peer.decide(one) for one in asks] == [world.permitted(one) for one in asks]


def row(p50: float, wrong: int = 0) -> dict[str, Any]:
    return {"p50_ms": p50, "p99_ms": 2 * p50, "per_second": 1_000 / p50, "wrong": wrong}


def figures(p50: float, **more: Any) -> dict[str, Any]:
    return {contender: row(p50) for contender in CONTENDERS} | more


def test_the_report_compares_the_largest_size_with_the_smallest_and_its_peers() -> None:
    casbin = {"enforcer": row(50.0), "fast_enforcer": row(0.25)}
    revoked = row(1.0) | {"withdrawals": 3, "permitted_before": 3, "permits_after": 0}
    found = report({100: figures(0.4), 200: figures(0.5, casbin=casbin, revoke=revoked)})
    assert (found["grants"], found["p50_ms"], found["p99_ms"]) == (200, 0.5, 1.0)
    assert (found["growth"], found["vs_cedarpy"]) == (1.25, 1.0)
    assert (found["vs_pycasbin"], found["vs_pycasbin_fast"]) == (100.0, 0.5)
    assert found["revoke_to_deny_ms"]["p50_ms"] == 1.0
    assert found["goals"]["growth"] == {"goal": 1.5, "met": True}
    assert found["mismatches"] == 0


def test_what_was_not_measured_is_no_goal_that_was_met() -> None:
    found = report({100: figures(0.4)})
    assert found["vs_pycasbin"] is None
    assert found["goals"]["vs_pycasbin"]["met"] is None


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (figures(1.0, cedarpy=row(1.0, wrong=2)), 2),
        (figures(1.0, casbin={"enforcer": row(1.0, 1), "fast_enforcer": row(1.0)}), 1),
        (figures(1.0, revoke={"withdrawals": 5, "permitted_before": 5, "permits_after": 1}), 1),
        (figures(1.0, revoke={"withdrawals": 5, "permitted_before": 4, "permits_after": 0}), 1),
    ],
)
def test_every_wrong_answer_counts(rows: dict[str, Any], expected: int) -> None:
    assert mismatches({100: rows}) == expected


@pytest.mark.parametrize(
    "arguments",
    [
        ["--sizes", "10"],
        ["--sizes", "many"],
        ["--requests", "50"],
        ["--requests", "200", "--rounds", "30"],
        ["--withdrawals", "0"],
    ],
)
def test_what_can_not_be_measured_is_a_usage_error(arguments: list[str]) -> None:
    with pytest.raises(SystemExit):
        decision.main(arguments)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_small_run_has_every_contender_right(capsys: pytest.CaptureFixture[str]) -> None:
    sizes = ["--sizes", "200,400", "--requests", "100", "--rounds", "2", "--withdrawals", "5"]
    assert decision.main([*sizes, "--rest", "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert body["mismatches"] == 0
    assert body["grants"] == 400
    assert set(body["sizes"]) == {"200", "400"}
    named = {"p50_ms", "p99_ms", "growth", "vs_pycasbin", "vs_cedarpy", "revoke_to_deny_ms"}
    assert all(body[member] for member in named)
    assert body["rest"]["revoke_to_deny_ms"]["permits_after"] == 0
    for size in body["sizes"].values():
        assert size["decide_for"]["count"] == 100
        assert size["resident_mb"] > 0
