"""`/v1/guardianships`: a minor asks a grown-up, who accepts, and says yes or no to each grant."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import interface as accounts
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
from api.v1.fields import Body, Id, Moment, Text, read_body
from api.v1.grants import GrantShape
from api.v1.paging import page_body, page_query, page_shape
from common.clock import utcnow
from consent import interface as consent

MANAGE = (of_person("consent:manage"),)
GUARDIANSHIP_ID = opaque_id("guardianship_id", "gua")
GUARDIANSHIP = "gua_6r7s2t3u4v5w6x7y2z3a4b5c6d"
GUARDIAN = "acc_7w2x3y4z5a6b7c2d3e4f5g6h7i"
_ASKED: dict[str, Any] = {
    "id": GUARDIANSHIP,
    "minor": ACCOUNT,
    "guardian": GUARDIAN,
    "state": "asked",
    "asked": NOW,
    "accepted": None,
    "ended": None,
}
_ACCEPTED = _ASKED | {"state": "accepted", "accepted": LATER}
_WAITING: dict[str, Any] = {
    "grant": {
        "id": GRANT,
        "cameo": CAMEO,
        "owner": ACCOUNT,
        "grantee": FRIEND,
        "version": 1,
        "terms": {"purposes": ["personal"]},
        "state": "live",
        "created": NOW,
        "withdrawn": None,
    },
    "co_approved": None,
}


class GuardianshipShape(serializers.Serializer[Any]):
    """A guardianship as it stands."""

    id = serializers.CharField()
    minor = serializers.CharField(help_text="Account id of who asked.")
    guardian = serializers.CharField(help_text="Account id of who was asked.")
    state = serializers.CharField(help_text="asked, accepted or ended.")
    asked = Moment()
    accepted = Moment(allow_null=True)
    ended = Moment(allow_null=True)


class GuardianshipRequest(Body):
    """Who is asked."""

    guardian = Id("acc", help_text="Account id of a grown-up.")


class Version(serializers.IntegerField):
    """A JSON number; neither texts nor fractions are turned into one."""

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int:
            self.fail("invalid")
        return super().to_internal_value(data)


class CoApproval(Body):
    """What the guardian says of a grant."""

    decision = Text(max_length=20, help_text="approve or decline.")
    version = Version(
        required=False,
        min_value=1,
        max_value=2**31 - 1,
        help_text="To approve: the version that was read.",
    )


class GuardedGrantShape(serializers.Serializer[Any]):
    """A minor's grant, as their guardian sees it."""

    grant = GrantShape()
    co_approved = Moment(allow_null=True, help_text="When the guardian approved this version.")


def _render(record: accounts.GuardianshipRecord) -> Mapping[str, Any]:
    return GuardianshipShape(record).data


def _render_grant(record: consent.GuardedGrant) -> Mapping[str, Any]:
    return GuardedGrantShape(record).data


class Guardianships(Endpoint):
    """Those that one is a side of."""

    needs = {"GET": MANAGE, "POST": MANAGE}

    @operation(
        id="list_guardianships",
        summary="Who stands by you, and whom you stand by; newest first, ended ones too",
        tag="guardianships",
        answers={
            200: (
                page_shape("GuardianshipPage", GuardianshipShape),
                "A page of them.",
                {"items": [_ACCEPTED], "next": None, "previous": None},
            )
        },
        errors=PAGING_CODES,
        parameters=PAGING,
    )
    def get(self, request: Request) -> Response:
        paging, _ = page_query(request)
        page = accounts.list_guardianships(account=person(request), **paging)
        return Response(page_body(request, page, _render, {"limit": paging["limit"]}))

    @operation(
        id="ask_guardian",
        summary="Ask a grown-up to be your guardian, as a minor",
        tag="guardianships",
        request=GuardianshipRequest,
        sends={"guardian": GUARDIAN},
        answers={201: (GuardianshipShape, "It waits for the guardian.", _ASKED)},
        errors=[
            "invalid_input",
            "guardian_is_self",
            "guardian_unknown",
            "not_a_minor",
            "guardianship_exists",
            *IDEMPOTENCY_CODES,
        ],
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request) -> Response:
        asked = read_body(request, GuardianshipRequest)
        account_id, now = person(request), utcnow()
        record, replayed = once(
            request,
            operation="ask_guardian",
            body=asked,
            now=now,
            do=lambda: consent.ask_guardian(**asked, now=now, by=account_id),
            name=lambda made: made.id,
            again=lambda made: accounts.read_guardianship(guardianship=made, by=account_id),
        )
        headers = headers_of(reverse("guardianship", args=[record.id]), replayed=replayed)
        return Response(_render(record), 201, headers=headers)


