"""What one comparison of two people costs, by the project's score and by others' measures."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from identity.comparison import Template, compare, comparison_vector
from identity.types import Vector
from models.engine import Calibration
from models.manifest import load_manifest

CALLS: Final = 2000
_DLIB_DIMENSIONS: Final = 128


def comparison(repeats: int, calls: int = CALLS) -> dict[str, Any]:
    """Returns microseconds a comparison, measured in alternation, and the vectors' lengths.

    Random unit vectors of the lengths that pack `open` gives; the time doesn't depend on them.
    `this_templates` is identity.comparison.compare on two templates; `this_inner_product` the
    same score as one NumPy inner product of two stored vectors (float32);
    `dlib_distance` the Euclidean distance of two of dlib's descriptors as face_recognition
    takes it, by NumPy (float64).

    Args:
        repeats: of which the median and the least are given.
        calls: in each repeat.
    """
    manifest = load_manifest("open")
    calibration = manifest.calibration
    assert calibration is not None
    lengths = [file.dimensions or 0 for file in manifest.with_role("embedder")]
    rng = np.random.default_rng(7)
    one, other = (_template(rng, lengths) for _ in range(2))
    ours = _ours(one, other, calibration)
    first, second = (rng.normal(size=_DLIB_DIMENSIONS) for _ in range(2))
    contenders: dict[str, Callable[[], object]] = {
        **ours,
        "dlib_distance": lambda: np.linalg.norm(first - second),
    }
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(repeats):
        for name, call in contenders.items():
            started = time.perf_counter()
            for _ in range(calls):
                call()
            taken[name].append((time.perf_counter() - started) / calls * 1e6)
    rows = {
        name: {"median_us": round(statistics.median(values), 3), "min_us": round(min(values), 3)}
        for name, values in taken.items()
    }
    return {"dimensions": lengths, "dlib_dimensions": _DLIB_DIMENSIONS, "calls": calls, **rows}


def _ours(
    one: Template, other: Template, calibration: Calibration
) -> dict[str, Callable[[], object]]:
    stored, probe = comparison_vector(one, calibration), comparison_vector(other, calibration)
    return {
        "this_templates": lambda: compare(one, other, calibration),
        "this_inner_product": lambda: float(np.dot(stored, probe)) + calibration.bias,
    }


def _template(rng: np.random.Generator, lengths: list[int]) -> Template:
    return Template("benchmark", tuple(_unit(rng, length) for length in lengths), samples=20)


def _unit(rng: np.random.Generator, length: int) -> Vector:
    values = rng.normal(size=length)
    return np.asarray(values / np.linalg.norm(values), dtype=np.float32)
