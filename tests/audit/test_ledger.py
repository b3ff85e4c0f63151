"""The ledger on PostgreSQL."""

from __future__ import annotations

import io
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib import import_module

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from audit.interface import (
    SERVICE_CHAIN,
    ChainBroken,
    NoTransaction,
    append,
    read_chain,
    verify_all,
)

# The suite runs without this one trigger (tests/conftest.py says why).
NO_TRUNCATE: str = import_module("audit.migrations.0002_append_only").NO_TRUNCATE
NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def fill(chain: str = "cam_a", entries: int = 3) -> None:
    for number in range(entries):
        with transaction.atomic():
            append(chain=chain, kind="grant.created", body={"n": number}, now=NOW)


def as_somebody_with_the_database(sql: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("alter table audit_ledgerentry disable trigger user")
        cursor.execute(sql)
        cursor.execute("alter table audit_ledgerentry enable trigger user")


@pytest.mark.django_db
def test_each_chain_counts_for_itself() -> None:
    fill("cam_a", 3)
    fill(SERVICE_CHAIN, 2)
    assert verify_all() == {"cam_a": 3, SERVICE_CHAIN: 2}


@pytest.mark.django_db
def test_a_chain_is_read_once_it_was_checked() -> None:
    fill("cam_a", 3)
    assert [entry.body["n"] for entry in read_chain("cam_a")] == [0, 1, 2]
    assert read_chain("cam_b") == ()


@pytest.mark.django_db(transaction=True)
def test_a_changed_chain_is_not_read() -> None:
    fill("cam_a", 3)
    as_somebody_with_the_database("update audit_ledgerentry set kind = 'x' where sequence = 2")
    with pytest.raises(ChainBroken):
        read_chain("cam_a")


@pytest.mark.django_db(transaction=True)
def test_an_entry_outside_a_transaction_is_refused() -> None:
    with pytest.raises(NoTransaction):
        append(chain="cam_a", kind="grant.created", body={}, now=NOW)


@pytest.mark.django_db(transaction=True)
def test_an_entry_falls_with_its_transaction() -> None:
    fill()
    with transaction.atomic():
        append(chain="cam_a", kind="grant.created", body={}, now=NOW)
        transaction.set_rollback(True)
    assert verify_all() == {"cam_a": 3}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "sql",
    [
        "update audit_ledgerentry set kind = 'x'",
        "delete from audit_ledgerentry",
        NO_TRUNCATE + "truncate audit_ledgerentry",
    ],
)
def test_the_database_itself_refuses_to_change_an_entry(sql: str) -> None:
    fill()
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)
    assert verify_all() == {"cam_a": 3}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "sql",
    [
        """update audit_ledgerentry set body = '{"n": 7}' where sequence = 2""",
        "update audit_ledgerentry set at = '2026-01-02T03:04:05.678902Z' where sequence = 3",
        "delete from audit_ledgerentry where sequence = 3",
        "delete from audit_ledgerentry",
        "update audit_ledgerentry set sequence = 9 where sequence = 1",
    ],
)
def test_what_somebody_with_the_database_changed_is_found(sql: str) -> None:
    fill()
    as_somebody_with_the_database(sql)
    with pytest.raises(ChainBroken):
        verify_all()


@pytest.mark.django_db(transaction=True)
def test_writers_side_by_side_leave_one_whole_chain() -> None:
    def write(_: int) -> None:
        try:
            fill("cam_a", 5)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(8)))
    assert verify_all() == {"cam_a": 40}


@pytest.mark.django_db(transaction=True)
def test_the_command_says_whether_the_ledger_holds() -> None:
    fill()
    out = io.StringIO()
    call_command("ledger", "verify", "--json", stdout=out)
    assert json.loads(out.getvalue()) == {"ok": True, "chains": 1, "entries": 3}
    as_somebody_with_the_database("update audit_ledgerentry set kind = 'x' where sequence = 2")
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("ledger", "verify", "--json", stdout=out)
    found = json.loads(out.getvalue())
    assert (found["ok"], found["chain"], found["sequence"]) == (False, "cam_a", 2)
