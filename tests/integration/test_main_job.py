"""The main job on a running deployment, and what it must not leave behind."""

from __future__ import annotations

import io
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from django.conf import settings

from cameo import env
from cameo.embedded_postgres import DATABASE, KEYSTORE, ensure_running
from models.runtime import load_engines
from tests.demo import clients
from tests.demo.clients import Cameo, Generator, render_request
from tests.demo.narration import Narrator
from tests.demo.story import PROMPT, tell
from tests.integration.conftest import Live
from tests.simulation.morphs import IDENTITIES
from tests.simulation.person import SimulatedPerson

pytestmark = [pytest.mark.pack, pytest.mark.slow]
TAKEN_UP_SECONDS = 60.0


class Overheard:
    """Keeps the tokens that went by, as canaries to look for."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.tokens: list[str] = []
        redeem, authorise = Generator.redeem, clients.Person.authorise

        def redeemed(gen: Generator, token: str, request: dict[str, Any]) -> clients.Answer:
            self.tokens.append(token)
            return redeem(gen, token, request)

        def authorised(person: clients.Person, *args: Any, **kwargs: Any) -> str:
            self.tokens.append(authorise(person, *args, **kwargs))
            return self.tokens[-1]

        patch.setattr(Generator, "redeem", redeemed)
        patch.setattr(clients.Person, "authorise", authorised)


def database_as_text(live: Live) -> str:
    """Every row of every table of both databases, as text; bytes show in hexadecimal."""
    server = ensure_running(live.fresh.home / "postgres")
    lines: list[str] = []
    for database in (DATABASE, KEYSTORE):
        with psycopg.connect(
            host=server["host"], port=server["port"], user=server["user"], dbname=database
        ) as connection:
            tables = connection.execute(
                "select quote_ident(table_name) from information_schema.tables"
                " where table_schema = 'public' and table_type = 'BASE TABLE'"
            ).fetchall()
            for (table,) in tables:
                rows = connection.execute(f"select t::text from {table} t")  # noqa: S608
                lines.extend(f"{database}.{table} {line}" for (line,) in rows.fetchall())
    return "\n".join(lines)


def test_the_whole_story_holds_and_leaves_no_secret_in_logs_or_tables(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    overheard = Overheard(monkeypatch)
    told = io.StringIO()
    tell(live.stage, Narrator(told))
    logs, tables = live.logs(), database_as_text(live)
    # Each is found where it is alive: the search itself works.
    assert "alice@example.org" in tables
    assert len(overheard.tokens) >= 8
    assert "grant.withdrawn" in tables
    assert f"{KEYSTORE}.keystore_datakey " in tables
    for token in overheard.tokens:
        for part in {token, token.rpartition(".")[2]}:
            assert part not in logs
            assert part not in tables
    for secret in (PROMPT, "@example.org", "BEGIN", "csrfmiddlewaretoken"):
        assert secret not in logs
    assert PROMPT not in tables
    assert not list((live.fresh.home / "clips").iterdir())
    found = json.loads(live.fresh.manage("ledger", "verify", "--json"))
    assert found["ok"] is True


def test_a_job_whose_worker_was_killed_is_taken_up_again_and_ends(live: Live) -> None:
    app = live.newcomer("Karol")
    session = app.begin_capture()
    # A face of his own: Alice's is enrolled by now, and would go to a reviewer.
    engines = load_engines("open", Path(settings.CAMEO_MODELS_DIR))
    karol = SimulatedPerson.from_portrait(engines, identity=IDENTITIES[1])
    app.send_clip(session["id"], karol.answer(session["script"])).expect(202)
    worker = live.fresh.local.process("worker")
    _wait_for(lambda: _state(app, session["id"]) == "processing")
    family = [worker.pid, *(child.pid for child in psutil.Process(worker.pid).children(True))]
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    _wait_for(lambda: not any(psutil.pid_exists(pid) for pid in family if pid != worker.pid))
    assert _state(app, session["id"]) == "processing"
    live.fresh.local.start_worker()
    _wait_for(lambda: _state(app, session["id"]) == "decided")
    assert app.decision(session["id"])["outcome"] == "pass"
    assert not list((live.fresh.home / "clips").iterdir())


def _state(app: Cameo, session: str) -> str:
    return str(clients._answer(app._http.get(f"/v1/capture-sessions/{session}")).body["state"])


def _wait_for(condition: Any) -> None:
    deadline = time.monotonic() + TAKEN_UP_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)


def test_a_suspended_generator_is_denied_everywhere(live: Live) -> None:
    made = live.fresh.register("Shady")
    shady = live.generator(made)
    bob = live.newcomer("Robert").person
    bob.authorise(shady.client_id, scope="likeness:request", secret=shady.secret)
    request = render_request("cam_" + "a" * 26, PROMPT)
    assert shady.ask(bob, request).status == 403
    live.fresh.manage("generator", "suspend", shady.client_id)
    assert shady.ask(bob, request).status == 401
    assert shady.redeem("a.b.c", request).status == 401
    with pytest.raises(clients.UnexpectedAnswer):
        live.generator(made)


def test_a_header_that_is_none_is_not_quoted_in_a_log(live: Live) -> None:
    canary = b"CANARY-" + secrets.token_hex(8).encode()
    with socket.create_connection(("127.0.0.1", live.fresh.local.port), timeout=10) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization " + canary + b"\r\n\r\n")
        assert raw.recv(1024).startswith(b"HTTP/1.1 400")
    _wait_for(lambda: "Invalid request" in live.logs())
    assert canary.decode() not in live.logs()


def test_keys_rotate_by_command_while_tokens_are_verified(live: Live) -> None:
    before = {key["kid"] for key in live.stage.gen.keys()["keys"]}
    live.fresh.manage("keys", "rotate", "--purpose", "token")
    after = {key["kid"] for key in live.stage.gen.keys()["keys"]}
    assert before < after


def test_the_pipeline_needs_no_network_at_all(live: Live, tmp_path: Path) -> None:
    """In a network namespace without even loopback, a clip is analysed all the same."""
    alone = ["unshare", "--map-root-user", "--net"]
    possible = subprocess.run([*alone, "true"], capture_output=True, check=False)
    if possible.returncode:
        pytest.skip("network namespaces can't be made here")
    clip = tmp_path / "clip.mp4"
    script = [{"kind": "hold", "start": 0, "end": 1}]
    clip.write_bytes(live.stage.face.answer(script, seconds=4))
    done = subprocess.run(
        [*alone, sys.executable, "manage.py", "analyse_clip", str(clip), "--json"],
        cwd=env.PROJECT,
        env=live.fresh.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["signals"]
