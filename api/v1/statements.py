"""`/v1/statements`: what uses of one's likeness earned, month by month."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.authentication import person
from api.schema import PAGING, PAGING_CODES, operation
from api.v1.cameos import READ
from api.v1.endpoint import Endpoint
from api.v1.examples import CAMEO, CLIENT, FRIEND, GRANT, NOW, USE
from api.v1.fields import Moment, read_query
from api.v1.paging import page_body, page_query, page_shape
from common.clock import utcnow
from consent import interface as consent

MONTH = OpenApiParameter(
    "month", str, "query", description="Such as 2026-11, in UTC; the present one if left out."
)
_LINE = {
    "use": USE,
    "cameo": CAMEO,
    "generator": CLIENT,
    "requester": FRIEND,
    "grant": GRANT,
    "amount": 250,
    "currency": "EUR",
    "at": NOW,
}


class TotalShape(serializers.Serializer[Any]):
    """What the uses through one generator come to."""

    generator = serializers.CharField()
    currency = serializers.CharField(help_text="ISO 4217.")
    amount = serializers.IntegerField(help_text="In the currency's minor units.")
    uses = serializers.IntegerField()


class StatementShape(serializers.Serializer[Any]):
    """A month of UTC."""

    month = serializers.CharField()
    since = Moment()
    until = Moment(help_text="The moment at which the next one begins.")
    totals = TotalShape(many=True, help_text="Of uses that had a price, by generator and currency.")


class LineShape(serializers.Serializer[Any]):
    """What one use cost, by the terms as they were when its token was redeemed."""

    use = serializers.CharField()
    cameo = serializers.CharField()
    generator = serializers.CharField()
    requester = serializers.CharField()
    grant = serializers.CharField(allow_null=True, help_text="Null: the audience allowed it.")
    amount = serializers.IntegerField(help_text="In the currency's minor units.")
    currency = serializers.CharField()
    at = Moment()


def _month(given: Mapping[str, str]) -> str:
    return given.get("month", f"{utcnow():%Y-%m}")


class Statements(Endpoint):
    """The sums."""

    needs = {"GET": READ}

    @operation(
        id="read_statement",
        summary="What uses of your likeness earned in a month, by generator and currency",
        tag="statements",
        answers={
            200: (
                StatementShape,
                "The month's totals.",
                {
                    "month": "2026-05",
                    "since": "2026-05-01T00:00:00.000000Z",
                    "until": "2026-06-01T00:00:00.000000Z",
                    "totals": [{"generator": CLIENT, "currency": "EUR", "amount": 1250, "uses": 5}],
                },
            )
        },
        errors=["month_invalid", "invalid_input"],
        parameters=[MONTH],
    )
    def get(self, request: Request) -> Response:
        month = _month(read_query(request, "month"))
        record = consent.read_statement(owner=person(request), month=month)
        return Response(StatementShape(record).data)


class StatementLines(Endpoint):
    """What they are the sums of."""

    needs = {"GET": READ}

    @operation(
        id="list_statement_lines",
        summary="The single uses that a month's statement adds up, newest first",
        tag="statements",
        answers={
            200: (
                page_shape("StatementLinePage", LineShape),
                "A page of them.",
                {"items": [_LINE], "next": None, "previous": None},
            )
        },
        errors=["month_invalid", *PAGING_CODES],
        parameters=[*PAGING, MONTH],
    )
    def get(self, request: Request) -> Response:
        paging, others = page_query(request, "month")
        month = _month(others)
        page = consent.list_statement_lines(owner=person(request), month=month, **paging)
        query = {"month": month, "limit": paging["limit"]}
        return Response(page_body(request, page, lambda line: LineShape(line).data, query))
