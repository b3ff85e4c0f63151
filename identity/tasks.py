"""Background jobs of this room. Their arguments are ids only."""

from __future__ import annotations

import logging
import time

from django.db import transaction
from procrastinate import JobContext, RetryStrategy
from procrastinate.contrib.django import app

from common.clock import utcnow
from common.errors import Misconfigured, Unavailable
from identity.duplicates import rebuild_duplicates
from identity.enrolment.erasure import UPKEEP_QUEUE
from identity.enrolment.expiry import expire_cameos, remind_owners
from identity.enrolment.jobs import fresh_connections
from identity.enrolment.sessions import VERIFY_QUEUE, VERIFY_TASK
from identity.models import CaptureSession
from identity.protection import clips

log = logging.getLogger(__name__)

STALLED_SECONDS = 10.0
ORPHAN_SECONDS = 3600.0
REBUILD_SECONDS = 30.0
"""How long one run of the job may take up, before others have their turn."""


@app.task(
    name=VERIFY_TASK,
    queue=VERIFY_QUEUE,
    # For seven hours, ever more slowly; what waits longer than a day is settled below.
    retry=RetryStrategy(
        max_attempts=100, wait=5, linear_wait=5, retry_exceptions=[Unavailable, Misconfigured]
    ),
)
def verify(session_id: str) -> None:
    """Check a capture; when a dependency is down, try again for a while."""
    # Imported here: every process knows the jobs, only workers need the networks behind them.
    from identity.verification.captures import verify_capture

    with fresh_connections():
        verify_capture(session_id)


@app.periodic(cron="* * * * * */5", periodic_id="stalled")
@app.task(
    name="identity.retry_stalled", queue=UPKEEP_QUEUE, queueing_lock="stalled", pass_context=True
)
async def retry_stalled(context: JobContext, timestamp: int) -> None:
    """Give the jobs of workers that died to others."""
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS):
        log.warning("a job of a dead worker is taken up again", extra={"fields": {"job": job.id}})
        await manager.retry_job(job)


@app.periodic(cron="0 * * * *", periodic_id="orphans")
@app.task(name="identity.forget_orphans", queue=UPKEEP_QUEUE, queueing_lock="orphans")
def forget_orphans(timestamp: int) -> None:
    """Settle what has waited too long; delete sealed clips that no waiting session names."""
    from identity.verification.captures import forget_reviewed_clips, give_up_stale
    from identity.verification.tracks import forget_tracks

    now = utcnow()
    give_up_stale(now=now)
    forget_reviewed_clips(now=now)
    forget_tracks(now=now)
    with transaction.atomic():
        waiting = set(
            CaptureSession.objects.exclude(clip_file="").values_list("clip_file", flat=True)
        )
    for file in clips.files_older_than(time.time() - ORPHAN_SECONDS):
        if file not in waiting:
            clips.forget(file)


@app.periodic(cron="*/10 * * * *", periodic_id="expiry")
@app.task(name="identity.expire_cameos", queue=UPKEEP_QUEUE, queueing_lock="expiry")
def end_times(timestamp: int) -> None:
    """End the cameos whose time is over, and remind the owners of those whose time nearly is."""
    with fresh_connections():
        expire_cameos(now=utcnow())
        remind_owners(now=utcnow())


@app.periodic(cron="* * * * * */10", periodic_id="duplicates")
@app.task(name="identity.rebuild_duplicates", queue=UPKEEP_QUEUE, queueing_lock="duplicates")
def make_index_whole(timestamp: int) -> None:
    """Rebuild the index of enrolled people where it is not whole: nobody is new until it is."""
    with fresh_connections():
        rebuild_duplicates(seconds=REBUILD_SECONDS)
