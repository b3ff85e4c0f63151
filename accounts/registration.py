"""Checks of what a generator is registered with. Pure: no database."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey

from accounts.errors import (
    AudienceInvalid,
    EncryptionKeyInvalid,
    GeneratorNameInvalid,
    RedirectAddressInvalid,
)

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_AUDIENCE = re.compile(r"[A-Za-z0-9._~:/-]{1,200}")
# Printable ASCII without the signs that have a meaning to a template or a space-separated list.
_ADDRESS = re.compile(r"[A-Za-z0-9._~:/?%&=+\[\]-]{1,500}")
# RFC 7518, 6.2.2, 6.3.2 and 6.4.1: a key with one of these could also open what is sealed.
_PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_PUBLIC_MEMBERS: Final = ("kty", "crv", "x", "y")


def check_name(name: str) -> str:
    """`name` without outer spaces.

    Raises:
        GeneratorNameInvalid: if it is empty, over 100 characters, or not printable.
    """
    name = name.strip()
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise GeneratorNameInvalid
    return name


def check_audience(audience: str) -> str:
    """`audience` as it is.

    Raises:
        AudienceInvalid: if it has other characters than an address or a name in ASCII.
    """
    if _AUDIENCE.fullmatch(audience) is None:
        raise AudienceInvalid
    return audience


def check_redirect(address: str) -> str:
    """`address` as it is (RFC 8252, 7.3 and RFC 9700, 2.1: exact, https or loopback).

    Raises:
        RedirectAddressInvalid: for anything else.
    """
    if _ADDRESS.fullmatch(address) is None:
        raise RedirectAddressInvalid
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise RedirectAddressInvalid from error
    if not host or parts.username is not None or parts.scheme not in {"https", "http"}:
        raise RedirectAddressInvalid
    if parts.scheme == "http" and host not in LOOPBACK:
        raise RedirectAddressInvalid
    return address


def check_encryption_key(jwk: object) -> dict[str, str]:
    """The public members of `jwk`, and its `kid` if it has one.

    Raises:
        EncryptionKeyInvalid: if it isn't an OKP key on X25519 or an EC key on P-256, holds a
            private part, is for signatures, or isn't a point of the curve.
    """
    if not isinstance(jwk, Mapping) or _PRIVATE_MEMBERS & set(jwk):
        raise EncryptionKeyInvalid
    if jwk.get("use", "enc") != "enc":
        raise EncryptionKeyInvalid
    kept: dict[str, str] = {}
    for member in (*_PUBLIC_MEMBERS, "kid"):
        value: Any = jwk.get(member)
        if isinstance(value, str) and len(value) <= 200:
            kept[member] = value
        elif member in jwk:
            raise EncryptionKeyInvalid
    kind = (kept.get("kty"), kept.get("crv"))
    try:
        if kind == ("OKP", "X25519"):
            key: OKPKey | ECKey = OKPKey.import_key({m: kept[m] for m in ("kty", "crv", "x")})
        elif kind == ("EC", "P-256"):
            key = ECKey.import_key({m: kept[m] for m in _PUBLIC_MEMBERS})
        else:
            raise EncryptionKeyInvalid
        # Reads the coordinates: a point that isn't on the curve is found here, not at a release.
        native = key.public_key
        if isinstance(native, X25519PublicKey):
            # A point of small order would give every sender the same secret (RFC 7748, 6.1).
            X25519PrivateKey.generate().exchange(native)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise EncryptionKeyInvalid from error
    return kept
