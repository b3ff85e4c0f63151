"""`/v1/invites`: four codes each, which bring new people in as friends."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.authentication import person
from api.idempotency import headers_of, once
from api.permissions import of_person
from api.schema import IDEMPOTENCY_CODES, IDEMPOTENCY_KEY, opaque_id, operation
from api.v1.cameos import Nothing
from api.v1.endpoint import Endpoint
from api.v1.examples import FRIEND, LATER, NOW
from api.v1.fields import Body, Moment, Text, read_body, read_query
from api.v1.friendships import ACCEPTED, FriendshipShape, render
from api.v1.paging import page_shape
from common.clock import utcnow
from consent import interface as consent

MANAGE = (of_person("consent:manage"),)
INVITE_ID = opaque_id("invite_id", "inv")
MAX_CODE = 100
_CODE = "7K3M-Q9ZT-2XHB-V5RA-D8WE"
_INVITE: dict[str, Any] = {
    "id": "inv_7r2s3t4u5v6w7x2y3z4a5b6c7d",
    "code": _CODE,
    "state": "open",
    "created": NOW,
    "used": None,
    "used_by": None,
    "revoked": None,
}


class InviteShape(serializers.Serializer[Any]):
    """One of your invites."""

    id = serializers.CharField()
    code = serializers.CharField(
        allow_null=True, help_text="To give to one person; null once it can't be used."
    )
    state = serializers.CharField(help_text="open, used or revoked.")
    created = Moment()
    used = Moment(allow_null=True)
    used_by = serializers.CharField(allow_null=True, help_text="Account id of your new friend.")
    revoked = Moment(allow_null=True)


class RedeemInviteRequest(Body):
    """A code that somebody gave you."""

    code = Text(
        max_length=MAX_CODE, help_text="In either case, with or without the dashes between groups."
    )


class Invites(Endpoint):
    """One's invites."""

    needs = {"GET": MANAGE}

    @operation(
        id="list_invites",
        summary="Your four invites with their codes",
        tag="invites",
        answers={
            200: (
                page_shape("InvitePage", InviteShape),
                "All of them.",
                {"items": [_INVITE], "next": None, "previous": None},
            )
        },
        errors=["invalid_input"],
    )
    def get(self, request: Request) -> Response:
        read_query(request)
        found = consent.list_invites(inviter=person(request), now=utcnow())
        items = [InviteShape(one).data for one in found]
        return Response({"items": items, "next": None, "previous": None})


class InviteRevoke(Endpoint):
    """The end of an invite."""

    needs = {"POST": MANAGE}

    @operation(
        id="revoke_invite",
        summary="Revoke an invite: its code is good for nothing any more",
        tag="invites",
        answers={
            200: (
                InviteShape,
                "The invite as it was revoked.",
                _INVITE | {"code": None, "state": "revoked", "revoked": LATER},
            )
        },
        errors=["not_found", "invalid_input", "invite_used"],
        parameters=[INVITE_ID],
    )
    def post(self, request: Request, invite_id: str) -> Response:
        read_body(request, Nothing)
        record = consent.revoke_invite(invite=invite_id, now=utcnow(), by=person(request))
        return Response(InviteShape(record).data)


class InviteRedeem(Endpoint):
    """Where codes are redeemed."""

    needs = {"POST": MANAGE}

    @operation(
        id="redeem_invite",
        summary="Redeem a code: you and who gave it to you are friends",
        tag="invites",
        request=RedeemInviteRequest,
        sends={"code": _CODE},
        answers={201: (FriendshipShape, "The friendship.", ACCEPTED | {"asked_by": FRIEND})},
        errors=["invalid_input", "invite_unknown", "person_is_oneself", *IDEMPOTENCY_CODES],
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request) -> Response:
        asked, account_id, now = read_body(request, RedeemInviteRequest), person(request), utcnow()
        record, replayed = once(
            request,
            operation="redeem_invite",
            body=asked,
            now=now,
            do=lambda: consent.redeem_invite(code=asked["code"], now=now, by=account_id),
            name=lambda made: made.id,
            again=lambda made: consent.read_friendship(friendship=made, by=account_id),
        )
        headers = headers_of(reverse("friendship", args=[record.id]), replayed=replayed)
        return Response(render(record), 201, headers=headers)
