"""One actor: a process that draws operations from its own seed, does them, and writes down what
it saw. Every other operation goes over HTTP, the rest over the door in the process itself."""

from __future__ import annotations

import random
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from django.db import DatabaseError, IntegrityError, InterfaceError, connections

from common.clock import utcnow
from common.errors import CameoError
from consent.interface import Denied, Outputs, RenderRequest
from identity.models import Cameo, CaptureSession
from tests.interleaving.choices import (
    ASKING_TERMS,
    CLOSED_TERMS,
    OPEN_TERMS,
    Asked,
    Choice,
    Held,
    Operation,
    of,
)
from tests.interleaving.clients import Http, NoAnswer, person
from tests.interleaving.history import Claim, Done, Outcome, Write
from tests.interleaving.operations import TABLE
from tests.interleaving.world import GENERATORS, OWNERS, PROMPTS, Board, World

HTTP_SHARE = 0.5
DUETS = 0.15
TERMS = (OPEN_TERMS, OPEN_TERMS, OPEN_TERMS, CLOSED_TERMS, ASKING_TERMS)
RESTRICTIONS: tuple[dict[str, Any], ...] = ({}, {}, OPEN_TERMS, CLOSED_TERMS, ASKING_TERMS)
APPROVED_SHARE = 0.85
KEYED = 0.3
PAST_SHARE = 0.04
# How often something is tried that is believed to be in vain.
IN_VAIN = 0.05
HELD = 6
NEWEST = 0.7
DEAD_KEPT = 0.3
# Half of what was given is used at once, or little of it would live to be used at all.
FOLLOWS = {"issue": "redeem", "redeem": "read_lease"}
FOLLOWED = 0.5
MAKING = {"create_grant": "grant", "ask_friendship": "friendship", "block": "block"}
ENDING = {"withdraw_grant": "grant", "end_friendship": "friendship", "lift_block": "block"}
AUDIENCES = ("only_me", "granted", "granted", "mutuals", "anyone")


@dataclass(frozen=True, slots=True)
class Part:
    """What one actor is to do."""

    actor: int
    seed: int
    operations: int
    port: int
    world: World


