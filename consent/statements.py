"""What uses cost their generators and earn their owners: read month by month, never changed.

A use accrues its price in the transaction that redeems its token, as the terms said then. Nothing
here charges anybody; a statement is a sum over those lines.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from django.db.models import Count, QuerySet, Sum

from audit.interface import Page, page
from common.errors import FieldError
from consent.errors import MonthInvalid
from consent.models import Accrual
from consent.records import StatementLine, StatementRecord, StatementTotal
from consent.selectors import DEFAULT_LIMIT

_MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])")


def read_statement(*, owner: str, month: str) -> StatementRecord:
    """What the likenesses of `owner` (account id) earned in a month of UTC.

    Args:
        owner: account id.
        month: such as `2026-11`.

    Returns:
        One total for each generator and currency, in that order; none where nothing accrued.
        Uses without a price, and one's own, aren't among them.

    Raises:
        MonthInvalid: for anything but a month from 2000 to 2099.
    """
    since, until = month_bounds(month)
    found = (
        _lines(owner, since, until)
        .values("generator", "currency")
        .annotate(total=Sum("amount"), uses=Count("use"))
        .order_by("generator", "currency")
    )
    totals = tuple(
        StatementTotal(row["generator"], row["currency"], int(row["total"]), row["uses"])
        for row in found
    )
    return StatementRecord(month, since, until, totals)


def list_statement_lines(
    *,
    owner: str,
    month: str,
    after: str | None = None,
    before: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Page[StatementLine]:
    """The single uses behind `read_statement`, newest first; cursors are use ids.

    Raises:
        MonthInvalid: as there.
        CursorUnknown: for a cursor that isn't one of that month's uses.
    """
    since, until = month_bounds(month)
    return page(
        _lines(owner, since, until).select_related("use"),
        _line,
        moment="at",
        name="use_id",
        prefix="use",
        after=after,
        before=before,
        limit=limit,
    )


def month_bounds(month: str) -> tuple[datetime, datetime]:
    """Where a month of UTC begins, and where the next one does.

    Raises:
        MonthInvalid: for anything but a month from 2000 to 2099.
    """
    if _MONTH.fullmatch(month) is None:
        field = FieldError("/month", "not_a_month", "A month such as 2026-11 is taken.")
        raise MonthInvalid(fields=(field,))
    year, number = int(month[:4]), int(month[5:])
    following = (year + 1, 1) if number == 12 else (year, number + 1)
    return datetime(year, number, 1, tzinfo=UTC), datetime(*following, 1, tzinfo=UTC)


def _lines(owner: str, since: datetime, until: datetime) -> QuerySet[Any]:
    return Accrual.objects.filter(owner_id=owner, at__gte=since, at__lt=until)


def _line(row: Accrual) -> StatementLine:
    return StatementLine(
        use=row.use_id,
        cameo=row.cameo_id,
        generator=row.generator,
        requester=row.use.requester_id,
        grant=row.grant_id,
        amount=row.amount,
        currency=row.currency,
        at=row.at,
    )
