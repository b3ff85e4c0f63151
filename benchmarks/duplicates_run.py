"""One gallery of benchmarks/duplicates.py, in a process and a deployment of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.pipeline import peak_bytes
from benchmarks.synthetic_templates import BIAS, DIMS, EMBEDDERS, Gallery, Rows

FORMAT = "synthetic"
BANDS = tuple(range(5, 13))
FLOOR = 3.0
TIMED = 200
SEARCHES = 10
_MIB = 2**20


def run(size: int, *, queries: int, spread: float, peer: bool) -> dict[str, Any]:
    """Returns the row of one size; see docs/duplicates.md.

    Args:
        size: templates in the gallery.
        queries: planted, spread over scores 5 to 12.
        spread: of non-mated scores, in units of what was measured.
        peer: also measure faiss.
    """
    started = time.perf_counter()
    gallery = Gallery(size, spread=spread)
    generator = np.random.default_rng(7)
    places = generator.permutation(np.resize(np.arange(size), max(size, queries)))[:queries]
    bands = np.resize(np.array(BANDS), queries)
    planted = bands + generator.uniform(0, 1, queries) * (bands < BANDS[-1])
    asked = gallery.like(places, planted, seed=3)
    _set_up()
    table_bytes = _fill(gallery)

    from identity.duplicates import duplicate_threshold, false_positive_identification_rate
    from identity.duplicates.search import SHORTLIST

    threshold = duplicate_threshold(size, floor=FLOOR)
    truth, exact_ms = _exact_scan(gallery, asked, threshold)
    found, times = _shortlists(asked)
    compared = [near[:SHORTLIST] for near in found]
    hits = [np.isin(true, here) for true, here in zip(truth, compared, strict=True)]
    seen = np.array([place in here for place, here in zip(places, compared, strict=True)])
    searches, agreed = _searches(gallery, asked, found, truth)
    row = {
        "size": size,
        "threshold": round(threshold, 3),
        "fpir_of_the_model": round(
            false_positive_identification_rate(size, threshold=threshold), 6
        ),
        "spread": spread,
        "shortlist_least_ms": _ms(times, 0),
        "shortlist_p50_ms": _ms(times, 50),
        "shortlist_p99_ms": _ms(times, 99),
        "search_p50_ms": _ms(searches, 50),
        "search_most_ms": _ms(searches, 100),
        "searches": len(searches),
        "searches_that_agree": agreed,
        "table_mb": round(table_bytes / _MIB, 1),
        "queries": queries,
        "above_threshold": int(sum(len(hit) for hit in hits)),
        "missed": int(sum(np.count_nonzero(~hit) for hit in hits)),
        "recall": round(float(np.concatenate(hits).mean()), 6),
        "recall_by_score": {
            str(band): round(float(seen[bands == band].mean()), 4) for band in BANDS
        },
        "numpy_ms_a_query": round(exact_ms, 2),
        "peak_mb": round(peak_bytes() / _MIB, 1),
        "faiss": None,
        "ratios": None,
        "load_average": round(os.getloadavg()[0], 2),
    }
    if peer:
        row["faiss"] = flat = _faiss(gallery, asked, truth)
        row["ratios"] = {
            "faiss_time_over_shortlist": round(flat["p50_ms"] / row["shortlist_p50_ms"], 2),
            "faiss_memory_over_table": round(flat["index_mb"] / row["table_mb"], 2),
        }
    row["seconds"] = round(time.perf_counter() - started, 1)
    return row


def _set_up() -> None:
    """A deployment in `$CAMEO_HOME`, migrated, with a keyring."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    os.environ["DJANGO_SETTINGS_MODULE"] = "cameo.settings.base"
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from common.keyring import FileKeyring

    FileKeyring.create(Path(settings.CAMEO_KEYRING_FILE), now=datetime.now(UTC))
    for database in settings.DATABASES:
        call_command("migrate", database=database, verbosity=0)


def _fill(gallery: Gallery) -> int:
    """Puts a row for each template into the index; returns the table's size in bytes."""
    from django.db import connection, transaction

    from identity.duplicates import index

    # Written as COPY wants it: no path of the service fills an index without sealed templates.
    with transaction.atomic(), connection.cursor() as cursor:
        index.lock_duplicates()
        index.begin_generation(FORMAT)
        with cursor.copy(
            "copy identity_duplicate_index (cameo_id, template_format, projected) from stdin"
        ) as copy:
            for start, block in gallery.blocks():
                for number, row in enumerate(index.projected(block, FORMAT)):
                    copy.write_row((_name(start + number), FORMAT, index.as_text(row)))
        index.note_progress(FORMAT, _name(gallery.size), done=True)
    with connection.cursor() as cursor:
        cursor.execute("vacuum analyze identity_duplicate_index")
        cursor.execute("select pg_relation_size('identity_duplicate_index')")
        (size,) = cursor.fetchone()
    return int(size)


