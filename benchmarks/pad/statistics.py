"""Rates and their bounds, counted by face and instrument."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from benchmarks.pad.judging import CRASHED, NON_RESPONSE, NOT_MADE, PASS

Row = Mapping[str, Any]
CONFIDENCE: Final = 0.95


def clopper_pearson_upper(count: int, n: int, confidence: float = CONFIDENCE) -> float:
    """One-sided upper bound of a share (Clopper and Pearson 1934); 1 for n = 0.

    Raises:
        ValueError: `count` is not between 0 and `n`.
    """
    if not 0 <= count <= n:
        raise ValueError("a count lies between 0 and n")
    return 1.0 if count == n else float(beta.ppf(confidence, count + 1, n - count))


def clopper_pearson_lower(count: int, n: int, confidence: float = CONFIDENCE) -> float:
    """One-sided lower bound of a share; 0 for n = 0."""
    if not 0 <= count <= n:
        raise ValueError("a count lies between 0 and n")
    return 0.0 if count == 0 else float(beta.ppf(1 - confidence, count, n - count + 1))


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its one-sided 95 % upper bound.

    Attributes:
        count, n: of so many.
        clips: how many clips that rests on.
        non_response: clips by outcome that are neither a pass nor a fail.
    """

    count: int
    n: int
    clips: int
    non_response: Mapping[str, int]

    @property
    def rate(self) -> float | None:
        """The share; None of nothing."""
        return self.count / self.n if self.n else None

    @property
    def upper(self) -> float:
        """Its bound."""
        return clopper_pearson_upper(self.count, self.n)

    def to_json(self) -> dict[str, Any]:
        """The share as the report's JSON writes it."""
        return {
            "count": self.count,
            "n": self.n,
            "clips": self.clips,
            "rate": self.rate,
            "upper_95": round(self.upper, 4),
            "non_response": dict(self.non_response),
        }


def apcer(rows: Iterable[Row]) -> Share:
    """Share of pairs of face and instrument of which any clip passed.

    Clips that are neither passed nor failed (retry, review, …) count as not passed, and are told
    apart beside it.
    """
    passed: dict[tuple[str, str], bool] = {}
    others: Counter[str] = Counter()
    clips = 0
    for row in rows:
        others += _non_response(row)
        if row["outcome"] == NOT_MADE:
            continue
        pair = (str(row["face"]), str(row["instrument"]))
        passed[pair] = passed.get(pair, False) or row["outcome"] == PASS
        clips += 1
    return Share(sum(passed.values()), len(passed), clips, dict(others))


def bpcer(rows: Iterable[Row]) -> Share:
    """Share of bona fide clips that fail; what must be tried or looked at again stands apart."""
    listed = list(rows)
    others: Counter[str] = Counter()
    for row in listed:
        others += _non_response(row)
    failed = sum(1 for row in listed if row["outcome"] == "fail")
    return Share(failed, len(listed), len(listed), dict(others))


def not_passed(rows: Iterable[Row]) -> Share:
    """Share of bona fide clips that don't pass, for whatever reason."""
    listed = list(rows)
    missed = sum(1 for row in listed if row["outcome"] != PASS)
    return Share(missed, len(listed), len(listed), {})


def _non_response(row: Row) -> Counter[str]:
    outcome = str(row["outcome"])
    return Counter([outcome] if outcome in (*NON_RESPONSE, CRASHED, NOT_MADE) else [])


def worst(shares: Mapping[str, Share]) -> str | None:
    """The species with the highest rate (of equal ones the highest bound); None without any."""
    counted = {name: share for name, share in shares.items() if share.n}
    if not counted:
        return None
    return max(counted, key=lambda name: (counted[name].rate or 0.0, counted[name].upper))


def caught_by(rows: Sequence[Row]) -> dict[str, dict[str, int]]:
    """For each signal, how many clips it let pass, stopped, or said nothing of, with the whys."""
    out: dict[str, dict[str, int]] = {}
    for row in rows:
        for signal in row["signals"]:
            counts = out.setdefault(signal["name"], {})
            for word in (signal["outcome"], f"why:{signal['why']}"):
                counts[word] = counts.get(word, 0) + 1
    return out


@dataclass(frozen=True, slots=True, eq=False)
class Det:
    """A detection error trade-off: for each threshold of the soft sum, both error rates.

    Attributes:
        thresholds: rising. apcer: share of attack clips at or above. bpcer: share of bona fide
            clips below.
    """

    thresholds: NDArray[np.float64]
    apcer: NDArray[np.float64]
    bpcer: NDArray[np.float64]

    @property
    def equal_error_rate(self) -> float:
        """Where both rates meet, or come nearest to."""
        at = int(np.argmin(np.abs(self.apcer - self.bpcer)))
        return float((self.apcer[at] + self.bpcer[at]) / 2)


def det(attacks: Sequence[float], bona_fide: Sequence[float]) -> Det | None:
    """The trade-off of two sets of scores; None where either is empty."""
    if not attacks or not bona_fide:
        return None
    bad, good = np.array(attacks, dtype=np.float64), np.array(bona_fide, dtype=np.float64)
    finite = np.concatenate([bad[np.isfinite(bad)], good[np.isfinite(good)]])
    steps = np.unique(finite)
    thresholds = np.concatenate([steps, [steps[-1] + 1.0 if steps.size else 0.0]])
    return Det(
        thresholds,
        np.array([(bad >= t).mean() for t in thresholds]),
        np.array([(good < t).mean() for t in thresholds]),
    )


def soft_scores(rows: Iterable[Row], *, vetoes: bool) -> list[float]:
    """Soft sums of rows that have one; with `vetoes` a clip that a veto stopped has −∞."""
    out = []
    for row in rows:
        if row.get("soft") is None:
            continue
        out.append(float("-inf") if vetoes and not rests_on_soft(row) else float(row["soft"]))
    return out


def rests_on_soft(row: Row) -> bool:
    """Whether no veto spoke, so that the soft sum decides between pass and review."""
    return row["outcome"] in (PASS, "review")
