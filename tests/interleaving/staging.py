"""The cast of a run in the database, as sign-up, enrolment and registration would leave it."""

from __future__ import annotations

from accounts.interface import register_generator
from accounts.models import User
from common.clock import utcnow
from identity.models import Cameo
from tests.interleaving.world import GENERATORS, OTHERS, OWNERS, World


def make_world(seed: int) -> World:
    """People, an app, generators, and a cameo for each owner."""
    now = utcnow()
    people = [
        User.objects.create_user(f"person{number}@example.org").id
        for number in range(OWNERS + OTHERS)
    ]
    app = register_generator(
        name="App",
        renders=False,
        redirect_addresses=["http://127.0.0.1/back"],
        by="staff",
        now=now,
    )
    generators = [
        register_generator(name=f"Gen {number}", by="staff", now=now).generator.client_id
        for number in range(GENERATORS)
    ]
    world = World(seed, tuple(people), tuple(generators), app.generator.client_id)
    for owner in range(OWNERS):
        Cameo.objects.create(
            id=world.cameo(owner, 0),
            owner_id=people[owner],
            state="active",
            assurance="basic",
            created=now,
            activated=now,
        )
    return world
