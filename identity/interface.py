"""The door of `identity`: other rooms import this and nothing else of it."""

from __future__ import annotations

from identity.cameo_state import CameoState
from identity.selectors import bump_epochs, cameo_of, lock_cameos, read_cameos

__all__ = ["CameoState", "bump_epochs", "cameo_of", "lock_cameos", "read_cameos"]
