"""The same decision in Cedar, on the fragment that it can express.

Cedar answers allow or deny for one principal and one resource. So each likeness is asked about by
itself and the host conjoins, and pending is what is denied but would be allowed if every owner
asked had approved. The host also reads the terms: worlds whose request has a fault of its own
(text forms, closed lists) or in which a term can't be read are outside of the fragment, as are
obligations, prices and the end of a permit. Moments are whole microseconds since the epoch, and
lengths whole milliseconds, as Cedar has no floating point numbers.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import cedarpy

from consent.decision import decide
from consent.vocabulary import READERS
from tests.consent.worlds import build
from tests.reference.differential import BLOCK, SHOWN, Decide, Tally
from tests.reference.model import DENY, LABELS, PENDING, PERMIT, PURPOSES, World
from tests.reference.worlds import generate

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HEXADECIMAL = set("0123456789abcdef")

_MINOR = "(resource.owner has adult_on && context.at < resource.owner.adult_on)"
_TERMS = (
    "(!(T has purposes) || T.purposes.contains(context.purpose))",
    "(!(T has not_before) || T.not_before <= context.at)",
    "(!(T has not_after) || context.at < T.not_after)",
    "(!(T has max_uses) || H.uses < T.max_uses)",
    "(!(T has max_uses_per_day) || H.uses_today < T.max_uses_per_day)",
    "(!(T has only_generators) || T.only_generators.contains(context.generator))",
    "(!(T has refused_generators) || !T.refused_generators.contains(context.generator))",
    "(!(T has max_duration_ms) || context.milliseconds <= T.max_duration_ms)",
    "(!(T has max_outputs) || context.count <= T.max_outputs)",
    "(!(T has forbid_labels) || !T.forbid_labels.containsAny(context.labels))",
    '(!(T has co_appear) || T.co_appear != "friends"'
    " || resource.owner.friends.containsAll(context.company))",
    '(!(T has co_appear) || T.co_appear != "nobody" || context.company.isEmpty())',
    "(!(T has remix) || T.remix || !context.has_inputs)",
    "(!(T has approval_each_time) || !T.approval_each_time || context.approved)",
)


def _met(terms: str, holder: str) -> str:
    each = " && ".join(_TERMS)
    return each.replace("T has", f"{terms} has").replace("T.", f"{terms}.").replace("H.", holder)


POLICIES = f"""
permit (principal, action, resource) when {{ resource has owner && resource.owner == principal }};
permit (principal, action, resource) when {{
    resource has grant && resource.grant.grantee == principal
    && ["granted", "mutuals", "anyone"].contains(resource.audience)
    && (!(resource.grant.while_minor || {_MINOR}) || resource.grant.co_approved)
    && (!resource.grant.while_minor
        || (resource.owner has adult_on && context.at < resource.owner.adult_on))
    && resource.grant.terms has purposes
    && {_met("resource.grant.terms", "resource.grant.")}
}};
permit (principal, action, resource) when {{
    resource has owner && !{_MINOR} && (resource.audience == "anyone"
        || (resource.audience == "mutuals" && resource.owner.friends.contains(principal)))
}};
forbid (principal, action, resource) unless {{ principal has active && principal.active }};
forbid (principal, action, resource) unless {{
    context.generator has renders && context.generator.renders && !context.generator.suspended
}};
forbid (principal, action, resource) unless {{ resource has state && resource.state == "active" }};
forbid (principal, action, resource) when {{
    resource has expires && context.at >= resource.expires
}};
forbid (principal, action, resource) unless {{ resource has owner && resource.owner.active }};
forbid (principal, action, resource) when {{
    resource has owner && {_MINOR}
    && (context.at < resource.owner.of_age_on || !resource.owner.guarded)
}};
forbid (principal, action, resource) when {{
    resource has owner && (resource.owner.blocked.contains(principal)
        || resource.owner.blocked.containsAny(context.company))
}};
forbid (principal, action, resource) when {{
    resource has owner && {_MINOR} && (context.purpose != "personal" || context.has_inputs
        || (resource.owner != principal && !context.approved))
}};
forbid (principal, action, resource) unless {{
    resource has owner && (resource.owner == principal
        || ({_met("resource.restrictions", "resource.")}))
}};
"""
_POLICY_SET = cedarpy.PolicySet.from_str(POLICIES)


def effect(world: World) -> str:
    """What Cedar and its host decide about a world of the fragment.

    Raises:
        ValueError: Cedar couldn't evaluate a policy, which its own answer would pass over.
    """
    entities = cedarpy.Entities.from_json_str(json.dumps(_entities(world)))
    if _all_allowed(world, entities, approved=None):
        return PERMIT
    return PENDING if _all_allowed(world, entities, approved=True) else DENY


def _all_allowed(world: World, entities: Any, *, approved: bool | None) -> bool:
    request = world["request"]
    asked = [
        {
            "principal": {"type": "Account", "id": request["requester"]},
            "action": {"type": "Action", "id": "generate"},
            "resource": {"type": "Cameo", "id": cameo},
            "context": _context(world, cameo, approved),
        }
        for cameo in request["likenesses"]
    ]
    answers = cedarpy.is_authorized_batch(asked, _POLICY_SET, entities)
    for found in answers:
        if found.diagnostics.errors:
            raise ValueError(str(found.diagnostics.errors))
    return all(found.allowed for found in answers)


def is_expressible(world: World) -> bool:
    """Whether a world is of the fragment."""
    request = world["request"]
    documents = [known["restrictions"] for known in world["cameos"].values()]
    documents += [grant["terms"] for grant in world["grants"]]
    return _is_well_formed(request) and all(_is_readable(document) for document in documents)


def _is_well_formed(request: World) -> bool:
    named, labels = request["likenesses"], request["labels"]
    digests = [request["prompt_digest"], request["inputs_digest"] or "0" * 64]
    if request["inputs_digest"] == "" or labels is None or request["purpose"] not in PURPOSES:
        return False
    if any(len(digest) != 64 or set(digest) - _HEXADECIMAL for digest in digests):
        return False
    if "sexual" in labels or {"minors_present", "nudity"} <= set(labels) or set(labels) - {*LABELS}:
        return False
    shaped = 1 <= len(named) == len(set(named)) <= 8 and 1 <= request["count"] <= 100
    return bool(shaped and 0 <= request["seconds"] <= 3600)


def _is_readable(document: Any) -> bool:
    if not isinstance(document, dict) or set(document) - set(READERS):
        return False
    try:
        for tag, value in document.items():
            READERS[tag](value)
    except ValueError:
        return False
    return True


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _entity(kind: str, name: str) -> World:
    return {"__entity": {"type": kind, "id": name}}


def _context(world: World, cameo: str, approved: bool | None) -> World:
    request, cameos = world["request"], world["cameos"]
    approval = world["approvals"].get(cameo)
    if approved is None:
        approved = approval is not None and request["at"] < approval["until"]
    own = cameos[cameo]["owner"] if cameo in cameos else ""
    company = {cameos[name]["owner"] for name in request["likenesses"] if name in cameos} - {own}
    return {
        "at": _micros(request["at"]),
        "purpose": request["purpose"],
        "labels": request["labels"],
        "generator": _entity("Generator", request["generator"]),
        "company": [_entity("Account", name) for name in sorted(company)],
        "has_inputs": request["inputs_digest"] is not None,
        "count": request["count"],
        "milliseconds": round(request["seconds"] * 1000),
        "approved": approved,
    }


def _entities(world: World) -> list[World]:
    found = [
        {"uid": _uid("Account", name), "attrs": _account(world, name, known), "parents": []}
        for name, known in world["accounts"].items()
    ]
    found += [
        {"uid": _uid("Generator", name), "attrs": known, "parents": []}
        for name, known in world["generators"].items()
    ]
    found += [
        {"uid": _uid("Cameo", name), "attrs": _cameo(world, name, known), "parents": []}
        for name, known in world["cameos"].items()
    ]
    return found


def _uid(kind: str, name: str) -> World:
    return {"type": kind, "id": name}


def _account(world: World, name: str, known: World) -> World:
    friends = {two for one, two in world["friends"] if one == name}
    friends |= {one for one, two in world["friends"] if two == name}
    blocked = {two for one, two in world["blocks"] if one == name}
    attributes: World = {
        "active": known["active"],
        "friends": [_entity("Account", one) for one in sorted(friends)],
        "blocked": [_entity("Account", one) for one in sorted(blocked)],
    }
    if known["adult_on"] is not None:
        attributes |= {
            "of_age_on": _micros(known["of_age_on"]),
            "adult_on": _micros(known["adult_on"]),
            "guarded": known["guarded"],
        }
    return attributes


def _cameo(world: World, name: str, known: World) -> World:
    attributes: World = {
        "owner": _entity("Account", known["owner"]),
        "state": known["state"],
        "audience": known["audience"],
        "uses": known["uses"],
        "uses_today": known["uses_today"],
        "restrictions": _terms(known["restrictions"]),
    }
    if known["expires"] is not None:
        attributes["expires"] = _micros(known["expires"])
    for grant in world["grants"]:
        if grant["cameo"] == name and grant["grantee"] == world["request"]["requester"]:
            attributes["grant"] = {
                "grantee": _entity("Account", grant["grantee"]),
                "terms": _terms(grant["terms"]),
                **{key: grant[key] for key in ("uses", "uses_today", "while_minor", "co_approved")},
            }
    return attributes


def _terms(document: World) -> World:
    found: World = {}
    for tag, value in document.items():
        if tag == "generators":
            refuses = isinstance(value, dict)
            names = value["refuse"] if isinstance(value, dict) else value
            key = "refused_generators" if refuses else "only_generators"
            found[key] = [_entity("Generator", name) for name in names]
        elif tag in ("not_before", "not_after"):
            found[tag] = _micros(datetime.fromisoformat(value))
        elif tag == "max_duration_s":
            found["max_duration_ms"] = round(value * 1000)
        elif tag not in ("price", "note", "attribution", "visible_mark"):
            found[tag] = value
    return found


def run_block(seed: int, block: int, size: int = BLOCK, decider: Decide = decide) -> Tally:
    """Compare the effect on `size` worlds of the fragment."""
    quiet = logging.getLogger("consent.decision")
    before, quiet.disabled = quiet.disabled, True
    try:
        tally, rng = Tally(), Random(f"cedar:{seed}:{block}")
        while tally.effects.total() < size:
            world = generate(rng)
            if is_expressible(world):
                _compare(world, tally, decider)
        return tally
    finally:
        quiet.disabled = before


def _compare(world: World, tally: Tally, decider: Decide) -> None:
    expected, found = effect(world), decider(*build(world)).effect.value
    tally.effects[expected] += 1
    if expected != found:
        tally.mismatches += 1
        if len(tally.examples) < SHOWN:
            tally.examples.append({"world": world, "cedar": expected, "production": found})
