"""Attestation of a capture: a registered capture client signs which clip it recorded, for which
session. It is what stands against a clip that was made in software (docs/liveness.md).

A statement is a compact JWS (RFC 7515) with Ed25519 (RFC 9864). Its header is `alg`, `kid` (the
client's id) and `typ`; its claims are `session`, `nonce_sha256`, `clip_sha256` and `iat`. Nothing
else is taken, so that there is one way to read it.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings
from django.utils.module_loading import import_string
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from common.canonical import strict_json
from common.clock import rfc3339
from common.errors import MalformedInput, Misconfigured
from common.ids import is_id
from identity.models import CaptureClient
from identity.session_errors import AttestationInvalid

TYPE: Final = "capture-attestation+jws"
ALGORITHM: Final = "Ed25519"
MAX_LENGTH: Final = 4096
SKEW_SECONDS: Final = 5
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+")
_HEADER = {"alg", "kid", "typ"}
_CLAIMS = {"session", "nonce_sha256", "clip_sha256", "iat"}
_MAX_INTEGER = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Attested:
    """What a verifier found to be good.

    Attributes:
        client: id of the capture client that signed.
        issued: when it says it did.
    """

    client: str
    issued: datetime

    def to_json(self) -> dict[str, Any]:
        """As the session's row and the decision record keep it."""
        return {"client": self.client, "issued": rfc3339(self.issued)}


class AttestationVerifier(Protocol):
    """What `CAMEO_ATTESTATION_VERIFIER` names: a class that is made without arguments."""

    def verify(
        self, statement: str, *, session_id: str, nonce_hash: str, clip_sha256: str, now: datetime
    ) -> Attested:
        """What the statement attests.

        Args:
            statement: as it came, of any length and content.
            session_id: of the session that the clip answers.
            nonce_hash: of that session, hexadecimal.
            clip_sha256: of the clip that came with it, hexadecimal.
            now: when it came.

        Raises:
            AttestationInvalid: if it isn't a good one, for this session and this clip.
        """


class RegisteredClients:
    """The reference verifier: statements signed by a client that `capture_clients` registered."""

    def verify(
        self, statement: str, *, session_id: str, nonce_hash: str, clip_sha256: str, now: datetime
    ) -> Attested:
        """As the protocol says, step by step."""
        # 1. Three strict parts, whose first two hold the JSON objects that are documented.
        if len(statement) > MAX_LENGTH or not statement.isascii() or statement.count(".") != 2:
            raise AttestationInvalid("malformed")
        header, claims, _ = (_decoded(part) for part in statement.split("."))
        head, said = _object(header, _HEADER), _object(claims, _CLAIMS)
        # 2. The one algorithm and type there is.
        if head["alg"] != ALGORITHM or head["typ"] != TYPE:
            raise AttestationInvalid("header")
        # 3. A client that is registered, and not suspended.
        client = _client(head["kid"])
        # 4. Its signature.
        try:
            jws.deserialize_compact(statement, _key(client), algorithms=[ALGORITHM])
        except (JoseError, InvalidSignature, ValueError) as error:
            raise AttestationInvalid("signature") from error
        # 5. This session, its nonce, and this clip.
        expected = {
            "session": session_id,
            "nonce_sha256": nonce_hash,
            "clip_sha256": clip_sha256,
        }
        if any(said[name] != value for name, value in expected.items()):
            raise AttestationInvalid("other_capture")
        # 6. Signed while the session lived.
        return Attested(client=client.id, issued=_issued(said["iat"], now))


def _decoded(part: str) -> bytes:
    if not _BASE64URL.fullmatch(part):
        raise AttestationInvalid("malformed")
    try:
        plain = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError) as error:
        raise AttestationInvalid("malformed") from error
    # Bits that no byte uses would make a second text of one statement.
    if base64.urlsafe_b64encode(plain).rstrip(b"=").decode("ascii") != part:
        raise AttestationInvalid("malformed")
    return plain


def _object(data: bytes, members: set[str]) -> dict[str, Any]:
    try:
        found = strict_json(data)
    except MalformedInput as error:
        raise AttestationInvalid("malformed") from error
    if not isinstance(found, dict) or set(found) != members:
        raise AttestationInvalid("malformed")
    return found


def _client(kid: object) -> CaptureClient:
    if not isinstance(kid, str) or not is_id("cli", kid):
        raise AttestationInvalid("client_unknown")
    client = CaptureClient.objects.filter(id=kid).first()
    if client is None:
        raise AttestationInvalid("client_unknown")
    if client.suspended is not None:
        raise AttestationInvalid("client_suspended")
    return client


def _key(client: CaptureClient) -> OKPKey:
    public = Ed25519PublicKey.from_public_bytes(bytes(client.public_key)).public_bytes_raw()
    text = base64.urlsafe_b64encode(public).rstrip(b"=").decode("ascii")
    return OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": text})


def _issued(value: object, now: datetime) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MAX_INTEGER:
        raise AttestationInvalid("malformed")
    earliest = (now - settings.CAMEO_CAPTURE_SESSION_LIFE).timestamp() - SKEW_SECONDS
    if not earliest <= value <= now.timestamp() + SKEW_SECONDS:
        raise AttestationInvalid("other_time")
    return datetime.fromtimestamp(value, UTC)


@lru_cache(maxsize=4)
def _load(name: str) -> Callable[[], AttestationVerifier]:
    try:
        found: Callable[[], AttestationVerifier] = import_string(name)
    except ImportError as error:
        raise Misconfigured("CAMEO_ATTESTATION_VERIFIER names nothing that is there.") from error
    return found


def attested(
    statement: str | None, *, session_id: str, nonce_hash: str, clip_sha256: str, now: datetime
) -> Attested | None:
    """What the deployment's verifier says of a statement; None where there is none.

    Raises:
        AttestationInvalid: if there is one that doesn't hold.
        Misconfigured: if the verifier isn't there.
    """
    if statement is None:
        return None
    verifier = _load(settings.CAMEO_ATTESTATION_VERIFIER)()
    return verifier.verify(
        statement,
        session_id=session_id,
        nonce_hash=nonce_hash,
        clip_sha256=clip_sha256,
        now=now,
    )
