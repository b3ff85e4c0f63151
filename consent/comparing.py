"""What would change if an owner saved this: the decision before and after, on facts alone.

The facts are read once, the change is made to a copy of them, and the decision is asked twice
about a fixed set of requests. Nothing is written, not even in a transaction that is rolled back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from accounts.interface import read_account
from common.canonical import sha256_hex
from common.errors import FieldError, InvalidInput
from common.ids import is_id
from consent.candidates import grantees, with_stranger
from consent.decision import Effect, decide
from consent.errors import (
    AudienceUnknown,
    CameoNotEnrolled,
    CameoNotFound,
    GranteeBlocked,
    GranteeIsOwner,
    GranteeUnknown,
    GrantExists,
    GrantNotFound,
    GrantWithdrawn,
    MinorsAudience,
)
from consent.facts import (
    AUDIENCES,
    GRANTED,
    ONLY_ME,
    GeneratorFact,
    GrantFact,
    LikenessFact,
    Snapshot,
)
from consent.models import Grant, UseLikeness
from consent.relations import check_person, has_blocked
from consent.request import DecisionRequest, Outputs, Purpose, RenderRequest
from consent.restricting import audience_of, is_minor
from consent.snapshots import consistent_read, read_snapshot
from consent.terms import Terms
from consent.vocabulary import parse_restrictions, parse_terms
from identity.interface import CameoState, read_cameos

MAX_ACCOUNTS: Final = 200
MAX_GENERATORS: Final = 5
LATELY: Final = timedelta(days=90)
_LATEST_USES: Final = 1000
_ENDED: Final = frozenset({"pending", "in_review", "erased"})
_NEW: Final = "grt_" + "a" * 26
_ANY_GENERATOR: Final = "any"


@dataclass(frozen=True, slots=True)
class ToAudience:
    """Another audience."""

    audience: str


@dataclass(frozen=True, slots=True)
class ToRestrictions:
    """Other restrictions over every use."""

    terms: Terms


@dataclass(frozen=True, slots=True)
class ToTerms:
    """Other terms of a live grant."""

    grant: str
    terms: Terms


@dataclass(frozen=True, slots=True)
class NewGrant:
    """One more grant."""

    grantee: str
    terms: Terms


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """One grant less."""

    grant: str


@dataclass(frozen=True, slots=True)
class Blocking:
    """One more account that is blocked."""

    account: str


Change = ToAudience | ToRestrictions | ToTerms | NewGrant | Withdrawal | Blocking


@dataclass(frozen=True, slots=True)
class Difference:
    """A request that would be answered otherwise.

    Attributes:
        account: whose; None for anybody whom the owner doesn't know.
        generator: client id; None for one that no terms name.
        purpose: what it is for.
        before, after: the change.
    """

    account: str | None
    generator: str | None
    purpose: str
    before: Effect
    after: Effect


@dataclass(frozen=True, slots=True)
class Comparison:
    """Who gains and who loses.

    Attributes:
        items: what would be answered otherwise; what stays as it is isn't listed.
        truncated: there are more people than were looked at.
    """

    items: tuple[Difference, ...]
    truncated: bool


def parse_change(document: object, *, now: datetime) -> Change:
    """A change from its JSON object, which is one of these:

    `{"audience"}` · `{"restrictions"}` · `{"grant", "terms"}` · `{"grantee", "terms"}` ·
    `{"withdraw"}` (a grant's id) · `{"block"}` (an account's id).

    Raises:
        InvalidInput: another object, or an id of another form; AudienceUnknown and TermsInvalid
            are what saving it would be answered.
    """
    if not isinstance(document, dict):
        raise InvalidInput(fields=(FieldError("", "not_an_object", "An object is taken."),))
    members = frozenset(document)
    if members == {"audience"}:
        return ToAudience(_audience(document["audience"]))
    if members == {"restrictions"}:
        with _at("/restrictions"):
            return ToRestrictions(parse_restrictions(document["restrictions"], now=now))
    if members == {"grant", "terms"}:
        grant = _id(document, "grant", "grt")
        with _at("/terms"):
            return ToTerms(grant, parse_terms(document["terms"], now=now))
    if members == {"grantee", "terms"}:
        grantee = _id(document, "grantee", "acc")
        with _at("/terms"):
            return NewGrant(grantee, parse_terms(document["terms"], now=now))
    if members == {"withdraw"}:
        return Withdrawal(_id(document, "withdraw", "grt"))
    if members == {"block"}:
        return Blocking(_id(document, "block", "acc"))
    field = FieldError("", "not_a_change", "One change is taken, with its own members.")
    raise InvalidInput(fields=(field,))


class _at:  # noqa: N801 - reads as a phrase at its place of use
    """Field errors that are raised inside point into the member `pointer`."""

    def __init__(self, pointer: str) -> None:
        self._pointer = pointer

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, InvalidInput):
            error.fields = tuple(
                replace(field, pointer=self._pointer + field.pointer) for field in error.fields
            )


def _audience(value: object) -> str:
    if not isinstance(value, str) or value not in AUDIENCES:
        raise AudienceUnknown
    return value


def _id(document: Mapping[str, object], name: str, prefix: str) -> str:
    value = document[name]
    if not isinstance(value, str) or not is_id(prefix, value):
        field = FieldError(f"/{name}", "not_an_id", "This is not an id of the kind that is taken.")
        raise InvalidInput(fields=(field,))
    return value


def probe(cameo: str, purpose: str) -> RenderRequest:
    """The plainest request for a purpose: one still, no labels, nothing but a prompt."""
    return RenderRequest((cameo,), purpose, frozenset(), sha256_hex(b""), None, Outputs(1, 0.0))


def compare(
    *, cameo: str, change: Change, now: datetime, by: str, generator: str | None = None
) -> Comparison:
    """Who would gain and who would lose if `by` saved `change` at `now`.

    Looked at are the first `MAX_ACCOUNTS` accounts by id with a live grant or a friendship, whom
    the change names, and somebody whom the owner doesn't know; for each purpose, with the
    plainest request (`probe`), through `generator`, or else through each that used the cameo
    lately, or else through one that no terms name. Approvals that were given don't count: they
    are of one request. A new grant is taken as saved with `widen_audience`.

    Args:
        cameo: id of the owner's cameo.
        change: what would be saved.
        now: the moment before and after it.
        by: account id of who asks; must be the owner.
        generator: client id.

    Raises:
        CameoNotFound, CameoNotEnrolled, GrantNotFound, GrantWithdrawn, GrantExists,
        GranteeIsOwner, GranteeUnknown, GranteeBlocked, MinorsAudience, PersonIsOneself,
        PersonUnknown: what saving it would be answered.
    """
    with consistent_read():
        state = read_cameos([cameo]).get(cameo) if is_id("cam", cameo) else None
        if state is None or state.owner_id != by:
            raise CameoNotFound
        _check(change, state, now)
        known = grantees(cameo, by, after=None, most=MAX_ACCOUNTS + 1)
        named = {NewGrant: "grantee", Blocking: "account"}.get(type(change))
        extra = {getattr(change, named)} if named else set()
        people = sorted({*known[:MAX_ACCOUNTS], *extra})
        generators = _generators(cameo, generator, now)
        items = tuple(_differences(state, change, now, people, generators))
    return Comparison(items, truncated=len(known) > MAX_ACCOUNTS)


def _check(change: Change, state: CameoState, now: datetime) -> None:
    """Raise what saving the change would."""
    if isinstance(change, ToTerms | Withdrawal):
        row = Grant.objects.filter(id=change.grant, cameo_id=state.id).first()
        if row is None or row.owner_id != state.owner_id:
            raise GrantNotFound
        if isinstance(change, ToTerms) and row.withdrawn is not None:
            raise GrantWithdrawn
    if isinstance(change, Blocking):
        check_person(change.account, by=state.owner_id)
    if isinstance(change, Withdrawal | Blocking):
        return
    if state.state in _ENDED:
        raise CameoNotEnrolled
    if isinstance(change, ToAudience):
        wider = AUDIENCES.index(change.audience) > AUDIENCES.index(audience_of(state.id))
        named_only = AUDIENCES.index(change.audience) <= AUDIENCES.index(GRANTED)
        if wider and not named_only and is_minor(state.owner_id, now):
            raise MinorsAudience
    if isinstance(change, NewGrant):
        if change.grantee == state.owner_id:
            raise GranteeIsOwner
        account = read_account(change.grantee)
        if account is None or not account.is_active:
            raise GranteeUnknown
        if has_blocked(state.owner_id, change.grantee):
            raise GranteeBlocked
        live = Grant.objects.filter(cameo_id=state.id, grantee_id=change.grantee, withdrawn=None)
        if live.exists():
            raise GrantExists


def _generators(cameo: str, named: str | None, now: datetime) -> Sequence[str | None]:
    if named is not None:
        return (named,)
    uses = UseLikeness.objects.filter(cameo_id=cameo, started__gte=now - LATELY)
    latest = uses.order_by("-started", "-use_id").values_list("use__generator", flat=True)
    found = dict.fromkeys(latest[:_LATEST_USES])
    return tuple(found)[:MAX_GENERATORS] or (None,)


def _differences(
    state: CameoState,
    change: Change,
    now: datetime,
    people: Sequence[str],
    generators: Sequence[str | None],
) -> Iterator[Difference]:
    facts = {name: _generator(name, state, now) for name in generators}
    for account in (*people, None):
        asked = DecisionRequest(account or "", "", now, probe(state.id, Purpose.PERSONAL))
        if account is None:
            asked, read = with_stranger(asked)
        else:
            read = read_snapshot(asked)
        read = _without_approvals(read)
        later = changed(read, change, asked)
        for name in generators:
            before = replace(read, generator=facts[name])
            after = replace(later, generator=facts[name])
            for purpose in Purpose:
                each = replace(
                    asked,
                    generator=name or _ANY_GENERATOR,
                    render=probe(state.id, purpose.value),
                )
                one, two = decide(each, before).effect, decide(each, after).effect
                if one is not two:
                    yield Difference(account, name, purpose.value, one, two)


def _generator(name: str | None, state: CameoState, now: datetime) -> GeneratorFact | None:
    if name is None:
        return GeneratorFact(_ANY_GENERATOR, _ANY_GENERATOR, suspended=False, renders=True)
    asked = DecisionRequest(state.owner_id, name, now, probe(state.id, Purpose.PERSONAL))
    return read_snapshot(asked).generator


def _without_approvals(snapshot: Snapshot) -> Snapshot:
    likenesses = tuple(replace(fact, approval=None) for fact in snapshot.likenesses)
    return replace(snapshot, likenesses=likenesses)


def changed(snapshot: Snapshot, change: Change, asked: DecisionRequest) -> Snapshot:
    """The snapshot of one likeness as `asked` would read it once `change` was saved."""
    if isinstance(change, Blocking):
        owners = {fact.owner.id for fact in snapshot.likenesses} - {change.account}
        blocks = {(owner, change.account) for owner in owners}
        return replace(snapshot, blocks=snapshot.blocks | blocks)
    likenesses = tuple(_changed(fact, change, asked) for fact in snapshot.likenesses)
    return replace(snapshot, likenesses=likenesses)


def _changed(fact: LikenessFact, change: Change, asked: DecisionRequest) -> LikenessFact:
    grant = fact.grant
    if isinstance(change, ToAudience):
        return replace(fact, audience=change.audience)
    if isinstance(change, ToRestrictions):
        return replace(fact, restrictions=change.terms)
    if isinstance(change, NewGrant):
        # Whom it names or not: the first grant moves the audience, for everybody.
        audience = GRANTED if fact.audience == ONLY_ME else fact.audience
        if change.grantee == asked.requester:
            minor = fact.owner.is_minor(asked.at)
            grant = GrantFact(_NEW, 1, change.grantee, change.terms, while_minor=minor)
        return replace(fact, audience=audience, grant=grant)
    if grant is None or not isinstance(change, ToTerms | Withdrawal) or grant.id != change.grant:
        return fact
    if isinstance(change, Withdrawal):
        return replace(fact, grant=None)
    if grant.terms == change.terms:
        return fact
    # A guardian approved the version that was: the next one needs them again.
    minor = grant.while_minor or fact.owner.is_minor(asked.at)
    grant = replace(
        grant,
        version=grant.version + 1,
        terms=change.terms,
        while_minor=minor,
        co_approved=False,
    )
    return replace(fact, grant=grant)
