"""`/v1/uses`: every use of one's likeness."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.authentication import person
from api.schema import PAGING, PAGING_CODES, operation
from api.v1.cameos import READ
from api.v1.endpoint import Endpoint
from api.v1.examples import CAMEO, CLIENT, DIGEST, FRIEND, GRANT, NOW, USE
from api.v1.fields import Moment
from api.v1.paging import page_body, page_query, page_shape
from consent import interface as consent
from identity import interface as identity


class UseShape(serializers.Serializer[Any]):
    """One use of one likeness, as its owner sees it."""

    id = serializers.CharField()
    cameo = serializers.CharField()
    generator = serializers.CharField()
    requester = serializers.CharField()
    grant = serializers.CharField(
        allow_null=True,
        help_text="Null: none was needed; your own use, or your audience covered it.",
    )
    grant_version = serializers.IntegerField(allow_null=True)
    purpose = serializers.CharField()
    labels = serializers.ListField(child=serializers.CharField())
    prompt_digest = serializers.CharField()
    inputs_digest = serializers.CharField(allow_null=True)
    count = serializers.IntegerField()
    seconds = serializers.FloatField()
    state = serializers.CharField()
    started = Moment()


_USE = {
    "id": USE,
    "cameo": CAMEO,
    "generator": CLIENT,
    "requester": FRIEND,
    "grant": GRANT,
    "grant_version": 1,
    "purpose": "personal",
    "labels": [],
    "prompt_digest": DIGEST,
    "inputs_digest": None,
    "count": 1,
    "seconds": 8.0,
    "state": "rendering",
    "started": NOW,
}


class Uses(Endpoint):
    """Uses of one's cameo."""

    needs = {"GET": READ}

    @operation(
        id="list_uses",
        summary="Every use of your likeness, newest first",
        tag="uses",
        answers={
            200: (
                page_shape("UsePage", UseShape),
                "A page of them.",
                {"items": [_USE], "next": None, "previous": None},
            )
        },
        errors=["not_found", *PAGING_CODES],
        parameters=[
            *PAGING,
            OpenApiParameter("cameo", str, "query", description="Your present one if left out."),
        ],
    )
    def get(self, request: Request) -> Response:
        paging, others = page_query(request, "cameo")
        account_id = person(request)
        named = others.get("cameo")
        if named is None:
            own = identity.own_cameo(account_id)
            if own is None:
                return Response({"items": [], "next": None, "previous": None})
            named = own.id
        page = consent.list_uses(cameo=named, by=account_id, **paging)
        query = {"cameo": named, "limit": paging["limit"]}
        return Response(page_body(request, page, lambda use: UseShape(use).data, query))
