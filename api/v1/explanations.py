"""`/v1/decisions/explain`: why one's likeness is denied somebody, and the smallest change."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.authentication import person
from api.schema import operation
from api.v1.endpoint import Endpoint
from api.v1.examples import CAMEO, CLIENT, FRIEND, RENDER
from api.v1.fields import Body, Document, Id, Text, read_body, within
from api.v1.grants import MANAGE
from api.v1.likeness import RenderShape
from common.clock import utcnow
from consent import interface as consent


class ExplainShape(serializers.Serializer[Any]):
    """Whose request, through which generator, about one's own cameo."""

    cameo = serializers.CharField()
    requester = serializers.CharField(help_text="Account id.")
    generator = serializers.CharField(help_text="Client id.")
    request = RenderShape()


class ExplainRequest(Body):
    """What is read of an `ExplainShape` here; the door reads the rest."""

    cameo = Id("cam")
    requester = Id("acc")
    generator = Text(max_length=100)
    request = Document()


class StepShape(serializers.Serializer[Any]):
    """One change."""

    what = serializers.CharField(help_text="Such as grant, grant_terms, restrictions, lift_block.")
    value = serializers.CharField(
        allow_null=True, help_text="An audience, or the name of the term."
    )


class ExplanationShape(serializers.Serializer[Any]):
    """The owner's view."""

    effect = serializers.CharField(help_text="permit, pending or deny.")
    reasons = serializers.ListField(child=serializers.CharField())
    steps = StepShape(many=True, allow_null=True)
    enough = serializers.BooleanField(
        help_text="Whether the whole request would be permitted after the steps."
    )


class DecisionsExplain(Endpoint):
    """The owner's view of a decision."""

    needs = {"POST": MANAGE}

    @operation(
        id="explain_decision",
        summary="Why somebody is answered so about your likeness, and the smallest change",
        tag="decisions",
        request=ExplainShape,
        sends={"cameo": CAMEO, "requester": FRIEND, "generator": CLIENT, "request": RENDER},
        answers={
            200: (
                ExplanationShape,
                "Why; `steps` is null where you can't bring it about.",
                {
                    "effect": "deny",
                    "reasons": ["purpose_not_granted"],
                    "steps": [{"what": "grant_terms", "value": "purposes"}],
                    "enough": True,
                },
            )
        },
        errors=["not_found", "invalid_input", "request_invalid"],
    )
    def post(self, request: Request) -> Response:
        body = read_body(request, ExplainRequest)
        with within("/request"):
            render = consent.parse_request(body.pop("request"))
        found = consent.explain_to_owner(**body, request=render, now=utcnow(), by=person(request))
        return Response(ExplanationShape(found).data)
