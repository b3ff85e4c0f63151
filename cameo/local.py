"""A deployment on this machine's loopback: a web server and a worker over one `$CAMEO_HOME`.

`manage.py serve` and the demo use it. A real deployment runs the same two commands under its own
process manager (docs/operations.md).
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cameo import env
from common.errors import Misconfigured
from common.keyring import FileKeyring

START_SECONDS = 60.0
STOP_SECONDS = 15.0


def free_port() -> int:
    """A loopback port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def ensure_keyring(path: Path) -> None:
    """Make a keyring at `path` on first use; bring one of an older version up to date.

    Raises:
        KeyringError: if there is one that can't be used.
    """
    if not path.exists():
        FileKeyring.create(path, now=datetime.now(UTC))
    ring = FileKeyring(path)
    ring.upgrade(now=datetime.now(UTC))
    ring.check()


@dataclass(slots=True)
class LocalDeployment:
    """A web server on 127.0.0.1:`port` and a worker, as child processes.

    Attributes:
        port: where the web server listens.
        environment: what the children see; inherits this process's own by default.
        log_folder: where `web.log` and `worker.log` go, or None for this process's own output.
    """

    port: int
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))
    log_folder: Path | None = None
    web_workers: int = 2
    _children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start both and wait until the web server answers.

        Raises:
            Misconfigured: if it doesn't within a minute, or a child ends at once.
        """
        self.start_web()
        self.start_worker()
        self.wait_until_ready()

    def start_web(self) -> None:
        self._spawn(
            "web",
            [
                *("-m", "gunicorn", "cameo.wsgi:application"),
                *("--bind", f"127.0.0.1:{self.port}", "--worker-class", "gthread"),
                *("--workers", str(self.web_workers), "--threads", "8", "--log-level", "warning"),
                *("--logger-class", "cameo.gunicorn_logs.JsonLogger"),
                *("--worker-tmp-dir", str(env.home()), "--no-control-socket"),
            ],
        )

    def start_worker(self) -> None:
        self._spawn("worker", [str(env.PROJECT / "manage.py"), "worker"])

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            self._refuse_ended()
            with (
                contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError),
                urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer,  # noqa: S310
            ):
                if answer.status == 200:
                    return
            time.sleep(0.1)
        raise Misconfigured("The web server didn't answer in time; see its log.")

    def watch(self) -> None:
        """Return never, but raise `Misconfigured` when a child has ended."""
        while True:
            self._refuse_ended()
            time.sleep(1.0)

    def _refuse_ended(self) -> None:
        for name, child in self._children.items():
            if child.poll() is not None:
                raise Misconfigured(f"The {name} process has ended; see its log.")

    def process(self, name: str) -> subprocess.Popen[bytes]:
        """The child `web` or `worker`."""
        return self._children[name]

    def stop(self) -> None:
        """Ask both to end, and see that they do, whatever they are doing."""
        for child in self._children.values():
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
        for child in self._children.values():
            try:
                child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._children.clear()

    def _spawn(self, name: str, arguments: list[str]) -> None:
        log = None
        if self.log_folder is not None:
            self.log_folder.mkdir(parents=True, exist_ok=True)
            log = (self.log_folder / f"{name}.log").open("ab")
        self._children[name] = subprocess.Popen(  # noqa: S603 - our own interpreter and commands
            [sys.executable, *arguments],
            cwd=env.PROJECT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT if log else None,
            # Ctrl-C reaches the parent alone, which then stops both in order.
            start_new_session=True,
        )
        if log is not None:
            log.close()
