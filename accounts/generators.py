"""Registering, suspending and resuming generators and people's apps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q
from oauth2_provider.generators import generate_client_secret
from oauth2_provider.models import (
    get_access_token_model,
    get_grant_model,
    get_refresh_token_model,
)

from accounts.errors import (
    AudienceTaken,
    GeneratorKindInvalid,
    GeneratorStateConflict,
    NoSuchGenerator,
    RedirectAddressMissing,
)
from accounts.models import Generator
from accounts.registration import (
    check_audience,
    check_encryption_key,
    check_name,
    check_redirect,
)
from audit.interface import SERVICE_CHAIN, append
from common.ids import new_id


@dataclass(frozen=True, slots=True)
class GeneratorState:
    """One consistent read of a client's row.

    Attributes:
        client_id: what OAuth knows it by.
        audience: what likeness tokens for it name as `aud`.
        suspended: it is refused everywhere.
        renders: false for a person's app.
        first_party: may name a requester without that person's token.
        name: what people see.
        tokens_not_before: what was issued until then is revoked, by a suspension.
    """

    client_id: str
    audience: str
    suspended: bool
    renders: bool
    first_party: bool
    name: str = ""
    tokens_not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    """A new client. `client_secret` is kept nowhere; None for a person's app (public client)."""

    generator: GeneratorState
    client_secret: str | None

    def __repr__(self) -> str:
        return f"Registered({self.generator.client_id!r})"


def as_state(row: Generator) -> GeneratorState:
    """What others may know of a client's row."""
    return GeneratorState(
        client_id=row.client_id,
        audience=row.audience,
        suspended=row.suspended is not None,
        renders=row.renders,
        first_party=row.first_party,
        name=row.name,
        tokens_not_before=row.tokens_not_before,
    )


def register_generator(
    *,
    name: str,
    redirect_addresses: Iterable[str] = (),
    audience: str | None = None,
    encryption_key: object = None,
    first_party: bool = False,
    renders: bool = True,
    by: str,
    now: datetime,
) -> Registered:
    """Register an OAuth client: a generator (confidential), or a person's app (public).

    Args:
        name: what people see.
        redirect_addresses: where a person's browser may come back to.
        audience: what tokens for it name; its client id if not given.
        encryption_key: public JWK that likeness kits are sealed to, decoded.
        first_party: whether it may name a requester.
        renders: false for a person's app.
        by: who registers it.
        now: when.

    Raises:
        AudienceTaken: if another client has it, as its audience or as its client id.
        InvalidInput: the subclasses of accounts.errors say which part can't be accepted.
    """
    name = check_name(name)
    addresses = [check_redirect(address) for address in redirect_addresses]
    if not renders and (encryption_key is not None or first_party):
        raise GeneratorKindInvalid
    if not renders and not addresses:
        raise RedirectAddressMissing
    key = None if encryption_key is None else check_encryption_key(encryption_key)
    client_id = new_id("gen" if renders else "app")
    audience = check_audience(audience) if audience is not None else client_id
    secret: str = generate_client_secret()
    kinds = (Generator.CLIENT_CONFIDENTIAL, Generator.GRANT_CLIENT_CREDENTIALS)
    if not renders:
        kinds = (Generator.CLIENT_PUBLIC, Generator.GRANT_AUTHORIZATION_CODE)
    try:
        with transaction.atomic():
            _check_names_free({client_id, audience})
            row = Generator.objects.create(
                client_id=client_id,
                client_secret=secret,
                name=name,
                redirect_uris=" ".join(addresses),
                client_type=kinds[0],
                authorization_grant_type=kinds[1],
                audience=audience,
                encryption_key=key,
                renders=renders,
                first_party=first_party,
            )
            append(
                chain=SERVICE_CHAIN,
                kind="generator.registered",
                body={
                    "generator": client_id,
                    "audience": audience,
                    "renders": renders,
                    "first_party": first_party,
                    "by": by,
                },
                now=now,
            )
    except IntegrityError as error:
        raise AudienceTaken from error
    return Registered(generator=as_state(row), client_secret=secret if renders else None)


def _check_names_free(names: set[str]) -> None:
    """What tokens name one client by may be no other's audience, nor its client id."""
    taken = Q(client_id__in=names) | Q(audience__in=names)
    if Generator.objects.filter(taken).exists():
        raise AudienceTaken


def _locked(client_id: str) -> Generator:
    row: Generator | None = (
        Generator.objects.select_for_update().filter(client_id=client_id).first()
    )
    if row is None:
        raise NoSuchGenerator
    return row


def _end_tokens(row: Generator, now: datetime) -> None:
    row.tokens_not_before = max(now, row.tokens_not_before or now)


def suspend_generator(*, client_id: str, by: str, now: datetime) -> GeneratorState:
    """Refuse a client everywhere from now on, and revoke all that was issued to it.

    Raises:
        NoSuchGenerator: unknown id.
        GeneratorStateConflict: it is suspended already.
    """
    with transaction.atomic():
        row = _locked(client_id)
        if row.suspended is not None:
            raise GeneratorStateConflict
        row.suspended = now
        _end_tokens(row, now)
        row.save(update_fields=["suspended", "tokens_not_before"])
        get_refresh_token_model().objects.filter(application=row, revoked__isnull=True).update(
            revoked=now
        )
        get_access_token_model().objects.filter(application=row).delete()
        get_grant_model().objects.filter(application=row).delete()
        append(
            chain=SERVICE_CHAIN,
            kind="generator.suspended",
            body={"generator": client_id, "by": by},
            now=now,
        )
    return as_state(row)


def resume_generator(*, client_id: str, by: str, now: datetime) -> GeneratorState:
    """Let a suspended client ask again; all that was issued to it before stays revoked.

    Raises:
        NoSuchGenerator: unknown id.
        GeneratorStateConflict: it isn't suspended.
    """
    with transaction.atomic():
        row = _locked(client_id)
        if row.suspended is None:
            raise GeneratorStateConflict
        row.suspended = None
        # A request that was checked before the suspension may have saved its token after it.
        _end_tokens(row, now)
        row.save(update_fields=["suspended", "tokens_not_before"])
        append(
            chain=SERVICE_CHAIN,
            kind="generator.resumed",
            body={"generator": client_id, "by": by},
            now=now,
        )
    return as_state(row)


def list_generators() -> tuple[GeneratorState, ...]:
    """Every client, oldest first."""
    return tuple(as_state(row) for row in Generator.objects.order_by("created", "id"))
