"""`/v1/approvals`: one request, asked of the owner of a likeness, who permits it once or not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.authentication import person
from api.schema import PAGING, PAGING_CODES, opaque_id, operation
from api.v1.endpoint import Endpoint
from api.v1.examples import APPROVAL, CAMEO, CLIENT, FRIEND, LATER, NOW, RENDER
from api.v1.fields import Body, Moment, Text, read_body
from api.v1.grants import MANAGE
from api.v1.likeness import RenderShape
from api.v1.paging import page_body, page_query, page_shape
from common.clock import utcnow
from common.errors import FieldError, InvalidInput
from consent import interface as consent

APPROVAL_ID = opaque_id("approval_id", "apr")
DECISIONS = {"approve": True, "decline": False}
_APPROVAL: dict[str, Any] = {
    "id": APPROVAL,
    "cameo": CAMEO,
    "requester": FRIEND,
    "generator": CLIENT,
    "request": RENDER,
    "state": "asked",
    "asked": NOW,
    "expires": LATER,
    "decided": None,
}


class AskedShape(RenderShape):
    """What is to be rendered, as it was asked: digests, no prompt."""

    def to_representation(self, instance: Any) -> Any:
        return instance


class ApprovalShape(serializers.Serializer[Any]):
    """An owner asked about one request."""

    id = serializers.CharField()
    cameo = serializers.CharField()
    requester = serializers.CharField()
    generator = serializers.CharField()
    request = AskedShape()
    state = serializers.CharField(
        help_text="asked; approved, declined; spent, once it was used; or lapsed, when it came to "
        "its end or would permit nothing any more."
    )
    asked = Moment()
    expires = Moment(help_text="Until when it can be decided; once approved, be used.")
    decided = Moment(allow_null=True)


class ApprovalDecision(Body):
    """What the owner says."""

    decision = Text(max_length=10, trim_whitespace=False, help_text="approve or decline.")


def _render(record: consent.ApprovalRecord) -> Mapping[str, Any]:
    return ApprovalShape(record).data


class Approvals(Endpoint):
    """The inbox, and what one waits for."""

    needs = {"GET": MANAGE}

    @operation(
        id="list_approvals",
        summary="What you are asked to approve, or have asked others for; newest first",
        tag="approvals",
        answers={
            200: (
                page_shape("ApprovalPage", ApprovalShape),
                "A page of them.",
                {"items": [_APPROVAL], "next": None, "previous": None},
            )
        },
        errors=PAGING_CODES,
        parameters=[
            *PAGING,
            OpenApiParameter("direction", str, "query", enum=["of_me", "by_me"]),
        ],
    )
    def get(self, request: Request) -> Response:
        paging, others = page_query(request, "direction")
        direction = others.get("direction", "of_me")
        if direction not in ("of_me", "by_me"):
            field = FieldError("/direction", "unknown_value", "of_me or by_me.")
            raise InvalidInput(fields=(field,))
        page = consent.list_approvals(
            account=person(request), mine=direction == "of_me", now=utcnow(), **paging
        )
        query = {"direction": direction, "limit": paging["limit"]}
        return Response(page_body(request, page, _render, query))


class Approval(Endpoint):
    """One of them."""

    needs = {"GET": MANAGE}

    @operation(
        id="read_approval",
        summary="An approval that you are asked for, or wait for",
        tag="approvals",
        answers={200: (ApprovalShape, "The approval.", _APPROVAL)},
        errors=["not_found"],
        parameters=[APPROVAL_ID],
    )
    def get(self, request: Request, approval_id: str) -> Response:
        record = consent.read_approval(approval=approval_id, by=person(request), now=utcnow())
        return Response(_render(record))


class ApprovalDecide(Endpoint):
    """The owner's answer."""

    needs = {"POST": MANAGE}

    @operation(
        id="decide_approval",
        summary="Permit this one request once, or decline; the same again gives the same answer",
        tag="approvals",
        request=ApprovalDecision,
        sends={"decision": "approve"},
        answers={
            200: (
                ApprovalShape,
                "The approval as you decided.",
                _APPROVAL | {"state": "approved", "decided": NOW},
            )
        },
        errors=["not_found", "invalid_input", "approval_decided", "approval_lapsed"],
        parameters=[APPROVAL_ID],
    )
    def post(self, request: Request, approval_id: str) -> Response:
        decision = read_body(request, ApprovalDecision)["decision"]
        if decision not in DECISIONS:
            field = FieldError("/decision", "unknown_value", "approve or decline.")
            raise InvalidInput(fields=(field,))
        record = consent.decide_approval(
            approval=approval_id, approve=DECISIONS[decision], now=utcnow(), by=person(request)
        )
        return Response(_render(record))
