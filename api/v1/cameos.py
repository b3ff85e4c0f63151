"""`/v1/cameos`: one's own likeness, whom it is for, and its suspension and erasure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.authentication import person
from api.permissions import of_person
from api.schema import opaque_id, operation
from api.v1.endpoint import Endpoint
from api.v1.examples import CAMEO, CAMEO_BODY, NOW
from api.v1.fields import Body, Moment, OrNull, Text, read_body, read_query
from api.v1.paging import page_shape
from common.clock import utcnow
from consent import interface as consent
from identity import interface as identity

READ = (of_person("cameo:read"), of_person("consent:manage"))
MANAGE = (of_person("consent:manage"),)
CAMEO_ID = opaque_id("cameo_id", "cam")


class CameoShape(serializers.Serializer[Any]):
    """A cameo as its owner sees it."""

    id = serializers.CharField()
    state = serializers.CharField(
        help_text="pending, in_review, active, suspended, expired or erased."
    )
    assurance = OrNull(allow_null=True, help_text="basic, standard or attested.")
    created = Moment()
    activated = Moment(allow_null=True)
    expires = Moment(allow_null=True)


class AudienceShape(serializers.Serializer[Any]):
    """Whom a cameo is for."""

    cameo = serializers.CharField()
    audience = serializers.CharField(help_text="only_me or granted.")
    since = Moment(allow_null=True)


class AudienceRequest(Body):
    """Whom the cameo is for from now on."""

    audience = Text(max_length=20)


_AUDIENCE_BODY = {"cameo": CAMEO, "audience": "granted", "since": NOW}


class Cameos(Endpoint):
    """One's own cameos."""

    needs = {"GET": READ}

    @operation(
        id="list_cameos",
        summary="Your own cameos: none or one",
        tag="cameos",
        answers={
            200: (
                page_shape("CameoPage", CameoShape),
                "All of them.",
                {"items": [CAMEO_BODY], "next": None, "previous": None},
            )
        },
        errors=["invalid_input"],
    )
    def get(self, request: Request) -> Response:
        read_query(request)
        view = identity.own_cameo(person(request))
        items = [] if view is None else [CameoShape(view).data]
        return Response({"items": items, "next": None, "previous": None})


class Cameo(Endpoint):
    """One of one's own cameos."""

    needs = {"GET": READ}

    @operation(
        id="read_cameo",
        summary="One of your own cameos",
        tag="cameos",
        answers={200: (CameoShape, "The cameo.", CAMEO_BODY)},
        errors=["not_found"],
        parameters=[CAMEO_ID],
    )
    def get(self, request: Request, cameo_id: str) -> Response:
        view = identity.cameo_view(account_id=person(request), cameo_id=cameo_id)
        return Response(CameoShape(view).data)


class CameoAudience(Endpoint):
    """Whom a cameo is for."""

    needs = {"GET": READ, "PUT": MANAGE}

    @operation(
        id="read_audience",
        summary="Whom your cameo is for",
        tag="cameos",
        answers={200: (AudienceShape, "The audience.", _AUDIENCE_BODY)},
        errors=["not_found"],
        parameters=[CAMEO_ID],
    )
    def get(self, request: Request, cameo_id: str) -> Response:
        found = consent.read_audience(cameo=cameo_id, by=person(request))
        return Response(AudienceShape(found).data)

    @operation(
        id="set_audience",
        summary="Say whom your cameo is for",
        tag="cameos",
        request=AudienceRequest,
        sends={"audience": "granted"},
        answers={200: (AudienceShape, "The audience as it is now.", _AUDIENCE_BODY)},
        errors=["not_found", "invalid_input", "audience_unknown", "cameo_not_enrolled"],
        parameters=[CAMEO_ID],
    )
    def put(self, request: Request, cameo_id: str) -> Response:
        asked = read_body(request, AudienceRequest)
        found = consent.set_audience(
            cameo=cameo_id, audience=asked["audience"], now=utcnow(), by=person(request)
        )
        return Response(AudienceShape(found).data)


class Nothing(Body):
    """An empty object, or no body at all."""


class _Change(Protocol):
    def __call__(self, *, account_id: str, cameo_id: str, now: datetime) -> identity.CameoView: ...


def _changed(request: Request, cameo_id: str, change: _Change) -> Response:
    read_body(request, Nothing)
    view = change(account_id=person(request), cameo_id=cameo_id, now=utcnow())
    return Response(CameoShape(view).data)


def _describe(id: str, summary: str, state: str) -> Callable[..., Any]:  # noqa: A002
    return operation(
        id=id,
        summary=summary,
        tag="cameos",
        answers={200: (CameoShape, "The cameo as it is now.", CAMEO_BODY | {"state": state})},
        errors=["not_found", "cameo_state", "invalid_input"],
        parameters=[CAMEO_ID],
    )


class CameoSuspend(Endpoint):
    """Suspension."""

    needs = {"POST": MANAGE}

    @_describe("suspend_cameo", "Nobody may use your likeness until you resume", "suspended")
    def post(self, request: Request, cameo_id: str) -> Response:
        return _changed(request, cameo_id, identity.suspend_cameo)


class CameoResume(Endpoint):
    """The end of a suspension."""

    needs = {"POST": MANAGE}

    @_describe("resume_cameo", "End a suspension", "active")
    def post(self, request: Request, cameo_id: str) -> Response:
        return _changed(request, cameo_id, identity.resume_cameo)


class CameoErase(Endpoint):
    """Erasure."""

    needs = {"POST": MANAGE}

    @_describe("erase_cameo", "Destroy your template and its key, for good", "erased")
    def post(self, request: Request, cameo_id: str) -> Response:
        return _changed(request, cameo_id, identity.erase_cameo)
