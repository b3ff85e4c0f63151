"""A whole run: a fresh deployment, server processes, actors, and what the checkers say of it."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cameo import env
from cameo.embedded_postgres import stop
from tests.interleaving.chains import Misplaced, misplaced
from tests.interleaving.checker import Violation, violations
from tests.interleaving.history import Done, History, Outcome, Write, at_first
from tests.interleaving.world import OWNERS, make_board

ACTORS = 4
SERVERS = 2
FAULT = "CAMEO_INTERLEAVING_FAULT"
START_SECONDS = 60.0
STOP_SECONDS = 15.0
SHOWN = 10


@dataclass(frozen=True, slots=True)
class Report:
    """What a run came to.

    Attributes:
        history: everything that was done.
        violations: claims after an acknowledged end.
        misplaced: ledger entries that permit what had ended before them.
        seconds: of the actors' work alone.
        entries: how many ledger entries were read.
    """

    seed: int
    fault: str | None
    history: History
    violations: tuple[Violation, ...]
    misplaced: tuple[Misplaced, ...]
    seconds: float
    entries: int

    def document(self) -> dict[str, Any]:
        """The JSON object that the command prints."""
        done = [one for one in self.history.done if one.actor >= 0 and one.kind != "enrol"]
        kinds: dict[str, Counter[str]] = {}
        for one in done:
            kinds.setdefault(one.kind, Counter())[_word(one)] += 1
        return {
            "seed": self.seed,
            "fault": self.fault,
            "operations": len(done),
            "processes": {"actors": ACTORS, "servers": SERVERS},
            "over_http": sum(one.via == "http" for one in done),
            "permits": sum(one.claim is not None for one in done),
            "removals": sum(one.outcome is Outcome.DONE and is_removal(one) for one in done),
            "violations": len(self.violations),
            "misplaced": len(self.misplaced),
            "ledger_entries": self.entries,
            "seconds": round(self.seconds, 1),
            "per_second": round(len(done) / self.seconds, 1),
            "by_kind": {kind: dict(sorted(kinds[kind].items())) for kind in sorted(kinds)},
            "unsure": dict(
                sorted(Counter(one.code for one in done if one.outcome is Outcome.UNSURE).items())
            ),
            "examples": [
                *(f"{one.done.kind} over {one.done.via}: {one.lacking}" for one in self.violations),
                *(f"{one.kind} at {one.sequence}: {one.why}" for one in self.misplaced),
            ][:SHOWN],
        }


RESTORING = frozenset({"active", "usable", "open", "approved", "anyone"})


def is_removal(done: Done) -> bool:
    """Whether it ended or narrowed something, by the value it wrote."""
    return any(not write.implied and _ends(write) for write in done.writes)


def _ends(write: Write) -> bool:
    if write.register[0] == "block":
        return write.value == "on"
    if write.register[0] == "friends":
        return write.value == "off"
    return write.value not in RESTORING


def _word(done: Done) -> str:
    if done.claim is not None:
        return "permitted"
    return done.outcome.value


def run(*, operations: int, seed: int, fault: str | None = None) -> Report:
    """Do `operations` in `ACTORS` processes against a fresh deployment, and check what they saw.

    For a process of its own: it sets the environment and starts Django.
    """
    with tempfile.TemporaryDirectory(prefix="cameo-interleaving-") as folder:
        try:
            return _run(Path(folder), operations, seed, fault)
        finally:
            from django.db import connections

            connections.close_all()
            stop(Path(folder) / "postgres")


def _run(home: Path, operations: int, seed: int, fault: str | None) -> Report:
    from cameo.local import free_port

    port = free_port()
    _prepare(home, port, fault)
    # What reads settings can be imported now.
    from audit.interface import read_chain
    from tests.interleaving.actors import Part, first_values
    from tests.interleaving.staging import make_world

    world = make_world(seed)
    context = multiprocessing.get_context("spawn")
    board = make_board(context)
    share = [operations // ACTORS + (number < operations % ACTORS) for number in range(ACTORS)]
    parts = [Part(number, seed, share[number], port, world) for number in range(ACTORS)]
    with (
        _servers(home, port),
        ProcessPoolExecutor(
            ACTORS,
            mp_context=context,
            initializer=_begin,
            initargs=(board, context.Barrier(ACTORS), fault),
        ) as pool,
    ):
        found = list(pool.map(_act, parts))
    began = min(done[0].began for done in found)
    ended = max(done[-1].ended for done in found)
    generations = [board.generation(owner) for owner in range(OWNERS)]
    owners = {
        world.cameo(owner, generation): world.people[owner]
        for owner in range(OWNERS)
        for generation in range(generations[owner] + 1)
    }
    values = [write for owner in range(OWNERS) for write in first_values(world.cameo(owner, 0))]
    usable = [Write(("generator", client), "usable") for client in world.generators]
    history = History(
        owners,
        (
            at_first(*values, *usable),
            *sorted((one for done in found for one in done), key=lambda one: one.began),
        ),
    )
    chains = {cameo: read_chain(cameo) for cameo in owners}
    return Report(
        seed=seed,
        fault=fault,
        history=history,
        violations=violations(history),
        misplaced=tuple(
            one
            for cameo, entries in chains.items()
            for one in misplaced(cameo, owners[cameo], entries)
        ),
        seconds=(ended - began) / 1e9,
        entries=sum(len(entries) for entries in chains.values()),
    )


def _prepare(home: Path, port: int, fault: str | None) -> None:
    """A fresh deployment in `home`, and Django in this process on it."""
    import django
    from django.core.management import call_command

    from cameo.local import ensure_keyring

    for name in ("DATABASE_URL", "KEYSTORE_DATABASE_URL"):
        os.environ.pop(name, None)
    os.environ |= {
        "CAMEO_HOME": str(home),
        "CAMEO_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "CAMEO_LOG_LEVEL": "ERROR",
        "DJANGO_SETTINGS_MODULE": "cameo.settings.base",
        FAULT: fault or "",
    }
    ensure_keyring(home / "keys" / "keyring.json")
    django.setup()
    call_command("migrate", interactive=False, verbosity=0)


@contextmanager
def _servers(home: Path, port: int) -> Iterator[None]:
    """`SERVERS` web server processes behind one port, until the block ends."""
    command = [
        *(sys.executable, "-m", "gunicorn", "tests.interleaving.server:application"),
        *("--bind", f"127.0.0.1:{port}", "--worker-class", "gthread"),
        *("--workers", str(SERVERS), "--threads", str(ACTORS + 1), "--keep-alive", "75"),
        *("--log-level", "warning", "--worker-tmp-dir", str(home), "--no-control-socket"),
    ]
    with (home / "web.log").open("ab") as log:
        server = subprocess.Popen(
            command, cwd=env.PROJECT, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        _wait_for(port, server)
        yield
    finally:
        server.terminate()
        try:
            server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/livez", timeout=5).close()
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("The web server didn't answer.")


_shared: dict[str, Any] = {}


def _begin(board: Any, barrier: Any, fault: str | None) -> None:
    """In each actor's process, before its part."""
    import django

    env.prepare()
    django.setup()
    if fault:
        from tests.interleaving.faults import install

        install(fault)
    _shared.update(board=board, barrier=barrier)


def _act(part: Any) -> list[Done]:
    from tests.interleaving.actors import Actor

    _shared["barrier"].wait(timeout=START_SECONDS)
    return Actor(part, _shared["board"]).act()
