"""An actor's two ways to the service: HTTP to whichever server process answers, and the door.

Access tokens are put into the table as the token endpoint would: what a client does to get one
is tested elsewhere.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import secrets
import socket
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from oauth2_provider.models import get_access_token_model

from accounts.models import Generator
from common.clock import utcnow
from tests.interleaving.world import World

SCOPES = {
    "person": "cameo:enrol cameo:read consent:manage",
    "asker": "likeness:request",
    "machine": "likeness:issue likeness:redeem",
}
TOKEN_LIFE = timedelta(days=1)
SECONDS = 60.0
# A connection belongs to one server process as long as it lives.
REQUESTS_PER_CONNECTION = 25


class NoAnswer(Exception):
    """A request was sent, perhaps, and no answer came."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends a request: a person in an app or a generator's, or a generator itself."""

    client: str
    account: str | None
    role: str


@dataclass(frozen=True, slots=True)
class Call:
    """An HTTP request to be sent."""

    caller: Caller
    method: str
    path: str
    body: Any = None
    form: bool = False
    key: str | None = None


@dataclass(slots=True)
class Http:
    """One actor's connection."""

    port: int
    _connection: http.client.HTTPConnection | None = None
    _sent: int = 0
    _tokens: dict[Caller, str] = field(default_factory=dict)

    def send(self, call: Call) -> tuple[int, Any]:
        """The status and the JSON of the answer.

        Raises:
            NoAnswer: none came, or none that can be read.
        """
        headers = {"Authorization": f"Bearer {self.token(call.caller)}"}
        headers["Content-Type"] = "application/json"
        data = b"" if call.body is None else json.dumps(call.body).encode()
        if call.form:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            data = urlencode(call.body).encode()
        if call.key is not None:
            headers["Idempotency-Key"] = call.key
        try:
            connection = self._open()
            connection.request(call.method, call.path, data, headers)
            answer = connection.getresponse()
            content = answer.read()
            found = json.loads(content) if content else {}
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            raise NoAnswer(type(error).__name__) from error
        if answer.will_close:
            self.close()
        return answer.status, found

    def token(self, caller: Caller) -> str:
        """The caller's access token; a new one where a suspension has ended the last."""
        if caller not in self._tokens:
            self._tokens[caller] = mint(caller)
        return self._tokens[caller]

    def forget(self, caller: Caller) -> None:
        self._tokens.pop(caller, None)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection, self._sent = None, 0

    def _open(self) -> http.client.HTTPConnection:
        if self._sent >= REQUESTS_PER_CONNECTION:
            self.close()
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
            self._connection.connect()
            with contextlib.suppress(OSError):
                self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sent += 1
        return self._connection


def mint(caller: Caller) -> str:
    """An access token as the token endpoint would store it."""
    text = secrets.token_urlsafe(30)
    row = get_access_token_model()(
        user_id=caller.account,
        application=Generator.objects.get(client_id=caller.client),
        scope=SCOPES[caller.role],
        expires=utcnow() + TOKEN_LIFE,
        token="",
    )
    row._raw_token = text
    row.save()
    return text


def person(world: World, account: str) -> Caller:
    """Somebody in the app that renders nothing."""
    return Caller(world.app, account, "person")


def asker(generator: str, account: str) -> Caller:
    """Somebody in a generator's app."""
    return Caller(generator, account, "asker")


def machine(generator: str) -> Caller:
    """A generator for itself."""
    return Caller(generator, None, "machine")
