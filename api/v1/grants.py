"""`/v1/grants`: who may use one's likeness, under which terms, and until it is withdrawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.authentication import person
from api.idempotency import headers_of, once
from api.permissions import of_person
from api.schema import (
    IDEMPOTENCY_CODES,
    IDEMPOTENCY_KEY,
    PAGING,
    PAGING_CODES,
    opaque_id,
    operation,
)
from api.v1.cameos import Nothing
from api.v1.endpoint import Endpoint
from api.v1.examples import ACCOUNT, CAMEO, FRIEND, GRANT, LATER, NOW
from api.v1.fields import Body, Document, Flag, Id, Moment, read_body, within
from api.v1.paging import page_body, page_query, page_shape
from api.v1.terms import TermsShape
from common.clock import utcnow
from common.errors import FieldError, InvalidInput
from consent import interface as consent

MANAGE = (of_person("consent:manage"),)
GRANT_ID = opaque_id("grant_id", "grt")
_TERMS = {"purposes": ["personal"], "not_after": "2026-06-01T00:00:00Z"}
_GRANT: dict[str, Any] = {
    "id": GRANT,
    "cameo": CAMEO,
    "owner": ACCOUNT,
    "grantee": FRIEND,
    "version": 1,
    "terms": {"purposes": ["personal"], "not_after": "2026-06-01T00:00:00.000000Z"},
    "state": "live",
    "created": NOW,
    "withdrawn": None,
}


class GrantShape(serializers.Serializer[Any]):
    """A grant as it stands."""

    id = serializers.CharField()
    cameo = serializers.CharField()
    owner = serializers.CharField()
    grantee = serializers.CharField()
    version = serializers.IntegerField()
    terms = TermsShape()
    state = serializers.CharField(help_text="live or withdrawn.")
    created = Moment()
    withdrawn = Moment(allow_null=True)


class VersionShape(serializers.Serializer[Any]):
    """The terms a grant had from a moment on."""

    version = serializers.IntegerField()
    terms = TermsShape()
    since = Moment()


class GrantRequest(Body):
    """Whom to grant what."""

    cameo = Id("cam")
    grantee = Id("acc", help_text="Account id of the person.")
    terms = Document()
    widen_audience = Flag(
        default=False, help_text="That grants asleep under `only_me` may wake is meant."
    )


class GrantChange(Body):
    """Other terms."""

    terms = Document()


def _render(record: consent.GrantRecord) -> Mapping[str, Any]:
    return GrantShape(record).data


class Grants(Endpoint):
    """Grants given and received."""

    needs = {"GET": MANAGE, "POST": MANAGE}

    @operation(
        id="list_grants",
        summary="Grants that you gave, or were given; newest first, withdrawn ones too",
        tag="grants",
        answers={
            200: (
                page_shape("GrantPage", GrantShape),
                "A page of them.",
                {"items": [_GRANT], "next": f"/v1/grants?limit=1&after={GRANT}", "previous": None},
            )
        },
        errors=PAGING_CODES,
        parameters=[
            *PAGING,
            OpenApiParameter("direction", str, "query", enum=["given", "received"]),
        ],
    )
    def get(self, request: Request) -> Response:
        paging, others = page_query(request, "direction")
        direction, account_id = others.get("direction", "given"), person(request)
        if direction == "given":
            page = consent.list_grants_given(owner=account_id, **paging)
        elif direction == "received":
            page = consent.list_grants_received(grantee=account_id, **paging)
        else:
            field = FieldError("/direction", "unknown_value", "given or received.")
            raise InvalidInput(fields=(field,))
        query = {"direction": direction, "limit": paging["limit"]}
        return Response(page_body(request, page, _render, query))

    @operation(
        id="create_grant",
        summary="Grant somebody the use of your likeness",
        tag="grants",
        request=GrantRequest,
        sends={"cameo": CAMEO, "grantee": FRIEND, "terms": _TERMS},
        answers={201: (GrantShape, "The grant.", _GRANT)},
        errors=[
            "not_found",
            "invalid_input",
            "terms_invalid",
            "grantee_is_owner",
            "grantee_blocked",
            "step_up_needed",
            "grantee_unknown",
            "cameo_not_enrolled",
            "grant_exists",
            "audience_only_me",
            *IDEMPOTENCY_CODES,
        ],
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request) -> Response:
        asked, account_id, now = read_body(request, GrantRequest), person(request), utcnow()
        with within("/terms"):
            record, replayed = once(
                request,
                operation="create_grant",
                body=asked,
                now=now,
                do=lambda: consent.create_grant(**asked, now=now, by=account_id),
                name=lambda made: made.id,
                again=lambda made: consent.read_grant(grant=made, by=account_id),
            )
        headers = headers_of(reverse("grant", args=[record.id]), replayed=replayed)
        return Response(_render(record), 201, headers=headers)


class Grant(Endpoint):
    """One grant."""

    needs = {"GET": MANAGE, "PATCH": MANAGE}

    @operation(
        id="read_grant",
        summary="A grant that you gave or were given",
        tag="grants",
        answers={200: (GrantShape, "The grant.", _GRANT)},
        errors=["not_found"],
        parameters=[GRANT_ID],
    )
    def get(self, request: Request, grant_id: str) -> Response:
        return Response(_render(consent.read_grant(grant=grant_id, by=person(request))))

    @operation(
        id="change_grant",
        summary="Give a live grant other terms, as its next version",
        tag="grants",
        request=GrantChange,
        sends={"terms": {"purposes": ["personal", "parody"]}},
        answers={
            200: (
                GrantShape,
                "The grant as it is now.",
                _GRANT | {"version": 2, "terms": {"purposes": ["parody", "personal"]}},
            )
        },
        errors=[
            "not_found",
            "invalid_input",
            "terms_invalid",
            "grant_withdrawn",
            "cameo_not_enrolled",
        ],
        parameters=[GRANT_ID],
    )
    def patch(self, request: Request, grant_id: str) -> Response:
        asked = read_body(request, GrantChange)
        with within("/terms"):
            record = consent.change_grant(
                grant=grant_id, terms=asked["terms"], now=utcnow(), by=person(request)
            )
        return Response(_render(record))


class GrantVersions(Endpoint):
    """The history of a grant's terms."""

    needs = {"GET": MANAGE}

    @operation(
        id="list_grant_versions",
        summary="Every version of a grant's terms, oldest first",
        tag="grants",
        answers={
            200: (
                page_shape("VersionPage", VersionShape),
                "All of them.",
                {
                    "items": [{"version": 1, "terms": _GRANT["terms"], "since": NOW}],
                    "next": None,
                    "previous": None,
                },
            )
        },
        errors=["not_found"],
        parameters=[GRANT_ID],
    )
    def get(self, request: Request, grant_id: str) -> Response:
        found = consent.read_grant_history(grant=grant_id, by=person(request))
        items = [VersionShape(one).data for one in found]
        return Response({"items": items, "next": None, "previous": None})


class GrantWithdraw(Endpoint):
    """The end of a grant."""

    needs = {"POST": MANAGE}

    @operation(
        id="withdraw_grant",
        summary="Withdraw a grant: from the answer on, nothing is permitted by it",
        tag="grants",
        answers={
            200: (
                GrantShape,
                "The grant as it was withdrawn.",
                _GRANT | {"state": "withdrawn", "withdrawn": LATER},
            )
        },
        errors=["not_found", "invalid_input"],
        parameters=[GRANT_ID],
    )
    def post(self, request: Request, grant_id: str) -> Response:
        read_body(request, Nothing)
        record = consent.withdraw_grant(grant=grant_id, now=utcnow(), by=person(request))
        return Response(_render(record))
