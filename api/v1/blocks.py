"""`/v1/blocks`: of whom one wants nothing. Who is blocked isn't told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import reverse
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
from api.v1.examples import FRIEND, LATER, NOW
from api.v1.fields import Moment, read_body
from api.v1.friendships import PersonRequest
from api.v1.paging import page_body, page_query, page_shape
from common.clock import utcnow
from consent import interface as consent

MANAGE = (of_person("consent:manage"),)
BLOCK_ID = opaque_id("block_id", "blk")
_ID = "blk_6q7r2s3t4u5v6w7x2y3z4a5b6c"
_BLOCK: dict[str, Any] = {
    "id": _ID,
    "blocked": FRIEND,
    "state": "live",
    "since": NOW,
    "lifted": None,
}


class BlockShape(serializers.Serializer[Any]):
    """A block that you made."""

    id = serializers.CharField()
    blocked = serializers.CharField(help_text="Account id.")
    state = serializers.CharField(help_text="live or lifted.")
    since = Moment()
    lifted = Moment(allow_null=True)


def _render(record: consent.BlockRecord) -> Mapping[str, Any]:
    return BlockShape(record).data


class Blocks(Endpoint):
    """One's blocks."""

    needs = {"GET": MANAGE, "POST": MANAGE}

    @operation(
        id="list_blocks",
        summary="Whom you have blocked, newest first, lifted blocks too",
        tag="blocks",
        answers={
            200: (
                page_shape("BlockPage", BlockShape),
                "A page of them.",
                {"items": [_BLOCK], "next": f"/v1/blocks?limit=1&after={_ID}", "previous": None},
            )
        },
        errors=PAGING_CODES,
        parameters=PAGING,
    )
    def get(self, request: Request) -> Response:
        paging, _ = page_query(request)
        page = consent.list_blocks(blocker=person(request), **paging)
        return Response(page_body(request, page, _render, {"limit": paging["limit"]}))

    @operation(
        id="block_account",
        summary="Block somebody: from the answer on, nothing of yours is permitted to them",
        tag="blocks",
        request=PersonRequest,
        sends={"account": FRIEND},
        answers={201: (BlockShape, "The block that stands.", _BLOCK)},
        errors=["invalid_input", "person_unknown", "person_is_oneself", *IDEMPOTENCY_CODES],
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request) -> Response:
        asked, account_id, now = read_body(request, PersonRequest), person(request), utcnow()
        record, replayed = once(
            request,
            operation="block_account",
            body=asked,
            now=now,
            do=lambda: consent.block_account(**asked, now=now, by=account_id),
            name=lambda made: made.id,
            again=lambda made: consent.read_block(block=made, by=account_id),
        )
        headers = headers_of(reverse("block", args=[record.id]), replayed=replayed)
        return Response(_render(record), 201, headers=headers)


class Block(Endpoint):
    """One block."""

    needs = {"GET": MANAGE}

    @operation(
        id="read_block",
        summary="A block that you made",
        tag="blocks",
        answers={200: (BlockShape, "The block.", _BLOCK)},
        errors=["not_found"],
        parameters=[BLOCK_ID],
    )
    def get(self, request: Request, block_id: str) -> Response:
        return Response(_render(consent.read_block(block=block_id, by=person(request))))


class BlockLift(Endpoint):
    """The end of a block."""

    needs = {"POST": MANAGE}

    @operation(
        id="lift_block",
        summary="Lift a block: grants and friendship that slept under it count again",
        tag="blocks",
        answers={
            200: (
                BlockShape,
                "The block as it was lifted.",
                _BLOCK | {"state": "lifted", "lifted": LATER},
            )
        },
        errors=["not_found", "invalid_input"],
        parameters=[BLOCK_ID],
    )
    def post(self, request: Request, block_id: str) -> Response:
        read_body(request, Nothing)
        record = consent.lift_block(block=block_id, now=utcnow(), by=person(request))
        return Response(_render(record))
