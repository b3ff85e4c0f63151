"""The table of what actors do. A new operation is one entry of `TABLE`.

Each entry says how it is done over the door and over HTTP, which registers it writes, and when
its answer permits something. Everything an entry may need is drawn beforehand (`Choice`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from accounts.interface import resume_generator, suspend_generator
from common.clock import utcnow
from consent import interface as consent
from identity import interface as identity
from tests.interleaving.clients import Call, Caller, asker, machine, person
from tests.interleaving.history import Register, Span, Write
from tests.interleaving.world import Board, World

OPEN_TERMS: dict[str, Any] = {"purposes": ["personal"]}
CLOSED_TERMS: dict[str, Any] = {"purposes": ["education"]}
ASKING_TERMS: dict[str, Any] = OPEN_TERMS | {"approval_each_time": True}


@dataclass(frozen=True, slots=True)
class Held:
    """A likeness token that an actor has got, or the lease it was redeemed for."""

    text: str
    name: str
    requester: str
    render: consent.RenderRequest
    generator: str
    issued: Span
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """An approval that an owner is asked for; `by` is who is to decide."""

    name: str
    by: Caller
    register: Register


@dataclass(frozen=True, slots=True)
class Choice:
    """All that is drawn for one operation.

    Attributes:
        owner, other: places among the people.
        cameo: of `owner`, mostly the present one.
        render: a request for `cameo`, sometimes with another's as well.
        grant, friendship, block: the last one known from `owner` to `other`; empty where there
            is none.
        token, lease: what the actor holds, if anything.
        asked: an approval that somebody waits for, and what its owner will say.
        key: an Idempotency-Key, where one is to be sent.
    """

    world: World
    board: Board
    owner: int
    other: int
    cameo: str
    generation: int
    generator: str
    render: consent.RenderRequest
    grant: str
    friendship: str
    block: str
    terms: dict[str, Any]
    restrictions: dict[str, Any]
    audience: str
    token: Held | None
    lease: Held | None
    asked: Asked | None
    approve: bool
    key: str | None

    @property
    def owner_id(self) -> str:
        return self.world.people[self.owner]

    @property
    def other_id(self) -> str:
        return self.world.people[self.other]

    @property
    def person(self) -> Caller:
        return person(self.world, self.owner_id)

    @property
    def asker(self) -> Caller:
        return asker(self.generator, self.other_id)


Door = Callable[[Choice], Any]
Ask = Callable[[Choice], Call]


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing to do.

    Attributes:
        weight: how often, beside the others.
        door, http: how; at least one of them.
        writes: what is written by an operation that was done, given its answer (None: unsure).
        permits: whether an answer permits; None for what never does.
        apt: whether it makes sense now; otherwise it is mostly drawn again.
        possible: whether it can be done at all.
        rests_on: the token or lease that a permit rests on.
    """

    weight: float
    door: Door | None = None
    http: Ask | None = None
    writes: Callable[[Choice, Any], tuple[Write, ...]] = lambda choice, answer: ()
    permits: Callable[[Choice, Any], bool] | None = None
    apt: Callable[[Choice], bool] = lambda choice: True
    possible: Callable[[Choice], bool] = lambda choice: True
    rests_on: Callable[[Choice], Held | None] = field(default=lambda choice: None)


def of(answer: Any, name: str) -> Any:
    """A field of an answer, over the door or over HTTP."""
    return answer[name] if isinstance(answer, dict) else getattr(answer, name)


def _terms_value(terms: dict[str, Any]) -> str:
    if "purposes" in terms and "personal" not in terms["purposes"]:
        return "closed"
    return "asks" if terms.get("approval_each_time") else "open"


def _granted(choice: Choice, answer: Any) -> tuple[Write, ...]:
    # Whose id never came back can't be withdrawn by anybody here.
    name = "unknown" if answer is None else of(answer, "id")
    register = ("grant", choice.cameo, choice.other_id, name)
    return (
        Write(register, _terms_value(choice.terms)),
        # From `only_me` alone, and that isn't known here.
        Write(("audience", choice.cameo), "granted", implied=True),
    )


def _grant_write(choice: Choice, value: str, *, final: bool = False) -> tuple[Write, ...]:
    return (Write(("grant", choice.cameo, choice.other_id, choice.grant), value, final=final),)


def _token(choice: Choice) -> Held:
    assert choice.token is not None
    return choice.token


def _lease(choice: Choice) -> Held:
    assert choice.lease is not None
    return choice.lease


def _ask(path: str) -> Ask:
    def call(choice: Choice) -> Call:
        body = {"request": choice.render.document()}
        return Call(choice.asker, "POST", path, body, key=choice.key)

    return call


