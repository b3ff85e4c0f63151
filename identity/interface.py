"""The door of `identity`: other rooms import this and nothing else of it."""

from __future__ import annotations

from identity.enrolment.cameos import resume_cameo, suspend_cameo
from identity.enrolment.erasure import erase_cameo, keyless_cameos, reapply_erasures
from identity.enrolment.sessions import create_session, receive_clip
from identity.enrolment.upkeep import renew_keys
from identity.protection.data_keys import check_keystore
from identity.protection.keyring import keyring
from identity.protection.receipts import Receipt, erasure_receipt
from identity.protection.renewal import Renewal
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
    "Receipt",
    "Renewal",
    "SessionView",
    "bump_epochs",
    "cameo_view",
    "check_keystore",
    "create_session",
    "erase_cameo",
    "erasure_receipt",
    "keyless_cameos",
    "keyring",
    "lock_cameos",
    "own_cameo",
    "prepare_to_verify",
    "read_cameos",
    "reapply_erasures",
    "receive_clip",
    "renew_keys",
    "resume_cameo",
    "session_view",
    "suspend_cameo",
]
