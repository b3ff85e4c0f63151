"""The pack's engines and two simulated people, made once."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings

from models.engine import Engines
from models.runtime import load_engines
from tests.simulation.person import SimulatedPerson


@pytest.fixture(scope="package")
def engines() -> Engines:
    return load_engines("open", Path(settings.CAMEO_MODELS_DIR))


@pytest.fixture(scope="package")
def alice(engines: Engines) -> SimulatedPerson:
    return SimulatedPerson.from_portrait(engines)


@pytest.fixture(scope="package")
def mallory(engines: Engines) -> SimulatedPerson:
    return SimulatedPerson.from_portrait(engines, identity=1)
