"""Places in a search, as its callers see them: sealed, and good for the same question only.

A place names the last person that was looked at, whom the caller may not know by it. What is
given out is encrypted under a key of ours and bound to the caller and the question.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from django.conf import settings

from accounts.interface import Caller
from audit.interface import CursorUnknown
from common.canonical import canonical_digest
from common.envelope import SealBroken, seal, unseal

MAX_TEXT = 200


def seal_place(place: str, *, who: Caller, about: object) -> str:
    """The place as text for the caller `who`; `about` is the question, as plain JSON values."""
    sealed = seal(_key(), place.encode(), bound_to=_bound(who, about))
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def open_place(text: str, *, who: Caller, about: object) -> str:
    """The place that was sealed.

    Raises:
        CursorUnknown: it wasn't, or for somebody else, or for another question.
    """
    if len(text) > MAX_TEXT or not text.isascii():
        raise CursorUnknown
    try:
        sealed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        return unseal(_key(), sealed, bound_to=_bound(who, about)).decode()
    except (binascii.Error, ValueError, SealBroken) as error:
        raise CursorUnknown from error


def _key() -> bytes:
    return hmac.new(settings.SECRET_KEY.encode(), b"cameo search places", hashlib.sha256).digest()


def _bound(who: Caller, about: object) -> bytes:
    asking = {"client": who.client.client_id, "account": who.account_id, "about": about}
    return canonical_digest(asking).encode()
