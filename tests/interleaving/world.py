"""Who and what there is, known to every actor by the seed alone, and the board they share.

An owner who erases their cameo gets a fresh one. Its id follows from the seed too, so that no
actor has to be told; what they do tell each other stands on the board: how many cameos an owner
has had, which grant is live as far as anybody knows, what is believed to be suspended.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Any

OWNERS = 3
OTHERS = 3
PEOPLE = OWNERS + OTHERS
GENERATORS = 2
PROMPTS = 2
ID_LENGTH = 30
KINDS = ("grant", "friendship", "block")
"""What has ids that actors tell each other."""


def id_of(prefix: str, *parts: object) -> str:
    """An id of the usual form that follows from `parts`."""
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return f"{prefix}_{base64.b32encode(digest).decode().lower()[:26]}"


@dataclass(frozen=True, slots=True)
class World:
    """The cast of one run.

    Attributes:
        people: account ids, owners first; owners ask for each other's likenesses too.
        generators: client ids, each with its name as the audience.
        app: client id of the people's app.
    """

    seed: int
    people: tuple[str, ...]
    generators: tuple[str, ...]
    app: str

    @property
    def owners(self) -> tuple[str, ...]:
        return self.people[:OWNERS]

    def cameo(self, owner: int, generation: int) -> str:
        """The id of an owner's cameo, the first being generation 0."""
        return id_of("cam", self.seed, owner, generation)

    def prompt(self, number: int) -> str:
        return hashlib.sha256(f"{self.seed} {number}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Board:
    """Shared memory of all actors; hints only, nothing that is checked depends on it."""

    generations: Any
    suspended: Any
    stopped: Any
    names: Any

    def generation(self, owner: int) -> int:
        return int(self.generations[owner])

    def enrolled(self, owner: int, generation: int) -> None:
        """An owner has a fresh cameo; nobody goes back to an older one."""
        with self.generations.get_lock():
            self.generations[owner] = max(self.generations[owner], generation)
            self.suspended[owner] = 0
        for person in range(PEOPLE):
            self.learn("grant", owner, person, "")

    def known(self, kind: str, owner: int, person: int) -> str:
        """The last grant (or another of `KINDS`) known of an owner and a person, or nothing."""
        begin = _place(kind, owner, person)
        with self.names.get_lock():
            text = bytes(self.names[begin : begin + ID_LENGTH])
        return text.rstrip(b"\x00").decode("ascii")

    def learn(self, kind: str, owner: int, person: int, name: str) -> None:
        begin = _place(kind, owner, person)
        with self.names.get_lock():
            self.names[begin : begin + ID_LENGTH] = name.encode("ascii").ljust(ID_LENGTH, b"\x00")


def _place(kind: str, owner: int, person: int) -> int:
    return ((KINDS.index(kind) * OWNERS + owner) * PEOPLE + person) * ID_LENGTH


def make_board(context: Any) -> Board:
    """A board for the processes of a `multiprocessing` context."""
    return Board(
        generations=context.Array("l", OWNERS),
        suspended=context.Array("b", OWNERS),
        stopped=context.Array("b", GENERATORS),
        names=context.Array("B", len(KINDS) * OWNERS * PEOPLE * ID_LENGTH),
    )
