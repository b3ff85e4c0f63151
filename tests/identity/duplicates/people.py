"""People who are enrolled without a clip: random comparison vectors, sealed like real ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from django.db import transaction

from accounts.models import User
from identity.duplicates import Duplicates, add_to_index, find_duplicates
from identity.models import Cameo
from identity.protection.templates import store_template
from identity.types import Vector
from models.engine import Calibration

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FORMAT = "tf_test"
DIMS = 300
LENGTH = np.sqrt(47.2)
CALIBRATION = Calibration(
    weights=(22.3, 24.9),
    bias=-34.0,
    picture_threshold=1.84,
    template_threshold=3.0,
    continuity_threshold=4.0,
)


def face(number: int) -> Vector:
    """Somebody's comparison vector; those of two numbers score about -34."""
    drawn = np.random.default_rng(number).standard_normal(DIMS)
    return np.asarray(LENGTH * drawn / np.linalg.norm(drawn), dtype=np.float32)


def like(vector: Vector, score: float, *, seed: int = 99) -> Vector:
    """A vector of the same length that scores as told against `vector`."""
    cosine = (score + 34.0) / 47.2
    one = vector / np.linalg.norm(vector)
    other = np.random.default_rng(seed).standard_normal(DIMS)
    other -= (other @ one) * one
    turned = cosine * one + np.sqrt(1 - cosine**2) * other / np.linalg.norm(other)
    return np.asarray(LENGTH * turned, dtype=np.float32)


def account(name: str) -> User:
    return User.objects.create_user(f"{name}@example.org")


def enrol(owner: User, vector: Vector, *, template_format: str = FORMAT) -> Cameo:
    """An active cameo with a sealed template, in the index."""
    cameo = Cameo.objects.create(owner=owner, created=NOW, state=Cameo.State.ACTIVE)
    keep(cameo, vector, template_format=template_format)
    return cameo


def keep(cameo: Cameo, vector: Vector, *, template_format: str = FORMAT) -> None:
    with transaction.atomic():
        store_template(cameo_id=cameo.id, template_format=template_format, vector=vector, now=NOW)
        add_to_index(cameo_id=cameo.id, template_format=template_format, vector=vector)


def search(
    vector: Vector, *, cameo_id: str = "cam_new", owner_id: str = "", template_format: str = FORMAT
) -> Duplicates:
    with transaction.atomic():
        return find_duplicates(
            cameo_id=cameo_id,
            owner_id=owner_id,
            template_format=template_format,
            vector=vector,
            calibration=CALIBRATION,
        )


def ids(found: Duplicates) -> Sequence[str]:
    return [match.cameo_id for match in found.matches]
