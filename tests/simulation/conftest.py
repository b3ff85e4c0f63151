"""The pack's engines and the portrait's person, made once for all tests here."""

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
