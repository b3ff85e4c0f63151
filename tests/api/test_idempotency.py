"""`Idempotency-Key`: what is sent twice is done once; no token is kept."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections

from api.models import KeptAnswer
from common.clock import utcnow
from consent.models import Grant, IssuedToken, Use
from identity.models import Cameo, CaptureSession
from tests.api.conftest import Api, Cast, grant, render


def test_a_repeated_grant_is_made_once(cast: Cast, alice_cameo: Cameo) -> None:
    first = grant(cast, alice_cameo, idempotency_key="one")
    second = grant(cast, alice_cameo, idempotency_key="one")
    assert (first.status, second.status) == (201, 201)
    assert first.json == second.json
    assert "Idempotency-Replayed" not in first.response
    assert second.response["Idempotency-Replayed"] == "true"
    assert Grant.objects.count() == 1


def test_a_repeated_session_is_begun_once(cast: Cast) -> None:
    alice = cast.api(cast.alice)
    answers = [
        alice("POST", "/v1/capture-sessions", {}, idempotency_key="k").json for _ in range(2)
    ]
    assert answers[0] == answers[1]
    assert CaptureSession.objects.count() == 1


def test_a_key_is_for_one_body_and_one_operation(cast: Cast, alice_cameo: Cameo) -> None:
    grant(cast, alice_cameo, idempotency_key="one")
    alice = cast.api(cast.alice)
    body = {"cameo": alice_cameo.id, "grantee": cast.mallory.id, "terms": {"purposes": ["other"]}}
    for path, sent in (("/v1/grants", body), ("/v1/capture-sessions", {})):
        answer = alice("POST", path, sent, idempotency_key="one")
        assert (answer.status, answer.code) == (422, "idempotency_key_reused")


def test_keys_are_each_callers_own(cast: Cast) -> None:
    for who in (cast.alice, cast.bob):
        answer = cast.api(who)("POST", "/v1/capture-sessions", {}, idempotency_key="k")
        assert answer.status == 201
        assert "Idempotency-Replayed" not in answer.response


def test_a_refusal_leaves_the_key_free(cast: Cast, alice_cameo: Cameo) -> None:
    bob = cast.through(cast.gen, cast.bob)
    body = {"request": render(alice_cameo.id)}
    denied = bob("POST", "/v1/likeness-tokens", body, idempotency_key="k")
    assert denied.code == "not_permitted"
    grant(cast, alice_cameo)
    assert bob("POST", "/v1/likeness-tokens", body, idempotency_key="k").status == 200


def _issue(cast: Cast, cameo: Cameo) -> tuple[Api, dict[str, Any]]:
    grant(cast, cameo)
    return cast.through(cast.gen, cast.bob), {"request": render(cameo.id)}


def test_a_repeated_token_is_the_same_and_kept_nowhere(cast: Cast, alice_cameo: Cameo) -> None:
    bob, body = _issue(cast, alice_cameo)
    first = bob("POST", "/v1/likeness-tokens", body, idempotency_key="k").json
    second = bob("POST", "/v1/likeness-tokens", body, idempotency_key="k").json
    assert first == second
    assert IssuedToken.objects.count() == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(api_keptanswer)::text FROM api_keptanswer")
        rows = str(cursor.fetchall())
    assert first["jti"] in rows
    assert first["token"].split(".")[2] not in rows


def test_a_repeated_token_is_decided_on_again(cast: Cast, alice_cameo: Cameo) -> None:
    bob, body = _issue(cast, alice_cameo)
    assert bob("POST", "/v1/likeness-tokens", body, idempotency_key="k").status == 200
    cast.api(cast.alice)("POST", f"/v1/grants/{Grant.objects.get().id}/withdraw")
    again = bob("POST", "/v1/likeness-tokens", body, idempotency_key="k")
    assert (again.status, again.code) == (403, "not_permitted")


def test_a_lost_answer_to_a_redemption_is_told_again(cast: Cast, alice_cameo: Cameo) -> None:
    bob, body = _issue(cast, alice_cameo)
    token = bob("POST", "/v1/likeness-tokens", body).json["token"]
    gen, sent = cast.machine(cast.gen), {"token": token, "request": body["request"]}
    answers = [
        gen("POST", "/v1/likeness-tokens/redeem", sent, idempotency_key="r") for _ in range(2)
    ]
    assert answers[0].json == answers[1].json
    assert Use.objects.count() == 1
    other = gen("POST", "/v1/likeness-tokens/redeem", sent, idempotency_key="s")
    assert other.code == "token_already_redeemed"


@pytest.mark.parametrize("path", ["grants/{grant}/withdraw", "cameos/{cameo}/erase"])
def test_a_redemption_is_not_told_again_after_a_withdrawal(
    cast: Cast, alice_cameo: Cameo, path: str
) -> None:
    bob, body = _issue(cast, alice_cameo)
    token = bob("POST", "/v1/likeness-tokens", body).json["token"]
    gen, sent = cast.machine(cast.gen), {"token": token, "request": body["request"]}
    lease = gen("POST", "/v1/likeness-tokens/redeem", sent, idempotency_key="r").json
    made = path.format(grant=Grant.objects.get().id, cameo=alice_cameo.id)
    assert cast.api(cast.alice)("POST", f"/v1/{made}").status == 200
    again = gen("POST", "/v1/likeness-tokens/redeem", sent, idempotency_key="r")
    assert (again.status, again.code) == (403, "consent_changed")
    found = gen("GET", f"/v1/leases/{lease['id']}")
    assert (found.status, found.json) == (200, lease | {"state": "withdrawn"})


def test_after_a_day_a_key_is_forgotten(cast: Cast) -> None:
    alice = cast.api(cast.alice)
    first = alice("POST", "/v1/capture-sessions", {}, idempotency_key="k").json
    KeptAnswer.objects.update(created=utcnow() - timedelta(hours=25))
    second = alice("POST", "/v1/capture-sessions", {}, idempotency_key="k").json
    assert first["id"] != second["id"]
    assert KeptAnswer.objects.count() == 1


def test_old_keys_are_swept_when_no_other_lock_is_waited_for_any_more(
    cast: Cast, alice_cameo: Cameo
) -> None:
    # A request that held others' keys while it waits for a cameo could wait in a circle.
    statements: list[str] = []

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        statements.append(sql)
        return execute(sql, params, many, context)

    cast.api(cast.bob)("POST", "/v1/capture-sessions", {}, idempotency_key="old")
    KeptAnswer.objects.update(created=utcnow() - timedelta(hours=25))
    with connection.execute_wrapper(watch):
        assert grant(cast, alice_cameo, idempotency_key="new").status == 201
    (swept,) = [at for at, sql in enumerate(statements) if "SKIP LOCKED" in sql]
    assert 'DELETE FROM "api_keptanswer"' in statements[swept + 1]
    assert "SAVEPOINT" in "".join(statements[swept + 2 :])
    assert not [sql for sql in statements[swept + 2 :] if "SAVEPOINT" not in sql]
    assert KeptAnswer.objects.get().key == "new"


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 129, "é"])
def test_keys_of_another_form_are_refused(cast: Cast, key: str) -> None:
    answer = cast.api(cast.alice)("POST", "/v1/capture-sessions", {}, idempotency_key=key)
    assert (answer.status, answer.code) == (400, "idempotency_key_invalid")


@pytest.mark.django_db(transaction=True)
def test_a_key_in_flight_is_told_so(cast: Cast) -> None:
    who = f"{cast.app.generator.client_id}/{cast.alice.id} k"
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            number = int.from_bytes(hashlib.sha256(who.encode()).digest()[:8], "big", signed=True)
            cursor.execute("SELECT pg_advisory_lock(%s)", [number])
        answer = cast.api(cast.alice)("POST", "/v1/capture-sessions", {}, idempotency_key="k")
        assert (answer.status, answer.code) == (409, "idempotency_in_flight")
    finally:
        other.close()


@pytest.mark.django_db(transaction=True)
def test_a_race_of_one_key_makes_one_thing(cast: Cast, alice_cameo: Cameo) -> None:
    token = cast.api(cast.alice).token
    body = {"cameo": alice_cameo.id, "grantee": cast.bob.id, "terms": {"purposes": ["personal"]}}

    def ask(_: int) -> tuple[int, str]:
        try:
            answer = Api(token)("POST", "/v1/grants", body, idempotency_key="race")
            return answer.status, answer.json.get("id") or answer.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=8) as pool:
        found = set(pool.map(ask, range(40)))
    made = Grant.objects.get().id
    assert found <= {(201, made), (409, "idempotency_in_flight")}
    assert (201, made) in found
