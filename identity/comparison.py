"""Templates and comparison scores: plain arithmetic over unit vectors.

Score = Σ wᵢ·cᵢ + bias, cᵢ being the cosine of the i-th embedder's vectors; weights, bias and
thresholds come from the pack's `Calibration`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from common.errors import InvalidInput
from identity.types import Vector
from models.engine import Calibration

MIN_SAMPLES: Final = 8
MAX_SAMPLES: Final = 20


class TemplateFormatMismatch(InvalidInput):
    """Two templates are of different models or preparations; they never compare."""

    code = "template_format_mismatch"
    message = "The templates are of different formats and can't be compared."


class TooFewSamples(InvalidInput):
    """There are not enough good samples of the face for a template."""

    code = "too_few_samples"
    message = "The face is not seen well for long enough."


class UnusableVector(InvalidInput):
    """A vector is not finite, has no direction, or its length isn't that of the others."""

    code = "unusable_vector"
    message = "The face could not be described."


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """What is compared: the mean direction of some samples.

    Attributes:
        template_format: of the pack (models.runtime.template_format).
        vectors: one of unit length for each embedder, float32.
        samples: how many it is the mean of.
    """

    template_format: str
    vectors: tuple[Vector, ...]
    samples: int


def unit(vector: Vector) -> Vector:
    """Returns the vector at unit length, float32.

    Raises:
        UnusableVector: it isn't finite, or has no direction.
    """
    length = float(np.linalg.norm(vector.astype(np.float64)))
    if not np.isfinite(length) or length < 1e-6:
        raise UnusableVector
    return np.asarray(vector / length, dtype=np.float32)


def template_from_vectors(
    vectors: Sequence[tuple[Vector, ...]], template_format: str, *, minimum: int = MIN_SAMPLES
) -> Template:
    """Returns the template: for each embedder the mean of the unit vectors, at unit length.

    Args:
        vectors: of each sample, one unit vector for each embedder; the best samples first,
            as no more than 20 are used.
        template_format: of the pack that made them.
        minimum: samples that are needed.

    Raises:
        TooFewSamples: there are fewer than `minimum`.
        UnusableVector: samples are of different lengths, or their mean has no direction.
    """
    if len(vectors) < max(1, minimum):
        raise TooFewSamples
    used = vectors[:MAX_SAMPLES]
    if len({tuple(v.shape for v in sample) for sample in used}) != 1 or not used[0]:
        raise UnusableVector
    means = tuple(
        unit(np.mean([sample[k].astype(np.float64) for sample in used], axis=0))
        for k in range(len(used[0]))
    )
    return Template(template_format, means, len(used))


def compare(one: Template, other: Template, calibration: Calibration) -> float:
    """Returns the comparison score of two templates; the threshold is the caller's.

    Raises:
        TemplateFormatMismatch: they are of different formats.
        UnusableVector: they don't fit the calibration.
    """
    if one.template_format != other.template_format:
        raise TemplateFormatMismatch
    return score(one.vectors, other.vectors, calibration)


def score(one: Sequence[Vector], other: Sequence[Vector], calibration: Calibration) -> float:
    """Returns Σ wᵢ·cᵢ + bias of two sets of unit vectors, one for each embedder.

    Raises:
        UnusableVector: their number or lengths differ, or aren't the calibration's.
    """
    sizes = [v.shape for v in one]
    if sizes != [v.shape for v in other] or len(sizes) != len(calibration.weights):
        raise UnusableVector
    cosines = [float(np.dot(a.astype(np.float64), b)) for a, b in zip(one, other, strict=True)]
    total = calibration.bias
    for weight, cosine in zip(calibration.weights, cosines, strict=True):
        total += weight * cosine
    if not np.isfinite(total):
        raise UnusableVector
    return total


def comparison_vector(template: Template, calibration: Calibration) -> Vector:
    """Returns √w₁·v₁, √w₂·v₂ … end to end, float32.

    The inner product of two of them, plus the bias, is their score.

    Raises:
        UnusableVector: the template doesn't fit the calibration.
    """
    if len(template.vectors) != len(calibration.weights):
        raise UnusableVector
    parts = [
        np.float32(np.sqrt(weight)) * vector
        for weight, vector in zip(calibration.weights, template.vectors, strict=True)
    ]
    return np.concatenate(parts).astype(np.float32)


def compare_vectors(one: Vector, other: Vector, calibration: Calibration) -> float:
    """Returns the comparison score of two comparison vectors, as stored templates hold them.

    Raises:
        UnusableVector: their shapes differ, or the score isn't finite.
    """
    if one.shape != other.shape:
        raise UnusableVector
    total = float(np.dot(one.astype(np.float64), other)) + calibration.bias
    if not np.isfinite(total):
        raise UnusableVector
    return total
