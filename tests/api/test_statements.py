"""Statements over HTTP: totals and lines of a month, to their owner alone."""

from __future__ import annotations

from typing import Any

import pytest

from common.clock import utcnow
from identity.models import Cameo
from tests.api.conftest import Api, Cast, render


def use(cast: Cast, cameo: Cameo) -> str:
    body: dict[str, Any] = {"request": render(cameo.id)}
    token = cast.through(cast.gen, cast.bob)("POST", "/v1/likeness-tokens", body).json["token"]
    redeemed = cast.machine(cast.gen)("POST", "/v1/likeness-tokens/redeem", body | {"token": token})
    name: str = redeemed.json["use"]
    return name


@pytest.fixture
def alice(cast: Cast, alice_cameo: Cameo) -> Api:
    api = cast.api(cast.alice)
    terms = {"purposes": ["personal"], "price": {"amount": 250, "currency": "EUR"}}
    body = {"cameo": alice_cameo.id, "grantee": cast.bob.id, "terms": terms}
    assert api("POST", "/v1/grants", body).status == 201
    return api


def test_a_month_adds_up_its_uses(cast: Cast, alice_cameo: Cameo, alice: Api) -> None:
    month = f"{utcnow():%Y-%m}"
    names = [use(cast, alice_cameo) for _ in range(3)]
    statement = alice("GET", f"/v1/statements?month={month}").json
    assert statement["month"] == month
    assert statement["since"] == f"{month}-01T00:00:00.000000Z"
    client = cast.gen.generator.client_id
    assert statement["totals"] == [
        {"generator": client, "currency": "EUR", "amount": 750, "uses": 3}
    ]
    seen: list[str] = []
    path: str | None = f"/v1/statements/lines?month={month}&limit=2"
    while path:
        page = alice("GET", path).json
        seen += [line["use"] for line in page["items"]]
        assert {(line["amount"], line["currency"]) for line in page["items"]} == {(250, "EUR")}
        path = page["next"]
    assert seen == names[::-1]
    assert alice("GET", "/v1/statements?month=2001-02").json["totals"] == []


def test_without_a_month_it_is_the_present_one(alice: Api) -> None:
    months = {f"{utcnow():%Y-%m}", alice("GET", "/v1/statements").json["month"]}
    months.add(f"{utcnow():%Y-%m}")
    assert len(months) <= 2
    assert alice("GET", "/v1/statements/lines").json["items"] == []


def test_a_statement_is_its_owners(cast: Cast, alice_cameo: Cameo, alice: Api) -> None:
    use(cast, alice_cameo)
    for who in (cast.bob, cast.mallory):
        assert cast.api(who)("GET", "/v1/statements").json["totals"] == []
        assert cast.api(who)("GET", "/v1/statements/lines").json["items"] == []
    machine = cast.machine(cast.gen)
    assert machine("GET", "/v1/statements").code == "insufficient_scope"


@pytest.mark.parametrize(
    "month", ["", "2026-13", "2026-1", "26-01", "now", "2026-01-01", "1999-12"]
)
def test_what_is_no_month_is_refused(alice: Api, month: str) -> None:
    for path in ("/v1/statements", "/v1/statements/lines"):
        answer = alice("GET", f"{path}?month={month}")
        assert (answer.status, answer.code) == (422, "month_invalid")
        assert answer.json["errors"][0]["pointer"] == "/month"


def test_what_is_unknown_is_refused(alice: Api) -> None:
    for query in ("year=2026", "limit=3", "month=2026-01&month=2026-02", "month=%00"):
        assert alice("GET", f"/v1/statements?{query}").code == "invalid_input"
    assert alice("GET", "/v1/statements/lines?limit=0").code == "invalid_input"
    wrong = alice("GET", "/v1/statements/lines?after=use_" + "a" * 26)
    assert wrong.code == "cursor_unknown"
