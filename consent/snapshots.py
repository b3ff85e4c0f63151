"""Reading the snapshot that a decision is made from: one statement, whoever is in it.

One statement sees one moment, costs one round trip, and takes the same path for a likeness that
exists and for one that doesn't. What stands in other rooms' tables it reads through the queries
that their doors give (docs/adr/0015).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Final

from django.db import connection, transaction
from psycopg import RawCursor

from accounts.interface import ACCOUNT_FACTS, GENERATOR_FACTS, ages, hold_generator
from common.ids import is_id
from consent.facts import (
    ONLY_ME,
    AccountFact,
    ApprovalFact,
    Count,
    GeneratorFact,
    GrantFact,
    LikenessFact,
    MinorFact,
    Snapshot,
)
from consent.request import DecisionRequest, RenderRequest
from consent.terms import NO_TERMS, Terms
from consent.vocabulary import read_terms
from identity.interface import CAMEO_FACTS, CameoState, lock_cameos

# Where there is no such likeness, somebody stands in for its owner, whose account, friendships
# and blocks are looked up all the same: an answer's time must not tell who is enrolled.
# "limit 1" stands where there can be one alone: it has the planner look each up by its own index,
# and never go through all that a person was granted or blocks.
_STATEMENT: Final = f"""
with likeness as (
    select
        asked.place, c.id, c.owner_id, c.state, c.expires, c.epoch,
        o.is_active, o.birth_date, o.guarded,
        audience.kind, restrictions.terms as restrictions,
        whole.uses, whole.day, whole.uses_of_day,
        g.id as grant_id, g.version, g.terms, g.while_minor,
        g.co_approved is not null as co_approved,
        part.uses as grant_uses, part.day as grant_day, part.uses_of_day as grant_uses_of_day,
        approval.id as approval, approval.expires as approved_until
    from (values {{asked}}) as asked (cameo, place)
    left join ({CAMEO_FACTS}) c on c.id = asked.cameo
    left join ({ACCOUNT_FACTS}) o on o.id = coalesce(c.owner_id, $1)
    left join consent_audience audience on audience.cameo_id = asked.cameo
    left join consent_restrictions restrictions on restrictions.cameo_id = asked.cameo
    left join consent_tally whole on whole.subject = asked.cameo
    left join lateral (
        select id, version, terms, while_minor, co_approved from consent_grant
        where cameo_id = asked.cameo and grantee_id = $1 and withdrawn is null limit 1
    ) g on true
    left join consent_tally part on part.subject = g.id
    left join lateral (
        select id, expires from consent_approval
        where cameo_id = asked.cameo and requester_id = $1 and generator = $2
            and request_hash = $3 and state = 'approved' limit 1
    ) approval on true
),
person as (select $1::varchar as id union select coalesce(owner_id, '') from likeness),
pair as materialized (
    select one.id as low, two.id as high from person one join person two on one.id < two.id
)
select
    likeness.*,
    asker.id, asker.is_active, asker.birth_date, asker.guarded,
    client.client_id, client.audience, client.suspended is not null, client.renders,
    client.tokens_not_before,
    (select array_agg(array[f.low_id, f.high_id])
     from pair join consent_friendship f on f.low_id = pair.low and f.high_id = pair.high
        and f.state = 'accepted'),
    (select array_agg(array[b.blocker_id, b.blocked_id])
     from (select low as one, high as two from pair union all select high, low from pair) way
     cross join lateral (
        select blocker_id, blocked_id from consent_block
        where blocker_id = way.one and blocked_id = way.two and lifted is null limit 1
     ) b)
from likeness
left join ({ACCOUNT_FACTS}) asker on asker.id = $1
left join ({GENERATOR_FACTS}) client on client.client_id = $2
order by likeness.place
"""  # noqa: S608 - the rooms' own queries, and nothing that anybody sends
_LIKENESS: Final = slice(0, 24)
_ASKER: Final = slice(24, 28)
_CLIENT: Final = slice(28, 33)


@contextmanager
def consistent_read() -> Iterator[None]:
    """A REPEATABLE READ transaction: everything read within it is of one moment.

    Inside a transaction that has begun already the isolation can't be changed any more, and
    that transaction's own rules hold; no caller of this room's reads begins one.
    """
    if connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("set transaction isolation level repeatable read, read only")
        yield


def lock_likenesses(render: RenderRequest) -> dict[str, CameoState]:
    """The request's cameos, locked in id order until the transaction ends."""
    return lock_cameos(name for name in render.likenesses if is_id("cam", name))


