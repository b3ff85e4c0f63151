"""Plain worlds from a seed: mostly those that nearly permit, with values at the edges.

`permitted` makes one whose request is granted in every respect, but that approvals may be
missing; `generate` perturbs it by up to four changes.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Any

from tests.reference.changes import (
    HOUR,
    JUNKED,
    OTHERS,
    RETERMED,
    SHRINKING,
    TICK,
    Change,
    apply,
    text,
)
from tests.reference.model import LABELS, PURPOSES, World

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
CAMEOS = tuple(f"cam_{letter}" for letter in "abcdefghi")
OWNERS = ("alice", "carol", "dave", "erin")
PEOPLE = (*OWNERS, "bob", "mallory")
ADULT: World = {"active": True, "of_age_on": None, "adult_on": None, "guarded": False}
_MOMENTS = (
    NOW,
    NOW.replace(microsecond=1),
    NOW.replace(hour=0),
    datetime(2030, 3, 31, 3, 30, tzinfo=timezone(timedelta(hours=2))),
)
_MAY_SHOW = [label for label in LABELS if label != "sexual"]


def generate(rng: Random) -> World:
    """A permitted or pending world after none to four changes."""
    world = permitted(rng)
    for _ in range(rng.choice((0, 0, 1, 1, 1, 2, 3, 4))):
        apply(world, rng.choice(_kind(rng)), rng.choice(list(world["cameos"]) or CAMEOS[:1]))
    return world


def _kind(rng: Random) -> tuple[Change, ...]:
    drawn = rng.random()
    if drawn < 0.4:
        return SHRINKING
    if drawn < 0.85:
        return OTHERS
    return JUNKED if drawn < 0.99 else RETERMED


def permitted(rng: Random) -> World:
    """A world in which nothing but approvals can be missing."""
    names = CAMEOS[: rng.choice((1, 1, 1, 1, 2, 2, 3, 4, 8))]
    at = rng.choice(_MOMENTS)
    world: World = {
        "request": {
            "requester": "bob",
            "generator": "gen",
            "at": at,
            "likenesses": rng.sample(names, len(names)),
            "purpose": rng.choice(PURPOSES) if rng.random() < 0.4 else "personal",
            "labels": _labels(rng),
            "prompt_digest": "0" * 64,
            "inputs_digest": "1" * 64 if rng.random() < 0.2 else None,
            "count": rng.choice((1, 1, 2, 100)),
            "seconds": rng.choice((8.0, 8.0, 0.0, 3600.0)),
        },
        "accounts": {name: dict(ADULT) for name in PEOPLE},
        "generators": {"gen": {"suspended": False, "renders": True}},
        "cameos": {},
        "grants": [],
        "approvals": {},
        "friends": [],
        "blocks": [],
    }
    owners = OWNERS[: rng.choice((1, 1, 2, 4))]
    for name in names:
        owner = "bob" if rng.random() < 0.08 else rng.choice(owners)
        world["cameos"][name] = _cameo(rng, at, owner)
    for owner in owners:
        if rng.random() < 0.12:
            _make_minor(rng, world, owner)
    _acquaint(rng, world)
    for name in names:
        _allow(rng, world, name)
    if rng.random() < 0.45:
        _wait(rng, world, rng.choice(names))
    return world


def _labels(rng: Random) -> list[str]:
    if rng.random() < 0.6:
        return []
    found = rng.sample(_MAY_SHOW, rng.randint(1, 3))
    return [label for label in found if label != "minors_present"]


def _cameo(rng: Random, at: datetime, owner: str) -> World:
    return {
        "owner": owner,
        "state": "active",
        "expires": rng.choice((None, None, at + TICK, at + 2 * HOUR)),
        "audience": "only_me" if owner == "bob" else "granted",
        "restrictions": {},
        "uses": rng.choice((0, 0, 2)),
        "uses_today": 0,
    }


def _make_minor(rng: Random, world: World, owner: str) -> None:
    request = world["request"]
    world["accounts"][owner] |= {
        "of_age_on": request["at"] - rng.choice((timedelta(0), 1000 * HOUR)),
        "adult_on": request["at"] + rng.choice((TICK, HOUR, 1000 * HOUR)),
        "guarded": True,
    }
    request["purpose"] = "personal"
    request["inputs_digest"] = None


def _acquaint(rng: Random, world: World) -> None:
    """Friendships at random, and blocks that are nobody's business."""
    for one in PEOPLE:
        for two in PEOPLE:
            if one < two and rng.random() < 0.25:
                world["friends"].append((one, two) if rng.random() < 0.5 else (two, one))
    if rng.random() < 0.2:
        world["blocks"].append(rng.choice((("bob", "alice"), ("mallory", "bob"), ("bob", "dave"))))


def _are_friends(world: World, one: str, two: str) -> bool:
    return (one, two) in world["friends"] or (two, one) in world["friends"]


