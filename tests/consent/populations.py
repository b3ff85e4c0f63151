"""Small populations in the database, made from a seed: people, cameos and all that is between."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import permutations
from random import Random
from typing import Any

from django.db import transaction

from accounts.models import Generator, Guardianship, User
from common.canonical import sha256_hex
from consent.interface import Template, parse_template
from consent.models import Approval, Audience, Block, Friendship, Grant, Restrictions, Tally
from identity.models import Cameo
from tests.consent.conftest import NOW

HOUR = timedelta(hours=1)
PEOPLE = 5
TERMS: tuple[dict[str, Any], ...] = (
    {"purposes": ["personal"]},
    {"purposes": ["personal", "news"]},
    {"purposes": ["news"]},
    {"purposes": ["personal"], "approval_each_time": True},
    {"purposes": ["personal"], "max_uses": 2},
    {"purposes": ["personal"], "max_uses_per_day": 2},
    {"purposes": ["personal"], "not_after": "2030-05-17T12:00:01Z"},
    {"purposes": ["personal"], "not_after": "2030-05-17T12:00:00Z"},
    {"purposes": ["personal"], "remix": False, "attribution": True},
    {"purposes": ["personal"], "generators": ["gen-0"]},
    {"purposes": ["personal"], "generators": {"refuse": ["gen-0"]}},
    {"purposes": ["personal"], "forbid_labels": ["violence"], "max_duration_s": 5},
    {"purposes": ["personal"], "from_a_newer_version": 1},
)
RESTRICTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"purposes": ["personal"]},
    {"forbid_labels": ["violence"]},
    {"approval_each_time": True},
    {"max_uses_per_day": 2, "visible_mark": True},
    {"max_uses": 2},
    {"generators": ["gen-0"]},
)
TEMPLATE: dict[str, Any] = {
    "purpose": "personal",
    "labels": [],
    "prompt_digest": sha256_hex(b"a prompt"),
    "inputs_digest": None,
    "outputs": {"count": 1, "seconds": 4},
}


@dataclass(frozen=True)
class Population:
    """Ids of who and what there is, and the request they are asked about."""

    people: list[str]
    cameos: dict[str, str]
    generators: list[str]
    template: Template


@contextmanager
def population(seed: int) -> Iterator[Population]:
    """A population that is gone afterwards."""
    with transaction.atomic():
        yield _make(Random(seed))
        transaction.set_rollback(True)


def _make(random: Random) -> Population:
    people = [
        User(email=f"p{number}@example.org", is_active=random.random() < 0.93)
        for number in range(PEOPLE)
    ]
    for person in people:
        if random.random() < 0.3:
            person.birth_date = random.choice(
                [date(2015, 1, 1), date(2013, 1, 1), date(2012, 5, 17), date(1990, 1, 1)]
            )
    User.objects.bulk_create(people)
    Guardianship.objects.bulk_create(
        Guardianship(
            minor=person, guardian=people[(place + 1) % PEOPLE], state="accepted", asked=NOW
        )
        for place, person in enumerate(people)
        if person.birth_date is not None and random.random() < 0.7
    )
    generators = [
        Generator.objects.create(
            name=f"gen-{number}",
            client_id=f"gen-{number}",
            client_type="confidential",
            authorization_grant_type="client-credentials",
            suspended=NOW if random.random() < 0.1 else None,
        ).client_id
        for number in range(2)
    ]
    template = parse_template(
        TEMPLATE
        | {
            "labels": random.choice([[], [], ["violence"], ["sexual"], None]),
            "purpose": random.choice(["personal", "personal", "news"]),
            "inputs_digest": random.choice([None, None, sha256_hex(b"a picture")]),
        }
    )
    cameos = _cameos(random, people)
    _consent(random, [person.id for person in people], cameos)
    _approvals(random, people, cameos, template)
    return Population([person.id for person in people], cameos, generators, template)


def _cameos(random: Random, people: list[User]) -> dict[str, str]:
    rows = [
        Cameo(
            owner=person,
            state=random.choice(["active"] * 8 + ["suspended", "pending", "erased"]),
            expires=random.choice([None, None, NOW + HOUR, NOW]),
            created=NOW,
        )
        for person in people
        if random.random() < 0.85
    ]
    Cameo.objects.bulk_create(rows)
    kinds = ["only_me", "granted", "granted", "mutuals", "mutuals", "anyone"]
    Audience.objects.bulk_create(
        Audience(cameo_id=row.id, kind=random.choice(kinds), since=NOW)
        for row in rows
        if random.random() < 0.95
    )
    Restrictions.objects.bulk_create(
        Restrictions(cameo_id=row.id, terms=random.choice(RESTRICTIONS), since=NOW)
        for row in rows
        if random.random() < 0.3
    )
    _tally(random, [row.id for row in rows])
    return {row.owner_id: row.id for row in rows}


def _consent(random: Random, people: list[str], cameos: dict[str, str]) -> None:
    grants = [
        Grant(
            cameo_id=cameos[owner],
            owner_id=owner,
            grantee_id=grantee,
            terms=random.choice(TERMS),
            created=NOW,
            withdrawn=NOW if random.random() < 0.15 else None,
            while_minor=random.random() < 0.2,
            co_approved=NOW if random.random() < 0.6 else None,
        )
        for owner, grantee in permutations(people, 2)
        if owner in cameos and random.random() < 0.4
    ]
    Grant.objects.bulk_create(grants)
    _tally(random, [grant.id for grant in grants])
    Friendship.objects.bulk_create(
        Friendship(
            low_id=low,
            high_id=high,
            asked_by=low,
            state=random.choice(["accepted", "accepted", "asked", "ended"]),
            asked=NOW,
        )
        for low, high in permutations(people, 2)
        if low < high and random.random() < 0.5
    )
    Block.objects.bulk_create(
        Block(
            blocker_id=one,
            blocked_id=two,
            since=NOW,
            lifted=NOW if random.random() < 0.3 else None,
        )
        for one, two in permutations(people, 2)
        if random.random() < 0.12
    )


def _tally(random: Random, subjects: list[str]) -> None:
    Tally.objects.bulk_create(
        Tally(
            subject=subject,
            uses=random.randint(1, 3),
            day=(NOW - timedelta(days=random.randint(0, 1))).date(),
            uses_of_day=random.randint(1, 3),
        )
        for subject in subjects
        if random.random() < 0.4
    )


def _approvals(
    random: Random, people: list[User], cameos: dict[str, str], template: Template
) -> None:
    Approval.objects.bulk_create(
        Approval(
            cameo_id=cameo,
            owner_id=owner,
            requester=person,
            generator="gen-0",
            request_hash=template.of(cameo).digest(),
            request=template.of(cameo).document(),
            state=random.choice(["approved", "approved", "asked", "spent"]),
            asked=NOW,
            expires=random.choice([NOW + HOUR, NOW]),
        )
        for owner, cameo in cameos.items()
        for person in people
        if random.random() < 0.3
    )
