"""Decisions and withdrawals over HTTP, against a live server of two processes."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.decision.timing import Timed, figures
from benchmarks.decision.world import GENERATOR, POPULAR, name

WORKERS = 2
START_SECONDS = 60.0
PATIENCE = 5.0
AFTERWARDS = 4


class Client:
    """A connection that is kept, with an access token."""

    def __init__(self, port: int, token: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def post(self, path: str, body: Any) -> tuple[int, Any]:
        """Status and JSON of the answer."""
        data = json.dumps(body)
        try:
            return self._send(path, data)
        except (http.client.RemoteDisconnected, ConnectionError):
            # The server closes connections that were idle for a while.
            self._connection.close()
            return self._send(path, data)

    def _send(self, path: str, data: str) -> tuple[int, Any]:
        self._connection.request("POST", path, data, self._headers)
        answer = self._connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")

    def permits(self, body: Any) -> bool:
        """Whether `POST /v1/decisions` permits.

        Raises:
            RuntimeError: it said neither yes nor no.
        """
        status, answer = self.post("/v1/decisions", body)
        if status not in (200, 403):
            raise RuntimeError(f"a decision was answered {status}")
        return status == 200 and answer.get("effect") == "permit"


def over_rest(
    home: Path, cases: list[tuple[dict[str, Any], bool]], grants: list[tuple[str, Any]]
) -> dict[str, Any]:
    """Start a server over the deployment in `home`, ask it, withdraw grants, stop it.

    Args:
        home: the deployment's folder.
        cases: requests as the loader wrote them, with what is right.
        grants: ids, each with a request that it permits.
    """
    from cameo.local import free_port

    port = free_port()
    gen = _mint(None, "likeness:issue likeness:assert_requester")
    owner = _mint(name("acc", POPULAR), "consent:manage")
    with _server(home, port):
        clients = [Client(port, gen) for _ in range(2 * WORKERS)]
        warm_up = Timed()
        bodies = [(_body(case), right) for case, right in cases]
        for client in clients:
            warm_up.take(bodies[:20], client.permits)
        decided = Timed()
        for number, client in enumerate(clients):
            decided.take(bodies[number :: len(clients)], client.permits)
        return {
            "decisions": decided.row(),
            "withdrawals": _withdrawals(Client(port, owner), clients, grants),
            "workers": WORKERS,
        }


@contextmanager
def _server(home: Path, port: int) -> Iterator[None]:
    """Gunicorn with the service's own options, until the block ends."""
    command = [
        *(sys.executable, "-m", "gunicorn", "benchmarks.decision.wsgi:application"),
        *("--bind", f"127.0.0.1:{port}", "--worker-class", "gthread"),
        *("--workers", str(WORKERS), "--threads", "8", "--log-level", "warning"),
        *("--worker-tmp-dir", str(home), "--no-control-socket"),
    ]
    environment = dict(os.environ) | {"CAMEO_PUBLIC_URL": f"http://127.0.0.1:{port}"}
    # Standard output is the parent's pipe, and for results alone.
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _lives(port):
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the server didn't start")
            time.sleep(0.1)
        yield
    finally:
        server.terminate()
        server.wait(30)


def _lives(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _withdrawals(
    owner: Client, clients: list[Client], grants: list[tuple[str, Any]]
) -> dict[str, Any]:
    seconds, permits, before, withdrawing = [], 0, 0, []
    for number, (grant, request) in enumerate(grants):
        body = {
            "requester": request.requester,
            "request": json.loads(json.dumps(request.render.document())),
        }
        client = clients[number % len(clients)]
        before += client.permits(body)
        began = time.perf_counter()
        status, _ = owner.post(f"/v1/grants/{grant}/withdraw", {})
        since = time.perf_counter()
        withdrawing.append(since - began)
        if status != 200:
            raise RuntimeError(f"a withdrawal was answered {status}")
        while (permitted := client.permits(body)) and time.perf_counter() - since < PATIENCE:
            permits += 1
        seconds.append(time.perf_counter() - since)
        others = clients[:AFTERWARDS]
        permits += permitted + sum(other.permits(body) for other in others)
    return figures(seconds) | {
        "permitted_before": before,
        "permits_after": permits,
        "withdrawals": len(grants),
        "withdraw_p50_ms": figures(withdrawing).get("p50_ms"),
    }


def _body(case: dict[str, Any]) -> dict[str, Any]:
    return {
        "requester": case["requester"],
        "request": {
            "likenesses": [name("cam", owner) for owner in case["likenesses"]],
            "purpose": case["purpose"],
            "labels": list(case["labels"]),
            "prompt_digest": case["prompt"],
            "outputs": {"count": 1, "seconds": case["seconds"]},
        },
    }


def _mint(account: str | None, scope: str) -> str:
    """An access token as the token endpoint would store it."""
    from oauth2_provider.models import get_access_token_model

    from accounts.models import Generator

    text = secrets.token_urlsafe(30)
    row = get_access_token_model()(
        user_id=account,
        application=Generator.objects.get(client_id=GENERATOR),
        scope=scope,
        expires=datetime.now(UTC) + timedelta(hours=2),
        token="",
    )
    row._raw_token = text
    row.save()
    return text
