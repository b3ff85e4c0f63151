"""Likeness tokens: a JWS of type `likeness+jwt`, signed with Ed25519 (RFC 7515, 8725, 9864).

`mint` and `verify` are pure. `verify` goes in numbered steps, each of which raises its own
`TokenRefused`; a token it gives back was good when it was issued, at most 120 s ago. Only
redemption permits a render.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from joserfc import jws
from joserfc.errors import BadSignatureError, JoseError
from joserfc.jwk import OKPKey

from common.canonical import canonical_bytes, strict_json
from common.errors import MalformedInput
from consent.errors import (
    TokenClaimsInvalid,
    TokenExpired,
    TokenHeaderRefused,
    TokenKeyUnknown,
    TokenMalformed,
    TokenNotYetValid,
    TokenSignatureInvalid,
    TokenWrongAudience,
    TokenWrongIssuer,
)
from consent.request import MAX_LIKENESSES, is_digest
from consent.terms import Price

TYPE = "likeness+jwt"
ALGORITHM = "Ed25519"
DETAIL_TYPE = "likeness"
ACTIONS = ("generate",)
PRIVILEGES = ("face",)
MAX_LENGTH = 8192
MAX_LIFE = 120
SKEW = 5

_BASE64URL = re.compile(r"[A-Za-z0-9_-]+")
_MAX_TEXT = 256
# Far beyond any date, and small enough that no reader loses digits.
_MAX_INTEGER = 2**53 - 1


@dataclass(frozen=True, slots=True)
class LikenessDetail:
    """One likeness the token speaks of (RFC 9396).

    Attributes:
        grant, grant_version: what it rests on; None for the requester's own likeness, and where
            the audience lets them in.
        approval: of this very request, which the redemption spends.
        price: what the use costs.
    """

    identifier: str
    purpose: str
    epoch: int
    grant: str | None
    grant_version: int | None
    approval: str | None = None
    price: Price | None = None

    def claim(self) -> dict[str, Any]:
        """Its JSON form; what there is no approval or price of is left out."""
        extra: dict[str, Any] = {}
        if self.approval is not None:
            extra["approval"] = self.approval
        if self.price is not None:
            extra["price"] = self.price.document()
        return extra | {
            "type": DETAIL_TYPE,
            "identifier": self.identifier,
            "actions": list(ACTIONS),
            "purpose": self.purpose,
            "privileges": list(PRIVILEGES),
            "grant": self.grant,
            "grant_version": self.grant_version,
            "epoch": self.epoch,
        }


@dataclass(frozen=True, slots=True)
class LikenessToken:
    """The claims of a likeness token. Times are whole seconds since 1970 UTC.

    Attributes:
        issuer: the service's public address (`iss`).
        audience: the generator it is for (`aud`).
        requester: the account on whose behalf it was issued (`sub`).
        issued, not_before, expires: `iat`, `nbf`, `exp`; at most 120 s from first to last.
        jti: its id, at least 128 random bits.
        details: one entry per likeness (`authorization_details`).
        request_hash: digest of the request it was issued for.
        obligations: what the generator must do with what it renders.
    """

    issuer: str
    audience: str
    requester: str
    issued: int
    not_before: int
    expires: int
    jti: str
    details: tuple[LikenessDetail, ...]
    request_hash: str
    obligations: tuple[str, ...]

    def claims(self) -> dict[str, Any]:
        """The JWT claims set."""
        return {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": self.requester,
            "iat": self.issued,
            "nbf": self.not_before,
            "exp": self.expires,
            "jti": self.jti,
            "authorization_details": [detail.claim() for detail in self.details],
            "request_hash": self.request_hash,
            "obligations": list(self.obligations),
        }


def mint(token: LikenessToken, key: OKPKey) -> str:
    """The signed token. The same claims and key give the same bytes (Ed25519, RFC 8785).

    Args:
        token: the claims.
        key: an Ed25519 private key with a `kid`.
    """
    header = {"alg": ALGORITHM, "kid": key.kid, "typ": TYPE}
    text: str = jws.serialize_compact(
        header, canonical_bytes(token.claims()), key, algorithms=[ALGORITHM]
    )
    return text


def verify(
    text: str,
    keys: Mapping[str, OKPKey],
    *,
    issuer: str,
    audience: str,
    now: datetime,
) -> LikenessToken:
    """The token that `text` holds, if everything about it is as it must be.

    Args:
        text: a compact JWS, at most 8,192 characters.
        keys: the issuer's pinned public keys by `kid`; no key is ever taken from the token.
        issuer: what `iss` must be, exactly.
        audience: what `aud` must be, exactly.
        now: the moment it is verified for; up to 5 s of skew are forgiven.

    Raises:
        TokenRefused: a subclass that says which step refused it.
    """
    # 1. The form: three strict parts that hold strict JSON objects.
    header_part, payload_part, _ = _parts(text)
    header = _object(header_part)
    payload = _object(payload_part)

    # 2. The header: our type, the one algorithm, nothing that changes how the rest is read.
    #    jku, jwk, x5u and x5c are never looked at.
    if header.get("typ") != TYPE or header.get("alg") != ALGORITHM:
        raise TokenHeaderRefused
    if "crit" in header or "b64" in header:
        raise TokenHeaderRefused

    # 3. The key: one that was pinned before the token came.
    kid = header.get("kid")
    key = keys.get(kid) if isinstance(kid, str) else None
    if key is None:
        raise TokenKeyUnknown

    # 4. The signature.
    try:
        jws.deserialize_compact(text, key, algorithms=[ALGORITHM])
    except BadSignatureError as error:
        raise TokenSignatureInvalid from error
    except (JoseError, ValueError) as error:
        raise TokenHeaderRefused from error

    # 5. The claims: exactly those of a likeness token, each of its type.
    token = from_claims(payload)

    # 6. From whom, and for whom.
    if token.issuer != issuer:
        raise TokenWrongIssuer
    if token.audience != audience:
        raise TokenWrongAudience

    # 7. When.
    moment = now.timestamp()
    if moment >= token.expires + SKEW:
        raise TokenExpired
    if moment < max(token.issued, token.not_before) - SKEW:
        raise TokenNotYetValid
    return token


def _parts(text: object) -> tuple[bytes, bytes, bytes]:
    if not isinstance(text, str) or len(text) > MAX_LENGTH:
        raise TokenMalformed
    parts = text.split(".")
    if len(parts) != 3:
        raise TokenMalformed
    header, payload, signature = (_decode(part) for part in parts)
    if len(signature) != 64:
        raise TokenMalformed
    return header, payload, signature


def _decode(part: str) -> bytes:
    """Strict base64url: its alphabet only, no padding, no bits left over that aren't zero."""
    if not _BASE64URL.fullmatch(part):
        raise TokenMalformed
    try:
        raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError) as error:
        raise TokenMalformed from error
    if base64.urlsafe_b64encode(raw).rstrip(b"=") != part.encode("ascii"):
        raise TokenMalformed
    return raw