def hold_snapshot(request: DecisionRequest) -> Snapshot:
    """The snapshot to act on: the caller holds the cameos' locks, and the generator's is shared,
    so that neither consent nor a suspension can change before the caller's transaction ends.
    """
    if _is_client(request.generator):
        hold_generator(request.generator)
    return read_snapshot(request)


def read_snapshot(request: DecisionRequest) -> Snapshot:
    """All that is known of everybody the request names, of one moment; changes nothing."""
    cameos = [name if is_id("cam", name) else "" for name in request.render.likenesses] or [""]
    rows = _run(
        request.requester if is_id("acc", request.requester) else "",
        request.generator if _is_client(request.generator) else "",
        request.render.digest(),
        list(dict.fromkeys(cameos)),
    )
    first = rows[0]
    likenesses = (
        _likeness(row[_LIKENESS], request.requester, request.at.astimezone(UTC).date())
        for row in rows
    )
    friends, blocks = first[33] or (), first[34] or ()
    return Snapshot(
        requester=_account(*first[_ASKER]),
        generator=GeneratorFact(*first[_CLIENT]) if first[28] is not None else None,
        likenesses=tuple(fact for fact in likenesses if fact is not None),
        friendships=frozenset(pair for low, high in friends for pair in ((low, high), (high, low))),
        blocks=frozenset((blocker, blocked) for blocker, blocked in blocks),
    )


def _run(requester: str, generator: str, digest: str, cameos: list[str]) -> list[tuple[Any, ...]]:
    """The statement's rows. Prepared once a connection: planning costs more than running it.

    Django turns both off that this takes: it writes values into the text at the client, and has
    nothing prepared. A threshold that is never reached has only this prepared, which asks for it.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors:
        connection.connection.prepare_threshold = sys.maxsize
        cursor: RawCursor[tuple[Any, ...]] = RawCursor(connection.connection)
        asked = [requester, generator, digest, *cameos]
        return cursor.execute(_statement(len(cameos)), asked, prepare=True).fetchall()


@lru_cache(maxsize=16)
def _statement(count: int) -> bytes:
    """The statement for so many likenesses.

    One for each count: over an array of any length the planner guesses ten, finds the plan for
    every case dear, and keeps planning for each case.
    """
    rows = (f"(${4 + place}::varchar, {place})" for place in range(count))
    return _STATEMENT.format(asked=", ".join(rows)).encode("ascii")


def _is_client(generator: str) -> bool:
    return 1 <= len(generator) <= 100 and "\x00" not in generator


def _account(
    account: str | None, is_active: bool, birth_date: date | None, guarded: bool
) -> AccountFact | None:
    if account is None:
        return None
    minor = None
    if birth_date is not None:
        minor = MinorFact(ages.of_age_on(birth_date), ages.adult_on(birth_date), guarded)
    return AccountFact(account, is_active, minor)


def _likeness(row: tuple[Any, ...], asker: str, today: date) -> LikenessFact | None:
    _, cameo, owner_id, state, expires, epoch = row[:6]
    owner = _account(owner_id, *row[6:9])
    if cameo is None or owner is None:
        return None
    return LikenessFact(
        cameo=cameo,
        owner=owner,
        state=state,
        expires=expires,
        epoch=epoch,
        audience=row[9] or ONLY_ME,
        restrictions=NO_TERMS if row[10] is None else _terms(row[10]),
        count=_count(today, *row[11:14]),
        grant=_grant(row[14:22], asker, today),
        approval=_approval(*row[22:24]),
    )


def _grant(row: tuple[Any, ...], asker: str, today: date) -> GrantFact | None:
    grant, version, terms, while_minor, co_approved, *counts = row
    if grant is None:
        return None
    return GrantFact(
        id=grant,
        version=version,
        grantee=asker,
        terms=_terms(terms),
        count=_count(today, *counts),
        while_minor=while_minor,
        co_approved=co_approved,
    )


def _approval(approval: str | None, until: datetime | None) -> ApprovalFact | None:
    return ApprovalFact(approval, until) if approval is not None and until is not None else None


def _count(today: date, uses: int | None, day: date | None, uses_of_day: int | None) -> Count:
    """Uses of a later day, which another clock wrote, count for today as well."""
    if uses is None or day is None:
        return Count()
    return Count(uses, (uses_of_day or 0) if day >= today else 0)


@lru_cache(maxsize=4096)
def _terms(text: str) -> Terms:
    """Terms as they are stored; who says the same in the same words is read once."""
    return read_terms(json.loads(text))
