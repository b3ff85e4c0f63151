"""The engines that this deployment's settings name, loaded once a process."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from django.conf import settings

from models.engine import Engines
from models.runtime import load_engines


@lru_cache(maxsize=1)
def _load(name: str, models_dir: Path) -> Engines:
    return load_engines(name, models_dir)


def engines() -> Engines:
    """The engines of the deployment's pack; one thread at a time may use them.

    Raises:
        PackError: if a file of the pack is missing or its digest differs.
    """
    return _load(settings.CAMEO_MODEL_PACK, Path(settings.CAMEO_MODELS_DIR))
