"""Attestations: what a registered capture client signs about one clip of one session."""

from __future__ import annotations

import base64
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from accounts.models import User
from common.canonical import canonical_bytes, sha256_hex
from common.errors import Misconfigured
from identity import interface as identity
from identity.enrolment.attestation import TYPE
from identity.enrolment.clients import add_client, list_clients, suspend_client
from identity.models import CaptureClient, CaptureSession, UsedClip
from identity.session_errors import AttestationInvalid
from identity.summaries import SessionView
from tests.identity.clips import plain_clip

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
CLIP = plain_clip()


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def pem(key: Any = KEY) -> bytes:
    text: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return text


def signed(header: bytes, claims: bytes, key: Ed25519PrivateKey = KEY) -> str:
    body = f"{b64(header)}.{b64(claims)}"
    return f"{body}.{b64(key.sign(body.encode()))}"


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice@example.org")


@pytest.fixture
def session(alice: User) -> SessionView:
    return identity.create_session(account_id=alice.id, now=NOW)


@pytest.fixture
def client(db: None) -> str:
    return add_client(name="Camera app", pem=pem(), now=NOW).id


def send(alice: User, session: SessionView, statement: str | None) -> SessionView:
    return identity.receive_clip(
        account_id=alice.id,
        session_id=session.id,
        stream=io.BytesIO(CLIP),
        length=None,
        now=NOW,
        attestation=statement,
    )


