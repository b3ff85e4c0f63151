"""Mallory asks for likenesses, and learns nothing of who is enrolled or has blocked her: neither
from what is answered nor from how long that takes."""

from __future__ import annotations

import hashlib
import json
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from django.test import Client

from accounts.interface import register_generator
from accounts.models import User
from common.clock import utcnow
from common.ids import new_id
from consent import interface as consent
from identity.models import Cameo
from tests.adversarial.timing import BLOCK, auc, auc_by_blocks, told_apart
from tests.interleaving.clients import asker, mint

PATHS = ("/v1/decisions", "/v1/likeness-tokens")
KINDS = ("ungranted", "unknown", "erased", "blocked")
EACH = 40
# Drawn anew for every answer of the site, whatever it says.
NONCE = re.compile(r"'nonce-[^']*'")
DIGEST = hashlib.sha256(b"Alice rides a whale").hexdigest()
PLANTED_S = 0.001


@dataclass(frozen=True)
class Stage:
    """Mallory through Gen's app, and likenesses of each kind."""

    http: Client
    headers: dict[str, str]
    cameos: dict[str, list[str]]

    def ask(self, path: str, kind: str, rand: random.Random) -> Any:
        render = {
            "likenesses": [rand.choice(self.cameos[kind])],
            "purpose": "personal",
            "labels": [],
            "prompt_digest": DIGEST,
            "inputs_digest": None,
            "outputs": {"count": 1, "seconds": 8},
        }
        body = json.dumps({"request": render})
        return self.http.post(path, body, content_type="application/json", headers=self.headers)

    def asks(self, path: str) -> dict[str, Callable[[], object]]:
        rand = random.Random(1)
        return {kind: partial(self.ask, path, kind, rand) for kind in KINDS}


@pytest.fixture
def stage(transactional_db: None) -> Stage:
    now = utcnow()
    mallory = User.objects.create_user("mallory@example.org")
    gen = register_generator(name="Gen", by="test", now=now).generator.client_id
    cameos = {kind: [_cameo(kind, number, mallory.id) for number in range(EACH)] for kind in KINDS}
    token = mint(asker(gen, mallory.id))
    headers = {"authorization": f"Bearer {token}", "x-request-id": "the-same"}
    return Stage(Client(raise_request_exception=False), headers, cameos)


def _cameo(kind: str, number: int, mallory: str) -> str:
    if kind == "unknown":
        return new_id("cam")
    now = utcnow()
    owner = User.objects.create_user(f"{kind}{number}@example.org")
    state = "erased" if kind == "erased" else "active"
    cameo = Cameo.objects.create(owner=owner, state=state, created=now)
    if kind == "blocked":
        terms = {"purposes": ["personal"]}
        consent.create_grant(cameo=cameo.id, grantee=mallory, terms=terms, now=now, by=owner.id)
        consent.block_account(account=mallory, now=now, by=owner.id)
    return cameo.id


@pytest.mark.parametrize("path", PATHS)
def test_all_that_is_answered_is_the_same_bytes(stage: Stage, path: str) -> None:
    rand = random.Random(1)
    seen: set[Any] = set()
    for kind in KINDS:
        for _ in range(5):
            response: Any = stage.ask(path, kind, rand)
            headers = [(name, NONCE.sub("", value)) for name, value in response.items()]
            seen.add((response.status_code, response.content, tuple(sorted(headers))))
    assert len(seen) == 1
    status, body, _ = seen.pop()
    assert status == 403
    assert b'"reasons":["not_permitted"]' in body


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("path", PATHS)
def test_the_time_of_an_answer_tells_nothing(stage: Stage, path: str) -> None:
    assert told_apart(stage.asks(path), "ungranted") == {}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_millisecond_more_for_one_kind_is_noticed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, slow = PATHS[0], set(stage.cameos["erased"])
    real = consent.decide_for

    def planted(*, request: consent.RenderRequest, **more: Any) -> consent.Decision:
        if slow & set(request.likenesses):
            time.sleep(PLANTED_S)
        return real(request=request, **more)

    monkeypatch.setattr(consent, "decide_for", planted)
    asks = {kind: stage.asks(path)[kind] for kind in ("ungranted", "erased")}
    found = told_apart(asks, "ungranted")
    assert min(found["erased"]) > 0.5


def test_the_statistic_is_that_of_mann_and_whitney() -> None:
    assert auc([1, 2, 3], [1, 2, 3]) == 0.5
    assert auc([4, 5], [1, 2, 3]) == 1.0
    assert auc([1], [1, 2]) == 0.25


def test_blocks_see_through_a_machine_that_gets_slower() -> None:
    rand = random.Random(1)
    drift = [5.0 * (number // BLOCK) for number in range(20 * BLOCK)]
    one = [rand.gauss(1.0, 1.0) + slow for slow in drift]
    other = [rand.gauss(0.0, 1.0) + slow for slow in drift]
    assert auc_by_blocks(one, other) > 0.7
    assert auc(one, other) < 0.6
