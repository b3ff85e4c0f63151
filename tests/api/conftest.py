"""The fixed cast with real OAuth tokens: Alice and Bob and Mallory in an app, Gen and its rival."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.http import HttpResponseBase
from django.test import Client
from oauth2_provider.models import get_access_token_model

from accounts.interface import Registered, register_generator
from accounts.models import Generator, User
from common.clock import utcnow
from identity.models import Cameo
from tests.consent.conftest import step_up

if TYPE_CHECKING:
    from tests.api.oauth_flow import Flow

PERSON = "cameo:enrol cameo:read consent:manage"
RENDERER = "likeness:issue likeness:redeem"
DIGEST = hashlib.sha256(b"a prompt").hexdigest()


def mint(client_id: str, account: User | None, scope: str, *, life: int = 600) -> str:
    """An access token as the token endpoint would store it."""
    text = secrets.token_urlsafe(30)
    row = get_access_token_model()(
        user=account,
        application=Generator.objects.get(client_id=client_id),
        scope=scope,
        expires=utcnow() + timedelta(seconds=life),
        token="",
    )
    row._raw_token = text
    row.save()
    return text


@dataclass
class Api:
    """A client that holds an access token, and says JSON."""

    token: str | None = None
    http: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    def __call__(
        self, method: str, path: str, body: Any = None, *, raw: bytes | None = None, **headers: Any
    ) -> Answer:
        """One request; header names are given as `content_type`, `idempotency_key` and so on."""
        found = {name.replace("_", "-"): value for name, value in headers.items()}
        kind = found.pop("content-type", "application/json")
        if self.token is not None:
            found.setdefault("authorization", f"Bearer {self.token}")
        data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        response = self.http.generic(method, path, data, content_type=kind, headers=found)
        return Answer(response)


@dataclass
class Answer:
    """A response, read as JSON."""

    response: Any

    @property
    def status(self) -> int:
        code: int = self.response.status_code
        return code

    @property
    def json(self) -> Any:
        return json.loads(self.response.content)

    @property
    def code(self) -> str:
        """The code of a problem document; fails if this isn't one."""
        assert self.response["Content-Type"] == "application/problem+json", self.response.content
        body = self.json
        assert body["status"] == self.status
        assert body["request_id"] == self.response["X-Request-ID"]
        assert body["type"] == f"urn:cameo:problem:{body['code']}"
        code: str = body["code"]
        return code

    @property
    def raw(self) -> HttpResponseBase:
        response: HttpResponseBase = self.response
        return response


@dataclass
class Cast:
    """Everybody, and what each of them holds."""

    alice: User
    bob: User
    mallory: User
    app: Registered
    gen: Registered
    rival: Registered
    platform: Registered

    def api(self, who: User, scope: str = PERSON) -> Api:
        """`who` in the app that renders nothing."""
        return Api(mint(self.app.generator.client_id, who, scope))

    def staff(self) -> User:
        """Sam, who reviews captures."""
        found = User.objects.filter(email="sam@example.org").first()
        return found or User.objects.create_user("sam@example.org", is_staff=True)

    def through(self, gen: Registered, who: User, scope: str = "likeness:request") -> Api:
        """`who` in a generator's own app."""
        return Api(mint(gen.generator.client_id, who, scope))

    def machine(self, gen: Registered, scope: str = RENDERER) -> Api:
        """A generator for itself."""
        return Api(mint(gen.generator.client_id, None, scope))


@pytest.fixture
def cast(db: None) -> Cast:
    now = utcnow()
    alice, bob, mallory = (
        User.objects.create_user(f"{name}@example.org") for name in ("alice", "bob", "mallory")
    )
    app = register_generator(
        name="App",
        renders=False,
        redirect_addresses=["http://127.0.0.1/back"],
        by="test",
        now=now,
    )
    gen = register_generator(
        name="Gen", redirect_addresses=["https://gen.example/back"], by="test", now=now
    )
    rival = register_generator(name="Rival", by="test", now=now)
    platform = register_generator(name="Platform", first_party=True, by="test", now=now)
    return Cast(alice, bob, mallory, app, gen, rival, platform)


def cameo_of(owner: User, state: str = "active") -> Cameo:
    """A cameo in a state, as enrolment would leave it, whose owner just stepped up."""
    now = utcnow()
    cameo = Cameo.objects.create(
        owner=owner, state=state, assurance="basic", created=now, activated=now
    )
    step_up(cameo.id, now)
    return cameo


@pytest.fixture
def alice_cameo(cast: Cast) -> Cameo:
    return cameo_of(cast.alice)


Render = Callable[..., dict[str, Any]]


def render(*cameos: str, **changes: Any) -> dict[str, Any]:
    """What is to be rendered of whom."""
    return {
        "likenesses": list(cameos),
        "purpose": "personal",
        "labels": [],
        "prompt_digest": DIGEST,
        "inputs_digest": None,
        "outputs": {"count": 1, "seconds": 8},
    } | changes


def grant(cast: Cast, cameo: Cameo, **headers: Any) -> Answer:
    """Alice grants Bob `personal`."""
    body = {"cameo": cameo.id, "grantee": cast.bob.id, "terms": {"purposes": ["personal"]}}
    return cast.api(cast.alice)("POST", "/v1/grants", body, **headers)


@pytest.fixture
def http() -> Client:
    return Client(raise_request_exception=False)


@pytest.fixture
def flow(cast: Cast, http: Client) -> Flow:
    # It needs this module's own names, so it can't be imported above.
    from tests.api.oauth_flow import Flow

    return Flow(http, cast.app.generator.client_id, cast.alice)
