"""An independent model of the decision, written from docs/decision.md.

It shares no code with `consent`: it reads a world as plain data and says what is decided. It is
written for being read beside the page, rule by rule, and not for speed.

A plain world is a dictionary of

- `request`: requester, generator, at (aware datetime), likenesses (list of cameo ids), purpose,
  labels (list, or None where none were declared), prompt_digest, inputs_digest (or None), count,
  seconds;
- `accounts`: id → {active, of_age_on, adult_on, guarded}; the last three only of people whose
  birth date matters, the two moments aware datetimes;
- `generators`: client id → {suspended, renders};
- `cameos`: id → {owner, state, expires (or None), audience, restrictions (terms), uses,
  uses_today};
- `grants`: list of live ones, {id, cameo, grantee, terms, uses, uses_today, while_minor,
  co_approved};
- `approvals`: cameo → {id, until}, each of this very request;
- `friends`: list of pairs, in any order; `blocks`: list of (who blocks, who is blocked).

Terms are JSON objects as they are stored. The page names the terms but not the values that can
be read, which are taken here to be: lists of at least one, without repetition; RFC 3339 times
with an offset; whole numbers from 1 to a million (uses), 100 (outputs), 10^9 (amount of a price,
{amount, currency}); seconds from 0 to 3,600; booleans; client ids and notes that people can see.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from typing import Any

World = dict[str, Any]
Answer = dict[str, Any]

PERMIT, PENDING, DENY = "permit", "pending", "deny"
PURPOSES = ["personal", "parody", "education", "news", "advertising", "political", "other"]
LABELS = [
    "sexual", "nudity", "violence", "hate", "self_harm", "political", "religious", "drugs",
    "gambling", "medical", "endorsement", "deceptive_realism", "minors_present",
]  # fmt: skip
HEXADECIMAL = set("0123456789abcdef")
RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE
)


def answer(world: World) -> Answer:
    """What is decided: `effect`, and of a permit the rest.

    Returns:
        `effect` (permit, pending or deny); `obligations` (sorted); `likenesses`, in the order
        asked for, {cameo, way (own, grant or audience), grant (id), approval (id), price};
        `valid_until` (or None). All but the effect are empty unless it is permit.
    """
    try:
        return _answer(world)
    except (KeyError, TypeError, ValueError, AttributeError):
        return _nothing(DENY)


def effect(world: World) -> str:
    """The effect alone."""
    return str(answer(world)["effect"])


def _nothing(said: str) -> Answer:
    return {"effect": said, "obligations": [], "likenesses": [], "valid_until": None}


def _answer(world: World) -> Answer:
    request = world["request"]
    if not (_sane(request) and _parties(world)):
        return _nothing(DENY)
    each = [_likeness(world, cameo) for cameo in request["likenesses"]]
    effects = [one["effect"] for one in each]
    if DENY in effects:
        return _nothing(DENY)
    if PENDING in effects:
        return _nothing(PENDING)
    ends = [end for one in each for end in one["ends"]]
    return {
        "effect": PERMIT,
        "obligations": sorted({name for one in each for name in one["obligations"]}),
        "likenesses": [
            {key: one[key] for key in ("cameo", "way", "grant", "approval", "price")}
            for one in each
        ],
        "valid_until": min(ends) if ends else None,
    }


# 1. The request's own faults


def _sane(request: World) -> bool:
    likenesses, labels = request["likenesses"], request["labels"]
    if request["at"].utcoffset() is None:
        return False
    if len(likenesses) not in range(1, 9) or len(likenesses) != len(set(likenesses)):
        return False
    if request["purpose"] not in PURPOSES or labels is None:
        return False
    if any(label not in LABELS for label in labels) or "sexual" in labels:
        return False
    if "minors_present" in labels and "nudity" in labels:
        return False
    digests = [request["prompt_digest"]]
    if request["inputs_digest"] is not None:
        digests.append(request["inputs_digest"])
    if any(len(digest) != 64 or set(digest) - HEXADECIMAL for digest in digests):
        return False
    count, seconds = request["count"], request["seconds"]
    return type(count) is int and count in range(1, 101) and bool(0 <= seconds <= 3600)


# 2. The parties


def _parties(world: World) -> bool:
    generator = world["generators"].get(world["request"]["generator"])
    if generator is None or generator["suspended"] or not generator["renders"]:
        return False
    return _is_open(world, world["request"]["requester"])


def _is_open(world: World, account: str) -> bool:
    return account in world["accounts"] and world["accounts"][account]["active"] is True


def _is_minor(world: World, account: str) -> bool:
    adult_on = world["accounts"][account].get("adult_on")
    return adult_on is not None and world["request"]["at"] < adult_on


def _are_friends(world: World, one: str, two: str) -> bool:
    return any({one, two} == set(pair) for pair in world["friends"])


# 3. Each likeness


def _likeness(world: World, cameo: str) -> Answer:
    """`effect`; where that is permit what was used, and `ends`, moments that end it."""
    request = world["request"]
    known = world["cameos"].get(cameo)
    if known is None or not _stands(world, known) or _is_blocked(world, known["owner"]):
        return {"effect": DENY}
    if known["owner"] == request["requester"]:
        return _own_likeness(world, cameo, known)
    return _somebody_elses(world, cameo, known)


def _stands(world: World, known: World) -> bool:
    """3.1 and 3.2: the cameo is usable at all."""
    at, owner = world["request"]["at"], known["owner"]
    if known["state"] != "active" or not _is_open(world, owner):
        return False
    if known["expires"] is not None and at >= known["expires"]:
        return False
    if not _is_minor(world, owner):
        return True
    person = world["accounts"][owner]
    return bool(at >= person["of_age_on"] and person["guarded"] is True)


def _is_blocked(world: World, owner: str) -> bool:
    """3.3: the owner blocked the requester, or the owner of another likeness asked for."""
    request, cameos = world["request"], world["cameos"]
    others = [cameos[name]["owner"] for name in request["likenesses"] if name in cameos]
    shunned = [two for one, two in world["blocks"] if one == owner]
    return any(person in shunned for person in [request["requester"], *others])


def _own_likeness(world: World, cameo: str, known: World) -> Answer:
    """3.4: nothing more, but for a minor's strict set without its approval."""
    request = world["request"]
    if _is_minor(world, known["owner"]) and (
        request["purpose"] != "personal" or request["inputs_digest"] is not None
    ):
        return {"effect": DENY}
    return {
        "effect": PERMIT, "cameo": cameo, "way": "own", "grant": None, "approval": None,
        "price": None, "obligations": [], "ends": _present(known["expires"]),
    }  # fmt: skip


