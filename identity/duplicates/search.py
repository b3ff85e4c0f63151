"""Is this face enrolled already? A scan of the index, then the exact comparison of the nearest."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from common.envelope import SealBroken
from identity.comparison import TemplateFormatMismatch, UnusableVector, compare_vectors
from identity.duplicates.index import (
    as_text,
    delete_rows,
    ensure_state,
    lock_duplicates,
    open_templates,
    projected,
)
from identity.duplicates.threshold import duplicate_threshold
from identity.models import Cameo
from identity.runtime.deployment import engines
from identity.types import Vector
from models.engine import Calibration

log = logging.getLogger(__name__)

SHORTLIST: Final = 200
"""Candidates that are compared exactly (ADR 0014 says what that finds)."""

# For this transaction only. Compiling the query would cost more than it saves, and a scan of a
# table of 8 MB or more is worth a second process.
_SETTINGS: Final = (
    ("jit", "off"),
    ("max_parallel_workers_per_gather", "2"),
    ("min_parallel_table_scan_size", "1MB"),
    ("parallel_setup_cost", "100"),
)


@dataclass(frozen=True, slots=True)
class Match:
    """Another account's cameo whose template scores at or above the threshold."""

    cameo_id: str
    score: float


@dataclass(frozen=True, slots=True)
class Duplicates:
    """What a search found.

    Attributes:
        whole: the whole gallery was searched. Where it is False nothing may pass on the
            strength of this answer: the caller waits, and asks again.
        matches: highest score first; none where `whole` is False.
        gallery_size: how many templates were searched.
        threshold: the score from which a match counted.
    """

    whole: bool
    matches: tuple[Match, ...]
    gallery_size: int = 0
    threshold: float = 0.0


_NOT_WHOLE: Final = Duplicates(whole=False, matches=())


def find_duplicates(
    *,
    cameo_id: str,
    owner_id: str,
    template_format: str,
    vector: Vector,
    calibration: Calibration | None = None,
) -> Duplicates:
    """Search the enrolled cameos of other accounts for a face.

    Takes the index's lock for the rest of the caller's transaction, so that of two accounts
    that enrol one face at the same time the later one sees the earlier.

    Args:
        cameo_id: whose template it is; never a match.
        owner_id: the account, whose own cameos are never matches.
        template_format: of the template.
        vector: the comparison vector, shape (D,), float32.
        calibration: of the scores; that of the deployment's pack where none is given.

    Raises:
        NoTransaction: outside a transaction.
        UnusableVector: the vector can't be projected or compared.
        KeyringError: the keyring has no projection secret.
        PackError, PackNotCalibrated: the deployment's pack can't be used.
        Unavailable: keystore or key-encryption key can't be reached.
    """
    scale = calibration or engines().calibration
    if vector.ndim != 1:
        raise UnusableVector
    row = projected(vector[np.newaxis], template_format)[0]
    lock_duplicates()
    state = ensure_state(template_format, besides=cameo_id)
    if not state.whole:
        return _NOT_WHOLE
    own = set(
        Cameo.objects.filter(owner_id=owner_id)
        .exclude(state=Cameo.State.ERASED)
        .values_list("id", flat=True)
    )
    own.add(cameo_id)
    names = _nearest(row, template_format, SHORTLIST + len(own))
    candidates = [name for name in names if name not in own][:SHORTLIST]
    threshold = duplicate_threshold(state.size, floor=scale.template_threshold)
    matches = []
    try:
        opened = open_templates(candidates)
        for name, (found_format, found) in opened.items():
            if found_format != template_format:
                raise TemplateFormatMismatch
            score = compare_vectors(vector, found, scale)
            if score >= threshold:
                matches.append(Match(name, score))
    except (SealBroken, TemplateFormatMismatch, UnusableVector):
        # Somebody who is enrolled can't be compared, so nobody can be said to be new.
        log.exception("the duplicate search could not compare a template")
        return _NOT_WHOLE
    matches.sort(key=lambda match: match.score, reverse=True)
    return Duplicates(True, tuple(matches), gallery_size=state.size, threshold=threshold)


def shortlist(row: NDArray[np.float16], template_format: str, limit: int) -> list[str]:
    """Returns the ids of the cameos nearest to a projected row, nearest first.

    By distance: of vectors of one length it orders like the inner product, and after the
    projection it is the better estimate of it (ADR 0014).
    """
    with connection.cursor() as cursor:
        for name, value in _SETTINGS:
            cursor.execute("select set_config(%s, %s, true)", [name, value])
        cursor.execute(
            "select cameo_id from identity_duplicate_index"
            " where template_format = %s and projected is not null"
            " order by projected <-> %s::halfvec limit %s",
            [template_format, as_text(row), limit],
        )
        return [name for (name,) in cursor.fetchall()]


def _nearest(row: NDArray[np.float16], template_format: str, limit: int) -> list[str]:
    """The shortlist, without cameos that are erased: their templates are gone.

    No path leaves such a row behind, but one that was left would take somebody's place.
    """
    while True:
        names = shortlist(row, template_format, limit)
        there = set(
            Cameo.objects.filter(id__in=names)
            .exclude(state=Cameo.State.ERASED)
            .values_list("id", flat=True)
        )
        gone = [name for name in names if name not in there]
        if not gone:
            return names
        log.warning("rows of erased cameos are taken out of the duplicate index")
        delete_rows(gone)
