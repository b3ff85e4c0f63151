"""Whether the clip shows one person from its first frame to its last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from identity.comparison import UnusableVector
from identity.comparison import score as comparison_score
from identity.liveness.signals import (
    MIN_BRIGHTNESS,
    MIN_CONTRAST,
    MIN_EYE_DISTANCE,
    MIN_SHARPNESS,
    usual_eye_distance,
)
from identity.types import Jump, Sample, Signal, SignalOutcome, Track
from models.engine import Calibration

MIN_SAMPLES: Final = 4
MIN_GROUP: Final = 3
TURNED_YAW: Final = 22.0
TURNED_PITCH: Final = 18.0
TURNED_ALLOWANCE: Final = 2.0
"""What a sample that looks aside may score less: embedders know turned faces less well."""
SLIP_SECONDS: Final = 0.3
BREAKING_JUMPS: Final = ("place", "size")


def continuity(track: Track, calibration: Calibration) -> Signal:
    """Each sample belongs to the others', the clip doesn't fall into two people, nothing jumps.

    Value: the least margin, as a score: of a sample against the mean of the others (plus an
    allowance where the head is turned away), or of the two groups against each other into
    which the samples fall most readily. Threshold: the pack's `continuity_threshold`.
    It abstains with fewer than 4 samples, and on a face that is too small to tell.

    Args:
        track: of the clip.
        calibration: of the pack that made the samples.
    """
    threshold = calibration.continuity_threshold
    if track.present.any() and usual_eye_distance(track) < MIN_EYE_DISTANCE:
        # Embedders tell people less and less apart: honest clips would fall under the threshold.
        n = len(track.samples)
        return Signal("continuity", None, threshold, SignalOutcome.ABSTAIN, "too_small", n)
    samples = [sample for sample in track.samples if _is_telling(sample)]
    n = len(samples)
    jumps = lasting_jumps(track.jumps)
    if jumps:
        worst = max(jumps, key=lambda jump: jump.size)
        return Signal("continuity", worst.size, None, SignalOutcome.FAIL, "jump", len(jumps))
    if n < MIN_SAMPLES:
        return Signal("continuity", None, threshold, SignalOutcome.ABSTAIN, "too_few_samples", n)
    try:
        alone = min(leave_one_out(samples, calibration))
        apart = between_groups(samples, calibration)
    except UnusableVector:
        return Signal("continuity", None, threshold, SignalOutcome.ABSTAIN, "too_few_samples", n)
    value = alone if apart is None else min(alone, apart)
    if value >= threshold:
        return Signal("continuity", value, threshold, SignalOutcome.PASS, "ok", n)
    why = "other_person" if value == alone else "two_people"
    return Signal("continuity", value, threshold, SignalOutcome.FAIL, why, n)


def lasting_jumps(jumps: Sequence[Jump]) -> list[Jump]:
    """Returns the jumps of place or size that the face doesn't come back from at once.

    There and back within 0.3 s is a slip of the mesh, as when a hand crosses the face; another
    face shown for longer than that has a sample of its own.
    """
    lasting: list[Jump] = []
    for jump in jumps:
        if jump.kind not in BREAKING_JUMPS:
            continue
        back = next(
            (j for j in lasting if j.kind == jump.kind and jump.time_s - j.time_s <= SLIP_SECONDS),
            None,
        )
        if back is None:
            lasting.append(jump)
        else:
            lasting.remove(back)
    return lasting


def _is_telling(sample: Sample) -> bool:
    """Whether a sample is lit and sharp enough to tell who it is."""
    return (
        sample.brightness >= MIN_BRIGHTNESS
        and sample.contrast >= MIN_CONTRAST
        and sample.sharpness >= MIN_SHARPNESS
    )


def leave_one_out(samples: list[Sample], calibration: Calibration) -> list[float]:
    """Returns each sample's score against the mean of the others, turned ones with allowance.

    Raises:
        UnusableVector: the vectors don't fit together.
    """
    scores = []
    for i, sample in enumerate(samples):
        others = [s.vectors for k, s in enumerate(samples) if k != i]
        value = comparison_score(sample.vectors, _mean(others), calibration)
        turned = abs(sample.yaw) > TURNED_YAW or abs(sample.pitch) > TURNED_PITCH
        scores.append(value + (TURNED_ALLOWANCE if turned else 0.0))
    return scores


def between_groups(samples: list[Sample], calibration: Calibration) -> float | None:
    """Returns the score between the two groups that the samples fall into, None if one is tiny.

    Groups by 2-means over the weighted vectors, started from the two samples that are least
    alike. One person's samples fall apart by pose and light, and the groups still match.

    Raises:
        UnusableVector: the vectors don't fit together.
    """
    weights = np.sqrt(np.array(calibration.weights, dtype=np.float64))
    rows = np.stack(
        [np.concatenate([w * v for w, v in zip(weights, s.vectors, strict=True)]) for s in samples]
    )
    members = _two_means(rows)
    groups = [
        [s.vectors for s, inside in zip(samples, members, strict=True) if inside],
        [s.vectors for s, inside in zip(samples, members, strict=True) if not inside],
    ]
    if min(len(group) for group in groups) < MIN_GROUP:
        return None
    return comparison_score(_mean(groups[0]), _mean(groups[1]), calibration)


def _mean(vectors: list[tuple[NDArray[np.float32], ...]]) -> tuple[NDArray[np.float32], ...]:
    means = tuple(np.mean([v[k] for v in vectors], axis=0) for k in range(len(vectors[0])))
    lengths = [float(np.linalg.norm(mean)) for mean in means]
    if not all(length > 1e-6 for length in lengths):
        raise UnusableVector
    return tuple(
        np.asarray(mean / length, dtype=np.float32)
        for mean, length in zip(means, lengths, strict=True)
    )


def _two_means(rows: NDArray[np.float64]) -> NDArray[np.bool_]:
    alike = rows @ rows.T
    i, j = np.unravel_index(int(np.argmin(alike)), alike.shape)
    one, two = rows[i], rows[j]
    members = np.zeros(len(rows), dtype=np.bool_)
    for _ in range(20):
        nearer = rows @ one >= rows @ two
        if nearer.all() or not nearer.any() or (nearer == members).all():
            return np.asarray(nearer, dtype=np.bool_)
        members = np.asarray(nearer, dtype=np.bool_)
        one, two = rows[members].mean(axis=0), rows[~members].mean(axis=0)
        one, two = one / np.linalg.norm(one), two / np.linalg.norm(two)
    return members
