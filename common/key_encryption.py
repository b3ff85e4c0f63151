"""What wraps data keys: one small protocol that a file, a vault or a key management service fills.

A key-encryption key never leaves whoever keeps it. It has an id; one is active and wraps, retired
ones still unwrap what they wrapped, and a destroyed one is gone for good, everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from common.errors import Misconfigured


@dataclass(frozen=True, slots=True)
class WrappingKey:
    """A key-encryption key that is still held; `retired` is None for the active one."""

    id: str
    created: datetime
    retired: datetime | None = None


class KeyEncryption(Protocol):
    """Wraps data keys, and renews what wraps them. Safe to call from several processes at once.

    Every method raises `common.errors.Unavailable` where the keeper can't be reached.
    """

    def wrap(self, data_key: bytes, *, bound_to: bytes) -> bytes:
        """Encrypt `data_key` under the active key, with `bound_to` as associated data."""
        ...

    def unwrap(self, wrapped: bytes, *, bound_to: bytes) -> bytes:
        """What `wrap` was given, under whichever held key.

        Raises:
            SealBroken: if that key is gone, or anything differs.
        """
        ...

    def wrapped_by(self, wrapped: bytes) -> str:
        """Id of the key that `wrap` used; of what `wrap` never gave, an id that is never held."""
        ...

    def wrapping_keys(self) -> tuple[WrappingKey, ...]:
        """Every key that is still held, oldest first; exactly one is active."""
        ...

    def renew(self, *, replacing: str, now: datetime) -> WrappingKey:
        """Retire the active key `replacing` and give a new active one, durable on return.

        Where another key is active already, somebody else was faster: gives that one.
        """
        ...

    def destroy(self, key_id: str) -> None:
        """Forget a retired key for good; one that is gone is no error.

        Raises:
            Misconfigured: for the active key.
        """
        ...


def active_key(encryption: KeyEncryption) -> WrappingKey:
    """The key that wraps now.

    Raises:
        Misconfigured: if there is none.
    """
    for key in encryption.wrapping_keys():
        if key.retired is None:
            return key
    raise Misconfigured("There is no active key-encryption key.")
