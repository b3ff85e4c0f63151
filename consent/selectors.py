"""Reading for people and generators: audiences, grants, uses, leases, dry-run decisions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from audit.interface import Page, page
from common.ids import is_id
from common.keyring import TOKEN
from consent.decision import Decision, decide
from consent.errors import CameoNotFound, GrantNotFound, LeaseNotFound
from consent.explanation import Explanation, explain
from consent.facts import ApprovalFact, Count, LikenessFact, Snapshot
from consent.models import Audience, Grant, Lease, Restrictions, UseLikeness
from consent.records import (
    AudienceRecord,
    GrantRecord,
    GrantVersionRecord,
    LeaseRecord,
    LeaseState,
    RestrictionsRecord,
    UseRecord,
)
from consent.request import DecisionRequest, RenderRequest, parse_request
from consent.snapshots import consistent_read, read_snapshot
from consent.tokens import LikenessDetail, LikenessToken, from_claims
from identity.interface import keyring, read_cameos

DEFAULT_LIMIT = 50
_EVER = datetime.max.replace(tzinfo=UTC)


def decide_for(
    *, generator: str, requester: str, request: RenderRequest, now: datetime
) -> Decision:
    """What a token request would be answered now; changes and records nothing.

    Who may see which side of the answer is the caller's to choose: `Decision.for_requester()`
    or, to the owner of a cameo, `Decision.for_owner(cameo)`.

    Args:
        generator: client id.
        requester: account id.
        request: what would be rendered.
        now: the moment it is decided for.
    """
    asked = DecisionRequest(requester, generator, now, request)
    return decide(asked, read_snapshot(asked))


def explain_to_owner(
    *, cameo: str, requester: str, generator: str, request: RenderRequest, now: datetime, by: str
) -> Explanation:
    """Why `requester` would be answered so now, and what would change it, to the owner `by`.

    Raises:
        CameoNotFound: there is no such cameo, or it is somebody else's, or the request isn't
            about it.
    """
    _check_owner(cameo, by)
    if cameo not in request.likenesses:
        raise CameoNotFound
    asked = DecisionRequest(requester, generator, now, request)
    return explain(asked, read_snapshot(asked), cameo)


def grant_record(row: Grant) -> GrantRecord:
    """A row as the record that goes out."""
    return GrantRecord(
        id=row.id,
        cameo=row.cameo_id,
        owner=row.owner_id,
        grantee=row.grantee_id,
        version=row.version,
        terms=row.terms,
        created=row.created,
        withdrawn=row.withdrawn,
    )


def read_audience(*, cameo: str, by: str) -> AudienceRecord:
    """Whom the cameo is for, to its owner `by` (account id).

    Raises:
        CameoNotFound: if there is none, or it is somebody else's.
    """
    _check_owner(cameo, by)
    row = Audience.objects.filter(cameo_id=cameo).first()
    if row is None:
        return AudienceRecord(cameo, Audience.Kind.ONLY_ME.value, None)
    return AudienceRecord(cameo, row.kind, row.since)


def restrictions_record(cameo: str, row: Restrictions | None) -> RestrictionsRecord:
    """A row, or none, as the record that goes out."""
    if row is None:
        return RestrictionsRecord(cameo, 0, {}, None)
    return RestrictionsRecord(cameo, row.version, row.terms, row.since)


def read_restrictions(*, cameo: str, by: str) -> RestrictionsRecord:
    """The terms over every use of a cameo, to its owner `by` (account id).

    Raises:
        CameoNotFound: if there is none, or it is somebody else's.
    """
    _check_owner(cameo, by)
    return restrictions_record(cameo, Restrictions.objects.filter(cameo_id=cameo).first())


def _check_owner(cameo: str, by: str) -> None:
    state = read_cameos([cameo]).get(cameo) if is_id("cam", cameo) else None
    if state is None or state.owner_id != by:
        raise CameoNotFound


def read_grant(*, grant: str, by: str) -> GrantRecord:
    """One grant, to its owner or its grantee `by` (account id).

    Raises:
        GrantNotFound: if there is none, or it is between others.
    """
    row = Grant.objects.filter(id=grant).first() if is_id("grt", grant) else None
    if row is None or by not in (row.owner_id, row.grantee_id):
        raise GrantNotFound
    return grant_record(row)


def read_grant_history(*, grant: str, by: str) -> tuple[GrantVersionRecord, ...]:
    """Every version of a grant's terms, oldest first, to its owner or its grantee.

    Raises:
        GrantNotFound: if there is none, or it is between others.
    """
    read_grant(grant=grant, by=by)
    row = Grant.objects.get(id=grant)
    return tuple(
        GrantVersionRecord(version.version, version.terms, version.since)
        for version in row.versions.order_by("version")
    )


def list_grants_given(
    *,
    owner: str,
    after: str | None = None,
    before: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Page[GrantRecord]:
    """Grants that the account `owner` gave, withdrawn ones too; cursors are grant ids.

    Raises:
        CursorUnknown: for a cursor that isn't one of them.
    """
    rows = Grant.objects.filter(owner_id=owner)
    return _grants(rows, after, before, limit)


def list_grants_received(
    *,
    grantee: str,
    after: str | None = None,
    before: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Page[GrantRecord]:
    """Grants that the account `grantee` was given, withdrawn ones too; cursors are grant ids.

    Raises:
        CursorUnknown: for a cursor that isn't one of them.
    """
    rows = Grant.objects.filter(grantee_id=grantee)
    return _grants(rows, after, before, limit)


def _grants(rows: Any, after: str | None, before: str | None, limit: int) -> Page[GrantRecord]:
    return page(
        rows,
        grant_record,
        moment="created",
        name="id",
        prefix="grt",
        after=after,
        before=before,
        limit=limit,
    )


def list_uses(
    *,
    cameo: str,
    by: str,
    after: str | None = None,
    before: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Page[UseRecord]:
    """Uses of a cameo, to its owner `by` (account id); cursors are use ids.

    Raises:
        CameoNotFound: if there is no such cameo, or it is somebody else's.
        CursorUnknown: for a cursor that isn't one of its uses.
    """
    _check_owner(cameo, by)
    rows = UseLikeness.objects.filter(cameo_id=cameo).select_related("use")
    return page(
        rows,
        _use_record,
        moment="started",
        name="use_id",
        prefix="use",
        after=after,
        before=before,
        limit=limit,
    )


def _use_record(row: UseLikeness) -> UseRecord:
    use = row.use
    return UseRecord(
        id=use.id,
        cameo=row.cameo_id,
        generator=use.generator,
        requester=use.requester_id,
        grant=row.grant_id,
        grant_version=row.grant_version,
        purpose=use.request["purpose"],
        labels=tuple(use.request["labels"]),
        prompt_digest=use.request["prompt_digest"],
        inputs_digest=use.request["inputs_digest"],
        count=use.request["outputs"]["count"],
        seconds=float(use.request["outputs"]["seconds"]),
        state=use.state,
        started=row.started,
    )


SnapshotOf = Callable[[DecisionRequest], Snapshot]


def stands(
    token: LikenessToken,
    request: RenderRequest,
    generator: str,
    now: datetime,
    snapshot_of: SnapshotOf,
) -> bool:
    """Whether the decision as of now permits on just what the token was issued on.

    Args:
        token: as it was issued.
        request: the request it was issued for.
        generator: client id of who it was issued to.
        now: when.
        snapshot_of: `hold_snapshot`, with the cameos locked, or `read_snapshot`.
    """
    asked = DecisionRequest(token.requester, generator, now, request)
    snapshot = snapshot_of(asked)
    if snapshot.generator is None or snapshot.generator.has_revoked(token.issued):
        return False
    decision = decide(asked, snapshot)
    found = {
        (one.cameo, one.epoch, one.grant, one.grant_version, one.approval, one.price)
        for one in decision.basis
    }
    stood = {
        (one.identifier, one.epoch, one.grant, one.grant_version, one.approval, one.price)
        for one in token.details
    }
    return decision.permitted and found == stood


def lease_stands(row: Lease, *, now: datetime, snapshot_of: SnapshotOf) -> bool:
    """Whether what a lease's token was issued on is permitted as of now.

    The redemption took its unit of every quota and spent its approvals, so neither is asked
    for again: a last unit must not end the very render it was taken for. Terms that have
    changed since show in the epoch.
    """
    token, request = from_claims(row.use.token.claims), parse_request(row.use.request)
    details = {detail.identifier: detail for detail in token.details}

    def as_redeemed(asked: DecisionRequest) -> Snapshot:
        snapshot = snapshot_of(asked)
        likenesses = tuple(
            _as_redeemed(fact, details[fact.cameo]) if fact.cameo in details else fact
            for fact in snapshot.likenesses
        )
        return replace(snapshot, likenesses=likenesses)

    return stands(token, request, row.generator, now, as_redeemed)


def _as_redeemed(fact: LikenessFact, detail: LikenessDetail) -> LikenessFact:
    by_grant = fact.grant is not None and fact.grant.id == detail.grant
    return replace(
        fact,
        count=Count(),
        grant=replace(fact.grant, count=Count()) if by_grant and fact.grant else None,
        approval=None if detail.approval is None else ApprovalFact(detail.approval, _EVER),
    )


def find_lease(*, lease: str, generator: str) -> Lease:
    """The row of a generator's (client id) own lease, with its use and token.

    Raises:
        LeaseNotFound: if there is none, or it is another's.
    """
    if not is_id("lse", lease):
        raise LeaseNotFound
    rows = Lease.objects.select_related("use__token")
    row = rows.filter(id=lease, generator=generator).first()
    if row is None:
        raise LeaseNotFound
    return row


def lease_record(row: Lease, *, now: datetime) -> LeaseRecord:
    """A row as the record that goes out at `now`, of a lease whose consent stands."""
    return LeaseRecord(
        id=row.id,
        use=row.use_id,
        generator=row.generator,
        state=LeaseState.LIVE if now < row.expires else LeaseState.EXPIRED,
        expires=row.expires,
        obligations=tuple(row.obligations),
    )


def read_lease(*, lease: str, generator: str, now: datetime) -> LeaseRecord:
    """A lease, to the generator (client id) that holds it; `withdrawn` where it would be live
    but consent no longer stands as it did when its token was issued.

    Raises:
        LeaseNotFound: if there is none, or it is another's.
    """
    with consistent_read():
        row = find_lease(lease=lease, generator=generator)
        found = lease_record(row, now=now)
        if found.state is LeaseState.LIVE and not lease_stands(
            row, now=now, snapshot_of=read_snapshot
        ):
            return replace(found, state=LeaseState.WITHDRAWN)
        return found


def jwks(*, now: datetime) -> dict[str, Any]:
    """The JWK Set (RFC 7517) that likeness tokens are verified with; public parts only."""
    keys: Iterable[Any] = keyring().public_keys(TOKEN, now=now)
    return {"keys": [key.as_dict(private=False) for key in keys]}
