"""`/v1/reviews`: the captures that a member of staff looks at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.authentication import person
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
from api.v1.examples import ACCOUNT, CAMEO, LATER, NOW, OTHER_CAMEO, REVIEW, SESSION
from api.v1.fields import Body, Flag, Moment, OrNull, Text, Written, read_body
from api.v1.paging import page_body, page_query, page_shape
from common.clock import utcnow
from identity import interface as identity

REVIEWS: Final = "pad:review"
STAFF = (of_person(REVIEWS),)
REVIEW_ID = opaque_id("review_id", "rev")
MAX_NOTE = 2000


class ReviewShape(serializers.Serializer[Any]):
    """A review as members of staff see it."""

    id = serializers.CharField()
    session = serializers.CharField(source="session_id")
    cameo = serializers.CharField(source="cameo_id")
    purpose = serializers.CharField()
    reasons = serializers.ListField(child=serializers.CharField(), help_text="liveness, duplicate.")
    matched = serializers.CharField(
        source="matched_id", allow_null=True, help_text="Cameo of another account that it matches."
    )
    state = serializers.CharField(help_text="open or decided.")
    decision = OrNull(allow_null=True, help_text="approve or refuse.")
    duplicate_confirmed = serializers.BooleanField()
    by = serializers.CharField(allow_null=True, help_text="Account of who decided.")
    note = serializers.CharField(allow_blank=True)
    created = Moment()
    decided = Moment(allow_null=True)


class SeriesShape(Written):
    """What was measured over time: columns of one length, at most 400 points."""

    time = serializers.ListField(child=serializers.FloatField(allow_null=True))
    yaw = serializers.ListField(child=serializers.FloatField(allow_null=True))
    pitch = serializers.ListField(child=serializers.FloatField(allow_null=True))
    eyes = serializers.ListField(child=serializers.FloatField(allow_null=True))
    mouth = serializers.ListField(child=serializers.FloatField(allow_null=True))
    red = serializers.ListField(child=serializers.FloatField(allow_null=True), required=False)
    green = serializers.ListField(child=serializers.FloatField(allow_null=True), required=False)
    blue = serializers.ListField(child=serializers.FloatField(allow_null=True), required=False)


class ReviewDetailShape(serializers.Serializer[Any]):
    """Everything that a reviewer has to decide by."""

    review = ReviewShape()
    record = serializers.DictField(
        child=serializers.JSONField(allow_null=True),
        allow_null=True,
        help_text="The decision record (docs/liveness.md).",
    )
    series = SeriesShape(allow_null=True)
    series_missing = serializers.CharField(allow_null=True, help_text="Why there is no series.")
    clip_kept = serializers.BooleanField(help_text="Whether the sealed clip is still there.")


class ReviewDecision(Body):
    """What the reviewer decides."""

    decision = Text(max_length=10, help_text="approve or refuse.")
    note = Text(default="", max_length=MAX_NOTE, allow_blank=True, help_text="For other reviewers.")
    duplicate_confirmed = Flag(
        default=False, help_text="With refuse: the capture shows the person of the matched cameo."
    )


_REVIEW: dict[str, Any] = {
    "id": REVIEW,
    "session": SESSION,
    "cameo": CAMEO,
    "purpose": "enrol",
    "reasons": ["duplicate"],
    "matched": OTHER_CAMEO,
    "state": "open",
    "decision": None,
    "duplicate_confirmed": False,
    "by": None,
    "note": "",
    "created": NOW,
    "decided": None,
}
SERIES_BODY = {"time": [0.0], "yaw": [0.4], "pitch": [-1.2], "eyes": [0.31], "mouth": [0.02]}
_DETAIL: dict[str, Any] = {
    "review": _REVIEW,
    "record": {"version": 2, "session": SESSION, "outcome": "review"},
    "series": SERIES_BODY,
    "series_missing": None,
    "clip_kept": True,
}
_DECIDED = _REVIEW | {
    "state": "decided",
    "decision": "refuse",
    "duplicate_confirmed": True,
    "by": ACCOUNT,
    "note": "The same person, by both captures.",
    "decided": LATER,
}


def _render(view: identity.ReviewView) -> Mapping[str, Any]:
    return ReviewShape(view).data


class Reviews(Endpoint):
    """The queue."""

    needs = {"GET": STAFF}

    @operation(
        id="list_reviews",
        summary="Captures that a member of staff looks at; newest first",
        tag="reviews",
        answers={
            200: (
                page_shape("ReviewPage", ReviewShape),
                "A page of them.",
                {"items": [_REVIEW], "next": None, "previous": None},
            )
        },
        errors=["not_staff", *PAGING_CODES],
        parameters=[*PAGING, OpenApiParameter("state", str, "query", enum=["open", "decided"])],
    )
    def get(self, request: Request) -> Response:
        paging, others = page_query(request, "state")
        page = identity.list_reviews(by=person(request), state=others.get("state"), **paging)
        return Response(page_body(request, page, _render, {"limit": paging["limit"], **others}))


class Review(Endpoint):
    """One capture, with all that was measured."""

    needs = {"GET": STAFF}

    @operation(
        id="read_review",
        summary="One capture: its decision record, and what was measured over time",
        tag="reviews",
        answers={200: (ReviewDetailShape, "The review.", _DETAIL)},
        errors=["not_staff", "not_found", "keystore_unavailable"],
        parameters=[REVIEW_ID],
    )
    def get(self, request: Request, review_id: str) -> Response:
        found = identity.read_review(by=person(request), review_id=review_id, now=utcnow())
        return Response(ReviewDetailShape(found).data)


class ReviewDecide(Endpoint):
    """The decision on a review."""

    needs = {"POST": STAFF}

    @operation(
        id="decide_review",
        summary="Approve or refuse a capture, once",
        tag="reviews",
        request=ReviewDecision,
        sends={
            "decision": "refuse",
            "note": "The same person, by both captures.",
            "duplicate_confirmed": True,
        },
        answers={200: (ReviewShape, "The review as it is now.", _DECIDED)},
        errors=[
            "not_staff",
            "own_review",
            "not_found",
            "invalid_input",
            "review_decided",
            "review_changed",
            "cameo_state",
            "track_gone",
            "duplicate_check_pending",
            "keystore_unavailable",
            *IDEMPOTENCY_CODES,
        ],
        parameters=[REVIEW_ID, IDEMPOTENCY_KEY],
    )
    def post(self, request: Request, review_id: str) -> Response:
        asked, by, now = read_body(request, ReviewDecision), person(request), utcnow()
        view, replayed = once(
            request,
            operation="decide_review",
            body=asked | {"review": review_id},
            now=now,
            do=lambda: identity.decide_review(
                by=by, review_id=review_id, ruling=identity.Ruling(**asked), now=now
            ),
            name=lambda made: made.id,
            again=lambda made: identity.read_review(by=by, review_id=made, now=now).review,
        )
        headers = headers_of(reverse("review", args=[view.id]), replayed=replayed)
        return Response(ReviewShape(view).data, headers=headers)
