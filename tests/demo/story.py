"""The main job, step by step. Every claim it makes is checked; the first that fails ends it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc.errors import JoseError

from tests.demo.clients import Cameo, Generator, Person, render_request
from tests.demo.narration import Narrator, must
from tests.demo.offline import verify_offline
from tests.simulation.person import SimulatedPerson

PROMPT = "Alice and a paper dragon, at dusk"
REFUSED = ("fail", "retry")


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the story plays.

    Attributes:
        url: of the service.
        issuer: what its tokens name as `iss`.
        mailbox: folder its mail goes to.
        app: client id of the app people use.
        gen, other: two registered generators.
        face: the simulated person who plays Alice.
    """

    url: str
    issuer: str
    mailbox: Path
    app: str
    gen: Generator
    other: Generator
    face: SimulatedPerson


def tell(stage: Stage, say: Narrator) -> None:
    """Tell the whole story.

    Raises:
        StoryFailed: at the first step that doesn't do what it must.
    """
    people = [Person(name, stage.url, stage.mailbox) for name in ("Alice", "Bob", "Mallory")]
    alice, bob, mallory = people
    try:
        say.chapter("Three people sign up")
        for person in people:
            with say.step(f"{person.name} makes an account and proves the address"):
                person.sign_up()
        hers, clip = _enrol(stage, alice, say)
        bobs = _befriend(stage, bob, say)
        left_behind, grant = _permissions(stage, hers, bob, say)
        _withdrawal(stage, hers, bob, left_behind, grant, say)
        _attacks(stage, mallory, clip, say)
        hers.app.close()
        bobs.close()
    finally:
        for person in people:
            person.close()


@dataclass(frozen=True, slots=True)
class Enrolled:
    """Alice's app and her cameo's id."""

    app: Cameo
    cameo: str


def _enrol(stage: Stage, alice: Person, say: Narrator) -> tuple[Enrolled, bytes]:
    say.chapter("Alice becomes a cameo")
    with say.step("Alice lets her app act for her"):
        app = Cameo(alice, stage.app)
    with say.step("She asks for a capture session") as said:
        session = app.begin_capture()
        said.append(", ".join(_spoken(prompt) for prompt in session["script"]))
    with say.step("A simulated Alice answers the script (synthetic: rendered and encoded)") as said:
        clip = stage.face.answer(session["script"])
        said.append(f"{len(clip) // 1024} kB of video")
    with say.step("She uploads the clip, and it is checked") as said:
        app.send_clip(session["id"], clip).expect(202)
        decided = app.decision(session["id"])
        must(decided["outcome"] == "pass", f"the outcome is {decided['outcome']}")
        said.append("pass")
    with say.step("Her cameo is active") as said:
        found = app.cameo(session["cameo"])
        must(found["state"] == "active", f"the cameo is {found['state']}")
        said.append(f"assurance {found['assurance']}")
    return Enrolled(app, session["cameo"]), clip


def _spoken(prompt: dict[str, Any]) -> str:
    extra = prompt.get("direction") or prompt.get("count") or ""
    return f"{prompt['kind']} {extra}".strip().replace("_", " ")


def _befriend(stage: Stage, bob: Person, say: Narrator) -> Cameo:
    say.chapter("Bob wants Alice in a video")
    with say.step("Bob lets his app, and the generators, act for him"):
        app = Cameo(bob, stage.app)
        for generator in (stage.gen, stage.other):
            bob.authorise(generator.client_id, scope="likeness:request", secret=generator.secret)
    return app


