"""Key encryption out of this process's memory: all that the protocol asks for, and no file."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime

from common.envelope import SealBroken, new_key, seal, unseal
from common.errors import Misconfigured
from common.ids import new_id
from common.key_encryption import WrappingKey, active_key


class MemoryKeyEncryption:
    """As a key management service would: ids, versions, and keys that nobody sees."""

    def __init__(self, now: datetime) -> None:
        first = WrappingKey(new_id("mem"), now)
        self._held = {first.id: (first, new_key())}
        self._lock = threading.Lock()

    def wrap(self, data_key: bytes, *, bound_to: bytes) -> bytes:
        active = active_key(self).id
        return f"mem:{active}:".encode() + seal(self._held[active][1], data_key, bound_to=bound_to)

    def unwrap(self, wrapped: bytes, *, bound_to: bytes) -> bytes:
        held = self._held.get(self.wrapped_by(wrapped))
        if held is None:
            raise SealBroken
        return unseal(held[1], wrapped.split(b":", 2)[2], bound_to=bound_to)

    def wrapped_by(self, wrapped: bytes) -> str:
        kind, _, rest = wrapped.partition(b":")
        return rest.partition(b":")[0].decode("ascii", "replace") if kind == b"mem" else ""

    def wrapping_keys(self) -> tuple[WrappingKey, ...]:
        return tuple(sorted((key for key, _ in self._held.values()), key=lambda key: key.created))

    def renew(self, *, replacing: str, now: datetime) -> WrappingKey:
        with self._lock:
            active = active_key(self)
            if active.id == replacing:
                new = WrappingKey(new_id("mem"), now)
                retired = replace(active, retired=now), self._held[active.id][1]
                # Swapped as a whole: whoever reads meanwhile finds one active key, never none.
                self._held = {**self._held, active.id: retired, new.id: (new, new_key())}
            return active_key(self)

    def destroy(self, key_id: str) -> None:
        if active_key(self).id == key_id:
            raise Misconfigured
        self._held.pop(key_id, None)