class Guardianship(Endpoint):
    """One of them."""

    needs = {"GET": MANAGE}

    @operation(
        id="read_guardianship",
        summary="A guardianship that you are a side of",
        tag="guardianships",
        answers={200: (GuardianshipShape, "The guardianship.", _ACCEPTED)},
        errors=["not_found"],
        parameters=[GUARDIANSHIP_ID],
    )
    def get(self, request: Request, guardianship_id: str) -> Response:
        record = accounts.read_guardianship(guardianship=guardianship_id, by=person(request))
        return Response(_render(record))


class _Change(Protocol):
    def __call__(
        self, *, guardianship: str, now: datetime, by: str
    ) -> accounts.GuardianshipRecord: ...


def _changed(request: Request, guardianship_id: str, change: _Change) -> Response:
    read_body(request, Nothing)
    record = change(guardianship=guardianship_id, now=utcnow(), by=person(request))
    return Response(_render(record))


class GuardianshipAccept(Endpoint):
    """The guardian's yes."""

    needs = {"POST": MANAGE}

    @operation(
        id="accept_guardianship",
        summary="Stand by a minor who asked you",
        tag="guardianships",
        answers={200: (GuardianshipShape, "It is accepted.", _ACCEPTED)},
        errors=[
            "not_found",
            "invalid_input",
            "guardianship_ended",
            "guardian_not_adult",
            "not_a_minor",
            "age_unknown",
        ],
        parameters=[GUARDIANSHIP_ID],
    )
    def post(self, request: Request, guardianship_id: str) -> Response:
        return _changed(request, guardianship_id, consent.accept_guardianship)


class GuardianshipEnd(Endpoint):
    """Either side's no."""

    needs = {"POST": MANAGE}

    @operation(
        id="end_guardianship",
        summary="End a guardianship, asked or accepted: nothing of the minor's is permitted then",
        tag="guardianships",
        answers={
            200: (
                GuardianshipShape,
                "It has ended.",
                _ACCEPTED | {"state": "ended", "ended": LATER},
            )
        },
        errors=["not_found", "invalid_input"],
        parameters=[GUARDIANSHIP_ID],
    )
    def post(self, request: Request, guardianship_id: str) -> Response:
        return _changed(request, guardianship_id, consent.end_guardianship)


class GuardedGrants(Endpoint):
    """What waits for a guardian."""

    needs = {"GET": MANAGE}

    @operation(
        id="list_grants_to_co_approve",
        summary="Grants of minors you stand by, that wait for you; newest first",
        tag="guardianships",
        answers={
            200: (
                page_shape("GuardedGrantPage", GuardedGrantShape),
                "A page of them.",
                {"items": [_WAITING], "next": None, "previous": None},
            )
        },
        errors=PAGING_CODES,
        parameters=PAGING,
    )
    def get(self, request: Request) -> Response:
        paging, _ = page_query(request)
        page = consent.list_grants_to_co_approve(guardian=person(request), now=utcnow(), **paging)
        return Response(page_body(request, page, _render_grant, {"limit": paging["limit"]}))


class GrantCoApprove(Endpoint):
    """The guardian's word on one grant."""

    needs = {"POST": MANAGE}

    @operation(
        id="co_approve_grant",
        summary="Approve a version of a minor's grant as their guardian, or withdraw the grant",
        tag="guardianships",
        request=CoApproval,
        sends={"decision": "approve", "version": 1},
        answers={200: (GuardedGrantShape, "The grant.", _WAITING | {"co_approved": LATER})},
        errors=[
            "not_found",
            "invalid_input",
            "grant_withdrawn",
            "grant_changed",
            "cameo_not_enrolled",
        ],
        parameters=[opaque_id("grant_id", "grt")],
    )
    def post(self, request: Request, grant_id: str) -> Response:
        asked = read_body(request, CoApproval)
        record = consent.co_approve_grant(grant=grant_id, **asked, now=utcnow(), by=person(request))
        return Response(_render_grant(record))
