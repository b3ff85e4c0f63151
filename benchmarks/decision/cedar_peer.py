"""The peer cedarpy: a policy in Cedar, over entities and a context for each request.

Facts come from the same statement of the same PostgreSQL as the service's own, so that the
difference is the engine's: putting facts into its form, and evaluating.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Final

import cedarpy

from consent.facts import GrantFact, LikenessFact, Snapshot
from consent.request import DecisionRequest
from consent.snapshots import read_snapshot
from consent.terms import Terms

_TERMS: Final = """
    (!({0} has purposes) || {0}.purposes.contains(context.purpose)) &&
    (!({0} has not_before) || context.at >= {0}.not_before) &&
    (!({0} has not_after) || context.at < {0}.not_after) &&
    (!({0} has max_uses) || {0}.uses < {0}.max_uses) &&
    (!({0} has max_uses_per_day) || {0}.today < {0}.max_uses_per_day) &&
    (!({0} has max_outputs) || context.count <= {0}.max_outputs) &&
    (!({0} has max_duration_s) || context.milliseconds <= {0}.max_duration_s) &&
    (!({0} has forbid_labels) || !context.labels.containsAny({0}.forbid_labels)) &&
    (!({0} has generators) || {0}.generators.contains(context.generator)) &&
    (!({0} has refused) || !{0}.refused.contains(context.generator)) &&
    (!({0} has remix) || {0}.remix || !context.remixed) &&
    (!({0} has approval_each_time) || !{0}.approval_each_time)
"""
POLICY: Final = """
permit (principal, action == Action::"render", resource) when {{
    principal.open && context.renders && !context.suspended &&
    resource.active && resource.owner_open && context.at < resource.expires &&
    !resource.blocked.contains(principal) &&
    (resource.owner == principal || (
        !resource.minor && {restrictions} && (
            resource.audience == "anyone" ||
            (resource.audience == "mutuals" && resource.friends.contains(principal)) ||
            (resource.audience != "only_me" && context has grant &&
             context.grant has purposes && {grant}))))
}};
forbid (principal, action, resource) when {{
    resource.minor && (!resource.guarded || context.purpose != "personal")
}};
forbid (principal, action, resource) when {{ context.labels.contains("sexual") }};
""".format(
    restrictions=_TERMS.format("resource.restrictions"), grant=_TERMS.format("context.grant")
)
_ACTION: Final = {"type": "Action", "id": "render"}


class Cedar:
    """Decides requests for one likeness; the policy is parsed once."""

    def __init__(self) -> None:
        self._policies = cedarpy.PolicySet.from_str(POLICY)

    def fetch(self, request: DecisionRequest) -> tuple[dict[str, Any], str] | None:
        """The request and the entities in Cedar's form, read fresh; None for what isn't there."""
        found = read_snapshot(request)
        if found.requester is None or found.generator is None or not found.likenesses:
            return None
        (likeness,) = found.likenesses
        asked = {
            "principal": _person(request.requester),
            "action": _ACTION,
            "resource": {"type": "Cameo", "id": likeness.cameo},
            "context": _context(request, found, likeness.grant),
        }
        entities: list[dict[str, Any]] = [
            {"uid": _person(request.requester), "attrs": {"open": found.requester.is_active}},
            {"uid": asked["resource"], "attrs": _attributes(found, likeness, request.at)},
        ]
        return asked, json.dumps([{**entity, "parents": []} for entity in entities])

    def evaluate(self, asked: tuple[dict[str, Any], str] | None) -> bool:
        """Whether the policy allows it."""
        if asked is None:
            return False
        return bool(cedarpy.is_authorized(asked[0], self._policies, asked[1]).allowed)

    def decide(self, request: DecisionRequest) -> bool:
        """Fetch and evaluate."""
        return self.evaluate(self.fetch(request))


def _person(account: str) -> dict[str, str]:
    return {"type": "User", "id": account}


def _reference(account: str) -> dict[str, dict[str, str]]:
    return {"__entity": _person(account)}


def _context(request: DecisionRequest, found: Snapshot, grant: GrantFact | None) -> dict[str, Any]:
    render, generator = request.render, found.generator
    context: dict[str, Any] = {
        "at": _microseconds(request.at),
        "generator": request.generator,
        "renders": generator is not None and generator.renders,
        "suspended": generator is None or generator.suspended,
        "purpose": render.purpose,
        "labels": sorted(render.labels or ()),
        "milliseconds": round(render.outputs.seconds * 1_000),
        "count": render.outputs.count,
        "remixed": render.inputs_digest is not None,
    }
    if grant is not None:
        context["grant"] = _terms(grant.terms) | {
            "uses": grant.count.uses,
            "today": grant.count.today,
        }
    return context


def _attributes(found: Snapshot, likeness: LikenessFact, at: datetime) -> dict[str, Any]:
    owner = likeness.owner
    return {
        "owner": _reference(owner.id),
        "owner_open": owner.is_active,
        "active": likeness.state == "active",
        "expires": _microseconds(likeness.expires or datetime.max.replace(tzinfo=at.tzinfo)),
        "audience": likeness.audience,
        "minor": owner.is_minor(at),
        "guarded": owner.minor is not None and owner.minor.guarded,
        "blocked": [_reference(two) for one, two in found.blocks if one == owner.id],
        "friends": [_reference(friend) for friend in found.friends_of(owner.id)],
        "restrictions": _terms(likeness.restrictions)
        | {"uses": likeness.count.uses, "today": likeness.count.today},
    }


def _terms(terms: Terms) -> dict[str, Any]:
    """Terms as a record of what Cedar knows: whole numbers, strings, sets."""
    document = terms.document()
    for moment in ("not_before", "not_after"):
        if moment in document:
            document[moment] = _microseconds(datetime.fromisoformat(document[moment]))
    if "max_duration_s" in document:
        document["max_duration_s"] = round(document["max_duration_s"] * 1_000)
    if isinstance(document.get("generators"), dict):
        document["refused"] = document.pop("generators")["refuse"]
    return document


def _microseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1e6)
