"""Reading the snapshot that a decision is made from: one statement, whoever is in it.

One statement sees one moment, costs one round trip, and takes the same path for a likeness that
exists and for one that doesn't. What stands in other rooms' tables it reads through the queries
that their doors give (docs/adr/0015).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final

from django.db import connection, transaction

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
    from unnest(%(cameos)s::text[]) with ordinality as asked (cameo, place)
    left join ({CAMEO_FACTS}) c on c.id = asked.cameo
    left join ({ACCOUNT_FACTS}) o on o.id = c.owner_id
    left join consent_audience audience on audience.cameo_id = asked.cameo
    left join consent_restrictions restrictions on restrictions.cameo_id = asked.cameo
    left join consent_tally whole on whole.subject = asked.cameo
    left join consent_grant g on g.cameo_id = asked.cameo and g.grantee_id = %(requester)s
        and g.withdrawn is null
    left join consent_tally part on part.subject = g.id
    left join consent_approval approval on approval.cameo_id = asked.cameo
        and approval.requester_id = %(requester)s and approval.generator = %(generator)s
        and approval.request_hash = %(hash)s and approval.state = 'approved'
),
people as (select array_agg(owner_id) || %(requester)s::varchar as ids from likeness)
select
    likeness.*,
    asker.id, asker.is_active, asker.birth_date, asker.guarded,
    client.client_id, client.audience, client.suspended is not null, client.renders,
    client.tokens_not_before,
    (select array_agg(array[f.low_id, f.high_id]) from consent_friendship f, people
     where f.low_id = any (people.ids) and f.high_id = any (people.ids)
        and f.state = 'accepted'),
    (select array_agg(array[b.blocker_id, b.blocked_id]) from consent_block b, people
     where b.blocker_id = any (people.ids) and b.blocked_id = any (people.ids)
        and b.lifted is null)
from likeness
left join ({ACCOUNT_FACTS}) asker on asker.id = %(requester)s
left join ({GENERATOR_FACTS}) client on client.client_id = %(generator)s
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
    asked = {
        "cameos": list(dict.fromkeys(cameos)),
        "requester": request.requester if is_id("acc", request.requester) else "",
        "generator": request.generator if _is_client(request.generator) else "",
        "hash": request.render.digest(),
    }
    rows = _run(asked)
    first = rows[0]
    likenesses = (_likeness(row[_LIKENESS], request.requester, request.at.date()) for row in rows)
    friends, blocks = first[33] or (), first[34] or ()
    return Snapshot(
        requester=_account(*first[_ASKER]),
        generator=GeneratorFact(*first[_CLIENT]) if first[28] is not None else None,
        likenesses=tuple(fact for fact in likenesses if fact is not None),
        friendships=frozenset(pair for low, high in friends for pair in ((low, high), (high, low))),
        blocks=frozenset((blocker, blocked) for blocker, blocked in blocks),
    )


def _run(asked: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The statement's rows. Prepared once a connection: planning costs more than running it."""
    connection.ensure_connection()
    with connection.wrap_database_errors:
        found: list[tuple[Any, ...]] = connection.connection.execute(
            _STATEMENT, asked, prepare=True
        ).fetchall()
    return found


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
