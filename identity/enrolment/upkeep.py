"""What has to be done to the keys again and again, by jobs and by hand."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from audit import interface as audit
from common.keyring import KEY_ENCRYPTION
from identity.enrolment.erasure import destroy_left_keys, reapply_erasures
from identity.protection.receipts import confirm_unreadable
from identity.protection.renewal import Renewal, renew_key


def renew_keys(*, now: datetime, at_once: bool = False) -> Renewal:
    """Renew the key-encryption key as `renew_key` does, and make the erasures before it hold.

    Keys of erased cameos are destroyed first: none of them must be wrapped anew.

    Raises:
        Unavailable, Misconfigured: as `renew_key`; what was done holds, the rest is left.
    """
    reapply_erasures(now=now)
    destroy_left_keys(now=now)
    renewal = renew_key(now=now, at_once=at_once)
    with transaction.atomic():
        if renewal.renewed:
            body = {"emergency": False, "kid": renewal.active, "purpose": KEY_ENCRYPTION}
            audit.append(chain=audit.SERVICE_CHAIN, kind="key.rotated", body=body, now=now)
        for kid in renewal.destroyed:
            body = {"kid": kid, "purpose": KEY_ENCRYPTION}
            audit.append(chain=audit.SERVICE_CHAIN, kind="key.destroyed", body=body, now=now)
    confirm_unreadable(now=now)
    return renewal
