"""Reading the snapshot that a decision is made from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.db import connection, transaction

from accounts.interface import GeneratorState, hold_generator, read_account, read_generator
from common.ids import is_id
from consent.decision import (
    AccountFact,
    GeneratorFact,
    GrantFact,
    LikenessFact,
    Snapshot,
)
from consent.models import Audience, Grant
from consent.request import DecisionRequest, RenderRequest
from consent.terms import read_terms
from identity.interface import CameoState, lock_cameos, read_cameos


@contextmanager
def consistent_read() -> Iterator[None]:
    """A REPEATABLE READ transaction: everything read within it is of one moment.

    Inside a transaction that has begun already the isolation can't be changed any more, and
    that transaction's own rules hold; no caller of this room's reads begins one.
    """
    if connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("set transaction isolation level repeatable read, read only")
        yield


def lock_likenesses(render: RenderRequest) -> dict[str, CameoState]:
    """The request's cameos, locked in id order until the transaction ends."""
    return lock_cameos(_well_formed(render))


def read_likenesses(render: RenderRequest) -> dict[str, CameoState]:
    """The request's cameos, within a `consistent_read()`."""
    return read_cameos(_well_formed(render))


def _well_formed(render: RenderRequest) -> tuple[str, ...]:
    # What can't be an id (a NUL, say) must not reach the database, which would raise.
    return tuple(cameo for cameo in render.likenesses if is_id("cam", cameo))


def _is_client(client_id: str) -> bool:
    return client_id.isascii() and client_id.isprintable()


def hold_snapshot(request: DecisionRequest, cameos: Mapping[str, CameoState]) -> Snapshot:
    """The snapshot to act on: the caller holds the cameos' locks, and the generator's is shared,
    so that neither consent nor a suspension can change before the caller's transaction ends.
    """
    generator = hold_generator(request.generator) if _is_client(request.generator) else None
    return _snapshot(request, cameos, generator)


def read_snapshot(request: DecisionRequest, cameos: Mapping[str, CameoState]) -> Snapshot:
    """The snapshot to answer from, read with `cameos` within one `consistent_read()`."""
    generator = read_generator(request.generator) if _is_client(request.generator) else None
    return _snapshot(request, cameos, generator)


def _snapshot(
    request: DecisionRequest,
    cameos: Mapping[str, CameoState],
    generator: GeneratorState | None,
) -> Snapshot:
    """What is known of everybody the request names.

    As many queries for an unknown cameo as for a known one: the time an answer takes tells
    nothing of who is enrolled.
    """
    wanted = _well_formed(request.render)
    asker = request.requester if is_id("acc", request.requester) else ""
    audiences = dict(Audience.objects.filter(cameo_id__in=wanted).values_list("cameo_id", "kind"))
    grants = {
        row.cameo_id: row
        for row in Grant.objects.filter(cameo_id__in=wanted, grantee_id=asker, withdrawn=None)
    }
    likenesses = []
    for cameo in wanted:
        state = cameos.get(cameo)
        owner = read_account(state.owner_id if state else cameo)
        if state is None:
            continue
        likenesses.append(
            LikenessFact(
                cameo=cameo,
                owner=AccountFact(state.owner_id, owner is not None and owner.is_active),
                state=state.state,
                expires=state.expires,
                epoch=state.epoch,
                audience=audiences.get(cameo, Audience.Kind.ONLY_ME.value),
                grant=_grant(grants.get(cameo)),
            )
        )
    requester = read_account(asker)
    return Snapshot(
        requester=AccountFact(requester.id, requester.is_active) if requester else None,
        generator=(
            GeneratorFact(
                client_id=generator.client_id,
                audience=generator.audience,
                suspended=generator.suspended,
                renders=generator.renders,
                tokens_not_before=generator.tokens_not_before,
            )
            if generator
            else None
        ),
        likenesses=tuple(likenesses),
    )


def _grant(row: Grant | None) -> GrantFact | None:
    if row is None:
        return None
    return GrantFact(row.id, row.version, row.grantee_id, read_terms(row.terms))
