"""Templates at rest: sealed under the cameo's data key, which lies in the keystore."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from common.envelope import SealBroken
from identity.models import Template
from identity.protection.data_keys import data_keys, open_with, seal_for

Opened = tuple[str, NDArray[np.float32]]


def _bound_to(template_format: str, version: int) -> bytes:
    return f"{template_format}|{version}".encode("ascii")


def store_template(
    *, cameo_id: str, template_format: str, vector: NDArray[np.float32], now: datetime
) -> int:
    """Seal a template as the cameo's next version, in the caller's transaction.

    The data key is committed to the keystore before this returns.

    Args:
        cameo_id: whose; the caller holds its lock.
        template_format: of the pack that made it.
        vector: the comparison vector, shape (D,), float32.
        now: when.

    Returns:
        The version.

    Raises:
        SealBroken: if the cameo's key was destroyed.
        Unavailable: if keystore or key-encryption key can't be reached.
    """
    newest = Template.objects.filter(cameo_id=cameo_id).order_by("-version").first()
    version = newest.version + 1 if newest else 1
    plain = np.ascontiguousarray(vector, dtype="<f4").tobytes()
    Template.objects.create(
        cameo_id=cameo_id,
        version=version,
        template_format=template_format,
        sealed=seal_for(cameo_id, plain, _bound_to(template_format, version)),
        created=now,
    )
    return version


def read_template(cameo_id: str) -> Opened:
    """The newest template of a cameo: its format, and its vector with shape (D,), float32.

    Raises:
        SealBroken: if there is none, or it doesn't open.
        Unavailable: if keystore or key-encryption key can't be reached.
    """
    found = read_templates([cameo_id]).get(cameo_id)
    if found is None:
        raise SealBroken
    return found


def read_templates(cameo_ids: Iterable[str]) -> dict[str, Opened]:
    """The newest template of each cameo, by id; who has no template or no key is left out.

    Raises:
        SealBroken: if one doesn't open.
        Unavailable: if keystore or key-encryption key can't be reached.
    """
    newest = {
        row.cameo_id: row
        for row in Template.objects.filter(cameo_id__in=set(cameo_ids))
        .order_by("cameo_id", "-version")
        .distinct("cameo_id")
    }
    found = {}
    for cameo_id, key in data_keys(newest).items():
        row = newest[cameo_id]
        bound_to = _bound_to(row.template_format, row.version)
        plain = open_with(key, cameo_id, bytes(row.sealed), bound_to)
        found[cameo_id] = row.template_format, np.frombuffer(plain, "<f4").astype(np.float32)
    return found


def delete_templates(cameo_id: str) -> None:
    """Delete a cameo's templates, in the caller's transaction; its key is destroyed after it."""
    Template.objects.filter(cameo_id=cameo_id).delete()
