"""Alice as a simulated person, and one clip of hers that answers one script."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings

from accounts.models import User
from identity.capture.script import generate_script
from identity.prompts import Script
from models.engine import Engines
from models.runtime import load_engines
from tests.identity.verification.people import Booth
from tests.simulation.person import SimulatedPerson

SCRIPT = generate_script(bytes(32))
OTHER_SCRIPT = generate_script(bytes([7]) * 32)


@dataclass(frozen=True, slots=True)
class Answered:
    """A script and a simulated clip that answers it."""

    script: Script
    clip: bytes


@pytest.fixture(scope="session")
def engines() -> Engines:
    return load_engines("open", Path(settings.CAMEO_MODELS_DIR))


@pytest.fixture(scope="session")
def simulated_alice(engines: Engines) -> SimulatedPerson:
    return SimulatedPerson.from_portrait(engines)


@pytest.fixture(scope="session")
def answered(simulated_alice: SimulatedPerson) -> Answered:
    return Answered(SCRIPT, simulated_alice.answer(SCRIPT.to_json()))


@pytest.fixture
def booth(monkeypatch: pytest.MonkeyPatch) -> Booth:
    return Booth(monkeypatch)


@pytest.fixture
def mallory(db: None) -> User:
    return User.objects.create_user("mallory@example.org")


@pytest.fixture
def sam(db: None) -> User:
    """Reviews captures."""
    return User.objects.create_user("sam@example.org", is_staff=True)


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice@example.org")
