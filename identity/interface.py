"""The door of `identity`: other rooms import this and nothing else of it."""

from __future__ import annotations

from identity.enrolment.cameos import erase_cameo, resume_cameo, suspend_cameo
from identity.enrolment.sessions import create_session, receive_clip
from identity.protection.keyring import keyring
from identity.runtime.deployment import prepare_to_verify
from identity.selectors import (
    bump_epochs,
    cameo_view,
    lock_cameos,
    own_cameo,
    read_cameos,
    session_view,
)
from identity.summaries import Advice, CameoState, CameoView, SessionView

__all__ = [
    "Advice",
    "CameoState",
    "CameoView",
    "SessionView",
    "bump_epochs",
    "cameo_view",
    "create_session",
    "erase_cameo",
    "keyring",
    "lock_cameos",
    "own_cameo",
    "prepare_to_verify",
    "read_cameos",
    "receive_clip",
    "resume_cameo",
    "session_view",
    "suspend_cameo",
]
