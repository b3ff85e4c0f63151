"""Reading a body, strictly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import QueryDict
from rest_framework.parsers import BaseParser

from api.errors import BodyTooLarge, FormInvalid
from common.canonical import strict_json


class StrictJSONParser(BaseParser):
    """One JSON text, read as `common.canonical.strict_json` does, up to the body's limit."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """The value of the body.

        Raises:
            BodyTooLarge: over `DATA_UPLOAD_MAX_MEMORY_SIZE` bytes.
            MalformedInput: not JSON, or JSON that two readers could take for two things.
        """
        return strict_json(_read(stream))


class TokenFormParser(BaseParser):
    """A form of OAuth (RFC 7662, 2.1): no parameter twice, no NUL."""

    media_type = "application/x-www-form-urlencoded"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, str]:
        """The form's parameters.

        Raises:
            BodyTooLarge: over `DATA_UPLOAD_MAX_MEMORY_SIZE` bytes.
            FormInvalid: not a form, or one that can be read in two ways.
        """
        try:
            form = QueryDict(_read(stream).decode("utf-8"), encoding="utf-8")
        except (ValueError, SuspiciousOperation) as error:
            raise FormInvalid from error
        found = {name: str(values[0]) for name, values in form.lists() if len(values) == 1}
        if len(found) != len(form) or "\x00" in "".join(found.values()):
            raise FormInvalid
        return found


def _read(stream: IO[Any]) -> bytes:
    limit: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    body: bytes = stream.read(limit + 1)
    if len(body) > limit:
        raise BodyTooLarge
    return body
