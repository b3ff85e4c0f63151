"""`/v1/cameos/{id}/restrictions`: an owner's terms over every use of their likeness."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.authentication import person
from api.schema import operation
from api.v1.cameos import CAMEO_ID, MANAGE, READ
from api.v1.endpoint import Endpoint
from api.v1.examples import CAMEO, NOW
from api.v1.fields import Body, Document, Moment, read_body, within
from api.v1.terms import RestrictionTermsShape
from common.clock import utcnow
from consent import interface as consent

_TERMS = {"forbid_labels": ["political"], "max_duration_s": 30.0}
_BODY = {"cameo": CAMEO, "version": 1, "terms": _TERMS, "since": NOW}


class RestrictionsShape(serializers.Serializer[Any]):
    """The terms over every use."""

    cameo = serializers.CharField()
    version = serializers.IntegerField(help_text="0 where none were ever set.")
    terms = RestrictionTermsShape()
    since = Moment(allow_null=True)


class RestrictionsRequest(Body):
    """Terms in place of those before."""

    terms = Document()


class CameoRestrictions(Endpoint):
    """What binds every use of a cameo, by grants and audience alike."""

    needs = {"GET": READ, "PUT": MANAGE}

    @operation(
        id="read_restrictions",
        summary="The terms over every use of your likeness",
        tag="cameos",
        answers={200: (RestrictionsShape, "The restrictions.", _BODY)},
        errors=["not_found"],
        parameters=[CAMEO_ID],
    )
    def get(self, request: Request, cameo_id: str) -> Response:
        found = consent.read_restrictions(cameo=cameo_id, by=person(request))
        return Response(RestrictionsShape(found).data)

    @operation(
        id="set_restrictions",
        summary="Put terms over every use of your likeness, in place of those before",
        tag="cameos",
        request=RestrictionsRequest,
        sends={"terms": _TERMS},
        answers={200: (RestrictionsShape, "The restrictions as they are now.", _BODY)},
        errors=["not_found", "invalid_input", "terms_invalid", "cameo_not_enrolled"],
        parameters=[CAMEO_ID],
    )
    def put(self, request: Request, cameo_id: str) -> Response:
        asked = read_body(request, RestrictionsRequest)
        with within("/terms"):
            found = consent.set_restrictions(
                cameo=cameo_id, terms=asked["terms"], now=utcnow(), by=person(request)
            )
        return Response(RestrictionsShape(found).data)