def _somebody_elses(world: World, cameo: str, known: World) -> Answer:
    """3.5 and 3.6: restrictions, a minor's strict set, and one way."""
    request = world["request"]
    minor = _is_minor(world, known["owner"])
    restrictions = known["restrictions"]
    over_all = _terms_effect(world, cameo, restrictions, known["uses"], known["uses_today"])
    if minor:
        if request["purpose"] != "personal" or request["inputs_digest"] is not None:
            return {"effect": DENY}
        over_all = _worse(over_all, PERMIT if _approved(world, cameo) else PENDING)
    grant = _grant_of(world, cameo)
    by_grant = DENY if grant is None else _grant_effect(world, cameo, known, grant)
    by_audience = _audience_effect(world, known)
    way, found = ("grant", by_grant)
    if _rank(by_audience) < _rank(by_grant):
        way, found = ("audience", by_audience)
    effect_of_both = _worse(over_all, found)
    if effect_of_both != PERMIT:
        return {"effect": effect_of_both}
    used = [restrictions]
    if way == "grant" and grant is not None:
        used.append(grant["terms"])
    asked = minor or any(terms.get("approval_each_time") is True for terms in used)
    ends = _present(known["expires"])
    ends += [_moment(terms["not_after"]) for terms in used if "not_after" in terms]
    if asked:
        ends.append(world["approvals"][cameo]["until"])
    if way == "grant" and grant is not None and grant["while_minor"]:
        ends.append(world["accounts"][known["owner"]]["adult_on"])
    prices = [terms["price"] for terms in reversed(used) if "price" in terms]
    return {
        "effect": PERMIT,
        "cameo": cameo,
        "way": way,
        "grant": grant["id"] if way == "grant" and grant is not None else None,
        "approval": world["approvals"][cameo]["id"] if asked else None,
        "price": prices[0] if prices else None,
        "obligations": [
            name
            for terms in used
            for name in ("attribution", "visible_mark")
            if terms.get(name) is True
        ],
        "ends": ends,
    }


def _grant_of(world: World, cameo: str) -> World | None:
    requester = world["request"]["requester"]
    found = [
        grant
        for grant in world["grants"]
        if grant["cameo"] == cameo and grant["grantee"] == requester
    ]
    return found[0] if found else None


def _grant_effect(world: World, cameo: str, known: World, grant: World) -> str:
    at, owner = world["request"]["at"], known["owner"]
    if known["audience"] not in ("granted", "mutuals", "anyone"):
        return DENY
    if (grant["while_minor"] or _is_minor(world, owner)) and grant["co_approved"] is not True:
        return DENY
    adult_on = world["accounts"][owner].get("adult_on")
    if grant["while_minor"] and (adult_on is None or at >= adult_on):
        return DENY
    terms = grant["terms"]
    if not isinstance(terms, dict) or "purposes" not in terms:
        return DENY
    return _terms_effect(world, cameo, terms, grant["uses"], grant["uses_today"])


