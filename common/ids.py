"""Opaque identifiers: a short prefix that names the kind, and 128 random bits."""

from __future__ import annotations

import base64
import re
import secrets

_BODY = re.compile(r"[a-z2-7]{26}")
MAX_LENGTH = 32


def new_id(prefix: str) -> str:
    """A fresh identifier such as `cam_…`: `prefix`, `_`, 26 base32 characters (128 bits)."""
    body = base64.b32encode(secrets.token_bytes(16)).decode("ascii").rstrip("=").lower()
    return f"{prefix}_{body}"


def is_id(prefix: str, text: str) -> bool:
    """Whether `text` has the form that `new_id(prefix)` gives; says nothing of its existence."""
    head, _, body = text.partition("_")
    return head == prefix and _BODY.fullmatch(body) is not None
