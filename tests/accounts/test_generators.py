"""Registering, suspending and resuming generators: by the actions and by the command."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from joserfc.jwk import ECKey, OKPKey
from oauth2_provider.models import get_access_token_model, get_refresh_token_model

from accounts.errors import (
    AudienceTaken,
    EncryptionKeyInvalid,
    GeneratorKindInvalid,
    GeneratorNameInvalid,
    GeneratorStateConflict,
    NoSuchGenerator,
    RedirectAddressInvalid,
    RedirectAddressMissing,
)
from accounts.interface import (
    NoTransaction,
    Registered,
    hold_generator,
    lock_account,
    read_account,
    read_generator,
    register_generator,
    resume_generator,
    suspend_generator,
)
from accounts.models import Generator, User
from accounts.registration import check_audience, check_encryption_key, check_name, check_redirect
from audit.models import LedgerEntry
from common.clock import utcnow
from common.errors import InvalidInput, Unauthenticated

pytestmark = pytest.mark.django_db


def _gen(**changes: Any) -> Registered:
    given: dict[str, Any] = {"name": "Gen", "by": "test", "now": utcnow()} | changes
    return register_generator(**given)


def _run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("generator", *arguments, stdout=out)
    return out.getvalue()


def test_a_generator_is_registered_with_a_secret_that_is_kept_nowhere() -> None:
    made = _gen(redirect_addresses=["https://gen.example/back"])
    row = Generator.objects.get(client_id=made.generator.client_id)
    assert made.client_secret is not None
    assert made.client_secret not in row.client_secret
    assert made.client_secret not in repr(made)
    assert row.audience == row.client_id
    entry = LedgerEntry.objects.get(kind="generator.registered")
    assert entry.body["generator"] == row.client_id


def test_an_app_renders_nothing_and_has_no_secret() -> None:
    made = _gen(renders=False, redirect_addresses=["http://127.0.0.1/back"])
    row = Generator.objects.get(client_id=made.generator.client_id)
    assert made.client_secret is None
    assert row.client_type == Generator.CLIENT_PUBLIC
    assert not row.allows_grant_type(Generator.GRANT_CLIENT_CREDENTIALS)
    assert row.get_allowed_schemes() == ["http", "https"]


def test_two_generators_cannot_share_an_audience() -> None:
    _gen(audience="https://gen.example")
    with pytest.raises(AudienceTaken), transaction.atomic():
        _gen(audience="https://gen.example")


@pytest.mark.parametrize("renders", [True, False])
def test_an_audience_cannot_be_another_clients_id(renders: bool) -> None:
    addresses = [] if renders else ["http://127.0.0.1/back"]
    other = _gen(renders=renders, redirect_addresses=addresses, audience="https://gen.example")
    with pytest.raises(AudienceTaken):
        _gen(audience=other.generator.client_id)
    assert Generator.objects.count() == 1


@pytest.mark.parametrize("audience", [None, "https://own.example"])
def test_a_new_client_id_cannot_be_an_audience_already(
    monkeypatch: pytest.MonkeyPatch, audience: str | None
) -> None:
    _gen(audience="gen_taken")
    monkeypatch.setattr("accounts.generators.new_id", lambda prefix: f"{prefix}_taken")
    with pytest.raises(AudienceTaken):
        _gen(audience=audience)
    assert Generator.objects.count() == 1


def test_an_app_is_not_first_party_and_needs_an_address() -> None:
    with pytest.raises(GeneratorKindInvalid):
        _gen(renders=False, first_party=True, redirect_addresses=["https://app.example/"])
    with pytest.raises(RedirectAddressMissing):
        _gen(renders=False)


def test_suspending_revokes_what_was_issued_and_is_in_the_ledger() -> None:
    made = _gen()
    row = Generator.objects.get(client_id=made.generator.client_id)
    alice = User.objects.create_user("alice@example.org")
    token = get_access_token_model().objects.create(
        application=row, user=alice, token="t", expires=utcnow()
    )
    refresh = get_refresh_token_model().objects.create(
        application=row, user=alice, token="r", access_token=token
    )
    state = suspend_generator(client_id=row.client_id, by="test", now=utcnow())
    assert state.suspended
    assert not get_access_token_model().objects.exists()
    refresh.refresh_from_db()
    assert refresh.revoked is not None
    assert LedgerEntry.objects.filter(kind="generator.suspended").count() == 1
    with pytest.raises(GeneratorStateConflict):
        suspend_generator(client_id=row.client_id, by="test", now=utcnow())
    assert not resume_generator(client_id=row.client_id, by="test", now=utcnow()).suspended
    with pytest.raises(GeneratorStateConflict):
        resume_generator(client_id=row.client_id, by="test", now=utcnow())


def test_a_suspension_and_a_resumption_each_end_what_was_issued_before() -> None:
    client_id = _gen().generator.client_id
    start = utcnow()
    moments = [start + timedelta(seconds=at) for at in range(3)]
    assert (
        suspend_generator(client_id=client_id, by="test", now=moments[1]).tokens_not_before
        == (moments[1])
    )
    resume_generator(client_id=client_id, by="test", now=moments[2])
    # A clock that is behind brings nothing back to life.
    suspend_generator(client_id=client_id, by="test", now=moments[0])
    row = Generator.objects.get()
    assert row.tokens_not_before == moments[2]
    assert row.has_revoked(moments[2])
    assert not row.has_revoked(moments[2] + timedelta(microseconds=1))


def test_a_failed_ledger_entry_undoes_the_suspension(monkeypatch: pytest.MonkeyPatch) -> None:
    made = _gen()

    def broken(**_: Any) -> str:
        raise RuntimeError

    monkeypatch.setattr("accounts.generators.append", broken)
    with pytest.raises(RuntimeError):
        suspend_generator(client_id=made.generator.client_id, by="test", now=utcnow())
    state = read_generator(made.generator.client_id)
    assert state is not None
    assert not state.suspended


def test_an_unknown_generator_is_named_so() -> None:
    with pytest.raises(NoSuchGenerator):
        suspend_generator(client_id="gen_nobody", by="test", now=utcnow())
    assert read_generator("gen_nobody") is None
    assert hold_generator("gen_nobody") is None


@pytest.mark.django_db(transaction=True)
def test_a_generator_is_held_only_within_a_transaction() -> None:
    made = _gen()
    with pytest.raises(NoTransaction):
        hold_generator(made.generator.client_id)
    with transaction.atomic():
        assert hold_generator(made.generator.client_id) == made.generator


def test_accounts_are_read_and_locked() -> None:
    alice = User.objects.create_user("Alice@Example.org")
    found = read_account(alice.id)
    assert found is not None
    assert found.is_active
    assert lock_account(alice.id) == found
    assert read_account("acc_nobody") is None
    User.objects.filter(id=alice.id).update(is_active=False)
    for account_id in (alice.id, "acc_nobody"):
        with pytest.raises(Unauthenticated):
            lock_account(account_id)


@pytest.mark.parametrize(
    "address",
    [
        "http://gen.example/back",
        "ftp://gen.example/back",
        "https://",
        "https://user@gen.example/",
        "https://gen.example/#part",
        "https://gen.example:99999/",
        "https://*.example/",
        "https://gen.example/ https://other.example/",
        "http://127.0.0.1.evil.example/",
        "https://[::1/",
        "javascript:alert(1)",
        "",
        "https://gen.example/\x00",
    ],
)
def test_redirect_addresses_that_are_refused(address: str) -> None:
    with pytest.raises(RedirectAddressInvalid):
        check_redirect(address)


@pytest.mark.parametrize(
    "address",
    [
        "https://gen.example/back?x=1",
        "http://127.0.0.1:7000/",
        "http://[::1]/",
        "http://localhost/",
    ],
)
def test_redirect_addresses_that_are_taken(address: str) -> None:
    assert check_redirect(address) == address


@pytest.mark.parametrize("kind", ["X25519", "P-256"])
def test_public_encryption_keys_are_taken_without_their_private_part(kind: str) -> None:
    key: OKPKey | ECKey = (
        OKPKey.generate_key("X25519") if kind == "X25519" else ECKey.generate_key()
    )
    kept = check_encryption_key(dict(key.as_dict(private=False)) | {"use": "enc"})
    assert kept["crv"] == kind
    with pytest.raises(EncryptionKeyInvalid):
        check_encryption_key(key.as_dict(private=True))


@pytest.mark.parametrize(
    "jwk",
    [
        None,
        [],
        "text",
        {},
        {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43},
        {"kty": "OKP", "crv": "X25519", "x": "A" * 43},
        {"kty": "OKP", "crv": "X25519", "x": "AAAA"},
        {"kty": "OKP", "crv": "X25519", "x": 7},
        {"kty": "OKP", "crv": "X25519"},
        {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43},
        {"kty": "oct", "k": "AAAA"},
        {"kty": "RSA", "n": "AAAA", "e": "AQAB"},
        dict(OKPKey.generate_key("X25519").as_dict(private=False)) | {"use": "sig"},
    ],
)
def test_encryption_keys_that_are_refused(jwk: object) -> None:
    with pytest.raises(EncryptionKeyInvalid):
        check_encryption_key(jwk)


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "a\u202eb", "a\x00", "a\nb"])
def test_names_that_are_refused(name: str) -> None:
    with pytest.raises(GeneratorNameInvalid):
        check_name(name)


@pytest.mark.parametrize("audience", ["", "a b", "x" * 201, "é", 'a"b'])
def test_audiences_that_are_refused(audience: str) -> None:
    with pytest.raises(InvalidInput):
        check_audience(audience)


def test_the_command_registers_suspends_resumes_and_lists(tmp_path: Path) -> None:
    key = tmp_path / "key.json"
    key.write_text(json.dumps(OKPKey.generate_key("X25519").as_dict(private=False)))
    arguments = ["register", "Gen", "--redirect-uri", "https://gen.example/", "--first-party"]
    made = json.loads(_run(*arguments, "--encryption-key", str(key), "--json"))
    assert made["first_party"] is True
    assert len(made["client_secret"]) >= 100
    assert json.loads(_run("suspend", made["client_id"], "--json"))["suspended"] is True
    assert "suspended" in _run("list")
    assert json.loads(_run("resume", made["client_id"], "--json"))["suspended"] is False
    (listed,) = json.loads(_run("list", "--json"))
    assert "client_secret" not in listed
    text = _run("register", "Other")
    assert "client_secret" in text
    app = json.loads(
        _run("register", "App", "--app", "--redirect-uri", "http://localhost/", "--json")
    )
    assert "client_secret" not in app


def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="redirect_address_invalid"):
        _run("register", "Gen", "--redirect-uri", "http://gen.example/")
    with pytest.raises(CommandError, match="encryption_key_unreadable"):
        _run("register", "Gen", "--encryption-key", str(tmp_path / "missing"))
    (tmp_path / "bad").write_text("{")
    with pytest.raises(CommandError, match="malformed_input"):
        _run("register", "Gen", "--encryption-key", str(tmp_path / "bad"))
    with pytest.raises(CommandError, match="not_found"):
        _run("suspend", "gen_nobody")
