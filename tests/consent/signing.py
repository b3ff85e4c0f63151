"""A key, a good token, and ways to make bad ones that are well signed."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc.jwk import OKPKey

from consent.errors import TokenRefused
from consent.tokens import LikenessDetail, LikenessToken, mint, verify

ISSUER = "https://cameo.example"
NOW = datetime(2030, 1, 1, 12, 0, 0, tzinfo=UTC)
IAT = int(NOW.timestamp())
# Order of the group that Ed25519 signs in (RFC 8032, section 5.1).
GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def okp(seed: bytes, kid: str) -> OKPKey:
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    jwk: dict[str, str | list[str]] = {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": b64(public),
        "d": b64(seed),
        "kid": kid,
    }
    return OKPKey.import_key(jwk)


SEED = bytes(range(32))
KEY = okp(SEED, "key_one")
STRANGER = okp(bytes(32), "key_two")
KEYS = {"key_one": KEY}

DETAIL = LikenessDetail("cam_a", "personal", 3, "grt_a", 1)
TOKEN = LikenessToken(
    issuer=ISSUER,
    audience="gen",
    requester="acc_bob",
    issued=IAT,
    not_before=IAT,
    expires=IAT + 120,
    jti="lkt_x",
    details=(DETAIL,),
    request_hash="0" * 64,
    obligations=(),
)
HEADER = {"alg": "Ed25519", "kid": "key_one", "typ": "likeness+jwt"}


def check(text: Any, *, now: datetime = NOW, audience: str = "gen") -> LikenessToken:
    return verify(text, KEYS, issuer=ISSUER, audience=audience, now=now)


def sign(header: bytes | dict[str, Any], payload: bytes | dict[str, Any]) -> str:
    """A token signed with the real key, whatever it says: the signature is never what saves us."""
    parts = [
        b64(part if isinstance(part, bytes) else json.dumps(part).encode())
        for part in (header, payload)
    ]
    text = ".".join(parts)
    signature = Ed25519PrivateKey.from_private_bytes(SEED).sign(text.encode())
    return f"{text}.{b64(signature)}"


def claims(**changes: Any) -> dict[str, Any]:
    return TOKEN.claims() | changes


def detail(**changes: Any) -> dict[str, Any]:
    return claims(authorization_details=[DETAIL.claim() | changes])


def code_of(text: Any, **given: Any) -> str:
    with pytest.raises(TokenRefused) as refused:
        check(text, **given)
    return refused.value.code


GOOD = mint(TOKEN, KEY)
PARTS = GOOD.split(".")
