"""`Idempotency-Key`: a request that is sent twice is done once.

The key's record is written in the transaction of what it records, under an advisory lock: a
crash leaves both or neither, and a second request meanwhile is told so and doesn't wait.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from django.db import connection, transaction
from rest_framework.request import Request

from api.authentication import caller
from api.errors import IdempotencyInFlight, IdempotencyKeyInvalid, IdempotencyKeyReused
from api.models import KeptAnswer
from common.canonical import canonical_digest
from common.errors import CameoError

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"
KEPT: Final = timedelta(hours=24)
_KEY = re.compile(r"[\x21-\x7e]{1,128}")
_SWEEP: Final = 20

Made = TypeVar("Made")


def once(
    request: Request,
    *,
    operation: str,
    body: Any,
    now: datetime,
    do: Callable[[], Made],
    name: Callable[[Made], str],
    again: Callable[[str], Made],
) -> tuple[Made, bool]:
    """Do something that makes a thing, or find what the same request made before.

    Args:
        request: carries the header; without it, `do` is simply called.
        operation: the operation's id.
        body: the request's JSON, compared with the first one's by digest.
        now: when.
        do: makes the thing. If it raises, nothing is kept and the key stays free.
        name: the id of what was made.
        again: what was made, by its id.

    Returns:
        The thing, and whether it was made before.

    Raises:
        IdempotencyKeyInvalid, IdempotencyKeyReused, IdempotencyInFlight: about the key.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return do(), False
    if _KEY.fullmatch(key) is None:
        raise IdempotencyKeyInvalid
    digest = canonical_digest(body)
    who = caller(request).key
    failure: CameoError | None = None
    with transaction.atomic():
        if not _locked(f"{who} {key}"):
            raise IdempotencyInFlight
        kept = KeptAnswer.objects.filter(caller=who, key=key).first()
        if kept is not None and now - kept.created < KEPT:
            if (kept.operation, kept.body_digest) != (operation, digest):
                raise IdempotencyKeyReused
            return again(kept.made), True
        try:
            made = do()
        except CameoError as error:
            # What the rule recorded of its refusal must outlive it.
            failure = error
        else:
            if kept is not None:
                kept.delete()
            KeptAnswer.objects.create(
                caller=who,
                key=key,
                operation=operation,
                body_digest=digest,
                made=name(made),
                created=now,
            )
            # Last: who holds other callers' rows waits for nothing any more.
            _forget_old(now)
            return made, False
    raise failure


def headers_of(place: str, *, replayed: bool) -> dict[str, str]:
    """The headers of an answer about a thing: where it is, and whether it was made before."""
    return {"Location": place} | ({REPLAYED: "true"} if replayed else {})


def _locked(name: str) -> bool:
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        row = cursor.fetchone()
    return bool(row and row[0])


def _forget_old(now: datetime) -> None:
    """A few at a time, with each new thing; rows that another request sweeps are left to it."""
    old = (
        KeptAnswer.objects.select_for_update(skip_locked=True)
        .filter(created__lte=now - KEPT)
        .order_by("created")[:_SWEEP]
    )
    KeptAnswer.objects.filter(pk__in=[row.pk for row in old]).delete()
