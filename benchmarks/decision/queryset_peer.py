"""The peer that one would write first: a few Django queries, and conditions in Python."""

from __future__ import annotations

from typing import Any

from accounts.interface import ages
from accounts.models import Generator, Guardianship, User
from consent.models import Audience, Block, Friendship, Grant, Restrictions, Tally
from consent.request import DecisionRequest
from identity.models import Cameo


def decide(request: DecisionRequest) -> bool:
    """Whether the request, for one likeness, is permitted."""
    (cameo_id,) = request.render.likenesses
    requester = User.objects.filter(id=request.requester, is_active=True).first()
    generator = Generator.objects.filter(client_id=request.generator).first()
    cameo = Cameo.objects.select_related("owner").filter(id=cameo_id).first()
    if requester is None or cameo is None or generator is None:
        return False
    if generator.suspended or not generator.renders:
        return False
    owner = cameo.owner
    if cameo.state != "active" or (cameo.expires and request.at >= cameo.expires):
        return False
    if not owner.is_active or "sexual" in (request.render.labels or ()):
        return False
    if Block.objects.filter(blocker=owner, blocked=requester, lifted=None).exists():
        return False
    if owner.birth_date is not None and request.at < ages.adult_on(owner.birth_date):
        guarded = Guardianship.objects.filter(
            minor=owner, state="accepted", guardian__is_active=True
        ).exists()
        return guarded and requester == owner and request.render.purpose == "personal"
    if requester == owner:
        return True
    restrictions = Restrictions.objects.filter(cameo=cameo).first()
    if restrictions is not None and not _met(restrictions.terms, cameo.id, request):
        return False
    audience = Audience.objects.filter(cameo=cameo).first()
    if audience is None or audience.kind == "only_me":
        return False
    if audience.kind == "anyone":
        return True
    if audience.kind == "mutuals":
        low, high = sorted((owner.id, requester.id))
        if Friendship.objects.filter(low_id=low, high_id=high, state="accepted").exists():
            return True
    grant = Grant.objects.filter(cameo=cameo, grantee=requester, withdrawn=None).first()
    return (
        grant is not None
        and bool(grant.terms.get("purposes"))
        and _met(grant.terms, grant.id, request)
    )


def _met(terms: dict[str, Any], subject: str, request: DecisionRequest) -> bool:
    render, at = request.render, request.at.isoformat().replace("+00:00", "Z")
    uses = today = 0
    if "max_uses" in terms or "max_uses_per_day" in terms:
        tally = Tally.objects.filter(subject=subject).first()
        if tally is not None:
            uses = tally.uses
            today = tally.uses_of_day if tally.day >= request.at.date() else 0
    named = terms.get("generators", [request.generator])
    through = (
        request.generator not in named["refuse"]
        if isinstance(named, dict)
        else request.generator in named
    )
    return (
        through
        and render.purpose in terms.get("purposes", [render.purpose])
        and terms.get("not_before", "") <= at < terms.get("not_after", "9999")
        and uses < terms.get("max_uses", uses + 1)
        and today < terms.get("max_uses_per_day", today + 1)
        and render.outputs.seconds <= terms.get("max_duration_s", 3_600)
        and render.outputs.count <= terms.get("max_outputs", 100)
        and not set(render.labels or ()) & set(terms.get("forbid_labels", ()))
        and (terms.get("remix", True) or render.inputs_digest is None)
        and not terms.get("approval_each_time", False)
    )