@dataclass(slots=True)
class Actor:
    """An actor at work."""

    part: Part
    board: Board
    http: Http = field(init=False)
    _random: random.Random = field(init=False)
    _tokens: deque[Held] = field(init=False)
    _leases: deque[Held] = field(init=False)
    _asked: deque[Asked] = field(init=False)
    _done: list[Done] = field(default_factory=list)
    _keys: int = 0
    _next: str | None = None

    def __post_init__(self) -> None:
        self.http = Http(self.part.port)
        self._random = random.Random(f"{self.part.seed} {self.part.actor}")
        self._tokens, self._leases = deque(maxlen=HELD), deque(maxlen=HELD)
        self._asked = deque(maxlen=HELD)

    def act(self) -> list[Done]:
        """Do the whole part; gives everything that was done."""
        try:
            for _ in range(self.part.operations):
                self._one()
        finally:
            self.http.close()
            connections.close_all()
        return self._done

    def _one(self) -> None:
        kind, operation, choice = self._draw()
        ways = [way for way in ("door", "http") if getattr(operation, way) is not None]
        via = ways[0] if len(ways) == 1 or self._random.random() >= HTTP_SHARE else "http"
        began = time.monotonic_ns()
        outcome, code, answer = self._do(operation, choice, via)
        ended = time.monotonic_ns()
        claim = None
        permits = operation.permits
        if outcome is Outcome.DONE and permits is not None and permits(choice, answer):
            claim = _claim(operation, choice)
        writes = () if outcome is Outcome.REFUSED else operation.writes(choice, answer)
        done = Done(
            self.part.actor, kind, via, began, ended, outcome, code, writes=writes, claim=claim
        )
        self._done.append(done)
        if outcome is Outcome.DONE:
            self._remember(kind, choice, answer, done)
        else:
            self._correct(code, choice)
        if permits is not None and claim is None:
            self._drop(operation.rests_on(choice))
        if kind == "decide_approval" and choice.asked is not None and choice.asked in self._asked:
            self._asked.remove(choice.asked)
        follows = FOLLOWS.get(kind) if claim is not None else None
        self._next = follows if self._random.random() < FOLLOWED else None

    def _do(self, operation: Operation, choice: Choice, via: str) -> tuple[Outcome, str, Any]:
        try:
            if via == "http":
                assert operation.http is not None
                return self._send(operation, choice)
            assert operation.door is not None
            return Outcome.DONE, "", operation.door(choice)
        except Denied as error:
            return Outcome.REFUSED, "not_permitted" if error.reasons else error.code, None
        except CameoError as error:
            return Outcome.REFUSED, error.code, None
        except NoAnswer as error:
            return Outcome.UNSURE, f"no_answer_{error}", None
        except (DatabaseError, InterfaceError) as error:
            return Outcome.UNSURE, f"database_{type(error.__cause__ or error).__name__}", None

    def _send(self, operation: Operation, choice: Choice) -> tuple[Outcome, str, Any]:
        assert operation.http is not None
        call = operation.http(choice)
        status, answer = self.http.send(call)
        if status < 300:
            return Outcome.DONE, "", answer
        if status == 401:
            self.http.forget(call.caller)
        outcome = Outcome.REFUSED if status < 500 else Outcome.UNSURE
        return outcome, str(answer.get("code", status)), None

    def _draw(self) -> tuple[str, Operation, Choice]:
        kinds, weights = list(TABLE), [operation.weight for operation in TABLE.values()]
        while True:
            choice = self._choose()
            if self._next is not None and TABLE[self._next].apt(choice):
                # What was just given is at hand.
                return self._next, TABLE[self._next], choice
            for kind in self._random.choices(kinds, weights, k=20):
                operation = TABLE[kind]
                if not operation.possible(choice):
                    continue
                if operation.apt(choice):
                    return kind, operation, choice
                if operation.permits is None and self._random.random() < IN_VAIN / 10:
                    return kind, operation, choice

    def _choose(self) -> Choice:
        rand, world = self._random, self.part.world
        owner, other = rand.randrange(OWNERS), rand.randrange(len(world.people))
        generation = self.board.generation(owner)
        if rand.random() < PAST_SHARE:
            generation = max(0, generation - 1)
        cameo = world.cameo(owner, generation)
        likenesses = [cameo]
        if rand.random() < DUETS:
            second = rand.choice([place for place in range(OWNERS) if place != owner])
            likenesses.append(world.cameo(second, self.board.generation(second)))
        self._keys += 1
        return Choice(
            world=world,
            board=self.board,
            owner=owner,
            other=other,
            cameo=cameo,
            generation=generation,
            generator=world.generators[rand.randrange(GENERATORS)],
            render=RenderRequest(
                likenesses=tuple(likenesses),
                purpose="personal",
                labels=frozenset(),
                prompt_digest=world.prompt(rand.randrange(PROMPTS)),
                inputs_digest=None,
                outputs=Outputs(1, 8.0),
            ),
            grant=self.board.known("grant", owner, other),
            friendship=self.board.known("friendship", owner, other),
            block=self.board.known("block", owner, other),
            terms=rand.choice(TERMS),
            restrictions=rand.choice(RESTRICTIONS),
            audience=rand.choice(AUDIENCES),
            token=self._one_of(self._tokens),
            lease=self._one_of(self._leases),
            asked=rand.choice(self._asked) if self._asked else None,
            approve=rand.random() < APPROVED_SHARE,
            key=f"k{self.part.actor}-{self._keys}" if rand.random() < KEYED else None,
        )

    def _one_of(self, held: deque[Held]) -> Held | None:
        """Mostly the newest: an older one has seldom outlived what happened since."""
        if not held:
            return None
        newest = self._next is not None or self._random.random() < NEWEST
        return held[-1] if newest else self._random.choice(held)

    def _remember(self, kind: str, choice: Choice, answer: Any, done: Done) -> None:
        """Keep what was given, and put on the board what others should know."""
        permitted = done.claim is not None
        match kind:
            case "issue" if not permitted:
                self._wait(choice, answer)
            case "issue":
                self._tokens.append(
                    Held(
                        text=of(answer, "token"),
                        name=of(answer, "jti"),
                        requester=choice.other_id,
                        render=choice.render,
                        generator=choice.generator,
                        issued=done.span,
                        key=choice.key,
                    )
                )
            case "redeem" if permitted:
                assert choice.token is not None
                held = choice.token
                self._leases.append(
                    Held(
                        text="",
                        name=of(answer, "id"),
                        requester=held.requester,
                        render=held.render,
                        generator=held.generator,
                        issued=held.issued,
                    )
                )
                if self._random.random() >= DEAD_KEPT and held in self._tokens:
                    self._tokens.remove(held)
            case _ if kind in MAKING:
                self.board.learn(MAKING[kind], choice.owner, choice.other, of(answer, "id"))
            case _ if kind in ENDING:
                self.board.learn(ENDING[kind], choice.owner, choice.other, "")
            case "suspend" | "resume":
                self.board.suspended[choice.owner] = kind == "suspend"
            case "suspend_generator" | "resume_generator":
                place = choice.world.generators.index(choice.generator)
                self.board.stopped[place] = kind == "suspend_generator"
            case "erase":
                self._enrol(choice)

    def _wait(self, choice: Choice, answer: Any) -> None:
        """Owners were asked; each is to say something."""
        world, render = choice.world, choice.render
        for name in of(answer, "approvals"):
            if len(render.likenesses) > 1:
                continue  # which of them an id is for isn't said
            request = (choice.other_id, choice.generator, render.digest())
            self._asked.append(
                Asked(
                    name=name,
                    by=person(world, choice.owner_id),
                    register=("approval", choice.cameo, *request, name),
                )
            )

    def _drop(self, held: Held | None) -> None:
        """What was refused once is mostly dead for good; a few are tried again all the same."""
        if held is None or self._random.random() < DEAD_KEPT:
            return
        for kept in (self._tokens, self._leases):
            if held in kept:
                kept.remove(held)

    def _correct(self, code: str, choice: Choice) -> None:
        """What was believed turned out not to be so."""
        if code == "cameo_state":
            self.board.suspended[choice.owner] = 0
        if code == "step_up_needed":
            step_up(choice.owner_id, choice.cameo)
        if code == "grant_withdrawn":
            self.board.learn("grant", choice.owner, choice.other, "")
        if code == "friendship_ended":
            self.board.learn("friendship", choice.owner, choice.other, "")
        if code == "generator_state":
            place = choice.world.generators.index(choice.generator)
            self.board.stopped[place] = 0

    def _enrol(self, choice: Choice) -> None:
        """A fresh cameo for who erased theirs, as enrolment would leave it."""
        generation = choice.generation + 1
        if generation <= self.board.generation(choice.owner):
            return
        began = time.monotonic_ns()
        fresh = choice.world.cameo(choice.owner, generation)
        now = utcnow()
        try:
            Cameo.objects.create(
                id=fresh,
                owner_id=choice.owner_id,
                state="active",
                assurance="basic",
                created=now,
                activated=now,
            )
        except IntegrityError:
            return  # another actor was faster
        writes = first_values(fresh)
        ended = time.monotonic_ns()
        self._done.append(
            Done(self.part.actor, "enrol", "door", began, ended, Outcome.DONE, writes=writes)
        )
        self.board.enrolled(choice.owner, generation)


def step_up(owner: str, cameo: str) -> None:
    """The owner passes a step-up capture, as its decision would leave it."""
    now = utcnow()
    CaptureSession.objects.create(
        account_id=owner,
        cameo_id=cameo,
        purpose="step-up",
        state="decided",
        outcome="pass",
        passed_at=now,
        nonce_hash="0" * 64,
        script=[],
        created=now,
        expires=now,
    )


def first_values(cameo: str) -> tuple[Write, ...]:
    """What is so of a fresh cameo."""
    return (
        Write(("state", cameo), "active"),
        Write(("audience", cameo), "only_me"),
        Write(("restrictions", cameo), "open"),
    )


def _claim(operation: Operation, choice: Choice) -> Claim:
    held = operation.rests_on(choice)
    if held is None:
        return Claim(
            choice.other_id, choice.render.likenesses, choice.generator, choice.render.digest()
        )
    return Claim(
        held.requester,
        held.render.likenesses,
        held.generator,
        held.render.digest(),
        issued=held.issued,
    )