def parts(session: SessionView, client: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header = {"alg": "Ed25519", "kid": client, "typ": TYPE}
    claims = {
        "session": session.id,
        "nonce_sha256": session.nonce_hash,
        "clip_sha256": sha256_hex(CLIP),
        "iat": int(NOW.timestamp()),
    }
    return header, claims


def test_a_good_statement_is_kept_with_the_session(
    alice: User, session: SessionView, client: str
) -> None:
    header, claims = parts(session, client)
    send(alice, session, signed(canonical_bytes(header), canonical_bytes(claims)))
    row = CaptureSession.objects.get()
    assert row.attestation == {"client": client, "issued": "2026-03-01T12:00:00.000000Z"}


def test_a_clip_needs_no_statement(alice: User, session: SessionView) -> None:
    send(alice, session, None)
    assert CaptureSession.objects.get().attestation is None


@pytest.mark.parametrize(
    ("head", "said", "why"),
    [
        ({"alg": "EdDSA"}, {}, "header"),
        ({"alg": "none"}, {}, "header"),
        ({"alg": "HS256"}, {}, "header"),
        ({"typ": "JWT"}, {}, "header"),
        ({"kid": "cli_" + "a" * 26}, {}, "client_unknown"),
        ({"kid": 7}, {}, "client_unknown"),
        ({"crit": ["x"]}, {}, "malformed"),
        ({}, {"session": "cap_" + "a" * 26}, "other_capture"),
        ({}, {"nonce_sha256": "0" * 64}, "other_capture"),
        ({}, {"clip_sha256": "0" * 64}, "other_capture"),
        ({}, {"clip_sha256": None}, "other_capture"),
        ({}, {"iat": int(NOW.timestamp()) + 6}, "other_time"),
        ({}, {"iat": int(NOW.timestamp()) - 186}, "other_time"),
        ({}, {"iat": -1}, "malformed"),
        ({}, {"iat": True}, "malformed"),
        ({}, {"iat": 1.5}, "malformed"),
        ({}, {"iat": "1"}, "malformed"),
        ({}, {"iat": 2**60}, "malformed"),
        ({}, {"more": 1}, "malformed"),
    ],
)
def test_a_statement_about_something_else_refuses_the_clip(
    alice: User,
    session: SessionView,
    client: str,
    head: dict[str, Any],
    said: dict[str, Any],
    why: str,
) -> None:
    header, claims = parts(session, client)
    text = signed(json.dumps(header | head).encode(), json.dumps(claims | said).encode())
    _refused(alice, session, text, why)


def _refused(alice: User, session: SessionView, text: str, why: str | None = None) -> None:
    with pytest.raises(AttestationInvalid) as found:
        send(alice, session, text)
    assert why in (None, found.value.why)
    # Nothing was kept, and the session still takes its clip.
    assert not UsedClip.objects.exists()
    folder = Path(django_settings.CAMEO_CLIP_DIR)
    assert not folder.exists() or not list(folder.iterdir())
    assert CaptureSession.objects.get().state == "open"


def test_what_is_no_statement_refuses_the_clip(
    alice: User, session: SessionView, client: str
) -> None:
    header, claims = parts(session, client)
    head, said = canonical_bytes(header), canonical_bytes(claims)
    good = signed(head, said)
    first, second, third = good.split(".")
    doubled = said.replace(b'"iat"', b'"iat":1,"iat"', 1)
    other = Ed25519PrivateKey.generate()
    for text in (
        "",
        ".",
        "..",
        "a.b",
        f"{good}.x",
        f"{good}=",
        f"{first}.{second}.",
        f"{first}.{second}.{third[:-2]}AA",
        f"{first}.{second}.{b64(bytes(64))}",
        f"{b64(b'[]')}.{second}.{third}",
        f"{b64(bytes([255]))}.{second}.{third}",
        "é.é.é",
        "x" * 5000,
        signed(head, doubled),
        signed(head, said, other),
        f"{first} .{second}.{third}",
    ):
        _refused(alice, session, text)


def test_a_suspended_client_attests_nothing(alice: User, session: SessionView, client: str) -> None:
    header, claims = parts(session, client)
    suspend_client(client_id=client, now=NOW)
    suspend_client(client_id=client, now=NOW + timedelta(days=1))
    assert CaptureClient.objects.get().suspended == NOW
    text = signed(canonical_bytes(header), canonical_bytes(claims))
    _refused(alice, session, text, "client_suspended")


def test_a_verifier_that_is_not_there_attests_nothing(
    alice: User, session: SessionView, settings: Settings
) -> None:
    settings.CAMEO_ATTESTATION_VERIFIER = "nowhere.Nothing"
    with pytest.raises(Misconfigured):
        send(alice, session, "x.y.z")


@pytest.mark.django_db
def test_the_command_adds_lists_and_suspends(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_bytes(pem())

    def run(*words: str) -> Any:
        out = io.StringIO()
        call_command("capture_clients", *words, stdout=out)
        return [json.loads(line) for line in out.getvalue().splitlines()]

    (made,) = run("add", "Camera app", str(file))
    assert (made["name"], made["suspended"]) == ("Camera app", None)
    assert run("list") == [made]
    assert run("suspend", made["id"])[0]["suspended"]
    x25519 = tmp_path / "x.pem"
    x25519.write_bytes(pem(X25519PrivateKey.generate()))
    other = tmp_path / "other.pem"
    other.write_bytes(pem(Ed25519PrivateKey.generate()))
    large = tmp_path / "large.pem"
    large.write_bytes(pem() + b"\n" * 20_000)
    empty = tmp_path / "empty.pem"
    empty.write_bytes(b"")
    for words, code in (
        (("add", "Camera app", str(other)), "capture_client_exists"),
        (("add", "Another", str(file)), "capture_client_exists"),
        (("add", "Another", str(x25519)), "capture_client_key_invalid"),
        (("add", "Another", str(large)), "capture_client_key_invalid"),
        (("add", "Another", str(empty)), "capture_client_key_invalid"),
        (("add", " ", str(other)), "capture_client_name_invalid"),
        (("add", "a\nb", str(other)), "capture_client_name_invalid"),
        (("add", "x" * 101, str(other)), "capture_client_name_invalid"),
        (("add", "Another", str(tmp_path / "none")), "file_not_readable"),
        (("suspend", "cli_" + "a" * 26), "not_found"),
    ):
        with pytest.raises(CommandError, match=code):
            run(*words)
    assert len(list_clients()) == 1