def _audience_effect(world: World, known: World) -> str:
    if _is_minor(world, known["owner"]):
        return DENY
    if known["audience"] == "anyone":
        return PERMIT
    friends = _are_friends(world, world["request"]["requester"], known["owner"])
    return PERMIT if known["audience"] == "mutuals" and friends else DENY


def _approved(world: World, cameo: str) -> bool:
    approval = world["approvals"].get(cameo)
    return approval is not None and world["request"]["at"] < approval["until"]


def _rank(one: str) -> int:
    return [PERMIT, PENDING, DENY].index(one)


def _worse(one: str, two: str) -> str:
    return max(one, two, key=_rank)


def _present(moment: datetime | None) -> list[datetime]:
    return [] if moment is None else [moment]


# Terms


def _terms_effect(world: World, cameo: str, terms: Any, uses: int, today: int) -> str:
    """Permit where all are met; pending where only an approval is missing."""
    if not isinstance(terms, dict):
        return DENY
    for tag, value in terms.items():
        try:
            if not _is_met(world, cameo, tag, value, uses, today):
                return DENY
        except (TypeError, ValueError):
            return DENY
    waits = terms.get("approval_each_time") is True and not _approved(world, cameo)
    return PENDING if waits else PERMIT


def _is_met(world: World, cameo: str, tag: str, value: Any, uses: int, today: int) -> bool:
    """Whether one term is met; whether somebody approved is asked elsewhere."""
    request = world["request"]
    if tag == "purposes":
        return _is_choice(value, PURPOSES) and request["purpose"] in value
    if tag == "not_before":
        return bool(request["at"] >= _moment(value))
    if tag == "not_after":
        return bool(request["at"] < _moment(value))
    if tag == "max_uses":
        return _is_whole(value, 10**6) and uses < value
    if tag == "max_uses_per_day":
        return _is_whole(value, 10**6) and today < value
    if tag == "max_outputs":
        return _is_whole(value, 100) and request["count"] <= value
    if tag == "max_duration_s":
        return _is_length(value) and bool(request["seconds"] <= value)
    if tag == "generators":
        return _is_generator_allowed(value, request["generator"])
    if tag == "forbid_labels":
        return _is_choice(value, LABELS) and not set(value) & set(request["labels"])
    if tag == "co_appear":
        return _may_appear_beside(world, cameo, value)
    if tag == "remix":
        return value is True or (value is False and request["inputs_digest"] is None)
    if tag in ("approval_each_time", "attribution", "visible_mark"):
        return value is True or value is False
    if tag == "price":
        return _is_price(value)
    return tag == "note" and _is_note(value)


def _moment(value: Any) -> datetime:
    """The moment a text says.

    Raises:
        ValueError, TypeError: it is no time with an offset; such a term is not met.
    """
    if not RFC3339.fullmatch(value):
        raise ValueError
    return datetime.fromisoformat(value.upper())


def _is_list(value: Any, most: int) -> bool:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        return False
    return 1 <= len(value) <= most and len(set(value)) == len(value)


def _is_choice(value: Any, of: list[str]) -> bool:
    return _is_list(value, len(of)) and set(value) <= set(of)


def _is_whole(value: Any, most: int) -> bool:
    return type(value) is int and 1 <= value <= most


def _is_length(value: Any) -> bool:
    return type(value) in (int, float) and bool(0 <= value <= 3600)


def _is_price(value: Any) -> bool:
    if not isinstance(value, dict) or set(value) != {"amount", "currency"}:
        return False
    currency = value["currency"]
    if not isinstance(currency, str) or len(currency) != 3:
        return False
    return _is_whole(value["amount"], 10**9) and all("A" <= letter <= "Z" for letter in currency)


def _is_note(value: Any) -> bool:
    if not isinstance(value, str) or not 1 <= len(value) <= 500:
        return False
    return all(unicodedata.category(one) not in ("Cc", "Cf", "Cs") or one == "\n" for one in value)


def _is_generator_allowed(value: Any, generator: str) -> bool:
    refuses = isinstance(value, dict)
    if refuses and set(value) != {"refuse"}:
        return False
    listed = value["refuse"] if refuses else value
    if not _is_list(listed, 100):
        return False
    if not all(1 <= len(one) <= 100 and one.isprintable() for one in listed):
        return False
    return (generator in listed) is not refuses


def _may_appear_beside(world: World, cameo: str, value: Any) -> bool:
    owner = world["cameos"][cameo]["owner"]
    others = {world["cameos"][name]["owner"] for name in world["request"]["likenesses"]} - {owner}
    if value == "friends":
        return all(_are_friends(world, owner, other) for other in others)
    return value == "anyone" or (value == "nobody" and not others)
