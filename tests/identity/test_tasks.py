"""Background jobs of this room."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from procrastinate.contrib.django import app

from common.errors import Unavailable
from identity import tasks
from identity.enrolment import jobs
from identity.enrolment.sessions import VERIFY_TASK
from identity.protection import clips
from tests.identity.duplicates.people import account, enrol, face, search


@pytest.mark.django_db
def test_a_sealed_clip_that_nobody_waits_for_is_deleted_when_it_is_old() -> None:
    orphan = clips.keep(b"clip", session_id="cap_a")
    fresh = clips.keep(b"clip", session_id="cap_b")
    old = time.time() - tasks.ORPHAN_SECONDS - 1
    os.utime(Path(settings.CAMEO_CLIP_DIR) / orphan.file, (old, old))
    tasks.forget_orphans(timestamp=0)
    assert [path.name for path in Path(settings.CAMEO_CLIP_DIR).iterdir()] == [fresh.file]


def test_the_job_that_is_deferred_by_name_is_there() -> None:
    assert VERIFY_TASK in app.tasks


@pytest.mark.django_db
def test_an_index_that_is_not_whole_is_rebuilt_every_ten_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alice = enrol(account("alice"), face(0))
    with connection.cursor() as cursor:
        cursor.execute("delete from identity_duplicate_index")
    assert search(face(0)).whole is False
    # It would end this test's transaction with its connection.
    monkeypatch.setattr(jobs, "close_old_connections", lambda: None)
    tasks.make_index_whole(timestamp=0)
    found = search(face(0))
    assert (found.whole, [match.cameo_id for match in found.matches]) == (True, [alice.id])
    periodic = app.periodic_registry.periodic_tasks[("identity.rebuild_duplicates", "duplicates")]
    assert periodic.cron == "* * * * * */10"
    assert (periodic.task.queue, periodic.task.queueing_lock) == ("upkeep", "duplicates")


def test_a_rebuild_gives_way_after_a_while_and_leaves_no_connection_that_broke(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[str] = []

    def rebuild(*, seconds: float) -> None:
        seen.append(f"{seconds}")
        raise Unavailable

    monkeypatch.setattr(jobs, "close_old_connections", lambda: seen.append("closed"))
    monkeypatch.setattr(tasks, "rebuild_duplicates", rebuild)
    with pytest.raises(Unavailable):
        tasks.make_index_whole(timestamp=0)
    assert seen == ["closed", "30.0", "closed"]
