"""Changes to a plain world, in place: what a generated world is perturbed by.

A change is a kind and a value. `SHRINKING` only takes something away, so that none of them may
ever turn deny into pending, or either into permit; `OTHERS` may do anything. Those about a cameo
are applied to one that is named.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.reference.model import LABELS, PURPOSES, World

Change = tuple[str, Any]

TICK = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
HOLDERS = ("grant", "restrictions")
WIDTHS = ["only_me", "granted", "mutuals", "anyone"]
JUNK: tuple[Any, ...] = (
    None, "", [], {}, True, -1, 0, 1.5, "3", 10**12, [3], [["personal"]], ["no_such"],
    ["personal", "personal"], {"refuse": []}, {"refuse": "gen"}, {"refuse": ["x"], "also": 1},
    "2030-01-01T12:00:00", "2030-01-01", "tomorrow", 1893456000, {"amount": 1},
    {"amount": True, "currency": "EUR"}, {"amount": 5, "currency": "eur"}, "friend", "a\x00b",
)  # fmt: skip
TAGS = (
    "purposes", "not_before", "not_after", "max_uses", "max_uses_per_day", "approval_each_time",
    "generators", "max_duration_s", "max_outputs", "forbid_labels", "co_appear", "remix",
    "attribution", "visible_mark", "price", "note",
)  # fmt: skip


def text(moment: datetime) -> str:
    """A moment as terms spell it."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def just_unmet(tag: str, world: World, uses: int, today: int) -> Any:
    """The value of a term that the world's request misses by the least there is."""
    request = world["request"]
    values: dict[str, Callable[[], Any]] = {
        "purposes": lambda: [name for name in PURPOSES if name != request["purpose"]],
        "not_before": lambda: text(request["at"] + TICK),
        "not_after": lambda: text(request["at"]),
        "max_uses": lambda: uses,
        "max_uses_per_day": lambda: today,
        "approval_each_time": lambda: True,
        "generators": lambda: {"refuse": [request["generator"], "other"]},
        "max_duration_s": lambda: max(0.0, request["seconds"] - 0.001),
        "max_outputs": lambda: request["count"] - 1,
        "forbid_labels": lambda: [*list(request["labels"] or ["hate"])[:1], "gambling"],
        "co_appear": lambda: "nobody",
        "remix": lambda: False,
    }
    return values[tag]() if tag in values else None


def conjoined(tag: str, old: Any, new: Any) -> Any:
    """One value that asks for what both do; `old` where it can't be combined."""
    lists = isinstance(old, list) and isinstance(new, list)
    if tag == "purposes" or (tag == "generators" and lists):
        return [name for name in old if name in new] if lists else old
    if tag == "forbid_labels":
        return old + [name for name in new if name not in old] if lists else old
    if tag in ("approval_each_time", "attribution", "visible_mark"):
        return (old or new) if isinstance(old, bool) else old
    if tag == "remix":
        return (old and new) if isinstance(old, bool) else old
    if tag == "co_appear":
        order = ["nobody", "friends", "anyone"]
        return min(old, new, key=order.index) if old in order else old
    if tag in ("max_uses", "max_uses_per_day", "max_outputs", "max_duration_s"):
        return min(old, new) if type(old) in (int, float) else old
    if tag in ("not_before", "not_after"):
        return _later_or_earlier(tag, old, new)
    return old


def _later_or_earlier(tag: str, old: Any, new: str) -> Any:
    try:
        pair = [(datetime.fromisoformat(one), one) for one in (old, new)]
        return (max(pair) if tag == "not_before" else min(pair))[1]
    except (TypeError, ValueError):
        return old


