"""The peer pycasbin: the same grants as rules in memory, everything else in a function.

Nothing is read from a database. `Enforcer` looks at the rules one by one; `FastEnforcer` first
narrows them to those with the same requester and cameo, by a dictionary. Only requests that a
grant decides are asked (`fits`): others would be told by the function alone.
"""

from __future__ import annotations

import logging
import time
from typing import Any, Final

import casbin  # type: ignore[import-untyped]

from benchmarks.decision.world import Ask, World

_MODEL: Final = """
[request_definition]
r = sub, obj, use

[policy_definition]
p = sub, obj, terms

[policy_effect]
e = some(where (p.eft == allow))

[matchers]
m = r.sub == p.sub && r.obj == p.obj && meets(r.use, p.terms)
"""


class Casbin:
    """An enforcer that holds every grant of a world.

    Attributes:
        load_seconds: how long the rules took to put in.
    """

    def __init__(self, world: World, *, fast: bool = False) -> None:
        logging.getLogger("casbin").setLevel(logging.ERROR)
        self._world = world
        self._terms = [world.terms(place) for place in range(world.size)]
        model = casbin.FastModel([0, 1]) if fast else casbin.Model()
        model.load_model_from_text(_MODEL)
        enforcer = (
            casbin.FastEnforcer(model, cache_key_order=[0, 1]) if fast else casbin.Enforcer(model)
        )
        enforcer.add_function("meets", self._meets)
        started = time.perf_counter()
        policy = model.model["p"]["p"].policy
        # As an adapter puts them: `add_policies` looks for each among all of them first.
        for place, (owner, grantee) in enumerate(world.grants.tolist()):
            policy.append([str(grantee), str(owner), str(place)])
        self.load_seconds = time.perf_counter() - started
        self._enforcer: Any = enforcer

    def fits(self, ask: Ask) -> bool:
        """Whether a grant decides it."""
        (owner,) = ask.likenesses
        return self._world.audience(owner) == "granted" and ask.requester != owner

    def decide(self, ask: Ask) -> bool:
        """Whether a rule allows it."""
        return bool(self._enforcer.enforce(str(ask.requester), str(ask.likenesses[0]), ask))

    def _meets(self, ask: Ask, rule: str) -> bool:
        (owner,), place = ask.likenesses, int(rule)
        uses = self._world.grant_uses(place)
        return self._world.is_clear(ask, owner) and self._world.meets(
            self._terms[place], ask, owner, uses
        )