def _redeem(choice: Choice) -> Call:
    held = _token(choice)
    body = {"token": held.text, "request": held.render.document()}
    # One key for one token, so that a second try is answered with the first one's lease.
    key = None if choice.key is None else held.name
    return Call(machine(held.generator), "POST", "/v1/likeness-tokens/redeem", body, key=key)


def _issue_again(choice: Choice) -> Call:
    held = _token(choice)
    body = {"request": held.render.document()}
    who = asker(held.generator, held.requester)
    return Call(who, "POST", "/v1/likeness-tokens", body, key=held.key)


def _introspect(choice: Choice) -> Call:
    held = _token(choice)
    return Call(machine(held.generator), "POST", "/oauth/introspect", {"token": held.text}, True)


def _owner_call(method: str, path: str, body: Callable[[Choice], Any]) -> Ask:
    def call(choice: Choice) -> Call:
        return Call(choice.person, method, _path(path, choice), body(choice))

    return call


def _path(path: str, choice: Choice) -> str:
    return path.format(
        cameo=choice.cameo,
        grant=choice.grant,
        friendship=choice.friendship,
        block=choice.block,
    )


def _other_call(method: str, path: str, body: Callable[[Choice], Any]) -> Ask:
    def call(choice: Choice) -> Call:
        who = person(choice.world, choice.other_id)
        return Call(who, method, _path(path, choice), body(choice))

    return call


def _friends(choice: Choice, answer: Any, value: str = "on") -> tuple[Write, ...]:
    if answer is not None and value == "on" and of(answer, "state") != "accepted":
        return ()
    name = "unknown" if answer is None else of(answer, "id")
    register = ("friends", *sorted((choice.owner_id, choice.other_id)), name)
    return (Write(register, value, final=value == "off"),)


def _block(choice: Choice, answer: Any) -> tuple[Write, ...]:
    # One whose id never came back may stand, or not: it ends nothing for the checker.
    if answer is None:
        return ()
    return (Write(("block", choice.owner_id, choice.other_id, of(answer, "id")), "on"),)


def _lifted(choice: Choice, answer: Any) -> tuple[Write, ...]:
    register = ("block", choice.owner_id, choice.other_id, choice.block)
    return (Write(register, "off", final=True),)


def _nothing(choice: Choice) -> dict[str, Any]:
    return {}


def _has_token(choice: Choice) -> bool:
    return choice.token is not None


def _has_grant(choice: Choice) -> bool:
    return bool(choice.grant)


def _is_suspended(choice: Choice) -> bool:
    return bool(choice.board.suspended[choice.owner])


def _is_stopped(choice: Choice) -> bool:
    return bool(choice.board.stopped[choice.world.generators.index(choice.generator)])


def _is_permit(choice: Choice, answer: Any) -> bool:
    return str(of(answer, "effect")) == "permit"


def _is_token(choice: Choice, answer: Any) -> bool:
    """An answer that owners are asked is none."""
    return "token" in answer if isinstance(answer, dict) else isinstance(answer, consent.Issued)


def _is_live(choice: Choice, answer: Any) -> bool:
    return str(of(answer, "state")) == "live"


def _first_permits(choice: Choice, answer: Any) -> bool:
    found = answer["decisions"] if isinstance(answer, dict) else answer
    return _is_permit(choice, found[0])


def _finds(choice: Choice, answer: Any) -> bool:
    """Whether a search found the cameo, and not just that its owner may be asked."""
    return any(
        of(one, "cameo") == choice.cameo
        and _is_permit(choice, one if isinstance(one, dict) else one.decision)
        for one in of(answer, "items")
    )


def _template(choice: Choice) -> dict[str, Any]:
    return {name: value for name, value in choice.render.document().items() if name != "likenesses"}


def _evaluation(choice: Choice) -> dict[str, Any]:
    return {
        "subject": {"type": "account", "id": choice.other_id},
        "action": {"name": "generate"},
        "resource": {"type": "cameo", "id": choice.cameo},
        "context": choice.render.document(),
    }


def _is_alone(choice: Choice) -> bool:
    return len(choice.render.likenesses) == 1


def _approval(choice: Choice) -> Asked:
    assert choice.asked is not None
    return choice.asked


def _decided(choice: Choice, answer: Any) -> tuple[Write, ...]:
    value = "approved" if choice.approve else "declined"
    return (Write(_approval(choice).register, value, final=not choice.approve),)


def _decide(choice: Choice) -> Call:
    asked = _approval(choice)
    body = {"decision": "approve" if choice.approve else "decline"}
    return Call(asked.by, "POST", f"/v1/approvals/{asked.name}/decide", body)


