"""`/v1/me`: whom the access token speaks for, and their date of birth, declared once."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import interface as accounts
from api.authentication import caller, person
from api.permissions import of_person
from api.schema import operation
from api.v1.endpoint import Endpoint
from api.v1.examples import ACCOUNT, CAMEO, CLIENT
from api.v1.fields import Body, Text, read_body
from common.clock import utcnow
from consent import interface as consent
from identity import interface as identity

_ME: dict[str, Any] = {
    "id": ACCOUNT,
    "client_id": CLIENT,
    "scopes": ["cameo:read", "consent:manage"],
    "cameo": CAMEO,
    "birth_date_declared": True,
}


class MeShape(serializers.Serializer[Any]):
    """The account, the client that asks, and what it may do."""

    id = serializers.CharField()
    client_id = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    cameo = serializers.CharField(
        required=False, allow_null=True, help_text="Only with the scope cameo:read."
    )
    birth_date_declared = serializers.BooleanField(
        required=False,
        help_text="Only with the scope consent:manage; the date itself is never shown.",
    )


class MeChange(Body):
    """What somebody says of themselves."""

    birth_date = Text(max_length=20, help_text="Such as 2010-05-01; declared once.")


class Me(Endpoint):
    """Whom the access token speaks for."""

    needs = {"GET": (of_person(),), "PATCH": (of_person("consent:manage"),)}

    @operation(
        id="me",
        summary="Whom the access token speaks for",
        tag="me",
        answers={200: (MeShape, "The account.", _ME)},
    )
    def get(self, request: Request) -> Response:
        return Response(_me(request))

    @operation(
        id="declare_birth_date",
        summary="Declare your date of birth, once; a minor needs a guardian",
        tag="me",
        request=MeChange,
        sends={"birth_date": "2010-05-01"},
        answers={200: (MeShape, "The account.", _ME)},
        errors=["invalid_input", "birth_date_invalid", "birth_date_declared", "age_unknown"],
    )
    def patch(self, request: Request) -> Response:
        asked = read_body(request, MeChange)
        consent.declare_birth_date(**asked, now=utcnow(), by=person(request))
        return Response(_me(request))


def _me(request: Request) -> dict[str, Any]:
    who, account_id = caller(request), person(request)
    body: dict[str, Any] = {
        "id": account_id,
        "client_id": who.client.client_id,
        "scopes": sorted(who.scopes),
    }
    if "cameo:read" in who.scopes:
        cameo = identity.own_cameo(account_id)
        body["cameo"] = cameo.id if cameo else None
    if "consent:manage" in who.scopes:
        account = accounts.read_account(account_id)
        body["birth_date_declared"] = account is not None and account.birth_date is not None
    return body
