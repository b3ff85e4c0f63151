"""Which weights the peers run with, and what is said where they are absent."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.identity_peers.contenders import DETECTOR_SIDE
from benchmarks.identity_peers.networks import (
    RECOGNISER_SIDE,
    multiply_accumulates,
    random_detector,
    random_recogniser,
)
from models.digests import sha256_of
from models.manifest import PackFile, load_manifest
from models.store import cache_folder

DLIB_WEIGHTS: Final = "dlib_face_recognition_resnet_model_v1.dat"
INSIGHTFACE_PACK: Final = "buffalo_l"
_DETECTOR: Final = "random_scrfd_10g.onnx"
_RECOGNISER: Final = "random_iresnet50.onnx"
_VGA: Final = (480, 640)


@dataclass(frozen=True, slots=True)
class InsightFaceFolder:
    """A folder that FaceAnalysis loads.

    Attributes:
        folder: with both files.
        random_weights: whether they were made here.
        facts: for the result: the weights, and what they compute.
    """

    folder: Path
    random_weights: bool
    facts: dict[str, Any]


def dlib_weights() -> Path | None:
    """Returns dlib's file from the cache that installing pack `open` fills, else None."""
    for file in load_manifest("open").files:
        for ingredient in file.made_from:
            if ingredient.name == DLIB_WEIGHTS:
                path = cache_folder() / ingredient.sha256
                if path.is_file() and sha256_of(path) == ingredient.sha256:
                    return path
    return None


def insightface_folder(models_dir: Path, scratch: Path) -> InsightFaceFolder:
    """Returns pack buffalo_l where it is installed, else random weights made in `scratch`."""
    files = load_manifest(INSIGHTFACE_PACK).files
    installed = models_dir / INSIGHTFACE_PACK
    random_weights = not all(_is(installed / file.name, file) for file in files)
    if random_weights:
        detector, recogniser = scratch / _DETECTOR, scratch / _RECOGNISER
        detector.write_bytes(random_detector())
        recogniser.write_bytes(random_recogniser())
    else:
        detector, recogniser = (installed / file.name for file in files)
    square = (DETECTOR_SIDE, DETECTOR_SIDE)
    facts: dict[str, Any] = {
        "weights": "random" if random_weights else INSIGHTFACE_PACK,
        "detector_bytes": detector.stat().st_size,
        "recogniser_bytes": recogniser.stat().st_size,
    }
    if random_weights:
        face = (RECOGNISER_SIDE, RECOGNISER_SIDE)
        content = detector.read_bytes()
        facts |= {
            "detector_gmac_at_640x480": round(multiply_accumulates(content, *_VGA), 2),
            "detector_gmac": round(multiply_accumulates(content, *square), 2),
            "recogniser_gmac": round(multiply_accumulates(recogniser.read_bytes(), *face), 2),
        }
    return InsightFaceFolder(detector.parent, random_weights, facts)


def _is(path: Path, file: PackFile) -> bool:
    return path.is_file() and sha256_of(path) == file.sha256
