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
from api.v1.examples import CAMEO, CAMEO_BODY, LATER, NOW, RECEIPT
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


class ReceiptShape(serializers.Serializer[Any]):
    """What became of an erasure, signed."""

    id = serializers.CharField()
    cameo = serializers.CharField(source="cameo_id")
    state = serializers.CharField(help_text="pending, key_destroyed or unreadable.")
    erased = Moment()
    key_destroyed = Moment(allow_null=True, help_text="When the template's data key was destroyed.")
    unreadable_by = Moment(help_text="When no backup can be opened any more, at the latest.")
    unreadable_since = Moment(allow_null=True, help_text="When that was so.")
    overdue = serializers.BooleanField(help_text="That date is past, and it isn't so yet.")
    body = serializers.CharField(help_text="The text that is signed (RFC 8785).")
    signature = serializers.CharField(
        help_text="JWS of `body` with a detached payload (Ed25519, typ erasure-receipt+jws)."
    )


class AudienceShape(serializers.Serializer[Any]):
    """Whom a cameo is for."""

    cameo = serializers.CharField()
    audience = serializers.CharField(help_text="only_me, granted, mutuals or anyone.")
    since = Moment(allow_null=True)


class AudienceRequest(Body):
    """Whom the cameo is for from now on."""

    audience = Text(max_length=20)


_AUDIENCE_BODY = {"cameo": CAMEO, "audience": "granted", "since": NOW}
_SIGNED = (
    f'{{"cameo":"{CAMEO}","erased":"{NOW}","key_destroyed":"{NOW}","receipt":"{RECEIPT}",'
    f'"state":"key_destroyed","unreadable_by":"{LATER}","unreadable_since":null}}'
)
_RECEIPT_BODY = {
    "id": RECEIPT,
    "cameo": CAMEO,
    "state": "key_destroyed",
    "erased": NOW,
    "key_destroyed": NOW,
    "unreadable_by": LATER,
    "unreadable_since": None,
    "overdue": False,
    "body": _SIGNED,
    "signature": "eyJhbGciOiJFZDI1NTE5In0..c2lnbmF0dXJl",
}


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
        summary="Say whom your cameo is for; wider than before asks for a step-up capture",
        tag="cameos",
        request=AudienceRequest,
        sends={"audience": "granted"},
        answers={200: (AudienceShape, "The audience as it is now.", _AUDIENCE_BODY)},
        errors=[
            "not_found",
            "invalid_input",
            "audience_unknown",
            "cameo_not_enrolled",
            "minors_audience",
            "step_up_needed",
        ],
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


def _describe(id: str, summary: str, state: str, *more: str) -> Callable[..., Any]:  # noqa: A002
    return operation(
        id=id,
        summary=summary,
        tag="cameos",
        answers={200: (CameoShape, "The cameo as it is now.", CAMEO_BODY | {"state": state})},
        errors=["not_found", "cameo_state", *more, "invalid_input"],
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

    @_describe("resume_cameo", "End a suspension", "active", "cameo_held")
    def post(self, request: Request, cameo_id: str) -> Response:
        return _changed(request, cameo_id, identity.resume_cameo)


class CameoErase(Endpoint):
    """Erasure."""

    needs = {"POST": MANAGE}

    @_describe("erase_cameo", "Destroy your template and its key, for good", "erased")
    def post(self, request: Request, cameo_id: str) -> Response:
        return _changed(request, cameo_id, identity.erase_cameo)


class CameoErasureReceipt(Endpoint):
    """The receipt of an erasure."""

    needs = {"GET": READ}

    @operation(
        id="read_erasure_receipt",
        summary="What is left of a cameo that you erased, and until when",
        tag="cameos",
        answers={200: (ReceiptShape, "The receipt as it is now.", _RECEIPT_BODY)},
        errors=["not_found"],
        parameters=[CAMEO_ID],
    )
    def get(self, request: Request, cameo_id: str) -> Response:
        found = identity.erasure_receipt(
            account_id=person(request), cameo_id=cameo_id, now=utcnow()
        )
        return Response(ReceiptShape(found).data)
