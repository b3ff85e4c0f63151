"""What a reviewer sees of one capture: everything but a picture."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from identity.liveness.geometry import motion_of
from identity.models import Cameo, DecisionRecord, Review
from identity.runtime.trackfile import TrackBroken
from identity.session_errors import NoSuchReview, TrackGone
from identity.summaries import ReviewDetail
from identity.types import Track
from identity.verification.records import read_body
from identity.verification.review_queue import require_staff, view_of_review
from identity.verification.tracks import read_track

Series = dict[str, list[float | None]]

MAX_POINTS = 400
_DIGITS = 4


def read_review(*, by: str, review_id: str, now: datetime) -> ReviewDetail:
    """Everything about one capture: its record, and what was measured over time.

    Raises:
        NotStaff: if they may not.
        NoSuchReview: if there is none.
        Unavailable: if keystore or key-encryption key can't be reached.
    """
    require_staff(by)
    rows = Review.objects.exclude(cameo__state=Cameo.State.ERASED).select_related("session")
    row = rows.filter(id=review_id).first()
    if row is None:
        raise NoSuchReview
    record = DecisionRecord.objects.filter(session_id=row.session_id).first()
    series, missing = kept_series(row.session_id, now=now)
    return ReviewDetail(
        review=view_of_review(row),
        record=read_body(record) if record else None,
        series=series,
        series_missing=missing,
        clip_kept=bool(row.session.clip_file),
    )


def kept_series(session_id: str, *, now: datetime) -> tuple[Series | None, str | None]:
    """A session's series, or None and the code of why its track is not to be had.

    Raises:
        Unavailable: if keystore or key-encryption key can't be reached.
    """
    try:
        return series_of(read_track(session_id, now=now)), None
    except (TrackGone, TrackBroken) as error:
        return None, error.code


def series_of(track: Track) -> Series:
    """What was measured over time, thinned to at most 400 points; None where nothing was.

    `time` in seconds; `yaw` and `pitch` in degrees; `eyes` and `mouth` as openings over widths;
    `red`, `green`, `blue`: the skin's mean, linear, 0 to 1.
    """
    frames = int(track.times.size)
    step = max(1, -(-frames // MAX_POINTS))
    motion = motion_of(track)
    columns: dict[str, NDArray[Any]] = {"time": track.times}
    for name in ("yaw", "pitch", "eyes", "mouth"):
        whole = np.full(frames, np.nan)
        whole[track.present] = getattr(motion, name)
        columns[name] = whole
    if track.colours is not None:
        seen = np.isfinite(track.colours.skin)
        total = np.where(seen, track.colours.skin, 0.0).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            means = total / seen.sum(axis=1)
        for place, name in enumerate(("red", "green", "blue")):
            columns[name] = means[:, place]
    return {name: [_plain(value) for value in column[::step]] for name, column in columns.items()}


def _plain(value: Any) -> float | None:
    return round(float(value), _DIGITS) if np.isfinite(value) else None
