"""The duplicate index: one projected row for each enrolled cameo, in an UNLOGGED table.

Such a table stays out of the write-ahead log, and is empty after a crash, after a fail-over and
in a restored backup. So the index of a template format has a *generation*: a row of the table
holds its id (in place of a cameo's, with no vector), and so does the logged table
`identity_duplicate_state`. Only where both are there, under today's projection secret, and a
rebuild has come to its end, does the index count as whole.

Every function here takes the index's lock, and holds it until the caller's transaction ends.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from audit.interface import require_transaction
from common.envelope import SealBroken
from common.ids import new_id
from common.keyring import PROJECTION
from identity.duplicates.projection import project, projection_key_id
from identity.models import Cameo
from identity.protection.keyring import keyring
from identity.protection.templates import Opened, read_template, read_templates
from identity.types import Vector

log = logging.getLogger(__name__)

ENROLLED: Final = (Cameo.State.ACTIVE, Cameo.State.SUSPENDED, Cameo.State.EXPIRED)
"""Whose newest template the index holds."""

# Two numbers, which PostgreSQL keeps apart from the one-number locks of other rooms.
_LOCK: Final = (0x43616D65, 1)


@dataclass(frozen=True, slots=True)
class IndexState:
    """The index of one template format.

    Attributes:
        template_format: whose.
        whole: every enrolled cameo of the format is in it, as far as this can be known.
        size: rows, the gallery that an enrolment is compared with.
        rebuilt_to: where a rebuild goes on: the last cameo's id; empty at the beginning.
        sound: the table holds the generation that the state names, under today's secret. An
            index that isn't is begun anew.
    """

    template_format: str
    whole: bool
    size: int
    rebuilt_to: str
    sound: bool


def lock_duplicates() -> None:
    """Wait for the index's lock and hold it until the transaction ends; taking it twice is fine.

    It comes after the locks of account, cameos and sessions, and before a chain's head.

    Raises:
        NoTransaction: outside a transaction.
    """
    require_transaction("The duplicate index was locked")
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s, %s)", _LOCK)


def add_to_index(*, cameo_id: str, template_format: str, vector: Vector) -> None:
    """Put a cameo's newest template into the index, in place of an older one.

    Args:
        cameo_id: whose; the caller holds its lock, and stores the template in this transaction.
        template_format: of the pack that made it.
        vector: the comparison vector, shape (D,), float32.

    Raises:
        NoTransaction: outside a transaction.
        UnusableVector: the vector can't be projected.
        KeyringError: the keyring has no projection secret.
    """
    rows = projected(vector[np.newaxis], template_format)
    lock_duplicates()
    ensure_state(template_format, besides=cameo_id)
    put_rows([cameo_id], template_format, rows)


def remove_from_index(cameo_id: str) -> None:
    """Take a cameo out of the index; one that isn't in it is no error.

    Raises:
        NoTransaction: outside a transaction.
    """
    lock_duplicates()
    delete_rows([cameo_id])


def index_states() -> tuple[IndexState, ...]:
    """Every format's index, without a lock: for a look from outside."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select template_format from identity_duplicate_state"
            ' order by template_format collate "C"'
        )
        formats = [name for (name,) in cursor.fetchall()]
    return tuple(state for name in formats if (state := read_state(name)) is not None)


