"""Requests and snapshots for property tests: mostly those that nearly permit."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from consent.facts import AccountFact, GeneratorFact, GrantFact, LikenessFact, Snapshot
from consent.request import DecisionRequest, Label, Outputs, Purpose, RenderRequest
from consent.vocabulary import read_terms

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
CAMEOS = tuple(f"cam_{letter}" for letter in "abcdefghi")


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


World = dict[str, Any]


def plain(cameos: int) -> World:
    """A world in plain data, as `tests.reference.model` reads it, that is permitted."""
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
        "accounts": {"alice": True, "bob": True, "mallory": True},
        "generators": {"gen": {"suspended": False, "renders": True}},
        "cameos": {
            name: {"owner": "alice", "state": "active", "expires": None, "audience": "granted"}
            for name in names
        },
        "grants": [
            {"cameo": name, "grantee": "bob", "terms": {"purposes": ["personal", "parody"]}}
            for name in names
        ],
    }


def build(plain_world: World) -> tuple[DecisionRequest, Snapshot]:
    """The typed request and snapshot of a plain world."""
    said = plain_world["request"]
    requester, generator = said["requester"], plain_world["generators"].get(said["generator"])
    accounts = plain_world["accounts"]
    request = asked(
        requester=requester,
        generator=said["generator"],
        at=said["at"],
        likenesses=tuple(said["likenesses"]),
        purpose=said["purpose"],
        labels=None if said["labels"] is None else frozenset(said["labels"]),
        prompt_digest=said["prompt_digest"],
        inputs_digest=said["inputs_digest"],
        outputs=Outputs(said["count"], said["seconds"]),
    )
    grants = {
        grant["cameo"]: GrantFact("grt_x", 1, grant["grantee"], read_terms(grant["terms"]))
        for grant in plain_world["grants"]
    }
    return request, Snapshot(
        requester=AccountFact(requester, accounts[requester]) if requester in accounts else None,
        generator=(
            GeneratorFact(said["generator"], said["generator"], **generator) if generator else None
        ),
        likenesses=tuple(
            LikenessFact(
                cameo=name,
                owner=AccountFact(cameo["owner"], accounts[cameo["owner"]]),
                state=cameo["state"],
                expires=cameo["expires"],
                epoch=1,
                audience=cameo["audience"],
                grant=grants.get(name),
            )
            for name, cameo in plain_world["cameos"].items()
        ),
    )


Change = tuple[str, Any]

RESTRICTIONS: tuple[Change, ...] = (
    ("audience", "only_me"),
    ("audience", "no_such"),
    *(("state", state) for state in ("pending", "in_review", "suspended", "expired", "erased", "")),
    ("expires", NOW),
    ("forget_cameo", None),
    ("remove_grant", None),
    ("add_term", ("not_before", "2030-01-01T12:00:00.000001Z")),
    ("add_term", ("not_after", "2030-01-01T12:00:00Z")),
    ("add_term", ("max_uses", 3)),
    ("add_term", ("purposes", ["news"])),
    ("add_term", ("purposes", [])),
    ("account", ("alice", False)),
    ("account", ("bob", False)),
    ("generator", "suspended"),
    ("generator", "forgotten"),
    ("generator", "renders nothing"),
    ("label", "sexual"),
    ("label", "no_such"),
    ("request", ("labels", None)),
)
"""Changes that take something away: none of them may ever turn deny into permit."""

OTHER_CHANGES: tuple[Change, ...] = (
    ("add_term", ("not_before", "2030-01-01T12:00:00Z")),
    ("add_term", ("not_after", "2030-01-01T12:00:00.000001Z")),
    ("expires", NOW + HOUR),
    ("owner", "bob"),
    ("owner", "mallory"),
    ("grantee", "mallory"),
    *(("label", label.value) for label in Label),
    *(("request", ("purpose", purpose)) for purpose in [*Purpose, "no_such", ""]),
    *(("request", ("requester", name)) for name in ("mallory", "alice", "nobody", "")),
    ("request", ("generator", "other")),
    ("request", ("prompt_digest", "A" * 64)),
    ("request", ("inputs_digest", "1" * 64)),
    ("request", ("inputs_digest", "")),
    ("request", ("count", 0)),
    ("request", ("count", 101)),
    ("request", ("seconds", 3601.0)),
    ("request", ("seconds", float("nan"))),
    ("request", ("likenesses", [])),
    ("request", ("likenesses", list(CAMEOS))),
    ("request", ("likenesses", [CAMEOS[0], CAMEOS[0]])),
)


def change(plain_world: World, what: Change, cameo: str) -> World:
    """The world after one change; those about a cameo change `cameo`."""
    after = copy.deepcopy(plain_world)
    kind, value = what
    known = after["cameos"].get(cameo, {})
    granted = [grant for grant in after["grants"] if grant["cameo"] == cameo]
    if kind in ("audience", "state", "expires", "owner"):
        known[kind] = value
    elif kind == "forget_cameo":
        after["cameos"].pop(cameo, None)
    elif kind == "remove_grant":
        after["grants"] = [grant for grant in after["grants"] if grant["cameo"] != cameo]
    elif kind == "add_term":
        for grant in granted:
            _add_term(grant["terms"], *value)
    elif kind == "grantee":
        for grant in granted:
            grant["grantee"] = value
    elif kind == "account":
        after["accounts"][value[0]] = value[1]
    elif kind == "generator":
        _change_generator(after["generators"], value)
    elif kind == "label":
        said = after["request"]["labels"]
        after["request"]["labels"] = None if said is None else [*said, value]
    elif kind == "request":
        after["request"][value[0]] = value[1]
    return after


def _add_term(terms: World, tag: str, value: Any) -> None:
    """Conjoin one more term, so that what was forbidden stays so."""
    if tag == "purposes":
        terms[tag] = [name for name in terms[tag] if name in value]
    elif tag == "not_before":
        terms[tag] = max(terms.get(tag, ""), value)
    elif tag == "not_after":
        terms[tag] = min(terms.get(tag, "9"), value)
    else:
        terms[tag] = value


def _change_generator(generators: World, how: str) -> None:
    if how == "forgotten":
        generators.clear()
    elif "gen" in generators:
        generators["gen"]["suspended" if how == "suspended" else "renders"] = how == "suspended"


cameo_names = st.sampled_from(CAMEOS[:3])
restrictions = st.tuples(st.sampled_from(RESTRICTIONS), cameo_names)
changes = st.tuples(st.sampled_from(RESTRICTIONS + OTHER_CHANGES), cameo_names)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A permitted world of one to three cameos after up to three changes of any kind."""
    found = plain(draw(st.integers(1, 3)))
    for what, cameo in draw(st.lists(changes, max_size=3)):
        found = change(found, what, cameo)
    return found
