"""Background jobs of this room."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from django.conf import settings
from procrastinate.contrib.django import app

from identity import tasks
from identity.enrolment.sessions import VERIFY_TASK
from identity.protection import clips


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
