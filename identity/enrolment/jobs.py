"""Background jobs on keys. `identity.tasks` imports them, so that workers know them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import close_old_connections
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from common.clock import utcnow
from common.errors import Misconfigured, Unavailable
from identity.enrolment import erasure, upkeep

log = logging.getLogger(__name__)


@contextmanager
def fresh_connections() -> Iterator[None]:
    """Drops broken connections around a job: no request begins or ends here that would do it."""
    close_old_connections()
    try:
        yield
    finally:
        close_old_connections()


@app.task(
    name=erasure.DESTROY_TASK,
    queue=erasure.UPKEEP_QUEUE,
    # For days, ever more slowly; the hourly job takes it up after that.
    retry=RetryStrategy(
        max_attempts=200, wait=5, linear_wait=30, retry_exceptions=[Unavailable, Misconfigured]
    ),
)
def destroy_key(cameo_id: str) -> None:
    """Destroy an erased cameo's data key, unless that is done."""
    with fresh_connections():
        erasure.destroy_key(cameo_id, now=utcnow())


@app.periodic(cron="17 * * * *", periodic_id="renew_keys")
@app.task(name="identity.renew_keys", queue=erasure.UPKEEP_QUEUE, queueing_lock="renew_keys")
def renew_keys(timestamp: int) -> None:
    """Renew the key-encryption key when it is due, and make erasures hold."""
    with fresh_connections():
        done = upkeep.renew_keys(now=utcnow())
    if done.renewed or done.destroyed:
        log.info(
            "key-encryption keys changed",
            extra={"fields": {"rewrapped": done.rewrapped, "destroyed": len(done.destroyed)}},
        )


@app.periodic(cron="23 3 * * *", periodic_id="sweep_keys")
@app.task(name="identity.sweep_keys", queue=erasure.UPKEEP_QUEUE, queueing_lock="sweep_keys")
def sweep_keys(timestamp: int) -> None:
    """Let go of keys without a living cameo."""
    with fresh_connections():
        erasure.sweep_keys(now=utcnow())