def read_state(template_format: str) -> IndexState | None:
    """The index of a format, or None where there never was one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select s.whole, s.size, s.rebuilt_to, s.projection_key, i.cameo_id is not null"
            " from identity_duplicate_state s"
            " left join identity_duplicate_index i on i.cameo_id = s.generation"
            " and i.template_format = s.template_format and i.projected is null"
            " where s.template_format = %s",
            [template_format],
        )
        found = cursor.fetchone()
    if found is None:
        return None
    whole, size, rebuilt_to, key, generation_is_there = found
    sound = generation_is_there and key == projection_key_id(_secret())
    return IndexState(
        template_format=template_format,
        whole=whole and sound,
        size=size,
        rebuilt_to=rebuilt_to,
        sound=sound,
    )


def ensure_state(template_format: str, *, besides: str) -> IndexState:
    """The index of a format; where there never was one, a new one. The caller holds the lock.

    A new one is whole at once if nobody but the cameo `besides` is enrolled in that format.
    """
    found = read_state(template_format)
    if found is None:
        enrolled = Cameo.objects.filter(
            state__in=ENROLLED, templates__template_format=template_format
        ).exclude(id=besides)
        found = begin_generation(template_format, whole=not enrolled.exists())
    return found


def begin_generation(template_format: str, *, whole: bool = False) -> IndexState:
    """Empty a format's index and begin it anew. The caller holds the lock."""
    generation = new_id("gen")
    with connection.cursor() as cursor:
        cursor.execute(
            "delete from identity_duplicate_index where template_format = %s", [template_format]
        )
        cursor.execute(
            "insert into identity_duplicate_index (cameo_id, template_format) values (%s, %s)",
            [generation, template_format],
        )
        cursor.execute(
            "insert into identity_duplicate_state"
            " (template_format, generation, projection_key, size, rebuilt_to, whole)"
            " values (%s, %s, %s, 0, '', %s)"
            " on conflict (template_format) do update set generation = excluded.generation,"
            " projection_key = excluded.projection_key, size = 0, rebuilt_to = '',"
            " whole = excluded.whole",
            [template_format, generation, projection_key_id(_secret()), whole],
        )
    return IndexState(template_format, whole=whole, size=0, rebuilt_to="", sound=True)


def put_rows(cameo_ids: Sequence[str], template_format: str, rows: NDArray[np.float16]) -> None:
    """Write the rows of some cameos, shape (n, 256), and count them. Under the lock."""
    delete_rows(cameo_ids)
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into identity_duplicate_index (cameo_id, template_format, projected)"
            " select cameo_id, %s, projected::halfvec"
            " from unnest(%s::text[], %s::text[]) as rows (cameo_id, projected)",
            [template_format, list(cameo_ids), [as_text(row) for row in rows]],
        )
        cursor.execute(
            "update identity_duplicate_state set size = size + %s where template_format = %s",
            [len(cameo_ids), template_format],
        )


def delete_rows(cameo_ids: Sequence[str]) -> None:
    """Take the rows of some cameos out, and count them out. The caller holds the lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "with gone as (delete from identity_duplicate_index where cameo_id = any(%s)"
            " returning template_format)"
            " update identity_duplicate_state s set size = greatest(s.size - counted.n, 0)"
            " from (select template_format, count(*) as n from gone group by 1) counted"
            " where s.template_format = counted.template_format",
            [list(cameo_ids)],
        )


def note_progress(template_format: str, rebuilt_to: str, *, done: bool) -> None:
    """Write down how far a rebuild is; at its end the rows are counted. Under the lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "update identity_duplicate_state set rebuilt_to = %s where template_format = %s",
            [rebuilt_to, template_format],
        )
        if done:
            cursor.execute(
                "update identity_duplicate_state set whole = true, size ="
                " (select count(*) from identity_duplicate_index"
                " where template_format = %s and projected is not null)"
                " where template_format = %s",
                [template_format, template_format],
            )


def open_templates(cameo_ids: Iterable[str]) -> dict[str, Opened]:
    """The newest template of each of the cameos, by id.

    Raises:
        SealBroken: one has none, or it doesn't open; its id is in the log.
        Unavailable: keystore or key-encryption key can't be reached.
    """
    wanted = set(cameo_ids)
    try:
        found = read_templates(wanted)
    except SealBroken:
        found = {}
    if len(found) != len(wanted):
        for cameo_id in sorted(wanted - found.keys()):
            try:
                found[cameo_id] = read_template(cameo_id)
            except SealBroken:
                log.error("a template doesn't open", extra={"fields": {"id": cameo_id}})
                raise
    return found


def projected(vectors: Vector, template_format: str) -> NDArray[np.float16]:
    """Comparison vectors, shape (n, D), as the index holds them: (n, 256), float16."""
    return project(vectors, _secret(), template_format)


def as_text(row: NDArray[np.float16]) -> str:
    """A projected row as pgvector reads it; nothing of half precision is lost."""
    return "[" + ",".join(f"{value:.6g}" for value in row.astype(np.float64)) + "]"


def _secret() -> bytes:
    return keyring().secret(PROJECTION)
