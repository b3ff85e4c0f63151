"""From which score on a match counts, in a gallery of so many."""

from __future__ import annotations

import math
from typing import Final

FPIR: Final = 1e-3
"""At most this share of honest enrolments may be stopped (liveness.md, "Templates")."""

# The tail of non-mated scores of single pictures, as far as it was measured: FMR 1e-3 at 0.95
# and 1e-4 at 1.84, on 12,315 dependent pairs of 62 people (docs/models.md).
_SCORE_AT_1E_3: Final = 0.95
_SCORE_AT_1E_4: Final = 1.84
_PER_DECADE: Final = _SCORE_AT_1E_4 - _SCORE_AT_1E_3


def false_match_rate(score: float) -> float:
    """Returns the FMR at a score: a decade for each 0.89, an extrapolation above 1.84.

    Below the scores it was measured at, the exponential gives more than 1; it is cut there.
    """
    if math.isnan(score):
        return 1.0
    return math.pow(10.0, min(0.0, -3.0 - (score - _SCORE_AT_1E_3) / _PER_DECADE))


def duplicate_threshold(gallery_size: int, *, floor: float) -> float:
    """Returns the least score t with n · FMR(t) ≤ 1e-3, and never less than `floor`.

    Args:
        gallery_size: templates that an enrolment is compared with, n.
        floor: the pack's threshold for templates.
    """
    decades = math.log10(max(1, gallery_size)) - math.log10(FPIR) - 3.0
    exact = _SCORE_AT_1E_3 + _PER_DECADE * decades
    # A millionth of a point, so that rounding never leaves it just under.
    return max(floor, exact + 1e-6)


def false_positive_identification_rate(gallery_size: int, *, threshold: float) -> float:
    """Returns FPIR: how often an honest enrolment meets at least one false match.

    1 − (1 − FMR)ⁿ (ISO/IEC 19795-1 gives FPIR ≤ n · FMR), with comparisons taken for independent.
    """
    rate = false_match_rate(threshold)
    if rate >= 1.0:
        return 1.0 if gallery_size > 0 else 0.0
    return -math.expm1(max(0, gallery_size) * math.log1p(-rate))
