"""`GET /v1/me`: whom the access token speaks for."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.authentication import caller, person
from api.permissions import of_person
from api.schema import operation
from api.v1.endpoint import Endpoint
from api.v1.examples import ACCOUNT, CAMEO, CLIENT
from identity import interface as identity


class MeShape(serializers.Serializer[Any]):
    """The account, the client that asks, and what it may do."""

    id = serializers.CharField()
    client_id = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    cameo = serializers.CharField(
        required=False, allow_null=True, help_text="Only with the scope cameo:read."
    )


class Me(Endpoint):
    """Whom the access token speaks for."""

    needs = {"GET": (of_person(),)}

    @operation(
        id="me",
        summary="Whom the access token speaks for",
        tag="me",
        answers={
            200: (
                MeShape,
                "The account.",
                {
                    "id": ACCOUNT,
                    "client_id": CLIENT,
                    "scopes": ["cameo:read"],
                    "cameo": CAMEO,
                },
            )
        },
    )
    def get(self, request: Request) -> Response:
        who, account_id = caller(request), person(request)
        body: dict[str, Any] = {
            "id": account_id,
            "client_id": who.client.client_id,
            "scopes": sorted(who.scopes),
        }
        if "cameo:read" in who.scopes:
            cameo = identity.own_cameo(account_id)
            body["cameo"] = cameo.id if cameo else None
        return Response(body)