TABLE: dict[str, Operation] = {
    # --- what permits ---------------------------------------------------------------------------
    "decide": Operation(
        16,
        door=lambda c: consent.decide_for(
            generator=c.generator, requester=c.other_id, request=c.render, now=utcnow()
        ),
        http=_ask("/v1/decisions"),
        permits=_is_permit,
    ),
    "issue": Operation(
        20,
        door=lambda c: consent.issue(
            generator=c.generator,
            requester=c.other_id,
            request=c.render,
            now=utcnow(),
            by=c.generator,
        ),
        http=_ask("/v1/likeness-tokens"),
        permits=_is_token,
    ),
    "issue_again": Operation(
        3,
        door=lambda c: consent.issue_again(
            generator=_token(c).generator,
            requester=_token(c).requester,
            request=_token(c).render,
            jti=_token(c).name,
            now=utcnow(),
        ),
        http=_issue_again,
        permits=_is_token,
        apt=lambda c: c.token is not None and c.token.key is not None,
        rests_on=_token,
    ),
    "redeem": Operation(
        16,
        door=lambda c: consent.redeem(
            generator=_token(c).generator,
            token_text=_token(c).text,
            request=_token(c).render,
            now=utcnow(),
            by=_token(c).generator,
        ),
        http=_redeem,
        permits=_is_live,
        apt=_has_token,
        rests_on=_token,
    ),
    "redeem_again": Operation(
        3,
        door=lambda c: consent.redeem_again(
            lease=_lease(c).name, generator=_lease(c).generator, now=utcnow()
        ),
        permits=_is_live,
        apt=lambda c: c.lease is not None,
        rests_on=_lease,
    ),
    "introspect": Operation(
        8,
        door=lambda c: consent.introspect(
            generator=_token(c).generator, token_text=_token(c).text, now=utcnow()
        ),
        http=_introspect,
        permits=lambda c, answer: bool(answer["active"]),
        apt=_has_token,
        rests_on=_token,
    ),
    "read_lease": Operation(
        7,
        door=lambda c: consent.read_lease(
            lease=_lease(c).name, generator=_lease(c).generator, now=utcnow()
        ),
        http=lambda c: Call(machine(_lease(c).generator), "GET", f"/v1/leases/{_lease(c).name}"),
        permits=_is_live,
        apt=lambda c: c.lease is not None,
        rests_on=_lease,
    ),
    "bulk": Operation(
        3,
        door=lambda c: consent.decide_many(
            generator=c.generator, requester=c.other_id, requests=[c.render, c.render], now=utcnow()
        ),
        http=lambda c: Call(
            c.asker, "POST", "/v1/decisions/bulk", {"requests": [c.render.document()] * 2}
        ),
        permits=_first_permits,
    ),
    "search": Operation(
        3,
        door=lambda c: consent.whom_may_i_use(
            generator=c.generator,
            requester=c.other_id,
            template=consent.parse_template(_template(c)),
            now=utcnow(),
        ),
        http=lambda c: Call(c.asker, "POST", "/v1/decisions/search", {"request": _template(c)}),
        permits=_finds,
        apt=_is_alone,
    ),
    "authzen": Operation(
        5,
        http=lambda c: Call(c.asker, "POST", "/access/v1/evaluation", _evaluation(c)),
        permits=lambda c, answer: answer["decision"] is True,
    ),
    # --- approvals ------------------------------------------------------------------------------
    "decide_approval": Operation(
        8,
        door=lambda c: consent.decide_approval(
            approval=_approval(c).name,
            approve=c.approve,
            now=utcnow(),
            by=_approval(c).by.account or "",
        ),
        http=_decide,
        writes=_decided,
        possible=lambda c: c.asked is not None,
    ),
    # --- grants and audience --------------------------------------------------------------------
    "create_grant": Operation(
        12,
        door=lambda c: consent.create_grant(
            cameo=c.cameo,
            grantee=c.other_id,
            terms=c.terms,
            now=utcnow(),
            by=c.owner_id,
            widen_audience=True,
        ),
        http=_owner_call(
            "POST",
            "/v1/grants",
            lambda c: {
                "cameo": c.cameo,
                "grantee": c.other_id,
                "terms": c.terms,
                "widen_audience": True,
            },
        ),
        writes=_granted,
        apt=lambda c: not c.grant,
    ),
    "change_grant": Operation(
        4,
        door=lambda c: consent.change_grant(
            grant=c.grant, terms=c.terms, now=utcnow(), by=c.owner_id
        ),
        http=_owner_call("PATCH", "/v1/grants/{grant}", lambda c: {"terms": c.terms}),
        writes=lambda c, answer: _grant_write(c, _terms_value(c.terms)),
        apt=_has_grant,
    ),
    "withdraw_grant": Operation(
        6,
        door=lambda c: consent.withdraw_grant(grant=c.grant, now=utcnow(), by=c.owner_id),
        http=_owner_call("POST", "/v1/grants/{grant}/withdraw", _nothing),
        writes=lambda c, answer: _grant_write(c, "withdrawn", final=True),
        apt=_has_grant,
    ),
    "set_audience": Operation(
        8,
        door=lambda c: consent.set_audience(
            cameo=c.cameo, audience=c.audience, now=utcnow(), by=c.owner_id
        ),
        http=_owner_call("PUT", "/v1/cameos/{cameo}/audience", lambda c: {"audience": c.audience}),
        writes=lambda c, answer: (Write(("audience", c.cameo), c.audience),),
    ),
    "set_restrictions": Operation(
        3,
        door=lambda c: consent.set_restrictions(
            cameo=c.cameo, terms=c.restrictions, now=utcnow(), by=c.owner_id
        ),
        http=_owner_call(
            "PUT", "/v1/cameos/{cameo}/restrictions", lambda c: {"terms": c.restrictions}
        ),
        writes=lambda c, answer: (Write(("restrictions", c.cameo), _terms_value(c.restrictions)),),
    ),
    # --- people ---------------------------------------------------------------------------------
    "ask_friendship": Operation(
        5,
        door=lambda c: consent.ask_friendship(account=c.other_id, now=utcnow(), by=c.owner_id),
        http=_owner_call("POST", "/v1/friendships", lambda c: {"account": c.other_id}),
        writes=_friends,
        apt=lambda c: not c.friendship,
    ),
    "accept_friendship": Operation(
        8,
        door=lambda c: consent.accept_friendship(
            friendship=c.friendship, now=utcnow(), by=c.other_id
        ),
        http=_other_call("POST", "/v1/friendships/{friendship}/accept", _nothing),
        writes=_friends,
        apt=lambda c: bool(c.friendship),
    ),
    "end_friendship": Operation(
        3,
        door=lambda c: consent.end_friendship(friendship=c.friendship, now=utcnow(), by=c.owner_id),
        http=_owner_call("POST", "/v1/friendships/{friendship}/end", _nothing),
        writes=lambda c, answer: _friends(c, answer, "off"),
        apt=lambda c: bool(c.friendship),
    ),
    "block": Operation(
        2,
        door=lambda c: consent.block_account(account=c.other_id, now=utcnow(), by=c.owner_id),
        http=_owner_call("POST", "/v1/blocks", lambda c: {"account": c.other_id}),
        writes=_block,
        apt=lambda c: not c.block,
    ),
    "lift_block": Operation(
        12,
        door=lambda c: consent.lift_block(block=c.block, now=utcnow(), by=c.owner_id),
        http=_owner_call("POST", "/v1/blocks/{block}/lift", _nothing),
        writes=_lifted,
        apt=lambda c: bool(c.block),
    ),
    # --- cameos ---------------------------------------------------------------------------------
    "suspend": Operation(
        1.5,
        door=lambda c: identity.suspend_cameo(
            account_id=c.owner_id, cameo_id=c.cameo, now=utcnow()
        ),
        http=_owner_call("POST", "/v1/cameos/{cameo}/suspend", _nothing),
        writes=lambda c, answer: (Write(("state", c.cameo), "suspended"),),
        apt=lambda c: not _is_suspended(c),
    ),
    "resume": Operation(
        40,
        door=lambda c: identity.resume_cameo(account_id=c.owner_id, cameo_id=c.cameo, now=utcnow()),
        http=_owner_call("POST", "/v1/cameos/{cameo}/resume", _nothing),
        writes=lambda c, answer: (Write(("state", c.cameo), "active"),),
        apt=_is_suspended,
    ),
    "erase": Operation(
        0.2,
        door=lambda c: identity.erase_cameo(account_id=c.owner_id, cameo_id=c.cameo, now=utcnow()),
        http=_owner_call("POST", "/v1/cameos/{cameo}/erase", _nothing),
        writes=lambda c, answer: (Write(("state", c.cameo), "erased", final=True),),
    ),
    # --- generators -----------------------------------------------------------------------------
    "suspend_generator": Operation(
        0.15,
        door=lambda c: suspend_generator(client_id=c.generator, by="staff", now=utcnow()),
        writes=lambda c, answer: (Write(("generator", c.generator), "suspended"),),
        apt=lambda c: not _is_stopped(c),
    ),
    "resume_generator": Operation(
        40,
        door=lambda c: resume_generator(client_id=c.generator, by="staff", now=utcnow()),
        writes=lambda c, answer: (Write(("generator", c.generator), "usable"),),
        apt=_is_stopped,
    ),
}
