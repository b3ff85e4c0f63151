"""An independent model of the decision, written from the specification.

It shares no code with `consent`: it reads a world as plain data and says permit or not. What a
plain world holds is described at `permits`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

PURPOSES = ["personal", "parody", "education", "news", "advertising", "political", "other"]
LABELS = [
    "sexual", "nudity", "violence", "hate", "self_harm", "political", "religious", "drugs",
    "gambling", "medical", "endorsement", "deceptive_realism", "minors_present",
]  # fmt: skip
HEXADECIMAL = set("0123456789abcdef")


def permits(world: dict[str, Any]) -> bool:
    """Whether the world's request is permitted.

    Args:
        world: `request` (requester, generator, at, likenesses, purpose, labels, prompt_digest,
            inputs_digest, count, seconds), `accounts` (id → active), `generators` (id →
            {suspended, renders}), `cameos` (id → {owner, state, expires, audience}), `grants`
            (list of {cameo, grantee, terms}); times are aware datetimes, terms JSON objects.
    """
    request = world["request"]
    return (
        _sane(request)
        and world["accounts"].get(request["requester"]) is True
        and _renders(world["generators"].get(request["generator"]))
        and all(_covered(world, cameo) for cameo in request["likenesses"])
    )


def _sane(request: dict[str, Any]) -> bool:
    likenesses, labels = request["likenesses"], request["labels"]
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


def _renders(generator: dict[str, bool] | None) -> bool:
    return generator is not None and generator["renders"] and not generator["suspended"]


def _covered(world: dict[str, Any], cameo: str) -> bool:
    request = world["request"]
    known = world["cameos"].get(cameo)
    if known is None or known["state"] != "active":
        return False
    if known["expires"] is not None and not request["at"] < known["expires"]:
        return False
    if world["accounts"].get(known["owner"]) is not True:
        return False
    if known["owner"] == request["requester"]:
        return True
    return known["audience"] == "granted" and any(
        grant["cameo"] == cameo
        and grant["grantee"] == request["requester"]
        and _allows(grant["terms"], request)
        for grant in world["grants"]
    )


def _allows(terms: dict[str, Any], request: dict[str, Any]) -> bool:
    if not set(terms) <= {"purposes", "not_before", "not_after"}:
        return False
    purposes = terms.get("purposes", [])
    if request["purpose"] not in purposes or any(name not in PURPOSES for name in purposes):
        return False
    begins, ends = terms.get("not_before"), terms.get("not_after")
    if begins is not None and request["at"] < datetime.fromisoformat(begins):
        return False
    return ends is None or request["at"] < datetime.fromisoformat(ends)