_ADDED: tuple[tuple[str, Any], ...] = (
    ("not_before", "2030-01-01T12:00:00.000001Z"),
    ("not_before", "2030-01-01T12:00:00Z"),
    ("not_after", "2030-01-01T12:00:00Z"),
    ("not_after", "2030-01-01T12:00:00.000001Z"),
    ("max_uses", 1),
    ("max_uses", 3),
    ("max_uses_per_day", 1),
    ("approval_each_time", True),
    ("generators", ["gen"]),
    ("generators", ["other"]),
    ("generators", {"refuse": ["gen"]}),
    ("max_duration_s", 8),
    ("max_outputs", 1),
    ("purposes", ["news"]),
    ("purposes", ["personal"]),
    ("forbid_labels", ["violence"]),
    ("forbid_labels", ["medical", "drugs", "hate"]),
    ("co_appear", "friends"),
    ("co_appear", "nobody"),
    ("remix", False),
    ("attribution", True),
    ("price", {"amount": 100, "currency": "EUR"}),
    ("note", "for Bob"),
    ("a_term_to_come", 3),
)

_SHRINKING_OF_CAMEO: tuple[Change, ...] = (
    *(("narrow", width) for width in WIDTHS),
    ("audience", "no_such"),
    *(("state", state) for state in ("pending", "in_review", "suspended", "expired", "erased", "")),
    ("expires_in", timedelta(0)),
    ("forget_cameo", None),
    ("remove_grant", None),
    ("disapprove", None),
    ("co_approved", False),
    ("use", ("grant", 1)),
    ("use", ("restrictions", 1)),
    ("account", ("owner", "active", False)),
    ("account", ("owner", "guarded", False)),
    ("block", ("owner", "requester")),
    ("block", ("owner", "another")),
    ("block", ("another", "owner")),
    ("unfriend", ("owner", "requester")),
    ("unfriend", ("owner", "another")),
)

_SHRINKING_OF_REQUEST: tuple[Change, ...] = (
    ("account", ("requester", "active", False)),
    ("generator", "suspended"),
    ("generator", "forgotten"),
    ("generator", "renders nothing"),
    ("label", "sexual"),
    ("label", "no_such"),
    ("request", ("labels", None)),
)

_ADDING: tuple[Change, ...] = tuple(
    ("add_term", (holder, tag, value)) for holder in HOLDERS for tag, value in _ADDED
)

_SPOILING: tuple[Change, ...] = tuple(
    ("spoil", (holder, tag)) for holder in HOLDERS for tag in TAGS
)

SHRINKING: tuple[Change, ...] = (*_SHRINKING_OF_CAMEO, *_SHRINKING_OF_REQUEST, *_ADDING)

_OF_THE_REQUEST: tuple[Change, ...] = (
    *(("label", label) for label in LABELS),
    *(("request", ("purpose", purpose)) for purpose in [*PURPOSES, "no_such", ""]),
    *(("request", ("requester", name)) for name in ("mallory", "alice", "nobody", "")),
    ("request", ("generator", "other")),
    ("request", ("prompt_digest", "A" * 64)),
    ("request", ("inputs_digest", "1" * 64)),
    ("request", ("inputs_digest", "")),
    ("request", ("count", 0)),
    ("request", ("count", 100)),
    ("request", ("count", 101)),
    ("request", ("seconds", 3600.0)),
    ("request", ("seconds", 3600.001)),
    ("request", ("seconds", float("nan"))),
    ("request", ("likenesses", [])),
    ("ask_for", 9),
    ("ask_for", 1),
    ("repeat", None),
)

OTHERS: tuple[Change, ...] = (
    *(("audience", width) for width in WIDTHS),
    ("expires_in", TICK),
    ("state", "active"),
    ("owner", "bob"),
    ("owner", "mallory"),
    ("grantee", "mallory"),
    ("while_minor", True),
    ("while_minor", False),
    ("co_approved", True),
    ("approve", timedelta(0)),
    ("approve", TICK),
    ("befriend", ("owner", "requester")),
    ("befriend", ("owner", "another")),
    ("block", ("requester", "owner")),
    ("minor", {"adult_on": TICK}),
    ("minor", {"adult_on": timedelta(0)}),
    ("minor", {"of_age_on": timedelta(0)}),
    ("minor", {"of_age_on": TICK}),
    ("minor", {"guarded": False}),
    *(("drop_term", (holder, tag)) for holder in HOLDERS for tag in TAGS),
    *_SPOILING,
    *_OF_THE_REQUEST,
)