def _permissions(
    stage: Stage, alice: Enrolled, bob: Person, say: Narrator
) -> tuple[tuple[str, dict[str, Any]], str]:
    gen, request = stage.gen, render_request(alice.cameo, PROMPT)
    with say.step("Without a grant, Gen is denied") as said:
        answer = gen.ask(bob, request)
        must((answer.status, answer.code) == (403, "not_permitted"), f"got {answer}")
        said.append(f"403 {answer.code}")
    with say.step("Alice grants Bob `personal`") as said:
        grant = alice.app.grant(alice.cameo, bob.account, ["personal"])["id"]
    with say.step("For advertising, Gen is still denied") as said:
        answer = gen.ask(bob, render_request(alice.cameo, PROMPT, "advertising"))
        must(answer.status == 403, f"got {answer}")
        said.append(f"403 {answer.code}")
    with say.step("For Bob's personal video, Gen gets a likeness token"):
        token = str(gen.ask(bob, request).expect(200, 201)["token"])
    with say.step("Gen verifies it offline with the published keys") as said:
        claims = verify_offline(token, gen.keys(), issuer=stage.issuer, audience=gen.audience)
        said.append(f"good for {claims['exp'] - claims['iat']} s, bound to one request")
    with say.step("With another prompt, it is refused") as said:
        other = render_request(alice.cameo, "Something else entirely")
        said.append(_refused(gen.redeem(token, other)))
    with say.step("At another generator, it is refused") as said:
        said.append(_refused(stage.other.redeem(token, request)))
        with contextlib.suppress(ValueError, JoseError):
            verify_offline(token, gen.keys(), issuer=stage.issuer, audience=stage.other.audience)
            must(False, "another generator's offline check accepted the token")
    with say.step("Gen redeems it, and may render") as said:
        lease = gen.redeem(token, request).expect(200, 201)
        said.append(f"lease until {lease['expires']}")
    with say.step("A second time, it is refused") as said:
        said.append(_refused(gen.redeem(token, request)))
    with say.step("Alice sees who used her likeness") as said:
        uses = alice.app.uses()
        must(len(uses) == 1 and uses[0]["requester"] == bob.account, "the use isn't there")
        said.append(f"1 use, {uses[0]['state']}")
    with say.step("Gen gets a second token, and leaves it lying"):
        second = str(gen.ask(bob, request).expect(200, 201)["token"])
        must(gen.introspect(second)["active"] is True, "the token isn't active")
    return (second, request), grant


def _refused(answer: Any) -> str:
    must(400 <= answer.status < 500, f"got {answer}")
    return f"{answer.status} {answer.code}"


def _withdrawal(
    stage: Stage,
    alice: Enrolled,
    bob: Person,
    left_behind: tuple[str, dict[str, Any]],
    grant: str,
    say: Narrator,
) -> None:
    token, request = left_behind
    say.chapter("Alice takes herself back")
    with say.step("She withdraws the grant"):
        alice.app.withdraw(grant)
    with say.step("The next request is denied") as said:
        answer = stage.gen.ask(bob, request)
        must((answer.status, answer.code) == (403, "not_permitted"), f"got {answer}")
        said.append(f"403 {answer.code}")
    with say.step("The token that was left lying is refused") as said:
        said.append(_refused(stage.gen.redeem(token, request)))
        must(stage.gen.introspect(token) == {"active": False}, "introspection says active")


def _attacks(stage: Stage, mallory: Person, clip: bytes, say: Narrator) -> None:
    say.chapter("Mallory tries to become Alice")
    with say.step("Mallory lets an app act, and asks for a session"):
        app = Cameo(mallory, stage.app)
        session = app.begin_capture()
    with say.step("Mallory uploads Alice's old clip") as said:
        answer = app.send_clip(session["id"], clip)
        must((answer.status, answer.code) == (409, "clip_already_used"), f"got {answer}")
        said.append(f"409 {answer.code}")
    with say.step("Mallory changes a few bytes of it and tries again") as said:
        app.send_clip(session["id"], _repacked(clip)).expect(202)
        said.append(_not_enrolled(app, session))
    with say.step("Mallory films a still picture of Alice (synthetic)") as said:
        session = app.begin_capture()
        app.send_clip(session["id"], stage.face.still(seconds=12)).expect(202)
        said.append(_not_enrolled(app, session))
    app.close()


def _repacked(clip: bytes) -> bytes:
    """The same pictures in other bytes: an empty box that MP4 readers skip is added."""
    return clip + (16).to_bytes(4, "big") + b"free" + b"\x00" * 8


def _not_enrolled(app: Cameo, session: dict[str, Any]) -> str:
    decided = app.decision(session["id"])
    must(decided["outcome"] in REFUSED, f"the outcome is {decided['outcome']}")
    must(app.cameo(session["cameo"])["state"] == "pending", "the cameo isn't pending")
    advice = ", ".join(entry["code"] for entry in decided["advice"])
    return f"{decided['outcome']}, with the advice: {advice}"