def _name(place: int) -> str:
    # As long as a cameo's id.
    return f"cam_{place:026d}"


def _exact_scan(
    gallery: Gallery, asked: Rows, threshold: float
) -> tuple[list[NDArray[np.intp]], float]:
    """Every query's places at or above the threshold, and the milliseconds one scan took."""
    found: list[list[int]] = [[] for _ in asked]
    spent = 0.0
    for start, block in gallery.blocks():
        began = time.perf_counter()
        _ = block @ asked[0]
        spent += time.perf_counter() - began
        for first in range(0, len(asked), 250):
            scores = asked[first : first + 250] @ block.T
            rows, columns = np.nonzero(scores + BIAS >= threshold)
            for row, column in zip(rows, columns, strict=True):
                found[first + row].append(start + int(column))
    return [np.array(places, dtype=np.intp) for places in found], spent * 1e3


def _shortlists(asked: Rows) -> tuple[list[NDArray[np.intp]], list[float]]:
    from django.db import transaction

    from identity.duplicates import index
    from identity.duplicates.search import SHORTLIST, shortlist

    found, times = [], []
    for vector in asked:
        with transaction.atomic():
            began = time.perf_counter()
            row = index.projected(vector[np.newaxis], FORMAT)[0]
            # One more than is compared, as a search asks for: it leaves the asker's own out.
            names = shortlist(row, FORMAT, SHORTLIST + 1)
            times.append(time.perf_counter() - began)
        found.append(np.array([int(name[4:]) for name in names], dtype=np.intp))
    return found, times


def _searches(
    gallery: Gallery,
    asked: Rows,
    found: Sequence[NDArray[np.intp]],
    truth: Sequence[NDArray[np.intp]],
) -> tuple[list[float], int]:
    """Whole searches, whose candidates have sealed templates; and how many found all there is."""
    from django.db import transaction

    from identity.duplicates import find_duplicates
    from models.engine import Calibration

    scale = Calibration(
        weights=tuple(embedder.weight for embedder in EMBEDDERS),
        bias=BIAS,
        picture_threshold=1.84,
        template_threshold=FLOOR,
        continuity_threshold=4.0,
    )
    count = min(SEARCHES, len(asked))
    _enrol(gallery, np.unique(np.concatenate(found[:count])))
    times, agreed = [], 0
    for vector, true in zip(asked[:count], truth[:count], strict=True):
        with transaction.atomic():
            began = time.perf_counter()
            answer = find_duplicates(
                cameo_id="cam_new",
                owner_id="",
                template_format=FORMAT,
                vector=vector,
                calibration=scale,
            )
            times.append(time.perf_counter() - began)
        matches = {match.cameo_id for match in answer.matches}
        agreed += answer.whole and matches == {_name(int(place)) for place in true}
    return times, agreed


def _enrol(gallery: Gallery, places: NDArray[np.intp]) -> None:
    """Gives the cameos at `places` an owner and a sealed template."""
    from accounts.models import User
    from identity.models import Cameo
    from identity.protection.templates import store_template

    now = datetime.now(UTC)
    for place, vector in zip(places, gallery.at(places), strict=True):
        name = _name(int(place))
        owner = User.objects.create_user(f"{name}@example.org")
        Cameo.objects.create(id=name, owner=owner, created=now, state=Cameo.State.ACTIVE)
        store_template(cameo_id=name, template_format=FORMAT, vector=vector, now=now)


def _faiss(gallery: Gallery, asked: Rows, truth: Sequence[NDArray[np.intp]]) -> dict[str, Any]:
    """The peer: faiss's exhaustive search of the full vectors, in memory, with its own threads."""
    import faiss

    from identity.duplicates.search import SHORTLIST

    flat = faiss.IndexFlatIP(DIMS)
    for _, block in gallery.blocks():
        flat.add(block)
    times, missed, total = [], 0, 0
    for vector, true in zip(asked[:TIMED], truth[:TIMED], strict=True):
        began = time.perf_counter()
        _, places = flat.search(vector[np.newaxis], SHORTLIST)
        times.append(time.perf_counter() - began)
        missed += int(np.count_nonzero(~np.isin(true, places[0])))
        total += len(true)
    return {
        "version": faiss.__version__,
        "least_ms": _ms(times, 0),
        "p50_ms": _ms(times, 50),
        "p99_ms": _ms(times, 99),
        "index_mb": round(flat.ntotal * DIMS * 4 / _MIB, 1),
        "recall": round(1 - missed / max(1, total), 6),
    }


def _ms(times: Sequence[float], percentile: float) -> float:
    return round(float(np.percentile(times, percentile)) * 1e3, 2)
