"""What a decision needs to know of a cameo."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class CameoState:
    """One consistent read of a cameo's row."""

    id: str
    owner_id: str
    state: str
    epoch: int
    assurance: str
    expires: datetime | None

    def is_active(self, now: datetime) -> bool:
        """Active and not past its expiry."""
        return self.state == "active" and (self.expires is None or now < self.expires)
