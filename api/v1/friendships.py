"""`/v1/friendships`: asked for, accepted, ended; what has ended stays as history."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

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
from api.v1.cameos import Nothing
from api.v1.endpoint import Endpoint
from api.v1.examples import ACCOUNT, FRIEND, LATER, NOW
from api.v1.fields import Body, Id, Moment, read_body
from api.v1.paging import page_body, page_query, page_shape
from common.clock import utcnow
from common.errors import FieldError, InvalidInput
from consent import interface as consent

MANAGE = (of_person("consent:manage"),)
STATES = ("asked", "accepted", "ended")
FRIENDSHIP_ID = opaque_id("friendship_id", "fri")
FRIENDSHIP = "fri_5p6q7r2s3t4u5v6w7x2y3z4a5b"
ASKED: dict[str, Any] = {
    "id": FRIENDSHIP,
    "friend": FRIEND,
    "asked_by": ACCOUNT,
    "state": "asked",
    "asked": NOW,
    "accepted": None,
    "ended": None,
}
ACCEPTED = ASKED | {"state": "accepted", "accepted": LATER}


class FriendshipShape(serializers.Serializer[Any]):
    """A friendship, as you see it."""

    id = serializers.CharField()
    friend = serializers.CharField(help_text="Account id of the other side.")
    asked_by = serializers.CharField(help_text="Account id: yours, or your friend's.")
    state = serializers.CharField(help_text="asked, accepted or ended.")
    asked = Moment()
    accepted = Moment(allow_null=True)
    ended = Moment(allow_null=True)


class PersonRequest(Body):
    """Whom it is about."""

    account = Id("acc", help_text="Account id of the person.")


def render(record: consent.FriendshipRecord) -> Mapping[str, Any]:
    """A friendship as it goes out."""
    return FriendshipShape(record).data


class Friendships(Endpoint):
    """One's friendships."""

    needs = {"GET": MANAGE, "POST": MANAGE}

    @operation(
        id="list_friendships",
        summary="Your friendships, newest ask first, those that have ended too",
        tag="friendships",
        answers={
            200: (
                page_shape("FriendshipPage", FriendshipShape),
                "A page of them.",
                {
                    "items": [ACCEPTED],
                    "next": f"/v1/friendships?limit=1&after={FRIENDSHIP}",
                    "previous": None,
                },
            )
        },
        errors=PAGING_CODES,
        parameters=[*PAGING, OpenApiParameter("state", str, "query", enum=STATES)],
    )
    def get(self, request: Request) -> Response:
        paging, others = page_query(request, "state")
        if others.get("state", STATES[0]) not in STATES:
            field = FieldError("/state", "unknown_value", "asked, accepted or ended.")
            raise InvalidInput(fields=(field,))
        page = consent.list_friendships(
            account=person(request), state=others.get("state"), **paging
        )
        return Response(page_body(request, page, render, others | {"limit": paging["limit"]}))

    @operation(
        id="ask_friendship",
        summary="Ask somebody to be friends, or accept where they have asked you",
        tag="friendships",
        request=PersonRequest,
        sends={"account": FRIEND},
        answers={201: (FriendshipShape, "The friendship as it is now.", ASKED)},
        errors=[
            "invalid_input",
            "person_unknown",
            "person_is_oneself",
            "person_blocked",
            *IDEMPOTENCY_CODES,
        ],
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request) -> Response:
        asked, account_id, now = read_body(request, PersonRequest), person(request), utcnow()
        record, replayed = once(
            request,
            operation="ask_friendship",
            body=asked,
            now=now,
            do=lambda: consent.ask_friendship(**asked, now=now, by=account_id),
            name=lambda made: made.id,
            again=lambda made: consent.read_friendship(friendship=made, by=account_id),
        )
        headers = headers_of(reverse("friendship", args=[record.id]), replayed=replayed)
        return Response(render(record), 201, headers=headers)


class Friendship(Endpoint):
    """One friendship."""

    needs = {"GET": MANAGE}

    @operation(
        id="read_friendship",
        summary="One of your friendships",
        tag="friendships",
        answers={200: (FriendshipShape, "The friendship.", ACCEPTED)},
        errors=["not_found"],
        parameters=[FRIENDSHIP_ID],
    )
    def get(self, request: Request, friendship_id: str) -> Response:
        found = consent.read_friendship(friendship=friendship_id, by=person(request))
        return Response(render(found))


class _Change(Protocol):
    def __call__(self, *, friendship: str, now: datetime, by: str) -> consent.FriendshipRecord: ...


def _changed(request: Request, friendship_id: str, change: _Change) -> Response:
    read_body(request, Nothing)
    return Response(render(change(friendship=friendship_id, now=utcnow(), by=person(request))))


def _describe(id: str, summary: str, example: Mapping[str, Any], *more: str) -> Callable[..., Any]:  # noqa: A002
    return operation(
        id=id,
        summary=summary,
        tag="friendships",
        answers={200: (FriendshipShape, "The friendship as it is now.", example)},
        errors=["not_found", "invalid_input", *more],
        parameters=[FRIENDSHIP_ID],
    )


class FriendshipAccept(Endpoint):
    """Acceptance."""

    needs = {"POST": MANAGE}

    @_describe(
        "accept_friendship",
        "Accept a friendship that you were asked for",
        ACCEPTED | {"asked_by": FRIEND},
        "friendship_ended",
        "friendship_own_ask",
        "person_unknown",
    )
    def post(self, request: Request, friendship_id: str) -> Response:
        return _changed(request, friendship_id, consent.accept_friendship)


class FriendshipEnd(Endpoint):
    """The end of a friendship."""

    needs = {"POST": MANAGE}

    @_describe(
        "end_friendship",
        "Decline, withdraw or end a friendship: from the answer on, nothing is permitted by it",
        ACCEPTED | {"state": "ended", "ended": LATER},
    )
    def post(self, request: Request, friendship_id: str) -> Response:
        return _changed(request, friendship_id, consent.end_friendship)
