"""Serializer fields that take exactly what they say, and render as the conventions say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from rest_framework import serializers
from rest_framework.request import Request

from common.clock import rfc3339
from common.errors import FieldError, InvalidInput
from common.ids import MAX_LENGTH, is_id

MAX_NAME = 40
Value = TypeVar("Value")


class Moment(serializers.DateTimeField):
    """RFC 3339 in UTC with microseconds."""

    def to_representation(self, value: datetime) -> str:
        return rfc3339(value)


class Text(serializers.CharField):
    """A JSON string; numbers and booleans are not turned into one."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class OrNull(serializers.CharField):
    """Text in which empty means that there is none."""

    def get_attribute(self, instance: Any) -> Any:
        return super().get_attribute(instance) or None


class Id(Text):
    """An opaque id of the kind that `prefix` names; says nothing of whether there is one."""

    default_error_messages = {"not_an_id": "This is not an id of the kind that is taken."}

    def __init__(self, prefix: str, **kwargs: Any) -> None:
        self._prefix = prefix
        super().__init__(max_length=MAX_LENGTH, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if not is_id(self._prefix, text):
            self.fail("not_an_id")
        return text


class Flag(serializers.BooleanField):
    """JSON's true or false; neither words nor numbers are turned into one."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=type(data).__name__)
        return data


class OneOrSome(serializers.ListField):
    """A list of a few short texts; one of them alone may stand without the list."""

    child = Text(max_length=20)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=10, **kwargs)

    def to_internal_value(self, data: Any) -> list[str]:
        found: list[str] = super().to_internal_value([data] if isinstance(data, str) else data)
        return found


class Document(serializers.DictField):
    """A JSON object that a door reads itself, at the pointer of this field."""

    child = serializers.JSONField(allow_null=True)


class Written(serializers.Serializer[Any]):
    """A JSON value that a door has written already; the fields say what it looks like."""

    def to_representation(self, instance: Any) -> Any:
        return instance


class Body(serializers.Serializer[Any]):
    """A JSON object without members that nobody knows."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = sorted(str(name) for name in set(data) - set(self.fields))
            if unknown:
                raise InvalidInput(
                    fields=tuple(
                        FieldError(_pointer(name), "unknown_member", "There is no such member.")
                        for name in unknown[:20]
                    )
                )
        return super().to_internal_value(data)


def _pointer(name: str) -> str:
    # A member's name is somebody else's text: what it adds to an answer is bounded.
    return "/" + name[:MAX_NAME].replace("~", "~0").replace("/", "~1")


def read_body(request: Request, shape: type[Body]) -> dict[str, Any]:
    """The body's members, checked.

    Raises:
        InvalidInput: with a field error for everything that is wrong.
    """
    serializer = shape(data=request.data)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def read_query(request: Request, *names: str) -> dict[str, str]:
    """Query parameters by name, those that are given.

    Raises:
        InvalidInput: for an unknown name, one given twice, or a value over 200 characters or
            with a NUL.
    """
    found: dict[str, str] = {}
    for name, values in request.query_params.lists():
        pointer = _pointer(name.replace("\x00", ""))
        if name not in names:
            raise InvalidInput(
                "A query parameter is unknown.",
                fields=(FieldError(pointer, "unknown_parameter", "There is no such parameter."),),
            )
        value = str(values[0])
        if len(values) != 1 or len(value) > 200 or "\x00" in value:
            raise InvalidInput(
                "A query parameter can't be read.",
                fields=(FieldError(pointer, "invalid", "One short value is taken."),),
            )
        found[name] = value
    return found


class within:  # noqa: N801 - reads as a phrase at its place of use
    """Field errors that are raised inside point into the member `pointer` of the body."""

    def __init__(self, pointer: str) -> None:
        self._pointer = pointer

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, InvalidInput):
            error.fields = tuple(
                FieldError(self._pointer + field.pointer, field.code, field.message)
                for field in error.fields
            )