JUNKED: tuple[Change, ...] = tuple(
    ("set_term", (holder, tag, value)) for holder in HOLDERS for tag in TAGS for value in JUNK
)
_NO_TERMS: tuple[Any, ...] = (None, "x", 3)
RETERMED: tuple[Change, ...] = tuple(
    ("terms", (holder, value)) for holder in HOLDERS for value in _NO_TERMS
)


def apply(world: World, what: Change, cameo: str) -> None:
    """Change `world`; a change that finds nothing to change does nothing."""
    kind, value = what
    if kind in _WORLD_WIDE:
        _WORLD_WIDE[kind](world, value)
    elif cameo in world["cameos"]:
        _PER_CAMEO[kind](world, value, cameo)


def owners(world: World) -> list[str]:
    """The owners of what is asked for."""
    named = (world["cameos"].get(name) for name in world["request"]["likenesses"])
    return [known["owner"] for known in named if known is not None]


def _person(world: World, who: str, cameo: str | None) -> str | None:
    owner = world["cameos"][cameo]["owner"] if cameo in world["cameos"] else None
    if who == "another":
        return next((name for name in owners(world) if name != owner), None)
    return owner if who == "owner" else str(world["request"]["requester"])


def _pair(world: World, who: tuple[str, str], cameo: str) -> tuple[str, str] | None:
    one, two = _person(world, who[0], cameo), _person(world, who[1], cameo)
    return None if one is None or two is None or one == two else (one, two)


def _held(world: World, holder: str, cameo: str) -> list[World]:
    """What holds terms and counts: the cameo, or the grants of it."""
    if holder == "restrictions":
        return [world["cameos"][cameo]]
    return [grant for grant in world["grants"] if grant["cameo"] == cameo]


def _key(holder: str) -> str:
    return "restrictions" if holder == "restrictions" else "terms"


def _set_cameo(name: str) -> Callable[[World, Any, str], None]:
    def change(world: World, value: Any, cameo: str) -> None:
        world["cameos"][cameo][name] = value

    return change


def _set_grant(name: str) -> Callable[[World, Any, str], None]:
    def change(world: World, value: Any, cameo: str) -> None:
        for grant in _held(world, "grant", cameo):
            grant[name] = value

    return change


def _narrow(world: World, width: str, cameo: str) -> None:
    known = world["cameos"][cameo]
    if known["audience"] in WIDTHS:
        known["audience"] = min(known["audience"], width, key=WIDTHS.index)


def _expires_in(world: World, left: timedelta, cameo: str) -> None:
    world["cameos"][cameo]["expires"] = world["request"]["at"] + left


def _forget(world: World, _: None, cameo: str) -> None:
    del world["cameos"][cameo]


def _remove_grant(world: World, _: None, cameo: str) -> None:
    world["grants"] = [grant for grant in world["grants"] if grant["cameo"] != cameo]


def _disapprove(world: World, _: None, cameo: str) -> None:
    world["approvals"].pop(cameo, None)


def _approve(world: World, left: timedelta, cameo: str) -> None:
    world["approvals"][cameo] = {"id": f"apr_{cameo}", "until": world["request"]["at"] + left}


def _use(world: World, value: tuple[str, int], cameo: str) -> None:
    for held in _held(world, value[0], cameo):
        held["uses"] += value[1]
        held["uses_today"] += value[1]


def _add_term(world: World, value: tuple[str, str, Any], cameo: str) -> None:
    """Conjoin one more term, so that what was forbidden stays so."""
    holder, tag, new = value
    for held in _held(world, holder, cameo):
        terms = held[_key(holder)]
        if isinstance(terms, dict):
            terms[tag] = conjoined(tag, terms[tag], new) if tag in terms else new


