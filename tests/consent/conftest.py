"""The cast of this room: Alice owns a likeness, Bob is her friend, Mallory attacks, Gen renders."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.models import Generator, User
from common.canonical import sha256_hex
from consent.interface import (
    GrantRecord,
    Issued,
    LeaseRecord,
    Outputs,
    Pending,
    RenderRequest,
    create_grant,
    issue,
    redeem,
)
from identity.models import Cameo, CaptureSession

NOW = datetime(2030, 5, 17, 12, 0, 0, 250_000, UTC)
SECOND = timedelta(seconds=1)


def user(name: str) -> User:
    return User.objects.create_user(f"{name}@example.org", "a long password")


def generator(name: str, **extra: Any) -> Generator:
    row: Generator = Generator.objects.create(
        name=name,
        client_id=name,
        client_type="confidential",
        authorization_grant_type="client-credentials",
        **extra,
    )
    return row


def cameo_of(owner: User, state: str = "active") -> str:
    """A cameo whose owner passed a step-up capture just now."""
    row = Cameo.objects.create(owner=owner, state=state, created=NOW)
    step_up(row.id)
    return row.id


def step_up(cameo: str, at: datetime = NOW) -> None:
    """The cameo's owner passed a step-up capture at `at`."""
    CaptureSession.objects.create(
        account_id=Cameo.objects.get(id=cameo).owner_id,
        cameo_id=cameo,
        purpose="step-up",
        state="decided",
        outcome="pass",
        passed_at=at,
        nonce_hash="0" * 64,
        script=[],
        created=at,
        expires=at,
    )


@dataclass(frozen=True)
class Cast:
    """The fixed people, and short ways to do what they do."""

    alice: str
    bob: str
    mallory: str
    gen: str
    other_gen: str
    cameo: str

    def request(self, **changes: Any) -> RenderRequest:
        given: dict[str, Any] = {
            "likenesses": (self.cameo,),
            "purpose": "personal",
            "labels": frozenset(),
            "prompt_digest": sha256_hex(b"Alice rides a whale"),
            "inputs_digest": None,
            "outputs": Outputs(1, 8.0),
        }
        return RenderRequest(**(given | changes))

    def grant(self, to: str | None = None, **changes: Any) -> GrantRecord:
        given: dict[str, Any] = {
            "cameo": self.cameo,
            "grantee": to or self.bob,
            "terms": {"purposes": ["personal"]},
            "now": NOW,
            "by": self.alice,
        }
        return create_grant(**(given | changes))

    def issue(self, **changes: Any) -> Issued:
        given: dict[str, Any] = {
            "generator": self.gen,
            "requester": self.bob,
            "request": self.request(),
            "now": NOW,
            "by": self.gen,
        }
        issued = issue(**(given | changes))
        assert isinstance(issued, Issued)
        return issued

    def ask(self, **changes: Any) -> Pending:
        """Ask for a token where an approval is needed."""
        given: dict[str, Any] = {
            "generator": self.gen,
            "requester": self.bob,
            "request": self.request(),
            "now": NOW,
            "by": self.gen,
        }
        pending = issue(**(given | changes))
        assert isinstance(pending, Pending)
        return pending

    def redeem(self, issued: Issued, **changes: Any) -> LeaseRecord:
        given: dict[str, Any] = {
            "generator": self.gen,
            "token_text": issued.token,
            "request": self.request(),
            "now": NOW + SECOND,
            "by": self.gen,
        }
        return redeem(**(given | changes))


def make_cast(name: str = "", generator_of: Cast | None = None) -> Cast:
    """A cast; `name` tells several in one test apart, which may share their generators."""
    alice, bob, mallory = (user(f"{person}{name}") for person in ("alice", "bob", "mallory"))
    if generator_of is None:
        gen, other = (generator(f"{client}{name}").client_id for client in ("gen", "other-gen"))
    else:
        gen, other = generator_of.gen, generator_of.other_gen
    cameo = cameo_of(alice)
    return Cast(
        alice=alice.id,
        bob=bob.id,
        mallory=mallory.id,
        gen=gen,
        other_gen=other,
        cameo=cameo,
    )


@pytest.fixture
def cast(db: None) -> Cast:
    return make_cast()
