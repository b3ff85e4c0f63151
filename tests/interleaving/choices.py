"""What is drawn for an operation, and the pieces that the table of operations is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from consent import interface as consent
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


def terms_value(terms: dict[str, Any]) -> str:
    if "purposes" in terms and "personal" not in terms["purposes"]:
        return "closed"
    return "asks" if terms.get("approval_each_time") else "open"


def granted(choice: Choice, answer: Any) -> tuple[Write, ...]:
    # Whose id never came back can't be withdrawn by anybody here.
    name = "unknown" if answer is None else of(answer, "id")
    register = ("grant", choice.cameo, choice.other_id, name)
    return (
        Write(register, terms_value(choice.terms)),
        # From `only_me` alone, and that isn't known here.
        Write(("audience", choice.cameo), "granted", implied=True),
    )


def grant_write(
    choice: Choice, answer: Any, value: str, *, final: bool = False
) -> tuple[Write, ...]:
    # Which cameo it is of the answer says: who draws may know an older or a newer one by then.
    cameo = choice.cameo if answer is None else of(answer, "cameo")
    return (Write(("grant", cameo, choice.other_id, choice.grant), value, final=final),)


def token(choice: Choice) -> Held:
    assert choice.token is not None
    return choice.token


def lease(choice: Choice) -> Held:
    assert choice.lease is not None
    return choice.lease


def ask(path: str) -> Ask:
    def call(choice: Choice) -> Call:
        body = {"request": choice.render.document()}
        return Call(choice.asker, "POST", path, body, key=choice.key)

    return call


def redeem(choice: Choice) -> Call:
    held = token(choice)
    body = {"token": held.text, "request": held.render.document()}
    # One key for one token, so that a second try is answered with the first one's lease.
    key = None if choice.key is None else held.name
    return Call(machine(held.generator), "POST", "/v1/likeness-tokens/redeem", body, key=key)


def issue_again(choice: Choice) -> Call:
    held = token(choice)
    body = {"request": held.render.document()}
    who = asker(held.generator, held.requester)
    return Call(who, "POST", "/v1/likeness-tokens", body, key=held.key)


def introspect(choice: Choice) -> Call:
    held = token(choice)
    return Call(machine(held.generator), "POST", "/oauth/introspect", {"token": held.text}, True)


def owner_call(method: str, path: str, body: Callable[[Choice], Any]) -> Ask:
    def call(choice: Choice) -> Call:
        return Call(choice.person, method, address(path, choice), body(choice))

    return call


def address(path: str, choice: Choice) -> str:
    return path.format(
        cameo=choice.cameo,
        grant=choice.grant,
        friendship=choice.friendship,
        block=choice.block,
    )


def other_call(method: str, path: str, body: Callable[[Choice], Any]) -> Ask:
    def call(choice: Choice) -> Call:
        who = person(choice.world, choice.other_id)
        return Call(who, method, address(path, choice), body(choice))

    return call


def friends(choice: Choice, answer: Any, value: str = "on") -> tuple[Write, ...]:
    if answer is not None and value == "on" and of(answer, "state") != "accepted":
        return ()
    name = "unknown" if answer is None else of(answer, "id")
    register = ("friends", *sorted((choice.owner_id, choice.other_id)), name)
    return (Write(register, value, final=value == "off"),)


def block(choice: Choice, answer: Any) -> tuple[Write, ...]:
    # One whose id never came back may stand, or not: it ends nothing for the checker.
    if answer is None:
        return ()
    return (Write(("block", choice.owner_id, choice.other_id, of(answer, "id")), "on"),)


def lifted(choice: Choice, answer: Any) -> tuple[Write, ...]:
    register = ("block", choice.owner_id, choice.other_id, choice.block)
    return (Write(register, "off", final=True),)


def nothing(choice: Choice) -> dict[str, Any]:
    return {}


def has_token(choice: Choice) -> bool:
    return choice.token is not None


def has_grant(choice: Choice) -> bool:
    return bool(choice.grant)


def is_suspended(choice: Choice) -> bool:
    return bool(choice.board.suspended[choice.owner])


def is_stopped(choice: Choice) -> bool:
    return bool(choice.board.stopped[choice.world.generators.index(choice.generator)])


def is_permit(choice: Choice, answer: Any) -> bool:
    return str(of(answer, "effect")) == "permit"


def is_token(choice: Choice, answer: Any) -> bool:
    """An answer that owners are asked is none."""
    return "token" in answer if isinstance(answer, dict) else isinstance(answer, consent.Issued)


def is_live(choice: Choice, answer: Any) -> bool:
    return str(of(answer, "state")) == "live"


def first_permits(choice: Choice, answer: Any) -> bool:
    found = answer["decisions"] if isinstance(answer, dict) else answer
    return is_permit(choice, found[0])


def finds(choice: Choice, answer: Any) -> bool:
    """Whether a search found the cameo, and not just that its owner may be asked."""
    return any(
        of(one, "cameo") == choice.cameo
        and is_permit(choice, one if isinstance(one, dict) else one.decision)
        for one in of(answer, "items")
    )


def template(choice: Choice) -> dict[str, Any]:
    return {name: value for name, value in choice.render.document().items() if name != "likenesses"}


def evaluation(choice: Choice) -> dict[str, Any]:
    return {
        "subject": {"type": "account", "id": choice.other_id},
        "action": {"name": "generate"},
        "resource": {"type": "cameo", "id": choice.cameo},
        "context": choice.render.document(),
    }


def is_alone(choice: Choice) -> bool:
    return len(choice.render.likenesses) == 1


def approval(choice: Choice) -> Asked:
    assert choice.asked is not None
    return choice.asked


def decided(choice: Choice, answer: Any) -> tuple[Write, ...]:
    value = "approved" if choice.approve else "declined"
    return (Write(approval(choice).register, value, final=not choice.approve),)


def decide(choice: Choice) -> Call:
    asked = approval(choice)
    body = {"decision": "approve" if choice.approve else "decline"}
    return Call(asked.by, "POST", f"/v1/approvals/{asked.name}/decide", body)
