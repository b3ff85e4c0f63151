"""`/v1/disputes`: two accounts say one face is theirs, and a member of staff decides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.authentication import caller, person
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
from api.v1.endpoint import Endpoint
from api.v1.examples import (
    ACCOUNT,
    CAMEO,
    DISPUTE_BODY,
    LATER,
    OTHER_CAMEO,
    SESSION,
)
from api.v1.fields import Body, Id, Moment, OrNull, Text, read_body
from api.v1.paging import page_body, page_query, page_shape
from api.v1.reviews import MAX_NOTE, REVIEWS, SERIES_BODY, STAFF, SeriesShape
from common.clock import utcnow
from common.errors import FieldError, InvalidInput
from identity import interface as identity

SIDE = (of_person("consent:manage"),)
READ = (of_person("cameo:read"), *SIDE, *STAFF)
DISPUTE_ID = opaque_id("dispute_id", "dis")


class SidesShape(serializers.Serializer[Any]):
    """Both sides of a dispute; for members of staff only."""

    claimant = serializers.CharField(source="claimant_id")
    holder = serializers.CharField(source="holder_id")
    opened_by = serializers.CharField(help_text="claimant or holder.")
    by = serializers.CharField(allow_null=True, help_text="Account of who decided.")
    note = serializers.CharField(allow_blank=True)
    also_matched = serializers.CharField(
        source="also_matched_id",
        allow_null=True,
        help_text="Cameo of a third account that the claimant's capture matches, too.",
    )


class DisputeShape(serializers.Serializer[Any]):
    """A dispute; a person sees their own side of it and nothing of the other."""

    id = serializers.CharField()
    cameo = OrNull(source="cameo_id", allow_null=True, help_text="Your own; null for staff.")
    side = OrNull(allow_null=True, help_text="claimant or holder: yours; null for staff.")
    state = serializers.CharField(help_text="open, decided or withdrawn.")
    decision = OrNull(allow_null=True, help_text="claimant or holder: in whose favour.")
    created = Moment()
    decided = Moment(allow_null=True)
    sides = SidesShape(allow_null=True)


class DisputeCaptureShape(serializers.Serializer[Any]):
    """A fresh capture of one side."""

    session = serializers.CharField(source="session_id")
    side = serializers.CharField(help_text="claimant or holder.")
    state = serializers.CharField()
    outcome = OrNull(allow_null=True)
    created = Moment()
    decided = Moment(allow_null=True)
    score = serializers.FloatField(allow_null=True, help_text="Against the holder's template.")
    threshold = serializers.FloatField(allow_null=True, help_text="From which it is a match.")
    record = serializers.DictField(
        child=serializers.JSONField(allow_null=True),
        allow_null=True,
        help_text="The decision record (docs/liveness.md).",
    )
    series = SeriesShape(allow_null=True)
    series_missing = serializers.CharField(allow_null=True, help_text="Why there is no series.")


class DisputeDetailShape(serializers.Serializer[Any]):
    """One dispute; for members of staff with the fresh captures of both sides."""

    dispute = DisputeShape()
    captures = DisputeCaptureShape(many=True, allow_null=True)


class DisputeRequest(Body):
    """What is disputed: one of the two."""

    session = Id(
        "cap", required=False, help_text="Your own capture that was refused as another's face."
    )
    cameo = Id("cam", required=False, help_text="Your own cameo, that somebody tried to enrol.")


# `for` is a word of the language, so it can't be written as an attribute.
DisputeDecision: type[Body] = type(
    "DisputeDecision",
    (Body,),
    {
        "__doc__": "In whose favour.",
        "__module__": __name__,
        "for": Text(max_length=10, help_text="holder or claimant."),
        "note": Text(
            default="", max_length=MAX_NOTE, allow_blank=True, help_text="For other reviewers."
        ),
    },
)

_SIDES = {
    "claimant": OTHER_CAMEO,
    "holder": CAMEO,
    "opened_by": "claimant",
    "by": None,
    "note": "",
    "also_matched": None,
}
_FOR_STAFF = DISPUTE_BODY | {"cameo": None, "side": None, "sides": _SIDES}
_DECIDED = _FOR_STAFF | {
    "state": "decided",
    "decision": "claimant",
    "decided": LATER,
    "sides": _SIDES | {"by": ACCOUNT, "note": "Only one of the two is live."},
}
_CAPTURE = {
    "session": SESSION,
    "side": "claimant",
    "state": "decided",
    "outcome": "pass",
    "created": LATER,
    "decided": LATER,
    "score": 9.2,
    "threshold": 3.0,
    "record": {"version": 2, "session": SESSION, "outcome": "pass"},
    "series": SERIES_BODY,
    "series_missing": None,
}


def _render(view: identity.DisputeView) -> Mapping[str, Any]:
    return DisputeShape(view).data


def _as_staff(request: Request) -> bool:
    return REVIEWS in caller(request).scopes


class Disputes(Endpoint):
    """The disputes that the caller may see, and where one is opened."""

    needs = {"GET": READ, "POST": SIDE}

    @operation(
        id="list_disputes",
        summary="Your own disputes; for staff, all that are open. Newest first",
        tag="disputes",
        answers={
            200: (
                page_shape("DisputePage", DisputeShape),
                "A page of them.",
                {"items": [DISPUTE_BODY], "next": None, "previous": None},
            )
        },
        errors=["not_staff", *PAGING_CODES],
        parameters=PAGING,
    )
    def get(self, request: Request) -> Response:
        paging, _ = page_query(request)
        page = identity.list_disputes(by=person(request), as_staff=_as_staff(request), **paging)
        return Response(page_body(request, page, _render, {"limit": paging["limit"]}))

    @operation(
        id="open_dispute",
        summary="Say that your face is yours; both cameos are held until it is decided",
        tag="disputes",
        request=DisputeRequest,
        sends={"cameo": CAMEO},
        answers={
            201: (DisputeShape, "The dispute; the one there is, if it was opened.", DISPUTE_BODY)
        },
        errors=["not_found", "invalid_input", "dispute_unavailable", *IDEMPOTENCY_CODES],
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request) -> Response:
        asked, by, now = read_body(request, DisputeRequest), person(request), utcnow()
        if len(asked) != 1:
            one = FieldError("", "ambiguous", "Either session or cameo.")
            raise InvalidInput(fields=(one,))
        view, replayed = once(
            request,
            operation="open_dispute",
            body=asked,
            now=now,
            do=lambda: identity.open_dispute(
                account_id=by,
                session_id=asked.get("session"),
                cameo_id=asked.get("cameo"),
                now=now,
            ),
            name=lambda made: made.id,
            again=lambda made: (
                identity.read_dispute(by=by, as_staff=False, dispute_id=made, now=now).dispute
            ),
        )
        headers = headers_of(reverse("dispute", args=[view.id]), replayed=replayed)
        return Response(DisputeShape(view).data, 201, headers=headers)


class Dispute(Endpoint):
    """One dispute."""

    needs = {"GET": READ}

    @operation(
        id="read_dispute",
        summary="One dispute; for staff with the fresh captures of both sides",
        tag="disputes",
        answers={
            200: (
                DisputeDetailShape,
                "The dispute.",
                {"dispute": _FOR_STAFF, "captures": [_CAPTURE]},
            )
        },
        errors=["not_staff", "own_review", "not_found", "keystore_unavailable"],
        parameters=[DISPUTE_ID],
    )
    def get(self, request: Request, dispute_id: str) -> Response:
        found = identity.read_dispute(
            by=person(request),
            as_staff=_as_staff(request),
            dispute_id=dispute_id,
            now=utcnow(),
        )
        return Response(DisputeDetailShape(found).data)


class DisputeDecide(Endpoint):
    """The decision on a dispute."""

    needs = {"POST": STAFF}

    @operation(
        id="decide_dispute",
        summary="Decide a dispute, once",
        tag="disputes",
        request=DisputeDecision,
        sends={"for": "claimant", "note": "Only one of the two is live."},
        answers={200: (DisputeShape, "The dispute as it is now.", _DECIDED)},
        errors=[
            "not_staff",
            "own_review",
            "not_found",
            "invalid_input",
            "dispute_decided",
            "dispute_changed",
            "fresh_capture_missing",
            "track_gone",
            "duplicate_check_pending",
            "keystore_unavailable",
            *IDEMPOTENCY_CODES,
        ],
        parameters=[DISPUTE_ID, IDEMPOTENCY_KEY],
    )
    def post(self, request: Request, dispute_id: str) -> Response:
        asked, by, now = read_body(request, DisputeDecision), person(request), utcnow()
        ruling = identity.DisputeRuling(favour=asked["for"], note=asked["note"])
        view, replayed = once(
            request,
            operation="decide_dispute",
            body=asked | {"dispute": dispute_id},
            now=now,
            do=lambda: identity.decide_dispute(
                by=by, dispute_id=dispute_id, ruling=ruling, now=now
            ),
            name=lambda made: made.id,
            again=lambda made: (
                identity.read_dispute(by=by, as_staff=True, dispute_id=made, now=now).dispute
            ),
        )
        headers = headers_of(reverse("dispute", args=[view.id]), replayed=replayed)
        return Response(DisputeShape(view).data, headers=headers)
