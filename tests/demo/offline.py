"""What a generator can check of a likeness token without asking the service."""

from __future__ import annotations

import json
import time
from typing import Any

from joserfc import jws
from joserfc.jwk import KeySet

SKEW_SECONDS = 5


def verify_offline(
    token: str, keys: dict[str, Any], *, issuer: str, audience: str
) -> dict[str, Any]:
    """The claims of a token that was good when it was issued, at most two minutes ago.

    Only redemption permits a render; this spares a generator the call for what is hopeless.

    Raises:
        ValueError, joserfc.errors.JoseError: if it isn't such a token.
    """
    found = jws.deserialize_compact(token, KeySet.import_key_set(keys), algorithms=["Ed25519"])  # type: ignore[arg-type]
    claims: dict[str, Any] = json.loads(found.payload)
    now = time.time()
    if found.headers().get("typ") != "likeness+jwt":
        raise ValueError("not a likeness token")
    if claims["iss"] != issuer or claims["aud"] != audience:
        raise ValueError("a token of somebody else, or for somebody else")
    if not claims["nbf"] - SKEW_SECONDS <= now <= claims["exp"] + SKEW_SECONDS:
        raise ValueError("not valid now")
    return claims