def _allow(rng: Random, world: World, name: str) -> None:
    """Open a way to the likeness, or two, with terms that are met."""
    known, at = world["cameos"][name], world["request"]["at"]
    owner = known["owner"]
    if owner == "bob":
        if rng.random() < 0.5:
            known["restrictions"] = {"purposes": ["news"], "max_uses": 1}
        return
    person = world["accounts"][owner]
    minor = person["adult_on"] is not None
    world["approvals"][name] = {"id": f"apr_{name}", "until": at + rng.choice((TICK, HOUR))}
    if rng.random() < 0.3:
        known["restrictions"] = _terms(rng, world, name, known, most=3)
    by_audience = not minor and rng.random() < 0.35
    if by_audience:
        known["audience"] = "anyone" if rng.random() < 0.5 else "mutuals"
        if known["audience"] == "mutuals" and not _are_friends(world, owner, "bob"):
            world["friends"].append((owner, "bob"))
    if by_audience and rng.random() < 0.5:
        return
    used = rng.choice((0, 0, 1, 7))
    grant: World = {
        "id": f"grt_{name}",
        "cameo": name,
        "grantee": "bob",
        "uses": used,
        "uses_today": rng.choice((0, used)),
        "while_minor": minor and rng.random() < 0.8,
        "co_approved": minor or rng.random() < 0.1,
    }
    if not minor and rng.random() < 0.05:
        person |= {"of_age_on": at - HOUR, "adult_on": at, "guarded": False}
    grant["terms"] = _terms(rng, world, name, grant, most=4)
    grant["terms"]["purposes"] = _purposes(rng, world)
    world["grants"].append(grant)


def _wait(rng: Random, world: World, name: str) -> None:
    """Have a likeness' owner be asked each time, and not have answered, or not for long enough."""
    holders = [world["cameos"][name]["restrictions"]]
    holders += [grant["terms"] for grant in world["grants"] if grant["cameo"] == name]
    rng.choice(holders)["approval_each_time"] = True
    if rng.random() < 0.5:
        world["approvals"][name] = {"id": f"apr_{name}", "until": world["request"]["at"]}
    else:
        world["approvals"].pop(name, None)


def _purposes(rng: Random, world: World) -> list[str]:
    asked = world["request"]["purpose"]
    others = [purpose for purpose in PURPOSES if purpose != asked]
    return [asked, *rng.sample(others, rng.randint(0, 2))]


def _terms(rng: Random, world: World, name: str, held: World, *, most: int) -> World:
    """Some terms that the request meets, half of them by the least there is."""
    names = rng.sample(sorted(_MET), rng.randint(0, most))
    found = {tag: _MET[tag](rng, world, name, held) for tag in names}
    return {tag: value for tag, value in found.items() if value is not None}


def _generators(rng: Random, *_: Any) -> Any:
    return rng.choice((["gen"], ["other", "gen"], {"refuse": ["other"]}))


def _forbid_labels(rng: Random, world: World, *_: Any) -> list[str]:
    free = [label for label in LABELS if label not in world["request"]["labels"]]
    return rng.sample(free, rng.randint(1, 3))


def _co_appear(rng: Random, world: World, name: str, *_: Any) -> str:
    owner = world["cameos"][name]["owner"]
    others = {known["owner"] for known in world["cameos"].values()} - {owner}
    choices = ["anyone"]
    if all(_are_friends(world, owner, other) for other in others):
        choices.append("friends")
    if not others:
        choices.append("nobody")
    return rng.choice(choices)


_PRICES = ({"amount": 1, "currency": "EUR"}, {"amount": 10**9, "currency": "JPY"})

_MET: dict[str, Any] = {
    "purposes": lambda rng, world, *_: _purposes(rng, world),
    "not_before": lambda rng, world, *_: text(
        world["request"]["at"] - rng.choice((timedelta(0), HOUR))
    ),
    "not_after": lambda rng, world, *_: text(world["request"]["at"] + rng.choice((TICK, HOUR))),
    "max_uses": lambda rng, world, name, held: held["uses"] + rng.choice((1, 5)),
    "max_uses_per_day": lambda rng, world, name, held: held["uses_today"] + rng.choice((1, 5)),
    "approval_each_time": lambda rng, *_: rng.random() < 0.7,
    "generators": _generators,
    "max_duration_s": lambda rng, world, *_: (
        world["request"]["seconds"] if rng.random() < 0.5 else 3600
    ),
    "max_outputs": lambda rng, world, *_: world["request"]["count"] if rng.random() < 0.5 else 100,
    "forbid_labels": _forbid_labels,
    "co_appear": _co_appear,
    "remix": lambda rng, world, *_: (
        True if world["request"]["inputs_digest"] is not None else rng.random() < 0.5
    ),
    "attribution": lambda rng, *_: rng.random() < 0.6,
    "visible_mark": lambda rng, *_: rng.random() < 0.6,
    "price": lambda rng, *_: dict(rng.choice(_PRICES)),
    "note": lambda *_: "for people only",
}
