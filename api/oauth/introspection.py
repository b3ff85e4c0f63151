"""`POST /oauth/introspect`: whether a likeness token would be redeemed now (RFC 7662)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.authentication import BearerAuthentication, ClientAuthentication, caller
from api.errors import FormInvalid
from api.parsers import TokenFormParser
from api.permissions import of_generator
from api.schema import operation
from api.v1.endpoint import Endpoint
from api.v1.examples import CLIENT
from common.clock import utcnow
from consent import interface as consent


class IntrospectionForm(serializers.Serializer[Any]):
    """The form of RFC 7662, 2.1."""

    token = serializers.CharField()
    token_type_hint = serializers.CharField(required=False)


class IntrospectionShape(serializers.Serializer[Any]):
    """`active`, and the token's claims if it is."""

    active = serializers.BooleanField()
    client_id = serializers.CharField(required=False)


class Introspection(Endpoint):
    """For the token's audience alone: to anybody else every token is inactive."""

    needs = {"POST": (of_generator("likeness:redeem"),)}
    # The first one's challenge stands in a 401.
    authentication_classes = (ClientAuthentication, BearerAuthentication)
    parser_classes = (TokenFormParser,)

    @operation(
        id="introspect_likeness_token",
        summary="Whether a likeness token would be redeemed now (RFC 7662)",
        tag="oauth",
        request={"application/x-www-form-urlencoded": IntrospectionForm},
        sends={"token": "eyJhbGciOiJFZDI1NTE5Iiwia2lkIjoia2V5X…"},
        raw=True,
        answers={
            200: (
                IntrospectionShape,
                "Active with the token's claims, or not, without a reason.",
                {"active": True, "client_id": CLIENT},
            )
        },
        errors=["form_invalid", "invalid_client", "body_too_large", "body_not_json"],
    )
    def post(self, request: Request) -> Response:
        form = request.data
        if not isinstance(form, dict) or "token" not in form:
            raise FormInvalid
        found = consent.introspect(
            generator=caller(request).client.client_id, token_text=form["token"], now=utcnow()
        )
        return Response(found)
