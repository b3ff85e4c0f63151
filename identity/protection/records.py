"""Signed statements: decision records, erasure receipts."""

from __future__ import annotations

from typing import Any

from joserfc import jws
from joserfc.errors import JoseError

from common.canonical import canonical_bytes, sha256_hex
from common.clock import utcnow
from common.errors import CameoError
from common.keyring import RECORD
from identity.protection.keyring import keyring

_ALGORITHMS = ["Ed25519"]
DECISION = "decision-record+jws"
ERASURE = "erasure-receipt+jws"


class RecordBroken(CameoError):
    """The signature of a decision record or erasure receipt doesn't hold."""

    code = "record_broken"
    message = "The record's signature doesn't hold."


def sign_record(body: dict[str, Any], *, kind: str = DECISION) -> tuple[str, str, str]:
    """Sign a record.

    Args:
        body: what is said; JSON.
        kind: `DECISION` or `ERASURE`, the `typ` of the signature: one never passes for another.

    Returns:
        RFC 8785 text of `body`, a detached-payload JWS (RFC 7515, appendix F), and the SHA-256
        of the text in hexadecimal.
    """
    plain = canonical_bytes(body)
    key = keyring().signing_key(RECORD)
    header = {"alg": "Ed25519", "typ": kind, "kid": key.kid}
    compact = jws.serialize_compact(header, plain, key, algorithms=_ALGORITHMS)
    protected, _, signature = compact.split(".")
    return plain.decode("utf-8"), f"{protected}..{signature}", sha256_hex(plain)


def check_record(body: str, signature: str, *, kind: str = DECISION) -> None:
    """Check what `sign_record` gave.

    Raises:
        RecordBroken: if the text or the signature was changed, it is of another kind, or the key
            is not ours.
    """
    for key in keyring().public_keys(RECORD, now=utcnow()):
        try:
            found = jws.deserialize_compact(
                signature, key, algorithms=_ALGORITHMS, payload=body.encode("utf-8")
            )
        except (JoseError, ValueError):
            continue
        if found.headers().get("kid") == key.kid and found.headers().get("typ") == kind:
            return
    raise RecordBroken
