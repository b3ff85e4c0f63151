"""Puts a world into a deployment's database, by COPY."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from benchmarks.decision.world import COLLECTOR, GENERATOR, POPULAR, Ask, World, name

REQUESTS_FILE: Final = "requests.json"
_YEAR: Final = timedelta(days=365)


def fill(world: World) -> None:
    """Copy the world's rows into the tables, and have the planner's figures made."""
    from django.db import connection

    from accounts.models import Generator

    Generator.objects.create(
        name=GENERATOR,
        client_id=GENERATOR,
        client_type="confidential",
        authorization_grant_type="client-credentials",
        first_party=True,
    )
    for table, columns, rows in _tables(world):
        with connection.cursor() as cursor:
            with cursor.copy(f"copy {table} ({columns}) from stdin") as copy:
                for row in rows:
                    copy.write_row(row)
            # Now, so that autovacuum finds nothing to do while it is measured.
            cursor.execute(f"vacuum (freeze, analyze) {table}")
    with connection.cursor() as cursor:
        cursor.execute("analyze")
        cursor.execute("checkpoint")


def write_requests(
    world: World, path: Path, *, count: int, many: int, people: int, popular: int
) -> None:
    """Draw what will be asked, with what is right to answer, for a process without the world."""

    def judged(asks: Sequence[Ask]) -> list[dict[str, Any]]:
        return [asdict(ask) | {"permitted": world.permitted(ask)} for ask in asks]

    grants = world.popular_asks(popular)
    document = {
        "one": judged(world.asks(count, seed=11)),
        "many": judged(world.asks_of_many(many, people, seed=12)),
        "popular": judged([ask for _, ask in grants]),
        "popular_grants": [name("grt", place) for place, _ in grants],
        "warm_up": judged(world.asks(max(50, count // 20), seed=13)),
    }
    path.write_text(json.dumps(document), encoding="ascii")


def _tables(world: World) -> Iterator[tuple[str, str, Iterable[tuple[Any, ...]]]]:
    now, today = world.now - _YEAR, world.now.date()
    people = range(world.people)
    person = [name("acc", one) for one in people]
    cameo = [name("cam", one) for one in people]
    yield (
        "accounts_user",
        "id, email, password, is_superuser, is_staff, is_active, created, birth_date",
        (
            *(
                (
                    *(person[one], f"p{one}@example.org", "!", False, False),
                    *(not world.is_closed(one), now, world.birth_date(one)),
                )
                for one in people
            ),
        ),
    )
    yield (
        "accounts_guardianship",
        "id, minor_id, guardian_id, state, asked, accepted",
        (
            (name("gua", one), person[one], person[POPULAR], "accepted", now, now)
            for one in people
            if world.is_guarded(one)
        ),
    )
    yield (
        "identity_cameo",
        "id, owner_id, state, epoch, assurance, created, activated, expires, held_by",
        (
            (
                *(cameo[one], person[one], world.state(one), 1, "", now, now),
                *(world.now + 3 * _YEAR, ""),
            )
            for one in people
        ),
    )
    yield (
        "consent_audience",
        "cameo_id, kind, since",
        ((cameo[one], kind, now) for one in people if (kind := world.audience(one)) != "only_me"),
    )
    yield (
        "consent_restrictions",
        "cameo_id, version, terms, since",
        (
            (cameo[one], 1, json.dumps(terms), now)
            for one in people
            if (terms := world.restrictions(one)) is not None
        ),
    )
    yield "consent_grant", _GRANT_COLUMNS, _grants(world, person, cameo)
    yield (
        "consent_tally",
        "subject, uses, day, uses_of_day",
        (
            *((cameo[one], u[0], today, u[1]) for one in people if (u := world.uses(one))),
            *(
                (name("grt", one), u[0], today, u[1])
                for one in range(world.size)
                if (u := world.grant_uses(one))
            ),
        ),
    )
    yield (
        "consent_friendship",
        "id, low_id, high_id, asked_by, state, asked, accepted, ended, ended_by",
        (
            (
                *(name("fri", place), *sorted((person[one], person[two])), person[one]),
                *(world.friendship_state(place), now, now, None, ""),
            )
            for place, (one, two) in enumerate(world.friendships.tolist())
        ),
    )
    yield (
        "consent_block",
        "id, blocker_id, blocked_id, since, lifted",
        (
            (
                *(name("blk", place), person[one], person[two], now),
                now if world.is_lifted(place) else None,
            )
            for place, (one, two) in enumerate(world.blocks.tolist())
        ),
    )


_GRANT_COLUMNS: Final = (
    "id, cameo_id, owner_id, grantee_id, version, terms, created, withdrawn, while_minor,"
    " co_approved_by"
)


def _grants(world: World, person: Sequence[str], cameo: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """The live ones, and after every twentieth an older one of the same pair, withdrawn."""
    then = world.now - _YEAR
    for place, (owner, grantee) in enumerate(world.grants.tolist()):
        pair = cameo[owner], person[owner], person[grantee]
        terms = json.dumps(world.terms(place))
        yield (name("grt", place), *pair, 2, terms, then, None, False, "")
        if place % 20 == 0 and grantee != COLLECTOR:
            yield (name("grt", world.size + place), *pair, 1, terms, then, then, False, "")
