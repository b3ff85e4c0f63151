"""Templates at rest: sealed under the cameo's data key, which the key-encryption key wraps."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from common.envelope import SealBroken, new_key, seal, unseal
from identity.models import DataKey, Template
from identity.protection.keyring import keyring


def _bound_to(cameo_id: str, template_format: str, version: int) -> bytes:
    return f"{cameo_id}|{template_format}|{version}".encode("ascii")


def _data_key(cameo_id: str) -> bytes:
    found = DataKey.objects.filter(cameo_id=cameo_id).first()
    bound_to = cameo_id.encode("ascii")
    if found is not None:
        return keyring().unwrap(bytes(found.wrapped), bound_to=bound_to)
    key = new_key()
    DataKey.objects.create(cameo_id=cameo_id, wrapped=keyring().wrap(key, bound_to=bound_to))
    return key


def store_template(
    *, cameo_id: str, template_format: str, vector: NDArray[np.float32], now: datetime
) -> int:
    """Seal a template as the cameo's next version, in the caller's transaction.

    Args:
        cameo_id: whose; the caller holds its lock.
        template_format: of the pack that made it.
        vector: the comparison vector, shape (D,), float32.
        now: when.

    Returns:
        The version.
    """
    newest = Template.objects.filter(cameo_id=cameo_id).order_by("-version").first()
    version = newest.version + 1 if newest else 1
    plain = np.ascontiguousarray(vector, dtype="<f4").tobytes()
    Template.objects.create(
        cameo_id=cameo_id,
        version=version,
        template_format=template_format,
        sealed=seal(
            _data_key(cameo_id), plain, bound_to=_bound_to(cameo_id, template_format, version)
        ),
        created=now,
    )
    return version


def read_template(cameo_id: str) -> tuple[str, NDArray[np.float32]]:
    """The newest template of a cameo: its format, and its vector with shape (D,), float32.

    Raises:
        SealBroken: if there is none, or it doesn't open.
    """
    newest = Template.objects.filter(cameo_id=cameo_id).order_by("-version").first()
    found = DataKey.objects.filter(cameo_id=cameo_id).first()
    if newest is None or found is None:
        raise SealBroken
    key = keyring().unwrap(bytes(found.wrapped), bound_to=cameo_id.encode("ascii"))
    plain = unseal(
        key,
        bytes(newest.sealed),
        bound_to=_bound_to(cameo_id, newest.template_format, newest.version),
    )
    return newest.template_format, np.frombuffer(plain, dtype="<f4").astype(np.float32)


def destroy_templates(cameo_id: str) -> None:
    """Delete a cameo's data key and templates, in the caller's transaction."""
    DataKey.objects.filter(cameo_id=cameo_id).delete()
    Template.objects.filter(cameo_id=cameo_id).delete()
