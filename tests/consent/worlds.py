"""Requests and snapshots for tests: typed ones by hand, and those of plain worlds."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Any

from hypothesis import strategies as st

from consent.facts import (
    AccountFact,
    ApprovalFact,
    Count,
    GeneratorFact,
    GrantFact,
    LikenessFact,
    MinorFact,
    Snapshot,
)
from consent.request import DecisionRequest, Outputs, RenderRequest
from consent.vocabulary import read_terms
from tests.reference.changes import HOUR, JUNKED, OTHERS, RETERMED, SHRINKING, Change, apply
from tests.reference.model import World
from tests.reference.worlds import ADULT, CAMEOS, NOW, PEOPLE, permitted

__all__ = ["CAMEOS", "HOUR", "NOW", "RESTRICTIONS", "Change", "World"]

RESTRICTIONS = SHRINKING
"""Changes that take something away: none of them may ever turn deny into permit."""
OTHER_CHANGES = OTHERS + JUNKED + RETERMED


def asked(
    *, requester: str = "bob", generator: str = "gen", at: datetime = NOW, **changes: Any
) -> DecisionRequest:
    """A request that `world()` permits, but for `changes`."""
    render = RenderRequest(
        likenesses=(CAMEOS[0],),
        purpose="personal",
        labels=frozenset(),
        prompt_digest="0" * 64,
        inputs_digest=None,
        outputs=Outputs(1, 8.0),
    )
    return DecisionRequest(requester, generator, at, replace(render, **changes))


def likeness(cameo: str = CAMEOS[0], **changes: Any) -> LikenessFact:
    """Alice's active cameo, granted to Bob for personal use, but for `changes`."""
    fact = LikenessFact(
        cameo=cameo,
        owner=AccountFact("alice", True),
        state="active",
        expires=None,
        epoch=3,
        audience="granted",
        grant=GrantFact(f"grt_{cameo}", 1, "bob", read_terms({"purposes": ["personal"]})),
    )
    return replace(fact, **changes)


def world(*likenesses: LikenessFact, **changes: Any) -> Snapshot:
    """A snapshot in which `asked()` is permitted, but for what is given."""
    snapshot = Snapshot(
        requester=AccountFact("bob", True),
        generator=GeneratorFact("gen", "gen", suspended=False, renders=True),
        likenesses=likenesses or (likeness(),),
    )
    return replace(snapshot, **changes)


def plain(cameos: int) -> World:
    """A permitted world in plain data, as `tests.reference.model` reads it, without frills."""
    names = CAMEOS[:cameos]
    return {
        "request": {
            "requester": "bob",
            "generator": "gen",
            "at": NOW,
            "likenesses": list(names),
            "purpose": "personal",
            "labels": [],
            "prompt_digest": "0" * 64,
            "inputs_digest": None,
            "count": 1,
            "seconds": 8.0,
        },
        "accounts": {name: dict(ADULT) for name in PEOPLE},
        "generators": {"gen": {"suspended": False, "renders": True}},
        "cameos": {
            name: {
                "owner": "alice",
                "state": "active",
                "expires": None,
                "audience": "granted",
                "restrictions": {},
                "uses": 0,
                "uses_today": 0,
            }
            for name in names
        },
        "grants": [
            {
                "id": f"grt_{name}",
                "cameo": name,
                "grantee": "bob",
                "terms": {"purposes": ["personal", "parody"]},
                "uses": 0,
                "uses_today": 0,
                "while_minor": False,
                "co_approved": False,
            }
            for name in names
        ],
        "approvals": {},
        "friends": [],
        "blocks": [],
    }


def build(plain_world: World) -> tuple[DecisionRequest, Snapshot]:
    """The typed request and snapshot of a plain world."""
    said = plain_world["request"]
    request = DecisionRequest(
        said["requester"],
        said["generator"],
        said["at"],
        RenderRequest(
            likenesses=tuple(said["likenesses"]),
            purpose=said["purpose"],
            labels=None if said["labels"] is None else frozenset(said["labels"]),
            prompt_digest=said["prompt_digest"],
            inputs_digest=said["inputs_digest"],
            outputs=Outputs(said["count"], said["seconds"]),
        ),
    )
    generator = plain_world["generators"].get(said["generator"])
    accounts, requester = plain_world["accounts"], said["requester"]
    grants = {
        grant["cameo"]: grant for grant in plain_world["grants"] if grant["grantee"] == requester
    }
    friends = plain_world["friends"]
    return request, Snapshot(
        requester=account(requester, accounts[requester]) if requester in accounts else None,
        generator=(
            GeneratorFact(said["generator"], said["generator"], **generator) if generator else None
        ),
        likenesses=tuple(
            _likeness(plain_world, name, known, grants.get(name))
            for name, known in plain_world["cameos"].items()
        ),
        friendships=frozenset(
            [(one, two) for one, two in friends] + [(two, one) for one, two in friends]
        ),
        blocks=frozenset((one, two) for one, two in plain_world["blocks"]),
    )


def account(name: str, known: World) -> AccountFact:
    """The fact of a plain account."""
    minor = None
    if known["adult_on"] is not None:
        minor = MinorFact(known["of_age_on"], known["adult_on"], known["guarded"])
    return AccountFact(name, known["active"], minor)


def _likeness(plain_world: World, name: str, known: World, grant: World | None) -> LikenessFact:
    approval = plain_world["approvals"].get(name)
    return LikenessFact(
        cameo=name,
        owner=account(known["owner"], plain_world["accounts"][known["owner"]]),
        state=known["state"],
        expires=known["expires"],
        epoch=1,
        audience=known["audience"],
        grant=None if grant is None else _grant(grant),
        restrictions=read_terms(known["restrictions"]),
        count=Count(known["uses"], known["uses_today"]),
        approval=None if approval is None else ApprovalFact(approval["id"], approval["until"]),
    )


def _grant(grant: World) -> GrantFact:
    return GrantFact(
        grant["id"],
        1,
        grant["grantee"],
        read_terms(grant["terms"]),
        Count(grant["uses"], grant["uses_today"]),
        while_minor=grant["while_minor"],
        co_approved=grant["co_approved"],
    )


def change(plain_world: World, what: Change, cameo: str) -> World:
    """The world after one change; those about a cameo change `cameo`."""
    after: World = copy.deepcopy(plain_world)
    apply(after, what, cameo)
    return after


cameo_names = st.sampled_from(CAMEOS[:3])
restrictions = st.tuples(st.sampled_from(RESTRICTIONS), cameo_names)
changes = st.tuples(st.sampled_from(RESTRICTIONS + OTHER_CHANGES), cameo_names)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A plain permitted world, or a rich one, after up to three changes of any kind."""
    seed = draw(st.integers(0, 2**32))
    found = plain(draw(st.integers(1, 3))) if seed % 4 == 0 else permitted(Random(seed))
    for what, cameo in draw(st.lists(changes, max_size=3)):
        found = change(found, what, cameo)
    return found
