"""Invites: four codes each, which bring new people in as friends.

A code isn't kept anywhere. It is derived from the invite's id with a secret of the deployment's
(HKDF, RFC 5869, then HMAC-SHA-256) whenever its owner looks, and the table holds its SHA-256 to
find it by. It has 100 bits, in Crockford's base32: five groups of four, read in either case,
with or without what separates the groups, `O` as 0, `I` and `L` as 1.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.db import transaction

from accounts.interface import lock_account, read_account
from common.canonical import sha256_hex
from common.ids import is_id
from common.keyring import PROJECTION
from consent.errors import InviteNotFound, InviteUnknown, InviteUsed, PersonIsOneself
from consent.models import Friendship, Invite
from consent.records import FriendshipRecord, InviteRecord
from consent.relations import (
    befriend,
    friendship_record,
    has_blocked,
    lock_people,
    open_friendship,
)
from identity.interface import keyring

INVITES: Final = 4
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CHARACTERS: Final = 20
_GROUP: Final = 4
_PLAIN: Final = re.compile(rf"[{_ALPHABET}]{{{_CHARACTERS}}}")
_BETWEEN: Final = re.compile(r"[\s-]")
_ALIKE: Final = str.maketrans("OIL", "011")
_MAX_WRITTEN: Final = 100
# The projection's secret is the one that is never renewed; deriving under another name from it
# gives a key that tells nothing of the other.
_INFO: Final = b"cameo invite codes 1"


def list_invites(*, inviter: str, now: datetime) -> tuple[InviteRecord, ...]:
    """The four invites of the account `inviter`; they are made when it first looks.

    Raises:
        Unauthenticated: there is no such account, or it is closed.
        KeyringError: the keyring can't be used.
    """
    rows = _of(inviter)
    if not rows:
        with transaction.atomic():
            lock_account(inviter)
            rows = _of(inviter) or _made(inviter, now)
    return _records(rows)


def revoke_invite(*, invite: str, now: datetime, by: str) -> InviteRecord:
    """Revoke an invite: its code is good for nothing any more. There is no other in its place.

    Revoking again changes nothing.

    Raises:
        InviteNotFound: there is none, or it is somebody else's.
        InviteUsed: it has made a friendship already.
    """
    with transaction.atomic():
        rows = Invite.objects.select_for_update()
        row = rows.filter(id=invite, inviter_id=by).first() if is_id("inv", invite) else None
        if row is None:
            raise InviteNotFound
        if row.used is not None:
            raise InviteUsed
        if row.revoked is None:
            row.revoked = now
            row.save(update_fields=["revoked"])
        return _records([row])[0]


def redeem_invite(*, code: str, now: datetime, by: str) -> FriendshipRecord:
    """Become friends with whoever gave out `code`, once. Who are friends already stay so, and the
    code stays good.

    Args:
        code: as it was given out; how it may be written is said above.
        now: when.
        by: account id of who redeems it.

    Raises:
        InviteUnknown: it is no code, or was used or revoked, or its owner's account is closed, or
            one of the two has blocked the other; which of these isn't told.
        PersonIsOneself: it is one's own.
    """
    plain = _plain(code)
    with transaction.atomic():
        found = Invite.objects.filter(digest=_digest(plain)).first() if plain else None
        if found is None:
            raise InviteUnknown
        inviter = found.inviter_id
        cameos = lock_people(inviter, by)
        row = Invite.objects.select_for_update().get(id=found.id)
        account = read_account(inviter)
        if row.used or row.revoked or account is None or not account.is_active:
            raise InviteUnknown
        if inviter == by:
            raise PersonIsOneself
        if has_blocked(by, inviter) or has_blocked(inviter, by):
            raise InviteUnknown
        friendship, _ = open_friendship(asked_by=inviter, of=by, now=now)
        if friendship.state != Friendship.State.ACCEPTED:
            row.used, row.used_by = now, by
            row.save(update_fields=["used", "used_by"])
            befriend(friendship, cameos, now=now, by=by, invite=row.id)
        return friendship_record(friendship, by)


def _of(inviter: str) -> list[Invite]:
    return list(Invite.objects.filter(inviter_id=inviter).order_by("-created", "-id"))


def _made(inviter: str, now: datetime) -> list[Invite]:
    key = _key()
    rows = [Invite(inviter_id=inviter, created=now) for _ in range(INVITES)]
    for row in rows:
        row.digest = _digest(_code(key, row.id))
    Invite.objects.bulk_create(rows)
    return _of(inviter)


def _records(rows: Iterable[Invite]) -> tuple[InviteRecord, ...]:
    key = _key()
    return tuple(
        InviteRecord(
            id=row.id,
            code=_shown(key, row),
            created=row.created,
            used=row.used,
            used_by=row.used_by or None,
            revoked=row.revoked,
        )
        for row in rows
    )


def _shown(key: bytes, row: Invite) -> str | None:
    """The code in groups, while it can be used."""
    code = _code(key, row.id)
    # After a change of keyring the code would be another, which nobody could redeem.
    if row.used or row.revoked or _digest(code) != row.digest:
        return None
    return "-".join(code[start : start + _GROUP] for start in range(0, _CHARACTERS, _GROUP))


def _key() -> bytes:
    hkdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=_INFO)
    return hkdf.derive(keyring().secret(PROJECTION))


def _code(key: bytes, invite: str) -> str:
    number = int.from_bytes(hmac.new(key, invite.encode("ascii"), hashlib.sha256).digest(), "big")
    return "".join(_ALPHABET[(number >> 5 * place) & 31] for place in range(_CHARACTERS))


def _plain(written: str) -> str | None:
    """The characters of a code, or None if it is none."""
    if len(written) > _MAX_WRITTEN or not written.isascii():
        return None
    plain = _BETWEEN.sub("", written).upper().translate(_ALIKE)
    return plain if _PLAIN.fullmatch(plain) else None


def _digest(plain: str) -> str:
    return sha256_hex(plain.encode("ascii"))
