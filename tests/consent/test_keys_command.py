"""`manage.py keys`."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from pytest_django.fixtures import Settings

import audit.interface as audit
from audit.models import LedgerEntry
from common.key_encryption import active_key
from common.keyring import PURPOSES, FileKeyring
from consent.interface import TokenRefused, jwks
from identity.interface import keyring
from identity.keystore.models import DataKey
from tests.consent.conftest import NOW, Cast


@pytest.fixture(autouse=True)
def own_keyring(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("consent.management.commands.keys.utcnow", lambda: NOW)
    settings.CAMEO_KEYRING_FILE = tmp_path / "keyring.json"
    return tmp_path / "keyring.json"


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("keys", *arguments, stdout=out)
    return out.getvalue()


def test_init_makes_a_keyring_once(own_keyring: Path) -> None:
    run("init")
    before = own_keyring.read_bytes()
    assert own_keyring.stat().st_mode & 0o777 == 0o600
    run("init")
    assert own_keyring.read_bytes() == before


def test_a_list_shows_every_key_and_no_secret(own_keyring: Path) -> None:
    run("init")
    listed = json.loads(run("list", "--json"))
    assert {entry["purpose"] for entry in listed} == set(PURPOSES)
    shown = run("list") + run("list", "--json")
    kept = FileKeyring(own_keyring).keys()
    for key in kept:
        assert key.kid in shown
        assert key.secret not in shown


def test_an_upgrade_adds_what_an_older_version_lacks(own_keyring: Path) -> None:
    run("init")
    assert run("upgrade") == "Nothing is missing.\n"
    document = json.loads(own_keyring.read_text())
    document["keys"] = [key for key in document["keys"] if key["purpose"] != "projection"]
    own_keyring.write_text(json.dumps(document))
    with pytest.raises(CommandError, match="keys upgrade"):
        run("init")
    assert "projection" in run("upgrade")
    run("init")


def test_a_renewal_by_hand_is_recorded_and_its_old_key_kept_for_clips_on_their_way(
    cast: Cast, own_keyring: Path
) -> None:
    run("init")
    old = active_key(FileKeyring(own_keyring)).id
    said = run("renew")
    new = active_key(FileKeyring(own_keyring)).id
    assert new != old
    assert f"{new} is the active key-encryption key." in said
    assert f"Kept {old}" in said
    assert run("renew").count(new) == 1
    entries = LedgerEntry.objects.filter(kind="key.rotated")
    assert [entry.body["kid"] for entry in entries] == [new]


def test_erasures_are_applied_again_by_command(cast: Cast) -> None:
    run("init")
    living = json.loads(run("reapply-erasures", "--json"))
    assert living == {"erased": [], "keyless": []}
    DataKey.objects.create(cameo_id=cast.cameo, created=NOW, erased=NOW)
    assert run("reapply-erasures") == "Erased again: 1.\n"
    assert json.loads(run("reapply-erasures", "--json"))["erased"] == []


def test_a_missing_keyring_is_named_by_its_code() -> None:
    with pytest.raises(CommandError, match="keyring_unusable"):
        run("list")


def test_a_token_outlives_a_rotation(cast: Cast) -> None:
    run("init")
    cast.grant()
    issued = cast.issue()
    before = keyring().signing_key("token").kid
    run("rotate", "--purpose", "token")
    assert keyring().signing_key("token").kid != before
    assert before in {key["kid"] for key in jwks(now=NOW)["keys"]}
    assert cast.redeem(issued).state == "live"
    assert audit.SERVICE_CHAIN in audit.verify_all()


def test_an_emergency_kills_what_the_old_key_signed(cast: Cast) -> None:
    run("init")
    cast.grant()
    issued = cast.issue()
    run("rotate", "--purpose", "token", "--emergency")
    with pytest.raises(TokenRefused) as refused:
        cast.redeem(issued)
    assert refused.value.code == "token_key_unknown"


@pytest.mark.django_db
def test_a_key_that_leaked_goes_even_if_the_ledger_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(**entry: object) -> None:
        raise DatabaseError

    run("init")
    before = keyring().signing_key("token").kid
    monkeypatch.setattr("audit.interface.append", fail)
    with pytest.raises(CommandError, match="ledger"):
        run("rotate", "--purpose", "token", "--emergency")
    assert keyring().signing_key("token").kid != before


@pytest.mark.django_db
def test_keys_that_old_bytes_still_need_are_never_forgotten() -> None:
    run("init")
    with pytest.raises(CommandError, match="keyring_unusable"):
        run("rotate", "--purpose", "key-encryption", "--emergency")


def test_the_published_set_holds_no_private_part() -> None:
    run("init")
    published = jwks(now=NOW)["keys"]
    assert len(published) == 2  # the active key and the next
    for key in published:
        assert set(key) == {"kty", "crv", "x", "kid", "use", "alg"}
        assert (key["kty"], key["crv"], key["alg"]) == ("OKP", "Ed25519", "Ed25519")
