"""Canonical bytes (RFC 8785), digests over them, and strict reading of JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NoReturn

import rfc8785

from common.errors import MalformedInput

MAX_DEPTH = 32


def canonical_bytes(value: Any) -> bytes:
    """RFC 8785 bytes of a JSON value.

    Raises:
        MalformedInput: if `value` has no canonical form (NaN, an integer beyond 2^53, a key
            that isn't a string, a type that JSON doesn't have).
    """
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, ValueError, RecursionError) as error:
        raise MalformedInput("This value has no canonical JSON form.") from error


def sha256_hex(data: bytes) -> str:
    """SHA-256 of `data` in lower-case hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def canonical_digest(value: Any) -> str:
    """SHA-256, in hexadecimal, over the RFC 8785 bytes of `value`."""
    return sha256_hex(canonical_bytes(value))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise MalformedInput("A JSON object names the same member twice.")
        found[key] = value
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedInput(f"{name} is not JSON.")


def _check(value: Any, depth: int = 0) -> None:
    if depth > MAX_DEPTH:
        raise MalformedInput("The JSON is nested too deep.")
    if isinstance(value, str):
        # An escaped NUL or lone surrogate passes the parser, but not PostgreSQL or UTF-8.
        if "\x00" in value or _has_surrogate(value):
            raise MalformedInput("The JSON holds a character that has no place in text.")
    elif isinstance(value, Mapping):
        for key, member in value.items():
            _check(key, depth + 1)
            _check(member, depth + 1)
    elif isinstance(value, list):
        for member in value:
            _check(member, depth + 1)


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def strict_json(data: bytes | str) -> Any:
    """The value of a JSON text; stricter than `json.loads`.

    Refuses duplicate members (two readers could see two documents), `NaN` and `Infinity`,
    bytes that aren't UTF-8, lone surrogates, NUL, and nesting beyond `MAX_DEPTH`.

    Raises:
        MalformedInput: for each of these, and for anything that isn't JSON.
    """
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise MalformedInput("The text is not JSON.") from error
    _check(value)
    return value