def _object(raw: bytes) -> dict[str, Any]:
    try:
        value = strict_json(raw)
    except MalformedInput as error:
        raise TokenMalformed from error
    if not isinstance(value, dict):
        raise TokenMalformed
    return value


_CLAIMS = frozenset(
    {
        "iss",
        "aud",
        "sub",
        "iat",
        "nbf",
        "exp",
        "jti",
        "authorization_details",
        "request_hash",
        "obligations",
    }
)
_DETAIL = frozenset(
    {
        "type",
        "identifier",
        "actions",
        "purpose",
        "privileges",
        "grant",
        "grant_version",
        "epoch",
    }
)


_OPTIONAL = frozenset({"approval", "price"})
_CURRENCY = re.compile(r"[A-Z]{3}")


def _require(condition: bool) -> None:
    if not condition:
        raise TokenClaimsInvalid


def _text(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_TEXT:
        raise TokenClaimsInvalid
    return value


def _integer(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MAX_INTEGER:
        raise TokenClaimsInvalid
    return value


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TokenClaimsInvalid
    return value


def from_claims(payload: Mapping[str, Any]) -> LikenessToken:
    """The token with these claims; the inverse of `LikenessToken.claims`.

    Raises:
        TokenClaimsInvalid: for a claim that is missing, unknown or of another type or range.
    """
    _require(payload.keys() == _CLAIMS)
    details = tuple(_detail(entry) for entry in _list(payload["authorization_details"]))
    _require(1 <= len(details) <= MAX_LIKENESSES)
    _require(len({detail.identifier for detail in details}) == len(details))
    issued, not_before, expires = (_integer(payload[name]) for name in ("iat", "nbf", "exp"))
    _require(issued <= not_before < expires <= issued + MAX_LIFE)
    _require(is_digest(payload["request_hash"]))
    return LikenessToken(
        issuer=_text(payload["iss"]),
        audience=_text(payload["aud"]),
        requester=_text(payload["sub"]),
        issued=issued,
        not_before=not_before,
        expires=expires,
        jti=_text(payload["jti"]),
        details=details,
        request_hash=payload["request_hash"],
        obligations=tuple(_text(item) for item in _list(payload["obligations"])),
    )


def _detail(entry: object) -> LikenessDetail:
    if not isinstance(entry, dict):
        raise TokenClaimsInvalid
    _require(entry.keys() >= _DETAIL and entry.keys() <= _DETAIL | _OPTIONAL)
    _require(entry["type"] == DETAIL_TYPE)
    _require(entry["actions"] == list(ACTIONS) and entry["privileges"] == list(PRIVILEGES))
    _require((entry["grant"] is None) == (entry["grant_version"] is None))
    return LikenessDetail(
        identifier=_text(entry["identifier"]),
        purpose=_text(entry["purpose"]),
        epoch=_integer(entry["epoch"]),
        grant=None if entry["grant"] is None else _text(entry["grant"]),
        grant_version=(
            None if entry["grant_version"] is None else _integer(entry["grant_version"])
        ),
        approval=_text(entry["approval"]) if "approval" in entry else None,
        price=_price(entry["price"]) if "price" in entry else None,
    )


def _price(value: object) -> Price:
    if not isinstance(value, dict) or value.keys() != {"amount", "currency"}:
        raise TokenClaimsInvalid
    currency = _text(value["currency"])
    _require(_CURRENCY.fullmatch(currency) is not None)
    return Price(_integer(value["amount"]), currency)
