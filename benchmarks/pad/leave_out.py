"""One species at a time left out of tuning: what is fitted on data, fitted again without it.

Of the pipeline only the soft sum (log-likelihood ratios of the soft signals) and its threshold
are fitted on attacks; vetoes have thresholds of their own. Two refits stand for that:

- `threshold`: the pipeline's own sum, its threshold set anew without the species;
- `refit`: the log-likelihood ratio of each soft signal fitted anew as well, as a logistic curve
  of its value (balanced classes, clipped to [-2, 1] as the pipeline's), on bona fide clips and
  the other species.

Either way an attack passes where no veto stops it and its sum reaches the threshold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from benchmarks.pad.statistics import apcer, rests_on_soft

Row = Mapping[str, Any]
SOFT: Final = ("timing", "recapture", "pulse", "pad_model")
CLIP: Final = (-2.0, 1.0)
MOST_BONA_FIDE_LOST: Final = 0.05
_RIDGE: Final = 1e-2


def leave_one_out(attacks: Sequence[Row], bona_fide: Sequence[Row]) -> list[dict[str, Any]]:
    """For each species what passes when it has no part in tuning; empty without soft sums."""
    out = []
    for species in dict.fromkeys(str(row["species"]) for row in attacks):
        left = [row for row in attacks if row["species"] == species]
        others = [row for row in attacks if row["species"] != species]
        if not others or not bona_fide:
            continue
        entry: dict[str, Any] = {"species": species}
        entry["as_shipped"] = apcer(left).to_json()
        if all(row.get("soft") is not None for row in (*others, *bona_fide) if row["signals"]):
            threshold = fitted_threshold(others, bona_fide, _own)
            entry["threshold"] = {"at": threshold, **_passing(left, threshold, _own)}
        fitted = fit(others, bona_fide)
        if fitted:

            def total(row: Row, fitted: Curves = fitted) -> float:
                return fitted_sum(row, fitted)

            threshold = fitted_threshold(others, bona_fide, total)
            entry["refit"] = {"at": threshold, **_passing(left, threshold, total)}
        out.append(entry)
    return out


def _own(row: Row) -> float:
    soft = row.get("soft")
    return float("-inf") if soft is None else float(soft)


def _passing(rows: Sequence[Row], threshold: float, total: Any) -> dict[str, Any]:
    """APCER where a clip passes that no veto stops and whose sum reaches the threshold."""
    again = []
    for row in rows:
        passes = rests_on_soft(row) and total(row) >= threshold
        outcome = row["outcome"] if not rests_on_soft(row) else "pass" if passes else "review"
        again.append({**row, "outcome": outcome})
    return apcer(again).to_json()


def fitted_threshold(attacks: Iterable[Row], bona_fide: Iterable[Row], total: Any) -> float:
    """The threshold of a sum that lets the fewest attacks through and loses at most 5 %.

    Only clips that no veto stopped count. Between the highest attack and the lowest bona fide
    clip it is their middle; where they overlap, the bona fide clips' 5th percentile.
    """
    bad = [total(row) for row in attacks if rests_on_soft(row)]
    good = sorted(total(row) for row in bona_fide if rests_on_soft(row))
    if not good:
        return float("inf")
    lowest = float(np.quantile(good, MOST_BONA_FIDE_LOST, method="lower"))
    highest = max(bad, default=float("-inf"))
    if not np.isfinite(highest):
        return lowest
    return (highest + lowest) / 2 if highest < lowest else lowest


Curves = dict[str, tuple[float, float]]


def fit(attacks: Iterable[Row], bona_fide: Iterable[Row]) -> Curves:
    """Slope and offset of each soft signal's log-likelihood ratio by its value."""
    bad, good = list(attacks), list(bona_fide)
    out: Curves = {}
    for name in SOFT:
        x0, x1 = _values(bad, name), _values(good, name)
        if len(x0) >= 5 and len(x1) >= 5:
            out[name] = _logistic(x0, x1)
    return out


def fitted_sum(row: Row, curves: Curves) -> float:
    """The sum of a row's clipped log-likelihood ratios; a signal without a value adds nothing."""
    total = 0.0
    for signal in row["signals"]:
        if signal["name"] in curves and signal["value"] is not None:
            slope, offset = curves[signal["name"]]
            total += min(CLIP[1], max(CLIP[0], slope * signal["value"] + offset))
    return total


def _values(rows: Iterable[Row], name: str) -> NDArray[np.float64]:
    return np.array(
        [
            signal["value"]
            for row in rows
            for signal in row["signals"]
            if signal["name"] == name and signal["value"] is not None
        ],
        dtype=np.float64,
    )


def _logistic(bad: NDArray[np.float64], good: NDArray[np.float64]) -> tuple[float, float]:
    """Balanced logistic regression of one value, with a little ridge on the slope."""
    both = np.concatenate([bad, good])
    middle, spread = float(both.mean()), float(both.std()) or 1.0
    x0, x1 = (bad - middle) / spread, (good - middle) / spread

    def loss(w: NDArray[np.float64]) -> float:
        costs = np.logaddexp(0, w[0] * x0 + w[1]).mean() + np.logaddexp(0, -w[0] * x1 - w[1]).mean()
        return float(costs + _RIDGE * w[0] ** 2)

    slope, offset = minimize(loss, np.zeros(2), method="BFGS").x
    return float(slope / spread), float(offset - slope * middle / spread)
