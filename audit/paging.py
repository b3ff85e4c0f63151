"""Cursor pagination over a stable key, newest first: lists stay right while rows are added."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.db.models import Model, Q, QuerySet

from common.errors import InvalidInput
from common.ids import is_id

MAX_LIMIT = 100

M = TypeVar("M", bound=Model)
T = TypeVar("T")


class CursorUnknown(InvalidInput):
    """A list's cursor that doesn't belong to that list."""

    code = "cursor_unknown"
    message = "The list has no such place."


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Part of a list, newest first.

    Attributes:
        items: at most as many as were asked for.
        next: cursor of what follows (give it as `after`), None at the end.
        previous: cursor of what comes before (give it as `before`), None at the beginning.
    """

    items: tuple[T, ...]
    next: str | None
    previous: str | None


def page(
    rows: QuerySet[M],
    record: Callable[[M], T],
    *,
    moment: str,
    name: str,
    prefix: str,
    after: str | None,
    before: str | None,
    limit: int,
    places: QuerySet[M] | None = None,
) -> Page[T]:
    """One page of `rows`, ordered by the fields `moment` and `name`, both descending.

    Args:
        rows: what is listed; a cursor names one of them by its `name`.
        record: what a row becomes.
        moment: field with the time.
        name: field with the id, unique among `rows`.
        prefix: of the ids.
        after: give what follows this one.
        before: give what comes before this one.
        limit: at most so many, 1 to `MAX_LIMIT`.
        places: rows that a cursor may name, where some of them may have left the list since.

    Raises:
        CursorUnknown: for a cursor that isn't among them, two cursors, or another limit.
    """
    if not 1 <= limit <= MAX_LIMIT or (after is not None and before is not None):
        raise CursorUnknown
    backwards = before is not None
    cursor = before if backwards else after
    found = rows
    if cursor is not None:
        if not is_id(prefix, cursor):
            raise CursorUnknown
        found = found.filter(
            _beyond(rows if places is None else places, cursor, moment, name, backwards)
        )
    order = (moment, name) if backwards else (f"-{moment}", f"-{name}")
    taken = list(found.order_by(*order)[: limit + 1])
    more, taken = len(taken) > limit, taken[:limit]
    if backwards:
        taken.reverse()
    first, last = (_key(taken[0], name), _key(taken[-1], name)) if taken else (None, None)
    return Page(
        items=tuple(record(row) for row in taken),
        next=last if more or backwards else None,
        previous=first if (more if backwards else after is not None) else None,
    )


def _key(row: Model, name: str) -> str:
    value: str = getattr(row, name)
    return value


def _beyond(rows: QuerySet[Any], cursor: str, moment: str, name: str, backwards: bool) -> Q:
    at: datetime | None = rows.filter(**{name: cursor}).values_list(moment, flat=True).first()
    if at is None:
        raise CursorUnknown
    side = "gt" if backwards else "lt"
    return Q(**{f"{moment}__{side}": at}) | Q(**{moment: at, f"{name}__{side}": cursor})
