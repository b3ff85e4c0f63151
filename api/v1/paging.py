"""Lists: a page of items, and the addresses of the pages beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar
from urllib.parse import urlencode

from rest_framework import serializers
from rest_framework.request import Request

from api.v1.fields import read_query
from common.errors import FieldError, InvalidInput

DEFAULT_LIMIT = 50
MAX_LIMIT = 100
Item = TypeVar("Item", covariant=True)


class PageLike(Protocol[Item]):
    """What a door's list gives."""

    @property
    def items(self) -> tuple[Item, ...]: ...
    @property
    def next(self) -> str | None: ...
    @property
    def previous(self) -> str | None: ...


def page_shape(name: str, item: type[serializers.Serializer[Any]]) -> Any:
    """The serializer of a page of `item`s, for the documentation."""
    fields = {
        "items": item(many=True),
        "next": serializers.CharField(allow_null=True, help_text="Address of the next page."),
        "previous": serializers.CharField(allow_null=True, help_text="Of the page before."),
    }
    return type(name, (serializers.Serializer,), fields)


def page_query(request: Request, *others: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Paging arguments for a door, and the other query parameters `others`.

    Raises:
        InvalidInput: for an unknown parameter, or a limit that isn't 1 to 100.
    """
    found = read_query(request, "limit", "after", "before", *others)
    text = found.get("limit", str(DEFAULT_LIMIT))
    limit = int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else 0
    if not 1 <= limit <= MAX_LIMIT:
        field = FieldError("/limit", "out_of_range", f"1 to {MAX_LIMIT} are taken.")
        raise InvalidInput(fields=(field,))
    paging = {"limit": limit, "after": found.get("after"), "before": found.get("before")}
    return paging, {name: found[name] for name in others if name in found}


def page_body(
    request: Request,
    page: PageLike[Item],
    render: Callable[[Item], Mapping[str, Any]],
    query: Mapping[str, Any],
) -> dict[str, Any]:
    """The answer that holds `page`; `query` is repeated in the addresses beside it."""

    def address(side: str, cursor: str | None) -> str | None:
        return None if cursor is None else f"{request.path}?{urlencode({**query, side: cursor})}"

    return {
        "items": [render(item) for item in page.items],
        "next": address("after", page.next),
        "previous": address("before", page.previous),
    }