def _set_term(world: World, value: tuple[str, str, Any], cameo: str) -> None:
    holder, tag, new = value
    for held in _held(world, holder, cameo):
        if isinstance(held[_key(holder)], dict):
            held[_key(holder)][tag] = new


def _spoil(world: World, value: tuple[str, str], cameo: str) -> None:
    holder, tag = value
    for held in _held(world, holder, cameo):
        unmet = just_unmet(tag, world, held["uses"], held["uses_today"])
        _set_term(world, (holder, tag, unmet), cameo)


def _drop_term(world: World, value: tuple[str, str], cameo: str) -> None:
    for held in _held(world, value[0], cameo):
        if isinstance(held[_key(value[0])], dict):
            held[_key(value[0])].pop(value[1], None)


def _terms(world: World, value: tuple[str, Any], cameo: str) -> None:
    for held in _held(world, value[0], cameo):
        held[_key(value[0])] = value[1]


def _account(world: World, value: tuple[str, str, bool], cameo: str) -> None:
    person = _person(world, value[0], cameo)
    if person in world["accounts"]:
        world["accounts"][person][value[1]] = value[2]


def _minor(world: World, value: World, cameo: str) -> None:
    """Make the owner a minor, or change what is known of one."""
    at = world["request"]["at"]
    person = world["accounts"][world["cameos"][cameo]["owner"]]
    if person["adult_on"] is None:
        person |= {"of_age_on": at - HOUR, "adult_on": at + HOUR, "guarded": True}
    for name, known in value.items():
        person[name] = at + known if isinstance(known, timedelta) else known


def _block(world: World, value: tuple[str, str], cameo: str) -> None:
    pair = _pair(world, value, cameo)
    if pair is not None:
        world["blocks"].append(pair)


def _befriend(world: World, value: tuple[str, str], cameo: str) -> None:
    pair = _pair(world, value, cameo)
    if pair is not None:
        world["friends"].append(pair)


def _unfriend(world: World, value: tuple[str, str], cameo: str) -> None:
    pair = _pair(world, value, cameo)
    if pair is not None:
        world["friends"] = [one for one in world["friends"] if set(one) != set(pair)]


def _label(world: World, label: str) -> None:
    said = world["request"]["labels"]
    world["request"]["labels"] = None if said is None else [*said, label]


def _request(world: World, value: tuple[str, Any]) -> None:
    world["request"][value[0]] = value[1]


def _ask_for(world: World, count: int) -> None:
    world["request"]["likenesses"] = sorted(world["cameos"])[:count]


def _repeat(world: World, _: None) -> None:
    world["request"]["likenesses"] = world["request"]["likenesses"] * 2


def _generator(world: World, how: str) -> None:
    if how == "forgotten":
        world["generators"].pop("gen", None)
    elif "gen" in world["generators"]:
        world["generators"]["gen"]["suspended" if how == "suspended" else "renders"] = (
            how == "suspended"
        )


_WORLD_WIDE: dict[str, Callable[[World, Any], None]] = {
    "label": _label,
    "request": _request,
    "ask_for": _ask_for,
    "repeat": _repeat,
    "generator": _generator,
}

_PER_CAMEO: dict[str, Callable[[World, Any, str], None]] = {
    "audience": _set_cameo("audience"),
    "state": _set_cameo("state"),
    "owner": _set_cameo("owner"),
    "grantee": _set_grant("grantee"),
    "while_minor": _set_grant("while_minor"),
    "co_approved": _set_grant("co_approved"),
    "narrow": _narrow,
    "expires_in": _expires_in,
    "forget_cameo": _forget,
    "remove_grant": _remove_grant,
    "disapprove": _disapprove,
    "approve": _approve,
    "use": _use,
    "add_term": _add_term,
    "set_term": _set_term,
    "spoil": _spoil,
    "drop_term": _drop_term,
    "terms": _terms,
    "account": _account,
    "minor": _minor,
    "block": _block,
    "befriend": _befriend,
    "unfriend": _unfriend,
}
