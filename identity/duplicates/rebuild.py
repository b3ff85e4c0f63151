"""Fills an index that isn't whole from the sealed templates, a few at a time.

Each batch is a transaction of its own under the index's lock, so enrolments and erasures go on
between two of them; a rebuild that is cut off goes on where it was.
"""

from __future__ import annotations

import logging
import time

import numpy as np
from django.db import transaction

from identity.duplicates.index import (
    ENROLLED,
    IndexState,
    begin_generation,
    index_states,
    lock_duplicates,
    note_progress,
    open_templates,
    projected,
    put_rows,
    read_state,
)
from identity.models import Cameo

log = logging.getLogger(__name__)

BATCH = 200


def rebuild_duplicates(*, batch: int = BATCH, seconds: float | None = None) -> bool:
    """Make every format's index whole. Where all are, this is two quick reads.

    Args:
        batch: templates that are opened under one lock.
        seconds: stop after about as long, to go on at the next call; None goes on to the end.

    Returns:
        Whether all are whole now.

    Raises:
        SealBroken: an enrolled cameo's template doesn't open. Its id is in the log; the index
            stays not whole until that cameo is erased or enrolled again.
        KeyringError: the keyring has no projection secret.
        Unavailable: keystore or key-encryption key can't be reached.
    """
    ends = None if seconds is None else time.monotonic() + seconds
    for state in index_states():
        whole = state.whole
        while not whole:
            if ends is not None and time.monotonic() >= ends:
                return False
            whole = _rebuild_some(state.template_format, batch)
    return True


def _rebuild_some(template_format: str, batch: int) -> bool:
    with transaction.atomic():
        lock_duplicates()
        state = read_state(template_format)
        if state is None or not state.sound:
            log.warning("the duplicate index is begun anew")
            state = begin_generation(template_format)
        if state.whole:
            return True
        ids = list(
            Cameo.objects.filter(
                id__gt=state.rebuilt_to,
                state__in=ENROLLED,
                templates__template_format=template_format,
            )
            .order_by("id")
            .distinct()
            .values_list("id", flat=True)[:batch]
        )
        _put(ids, state)
        done = len(ids) < batch
        note_progress(template_format, ids[-1] if ids else state.rebuilt_to, done=done)
    if done:
        log.info("the duplicate index is whole")
    return done


def _put(ids: list[str], state: IndexState) -> None:
    names, vectors = [], []
    for cameo_id, (template_format, vector) in open_templates(ids).items():
        # One that was enrolled again with another pack stands in that pack's index.
        if template_format == state.template_format:
            names.append(cameo_id)
            vectors.append(vector)
    if names:
        put_rows(names, state.template_format, projected(np.stack(vectors), state.template_format))
