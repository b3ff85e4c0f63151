"""`/v1/decisions/…`: the decision about many at once, searched, and compared with a change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.authentication import caller, person
from api.cursors import open_place, seal_place
from api.errors import RequesterMisplaced
from api.permissions import of_person
from api.schema import PAGING, PAGING_CODES, operation
from api.v1.decision_shapes import (
    BulkShape,
    DecisionsShape,
    DifferencesShape,
    DiffShape,
    SearchShape,
    UsablesShape,
    UsersShape,
    WhoShape,
)
from api.v1.endpoint import Endpoint
from api.v1.examples import ACCOUNT, CAMEO, CLIENT, FRIEND, GRANT, OTHER_CAMEO, RENDER
from api.v1.fields import Body, Document, Id, Text, read_body, within
from api.v1.likeness import ASK
from api.v1.paging import page_query
from audit.interface import CursorUnknown
from common.clock import utcnow
from consent import interface as consent

MANAGE = (of_person("consent:manage"),)
MAX_CLIENT = 100
MAX_BULK = 50
_PERMIT = {"effect": "permit", "reasons": [], "obligations": ["visible_mark"], "valid_until": None}
_DENY = {"effect": "deny", "reasons": ["not_permitted"], "obligations": [], "valid_until": None}
_TEMPLATE = {name: value for name, value in RENDER.items() if name != "likenesses"}
_NEXT = "/v1/decisions/search?limit=1&after=3q2-7w"
_PAGE = PAGING[:2]


class BulkRequest(Body):
    """What is read of a `BulkShape` here; the door reads the rest."""

    requester = Id("acc", required=False)
    requests = serializers.ListField(child=Document(), allow_empty=False, max_length=MAX_BULK)


class SearchRequest(Body):
    """What is read of a `SearchShape` here; the door reads the rest."""

    requester = Id("acc", required=False)
    request = Document()


class WhoRequest(Body):
    """What is read of a `WhoShape` here; the door reads the rest."""

    cameo = Id("cam")
    generator = Text(max_length=MAX_CLIENT)
    request = Document()


class DiffRequest(Body):
    """What is read of a `DiffShape` here; the door reads the rest."""

    cameo = Id("cam")
    change = Document()
    generator = Text(max_length=MAX_CLIENT, required=False)


def _parties(request: Request, body: Mapping[str, Any]) -> tuple[str, str]:
    """Generator and requester."""
    who, named = caller(request), body.get("requester")
    if (named is None) == (who.account_id is None):
        raise RequesterMisplaced
    return who.client.client_id, who.account_id or named or ""


def _answer(decision: consent.Decision, reasons: Sequence[consent.Reason]) -> dict[str, Any]:
    return {
        "effect": decision.effect.value,
        "reasons": [reason.value for reason in reasons],
        "obligations": list(decision.obligations),
        "valid_until": decision.valid_until,
    }


class _Place:
    """Where in a search a request stands, and the address of what follows."""

    def __init__(self, request: Request, template: consent.Template, of: str) -> None:
        self._request = request
        self._about = {"path": request.path, "of": of, "request": template.render.document()}
        paging, _ = page_query(request)
        self.limit: int = paging["limit"]
        self.after: str | None = None
        if paging["before"] is not None:
            raise CursorUnknown
        if paging["after"] is not None:
            self.after = open_place(paging["after"], who=caller(request), about=self._about)

    def next(self, place: str | None) -> str | None:
        """The address that goes on after `place`."""
        if place is None:
            return None
        after = seal_place(place, who=caller(self._request), about=self._about)
        return f"{self._request.path}?{urlencode({'limit': self.limit, 'after': after})}"


class DecisionsBulk(Endpoint):
    """Dry runs of several requests."""

    needs = {"POST": ASK}

    @operation(
        id="decide_many",
        summary="Dry run of up to 50 requests, each decided on alone, all of one moment",
        tag="decisions",
        request=BulkShape,
        sends={"requests": [RENDER, RENDER | {"likenesses": [OTHER_CAMEO]}]},
        answers={
            200: (
                DecisionsShape,
                "A decision for each, in their order.",
                {"decisions": [_PERMIT, _DENY]},
            )
        },
        errors=["invalid_input", "request_invalid", "requester_misplaced"],
    )
    def post(self, request: Request) -> Response:
        body = read_body(request, BulkRequest)
        generator, requester = _parties(request, body)
        renders = []
        for index, document in enumerate(body["requests"]):
            with within(f"/requests/{index}"):
                renders.append(consent.parse_request(document))
        found = consent.decide_many(
            generator=generator, requester=requester, requests=renders, now=utcnow()
        )
        answers = [_answer(decision, decision.for_requester()) for decision in found]
        return Response(DecisionsShape({"decisions": answers}).data)


class DecisionsSearch(Endpoint):
    """Whom may I use?"""

    needs = {"POST": ASK}

    @operation(
        id="search_whom_i_may_use",
        summary="Whose likeness would be permitted: of oneself, friends, and who granted it",
        tag="decisions",
        request=SearchShape,
        sends={"request": _TEMPLATE},
        answers={
            200: (
                UsablesShape,
                "Whoever may be used, at once or after an approval.",
                {"items": [{"cameo": CAMEO, "owner": ACCOUNT} | _PERMIT], "next": _NEXT},
            )
        },
        errors=["invalid_input", "request_invalid", "requester_misplaced", *PAGING_CODES],
        parameters=_PAGE,
    )
    def post(self, request: Request) -> Response:
        body = read_body(request, SearchRequest)
        generator, requester = _parties(request, body)
        with within("/request"):
            template = consent.parse_template(body["request"])
        place = _Place(request, template, requester)
        found = consent.whom_may_i_use(
            generator=generator,
            requester=requester,
            template=template,
            now=utcnow(),
            after=place.after,
            limit=place.limit,
        )
        items = [
            {"cameo": match.cameo, "owner": match.owner}
            | _answer(match.decision, match.decision.for_requester())
            for match in found.items
        ]
        return Response(UsablesShape({"items": items, "next": place.next(found.next)}).data)


class DecisionsSearchWho(Endpoint):
    """Who may use me?"""

    needs = {"POST": MANAGE}

    @operation(
        id="search_who_may_use_me",
        summary="Who would be permitted the use of your likeness, by a grant or the audience",
        tag="decisions",
        request=WhoShape,
        sends={"cameo": CAMEO, "generator": CLIENT, "request": _TEMPLATE},
        answers={
            200: (
                UsersShape,
                "Grantees and friends who may use it, at once or after an approval.",
                {"items": [{"account": FRIEND} | _PERMIT], "next": None, "anyone": False},
            )
        },
        errors=["not_found", "invalid_input", "request_invalid", *PAGING_CODES],
        parameters=_PAGE,
    )
    def post(self, request: Request) -> Response:
        body = read_body(request, WhoRequest)
        with within("/request"):
            template = consent.parse_template(body["request"])
        place = _Place(request, template, f"{body['cameo']} {body['generator']}")
        found = consent.who_may_use(
            cameo=body["cameo"],
            by=person(request),
            generator=body["generator"],
            template=template,
            now=utcnow(),
            after=place.after,
            limit=place.limit,
        )
        items = [
            {"account": match.account}
            | _answer(match.decision, match.decision.for_owner(match.cameo))
            for match in found.items
        ]
        answer = {"items": items, "next": place.next(found.next), "anyone": found.anyone}
        return Response(UsersShape(answer).data)


class DecisionsDiff(Endpoint):
    """What would change if I saved this?"""

    needs = {"POST": MANAGE}

    @operation(
        id="compare_decisions",
        summary="Who would gain and who would lose by a change to your consent; saves nothing",
        tag="decisions",
        request=DiffShape,
        sends={"cameo": CAMEO, "change": {"withdraw": GRANT}, "generator": CLIENT},
        answers={
            200: (
                DifferencesShape,
                "What would be answered otherwise.",
                {
                    "items": [
                        {
                            "account": FRIEND,
                            "generator": CLIENT,
                            "purpose": "personal",
                            "before": "permit",
                            "after": "deny",
                        }
                    ],
                    "truncated": False,
                },
            )
        },
        errors=[
            "not_found",
            "invalid_input",
            "audience_unknown",
            "terms_invalid",
            "cameo_not_enrolled",
            "grantee_is_owner",
            "grantee_unknown",
            "grantee_blocked",
            "minors_audience",
            "grant_exists",
            "grant_withdrawn",
            "person_is_oneself",
            "person_unknown",
        ],
    )
    def post(self, request: Request) -> Response:
        body, now = read_body(request, DiffRequest), utcnow()
        with within("/change"):
            change = consent.parse_change(body["change"], now=now)
        found = consent.compare(
            cameo=body["cameo"],
            change=change,
            now=now,
            by=person(request),
            generator=body.get("generator"),
        )
        return Response(DifferencesShape(found).data)
