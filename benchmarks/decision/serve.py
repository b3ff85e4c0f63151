"""One size's process: answers commands of the parent, a line of JSON each.

It knows the requests and what is right to answer, not the world: what it holds in memory is what
deciding takes. pycasbin alone needs the world, which is made for it at the very end.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.decision.deployment import database_facts, resident_mb
from benchmarks.decision.load import REQUESTS_FILE
from benchmarks.decision.timing import Timed
from benchmarks.decision.world import GENERATOR, Ask, World, name


class Served:
    """The contenders over one deployment, and what they have taken so far.

    Args:
        home: the deployment's folder.
        size: live grants in it.
        now: the moment that is decided for, aware.
    """

    def __init__(self, home: Path, size: int, now: datetime) -> None:
        from benchmarks.decision.cedar_peer import Cedar

        self.home = home
        self.size = size
        self.now = now
        self.document: dict[str, Any] = json.loads((home / REQUESTS_FILE).read_text("ascii"))
        self.one = self._cases("one")
        self.many = self._cases("many")
        self.cedar = Cedar()
        self.timed: dict[str, Timed] = {}
        self.commands: dict[str, Callable[..., Any]] = {
            "warm_up": self.warm_up,
            "round": self.round,
            "figures": self.figures,
            "casbin": self.casbin,
            "revoke": self.revoke,
            "rest": self.rest,
        }

    def warm_up(self) -> dict[str, Any]:
        """The same as is measured, which doesn't count."""
        from benchmarks.decision import queryset_peer

        ours, cases = Timed(), self._cases("warm_up")
        ours.take(cases, self._decide)
        ours.take(self.many[:20], self._decide)
        ours.take(cases[:20], self.cedar.decide)
        ours.take(cases[:20], queryset_peer.decide)
        ours.take(cases[:20], _bare_look_up)
        return {"resident_mb": resident_mb()}

    def round(self, number: int, rounds: int) -> dict[str, Any]:
        """The `number`th part of `rounds` of every contender's requests."""
        from benchmarks.decision import queryset_peer

        def part(cases: list[Any], share: int = 1) -> list[Any]:
            return cases[number::rounds][:: max(1, share)]

        ours = self._timed("decide_for")
        ours.take(part(self.one), self._decide)
        self._timed("eight_people").take(part(self.many), self._decide)
        self._timed("bare_look_up").take(
            [(asked, True) for asked, _ in part(self.one)], _bare_look_up
        )
        few = part(self.one, 8)
        self._timed("queryset").take(few, queryset_peer.decide)
        self._timed("cedarpy").take(few, self.cedar.decide)
        fetched = [(self.cedar.fetch(asked), right) for asked, right in few]
        self._timed("cedarpy_evaluation").take(fetched, self.cedar.evaluate)
        return {}

    def figures(self) -> dict[str, Any]:
        """What was taken so far."""
        rights = [right for _, right in self.one]
        return {
            **{contender: timed.row() for contender, timed in self.timed.items()},
            "permitted": round(sum(rights) / len(rights), 4),
            "resident_mb": resident_mb(),
            "database": database_facts(),
        }

    def casbin(self, count: int) -> dict[str, Any]:
        """pycasbin on the first `count` requests that it can be asked."""
        from benchmarks.decision.casbin_peer import Casbin

        world = World(self.size, now=self.now)
        asks = [
            (_ask(entry), bool(entry["permitted"]))
            for entry in (*self.document["one"], *self.document["warm_up"])
        ]
        found: dict[str, Any] = {}
        before = resident_mb()
        for label, fast in (("enforcer", False), ("fast_enforcer", True)):
            peer = Casbin(world, fast=fast)
            fitting = [case for case in asks if peer.fits(case[0])]
            timed = Timed()
            timed.take(fitting[: count * 20 if fast else count], peer.decide)
            found[label] = timed.row() | {"load_s": round(peer.load_seconds, 3)}
        return found | {"resident_mb": resident_mb(), "resident_mb_before": before}

    def revoke(self, count: int) -> dict[str, Any]:
        """Withdrawals in process, watched on another connection."""
        from benchmarks.decision.revocation import in_process

        return in_process(self._popular()[:count])

    def rest(self, first: int, count: int, asks: int) -> dict[str, Any]:
        """Decisions and withdrawals over HTTP; the latter from the `first` grant on."""
        from benchmarks.decision.over_rest import over_rest

        cases = [
            (entry | {"requester": name("acc", entry["requester"])}, bool(entry["permitted"]))
            for entry in self.document["one"][:asks]
        ]
        return over_rest(self.home, cases, self._popular()[first : first + count])

    def _timed(self, contender: str) -> Timed:
        return self.timed.setdefault(contender, Timed())

    def _decide(self, asked: Any) -> bool:
        from consent.interface import decide_for

        return decide_for(
            generator=GENERATOR, requester=asked.requester, request=asked.render, now=self.now
        ).permitted

    def _cases(self, key: str) -> list[tuple[Any, bool]]:
        return [
            (decision_request(_ask(entry), self.now), bool(entry["permitted"]))
            for entry in self.document[key]
        ]

    def _popular(self) -> list[tuple[str, Any]]:
        grants, asks = self.document["popular_grants"], self.document["popular"]
        return [
            (grant, decision_request(_ask(entry), self.now))
            for grant, entry in zip(grants, asks, strict=True)
        ]


def decision_request(ask: Ask, now: datetime) -> Any:
    """The request in the service's form."""
    from consent.interface import Outputs, RenderRequest
    from consent.request import DecisionRequest

    render = RenderRequest(
        likenesses=tuple(name("cam", owner) for owner in ask.likenesses),
        purpose=ask.purpose,
        labels=frozenset(ask.labels),
        prompt_digest=ask.prompt,
        inputs_digest=None,
        outputs=Outputs(1, ask.seconds),
    )
    return DecisionRequest(name("acc", ask.requester), GENERATOR, now, render)


def _ask(entry: dict[str, Any]) -> Ask:
    return Ask(
        requester=entry["requester"],
        likenesses=tuple(entry["likenesses"]),
        purpose=entry["purpose"],
        labels=tuple(entry["labels"]),
        seconds=entry["seconds"],
        prompt=entry["prompt"],
    )


def _bare_look_up(asked: Any) -> bool:
    """The least that anything over this database takes: one row by its index, prepared."""
    import psycopg
    from django.db import connection

    cursor = psycopg.RawCursor(connection.connection)
    found = cursor.execute(
        "select id, owner_id, state from identity_cameo where id = $1",
        [asked.render.likenesses[0]],
        prepare=True,
    )
    return found.fetchone() is not None


def serve(size: int, home: Path, now: datetime) -> None:
    """Answer until the parent closes the pipe."""
    served = Served(home, size, now)
    for line in sys.stdin:
        command = json.loads(line)
        answer = served.commands[command.pop("do")](**command)
        print(json.dumps(answer), flush=True)
