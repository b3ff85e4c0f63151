"""A fresh deployment with its web server and worker, shared by the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from models.runtime import load_engines
from tests.demo.clients import Cameo, Generator, Person
from tests.demo.deployment import Fresh, prepare, running
from tests.demo.story import Stage
from tests.simulation.person import SimulatedPerson


@dataclass(frozen=True, slots=True)
class Live:
    """A running deployment and what is registered at it."""

    fresh: Fresh
    stage: Stage
    clients: ExitStack = field(default_factory=ExitStack)

    def newcomer(self, name: str) -> Cameo:
        """Somebody new, with an account and the app."""
        person = self.clients.enter_context(
            closing(Person(name, self.stage.url, self.stage.mailbox))
        )
        person.sign_up()
        return self.clients.enter_context(closing(Cameo(person, self.stage.app)))

    def generator(self, made: dict[str, Any]) -> Generator:
        """A generator by what its registration said."""
        return self.clients.enter_context(closing(_generator(self.stage.url, made)))

    def logs(self) -> str:
        """Everything that the web server, the worker and the database have logged."""
        files = [*(self.fresh.home / "logs").glob("*.log"), self.fresh.home / "postgres" / "log"]
        return "\n".join(file.read_text("utf-8", "replace") for file in files if file.exists())


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    fresh = prepare(tmp_path_factory.mktemp("live"))
    app = fresh.register("Cameo app", "--app")
    registered = [fresh.register(name) for name in ("Gen", "Other")]
    face = SimulatedPerson.from_portrait(load_engines("open", Path(settings.CAMEO_MODELS_DIR)))
    with running(fresh):
        gen, other = (_generator(fresh.local.url, made) for made in registered)
        live = Live(
            fresh,
            Stage(
                url=fresh.local.url,
                issuer=fresh.environment["CAMEO_PUBLIC_URL"],
                mailbox=fresh.mailbox,
                app=app["client_id"],
                gen=gen,
                other=other,
                face=face,
            ),
        )
        with live.clients:
            yield live
        gen.close()
        other.close()
    fresh.dismantle()


def _generator(url: str, made: dict[str, Any]) -> Generator:
    return Generator(
        url=url,
        client_id=made["client_id"],
        audience=made["audience"],
        secret=made["client_secret"],
    )
