"""Asking the decision about many at once: in bulk, and searching from either side.

A search decides nothing by itself. Candidates come from indexed queries, and each of them is put
to the very decision that a token request would be, on a snapshot of its own; all of them are
read at one moment. Candidates are only people who know of each other: a live grant between them,
or a friendship. Who is enrolled and open to `anyone` can't be found by searching.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from django.db import connection

from audit.interface import CursorUnknown
from common.errors import FieldError, InvalidInput
from common.ids import is_id
from consent.candidates import grantees, grantors, with_stranger
from consent.decision import Decision, Effect, decide
from consent.errors import CameoNotFound, RequestInvalid
from consent.request import DecisionRequest, RenderRequest, parse_request
from consent.snapshots import consistent_read, read_snapshot
from identity.interface import CAMEO_FACTS, read_cameos

MAX_BULK: Final = 50
MAX_LIMIT: Final = 100
DEFAULT_LIMIT: Final = 50
MAX_SCANNED: Final = 500
"""People that are looked at for one page: a page may be short, or empty, and still have a next."""

_NO_CAMEO: Final = "cam_" + "a" * 26


@dataclass(frozen=True, slots=True)
class Template:
    """A request to render that doesn't name its likeness yet."""

    render: RenderRequest

    def of(self, cameo: str) -> RenderRequest:
        """The request, of one likeness."""
        return replace(self.render, likenesses=(cameo,))


@dataclass(frozen=True, slots=True)
class Match:
    """What a search found.

    Attributes:
        cameo, owner: whose likeness.
        account: who would use it.
        decision: what they would be answered; permit or pending.
    """

    cameo: str
    owner: str
    account: str
    decision: Decision


@dataclass(frozen=True, slots=True)
class Found:
    """A page of a search, in the order of the other side's account ids.

    Attributes:
        items: what was found.
        next: account id to go on after, None at the end. It is of the last person looked at,
            whom the asker may not know by it: an edge that shows it seals it.
        anyone: whether somebody whom the owner doesn't know would be let in as well; always
            false where a requester searches.
    """

    items: tuple[Match, ...]
    next: str | None
    anyone: bool = False


def parse_template(document: object) -> Template:
    """A template from its JSON object: a request to render without the member `likenesses`.

    Raises:
        RequestInvalid: with a field error for everything that is wrong.
    """
    if not isinstance(document, dict):
        raise RequestInvalid(fields=(FieldError("", "not_an_object", "An object is taken."),))
    if "likenesses" in document:
        field = FieldError("/likenesses", "unknown_member", "A search names no likenesses.")
        raise RequestInvalid(fields=(field,))
    return Template(parse_request(document | {"likenesses": [_NO_CAMEO]}))


def evaluate_many(requests: Sequence[DecisionRequest]) -> tuple[Decision, ...]:
    """One decision for each of at most `MAX_BULK` requests, all of one moment's facts.

    Raises:
        InvalidInput: for more of them.
    """
    if len(requests) > MAX_BULK:
        raise InvalidInput(f"At most {MAX_BULK} requests are taken at once.")
    with consistent_read():
        return tuple(decide(asked, read_snapshot(asked)) for asked in requests)


def decide_many(
    *, generator: str, requester: str, requests: Sequence[RenderRequest], now: datetime
) -> tuple[Decision, ...]:
    """What a token request would be answered now for each of `requests`; records nothing.

    Args:
        generator: client id.
        requester: account id.
        requests: at most `MAX_BULK`; each is decided on alone.
        now: the moment they are decided for.

    Raises:
        InvalidInput: for more of them.
    """
    return evaluate_many([DecisionRequest(requester, generator, now, each) for each in requests])


def whom_may_i_use(
    *,
    generator: str,
    requester: str,
    template: Template,
    now: datetime,
    after: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Found:
    """Whose likeness `requester` would be permitted, at once or after an approval.

    Candidates: their own cameo, those of their friends and of whoever has a live grant to them.

    Args:
        generator: client id.
        requester: account id.
        template: what would be rendered.
        now: the moment it is decided for.
        after: go on after the owner with this account id.
        limit: at most so many, 1 to `MAX_LIMIT`.

    Raises:
        CursorUnknown: for another limit.
    """
    with consistent_read():
        owners = grantors(requester, after=after, most=MAX_SCANNED + 1)
        owners = _with(requester, owners, after)
        cameos = _cameos_of(owners)
        asked = [(owner, cameos.get(owner), owner, requester) for owner in owners]
        return _search(generator, template, now, asked, limit)


def who_may_use(
    *,
    cameo: str,
    by: str | None,
    generator: str,
    template: Template,
    now: datetime,
    after: str | None = None,
    limit: int = DEFAULT_LIMIT,
    own: bool = False,
) -> Found:
    """Who would be permitted the use of `cameo` through `generator`, at once or after an approval.

    Candidates: the accounts with a live grant for it, and its owner's friends.

    Args:
        cameo: id.
        by: account id of who asks, and must own it; None asks for a caller who may ask about
            every requester.
        generator: client id.
        template: what would be rendered.
        now: the moment it is decided for.
        after: go on after the account with this id.
        limit: at most so many, 1 to `MAX_LIMIT`.
        own: name its owner as well.

    Raises:
        CameoNotFound: there is none, or it isn't `by`'s.
        CursorUnknown: for another limit.
    """
    with consistent_read():
        state = read_cameos([cameo]).get(cameo) if is_id("cam", cameo) else None
        if state is None or by not in (None, state.owner_id):
            raise CameoNotFound
        people = grantees(cameo, state.owner_id, after=after, most=MAX_SCANNED + 1)
        people = _with(state.owner_id, people, after) if own else people
        asked = [(account, cameo, state.owner_id, account) for account in people]
        found = _search(generator, template, now, asked, limit)
        return replace(found, anyone=_anyone(cameo, generator, template, now))


def _anyone(cameo: str, generator: str, template: Template, now: datetime) -> bool:
    asked = DecisionRequest("", generator, now, template.of(cameo))
    return decide(*with_stranger(asked)).effect is not Effect.DENY


def _search(
    generator: str,
    template: Template,
    now: datetime,
    candidates: Sequence[tuple[str, str | None, str, str]],
    limit: int,
) -> Found:
    """Decide on candidates (place in the order, cameo or None, owner, account), one after the
    other, until the page is full."""
    if not 1 <= limit <= MAX_LIMIT:
        raise CursorUnknown
    items: list[Match] = []
    last: str | None = None
    for place, cameo, owner, account in candidates[:MAX_SCANNED]:
        if len(items) == limit:
            return Found(tuple(items), last)
        if cameo is not None:
            asked = DecisionRequest(account, generator, now, template.of(cameo))
            decision = decide(asked, read_snapshot(asked))
            if decision.effect is not Effect.DENY:
                items.append(Match(cameo, owner, account, decision))
        last = place
    return Found(tuple(items), last if len(candidates) > MAX_SCANNED else None)


def _with(account: str, people: list[str], after: str | None) -> list[str]:
    found = {account, *people} if after is None or account > after else {*people}
    return sorted(found)[: MAX_SCANNED + 1]


def _cameos_of(owners: Sequence[str]) -> dict[str, str]:
    """Each account's cameo that isn't erased; it has at most one."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"select c.owner_id, c.id from ({CAMEO_FACTS}) c"  # noqa: S608 - identity's query
            " where c.owner_id = any (%s) and c.state <> 'erased'",
            [list(owners)],
        )
        return dict(cursor.fetchall())
