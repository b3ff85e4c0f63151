"""Registering the capture clients whose attestations are believed."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from django.db import IntegrityError, transaction

from audit import interface as audit
from common.canonical import sha256_hex
from common.errors import Conflict, InvalidInput, NotFound
from identity.models import CaptureClient

MAX_NAME = 100
MAX_KEY_FILE = 10_000


class ClientKeyInvalid(InvalidInput):
    """A key that isn't an Ed25519 public key in PEM."""

    code = "capture_client_key_invalid"
    message = "The key must be an Ed25519 public key in PEM."


class ClientNameInvalid(InvalidInput):
    """A name that is empty, too long, or can't be printed."""

    code = "capture_client_name_invalid"
    message = f"A name is 1 to {MAX_NAME} printable characters."


class ClientExists(Conflict):
    """The name or the key is another client's."""

    code = "capture_client_exists"
    message = "There is a capture client with this name or key."


class NoSuchClient(NotFound):
    """There is none with this id."""

    message = "There is no such capture client."


@dataclass(frozen=True, slots=True)
class ClientState:
    """A capture client; `public_key` is the 32 raw bytes in unpadded base64url."""

    id: str
    name: str
    public_key: str
    suspended: datetime | None
    created: datetime


def add_client(*, name: str, pem: bytes, now: datetime) -> ClientState:
    """Believe what this key signs from now on.

    Raises:
        ClientNameInvalid, ClientKeyInvalid: about what was given.
        ClientExists: if either is taken.
    """
    name = name.strip()
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        raise ClientNameInvalid
    key = _public_key(pem)
    try:
        with transaction.atomic():
            row = CaptureClient.objects.create(name=name, public_key=key, created=now)
            body = {"client": row.id, "key_sha256": sha256_hex(key)}
            audit.append(chain=audit.SERVICE_CHAIN, kind="capture_client.added", body=body, now=now)
    except IntegrityError as error:
        raise ClientExists from error
    return _state(row)


def suspend_client(*, client_id: str, now: datetime) -> ClientState:
    """Believe this client no longer; suspending twice is no error.

    What it attested before stays attested: a cameo's assurance isn't taken back by itself.

    Raises:
        NoSuchClient: if there is none.
    """
    with transaction.atomic():
        row = CaptureClient.objects.select_for_update().filter(id=client_id).first()
        if row is None:
            raise NoSuchClient
        if row.suspended is None:
            row.suspended = now
            row.save(update_fields=["suspended"])
            audit.append(
                chain=audit.SERVICE_CHAIN,
                kind="capture_client.suspended",
                body={"client": row.id},
                now=now,
            )
    return _state(row)


def list_clients() -> tuple[ClientState, ...]:
    """Every capture client, oldest first."""
    return tuple(_state(row) for row in CaptureClient.objects.order_by("created", "id"))


def _public_key(pem: bytes) -> bytes:
    if len(pem) > MAX_KEY_FILE:
        raise ClientKeyInvalid
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ClientKeyInvalid from error
    if not isinstance(key, Ed25519PublicKey):
        raise ClientKeyInvalid
    return key.public_bytes_raw()


def _state(row: CaptureClient) -> ClientState:
    return ClientState(
        id=row.id,
        name=row.name,
        public_key=base64.urlsafe_b64encode(bytes(row.public_key)).rstrip(b"=").decode("ascii"),
        suspended=row.suspended,
        created=row.created,
    )
