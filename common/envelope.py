"""Envelope encryption: AES-256-GCM under one-off or data keys, which others wrap.

A sealed value is `nonce (12 bytes) ‖ ciphertext ‖ tag (16 bytes)`; what it belongs to is bound
as associated data, so that a sealed value moved to another row doesn't open (NIST SP 800-38D).
"""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from common.errors import CameoError

KEY_BYTES = 32
NONCE_BYTES = 12


class SealBroken(CameoError):
    """A sealed value doesn't open: another key, another owner, or changed bytes."""

    code = "seal_broken"
    message = "A sealed value can't be opened."


def new_key() -> bytes:
    """A fresh 256-bit key."""
    return AESGCM.generate_key(bit_length=KEY_BYTES * 8)


def seal(key: bytes, plain: bytes, *, bound_to: bytes) -> bytes:
    """Encrypt `plain` under the 32-byte `key`, bound to the associated data `bound_to`."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound_to)


def unseal(key: bytes, sealed: bytes, *, bound_to: bytes) -> bytes:
    """Decrypt what `seal` made.

    Raises:
        SealBroken: if the key or `bound_to` differ, or a byte was changed.
    """
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to)
    except (InvalidTag, ValueError) as error:
        raise SealBroken from error
