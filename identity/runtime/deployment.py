"""The engines that this deployment's settings name, loaded once a process."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

from common.errors import Misconfigured

if TYPE_CHECKING:
    from models.engine import Engines, PadEngine


class PackNotCalibrated(Misconfigured):
    """Scores of this pack mean nothing until somebody measured them (docs/models.md)."""

    code = "pack_not_calibrated"


@lru_cache(maxsize=1)
def _load(name: str, models_dir: Path) -> Engines:
    # Imported here: the door names this module, and most processes never load an engine.
    from models.runtime import load_engines

    engines = load_engines(name, models_dir)
    if not engines.calibration.measured:
        raise PackNotCalibrated(f"The pack {name} has no calibration of its own to decide by.")
    return engines


def engines() -> Engines:
    """The engines of the deployment's pack; one thread at a time may use them.

    Raises:
        PackError: if a file of the pack is missing or its digest differs.
        PackNotCalibrated: if nobody measured what its scores mean.
    """
    return _load(settings.CAMEO_MODEL_PACK, Path(settings.CAMEO_MODELS_DIR))


@lru_cache(maxsize=1)
def _load_pad(name: str, models_dir: Path) -> PadEngine:
    from models.runtime import load_pad

    return load_pad(name, models_dir)


def pad_engine() -> PadEngine | None:
    """The PAD engine of the deployment, or None where it has none; one thread at a time.

    Raises:
        PackError: if its pack is not installed or its digest differs.
    """
    name = settings.CAMEO_PAD_PACK
    return _load_pad(name, Path(settings.CAMEO_MODELS_DIR)) if name else None


def prepare_to_verify() -> None:
    """Load the engines and start what decoders are forked from, before the first clip comes.

    Raises:
        Misconfigured: if this process could not check a clip; it shouldn't take a job then.
        SandboxUnavailable: if clips can't be confined here.
    """
    from identity.capture.stream import warm_decoders

    engines()
    pad_engine()
    warm_decoders()
