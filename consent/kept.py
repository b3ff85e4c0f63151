"""A decided case as JSON, so that it can be decided again. No database here.

What was read of each likeness is written apart from the rest, since it is kept apart: sealed
under that cameo's own data key.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from common.canonical import canonical_bytes
from common.clock import from_rfc3339, rfc3339
from consent.decision import Decision
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
from consent.terms import Terms, Unknown
from consent.vocabulary import read_terms

Document = dict[str, Any]


def decision_bytes(decision: Decision) -> bytes:
    """RFC 8785 bytes of a decision: equal ones give equal bytes."""
    return canonical_bytes(
        {
            "basis": [
                {
                    "approval": basis.approval,
                    "cameo": basis.cameo,
                    "epoch": basis.epoch,
                    "grant": basis.grant,
                    "grant_version": basis.grant_version,
                    "price": None if basis.price is None else basis.price.document(),
                    "way": basis.way,
                }
                for basis in decision.basis
            ],
            "effect": decision.effect.value,
            "obligations": list(decision.obligations),
            "reasons": [[finding.reason.value, finding.cameo] for finding in decision.reasons],
            "valid_until": _moment(decision.valid_until),
        }
    )


def write_case(request: DecisionRequest, snapshot: Snapshot) -> Document:
    """All of a case but what was read of its likenesses."""
    return {
        "at": rfc3339(request.at),
        "blocks": sorted(list(pair) for pair in snapshot.blocks),
        "friendships": sorted(list(pair) for pair in snapshot.friendships),
        "generator": request.generator,
        "generator_fact": _generator(snapshot.generator),
        # The order that was asked in is the order of what is answered.
        "likenesses": list(request.render.likenesses),
        "render": request.render.document(),
        "requester": request.requester,
        "requester_fact": _account(snapshot.requester),
    }


def write_likeness(fact: LikenessFact) -> Document:
    """What was read of one likeness."""
    return {
        "approval": (
            None
            if fact.approval is None
            else {"id": fact.approval.id, "until": rfc3339(fact.approval.until)}
        ),
        "audience": fact.audience,
        "cameo": fact.cameo,
        "count": [fact.count.uses, fact.count.today],
        "epoch": fact.epoch,
        "expires": _moment(fact.expires),
        "grant": None if fact.grant is None else _grant(fact.grant),
        "owner": _account(fact.owner),
        "restrictions": _terms(fact.restrictions),
        "state": fact.state,
    }


def read_case(
    case: Mapping[str, Any], likenesses: list[Mapping[str, Any]]
) -> tuple[DecisionRequest, Snapshot]:
    """The request and the snapshot that were written.

    Raises:
        KeyError, TypeError, ValueError: it isn't such a case.
    """
    said = case["render"]
    render = RenderRequest(
        likenesses=tuple(case["likenesses"]),
        purpose=said["purpose"],
        labels=None if said["labels"] is None else frozenset(said["labels"]),
        prompt_digest=said["prompt_digest"],
        inputs_digest=said["inputs_digest"],
        outputs=Outputs(said["outputs"]["count"], said["outputs"]["seconds"]),
    )
    request = DecisionRequest(
        case["requester"], case["generator"], from_rfc3339(case["at"]), render
    )
    generator = case["generator_fact"]
    snapshot = Snapshot(
        requester=_read_account(case["requester_fact"]),
        generator=(
            None
            if generator is None
            else GeneratorFact(
                **{**generator, "tokens_not_before": _read_moment(generator["tokens_not_before"])}
            )
        ),
        likenesses=tuple(_read_likeness(one) for one in likenesses),
        friendships=frozenset((one, two) for one, two in case["friendships"]),
        blocks=frozenset((one, two) for one, two in case["blocks"]),
    )
    return request, snapshot


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)


def _read_moment(text: str | None) -> datetime | None:
    return None if text is None else from_rfc3339(text)


def _account(fact: AccountFact | None) -> Document | None:
    if fact is None:
        return None
    minor = fact.minor
    return {
        "id": fact.id,
        "is_active": fact.is_active,
        "minor": (
            None
            if minor is None
            else {
                "adult_on": rfc3339(minor.adult_on),
                "guarded": minor.guarded,
                "of_age_on": rfc3339(minor.of_age_on),
            }
        ),
    }


def _read_account(document: Mapping[str, Any] | None) -> Any:
    if document is None:
        return None
    minor = document["minor"]
    read = None
    if minor is not None:
        moments = (from_rfc3339(minor["of_age_on"]), from_rfc3339(minor["adult_on"]))
        read = MinorFact(*moments, guarded=minor["guarded"])
    return AccountFact(document["id"], document["is_active"], read)


def _generator(fact: GeneratorFact | None) -> Document | None:
    if fact is None:
        return None
    return {
        "audience": fact.audience,
        "client_id": fact.client_id,
        "renders": fact.renders,
        "suspended": fact.suspended,
        "tokens_not_before": _moment(fact.tokens_not_before),
    }


def _terms(terms: Terms) -> Document:
    """Their JSON form; what couldn't be read then stays so."""
    return {
        term.tag: None if isinstance(term, Unknown) else term.document() for term in terms.terms
    }


def _grant(grant: GrantFact) -> Document:
    return {
        "co_approved": grant.co_approved,
        "count": [grant.count.uses, grant.count.today],
        "grantee": grant.grantee,
        "id": grant.id,
        "terms": _terms(grant.terms),
        "version": grant.version,
        "while_minor": grant.while_minor,
    }


def _read_likeness(document: Mapping[str, Any]) -> LikenessFact:
    grant, approval = document["grant"], document["approval"]
    return LikenessFact(
        cameo=document["cameo"],
        owner=_read_account(document["owner"]),
        state=document["state"],
        expires=_read_moment(document["expires"]),
        epoch=document["epoch"],
        audience=document["audience"],
        grant=(
            None
            if grant is None
            else GrantFact(
                **{**grant, "terms": read_terms(grant["terms"]), "count": Count(*grant["count"])}
            )
        ),
        restrictions=read_terms(document["restrictions"]),
        count=Count(*document["count"]),
        approval=(
            None
            if approval is None
            else ApprovalFact(approval["id"], from_rfc3339(approval["until"]))
        ),
    )
