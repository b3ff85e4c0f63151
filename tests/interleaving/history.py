"""What happened, as its actors saw it: who did what from when to when, and how it was answered.

Times are `time.monotonic_ns()`, which all processes of one machine share.

What consent depends on is told as *registers*, each a tuple that names one: `("state", cameo)`,
`("audience", cameo)`, `("restrictions", cameo)`, `("generator", client)`, and with their own ids,
since another of the same pair may follow, `("grant", cameo, grantee, id)`,
`("block", who, whom, id)`, `("friends", low, high, id)` and
`("approval", cameo, requester, generator, request, id)`. An operation writes values to registers,
or claims that something is permitted, or neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

Register = tuple[str, ...]
Span = tuple[int, int]

ALWAYS: Span = (0, 0)
"""When the values were written that everything began with."""


class Outcome(StrEnum):
    """How an operation was answered."""

    DONE = "done"
    REFUSED = "refused"
    UNSURE = "unsure"
    """No answer, or one that doesn't say: it may have been done, may yet be, or never."""


@dataclass(frozen=True, slots=True)
class Write:
    """A register gets a value.

    Attributes:
        final: nothing is written after it: what is erased or withdrawn stays so.
        implied: it may have been written or not, as the state was; never an ending of anything.
    """

    register: Register
    value: str
    final: bool = False
    implied: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """That `requester` may use `cameos` together through `generator` for `request`.

    Attributes:
        issued: when the token was asked for and given that this rests on, if it rests on one:
            what ended in between ends the token for good.
    """

    requester: str
    cameos: tuple[str, ...]
    generator: str
    request: str
    issued: Span | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """One operation of one actor.

    Attributes:
        kind: its name in the table of operations.
        via: `door` or `http`.
        code: of the refusal, or of what went wrong; else empty.
        writes: what was written if it was done, or may have been if that is unsure.
        claim: what was permitted by the answer.
    """

    actor: int
    kind: str
    via: str
    began: int
    ended: int
    outcome: Outcome
    code: str = ""
    writes: tuple[Write, ...] = ()
    claim: Claim | None = None

    @property
    def span(self) -> Span:
        return self.began, self.ended


@dataclass(frozen=True, slots=True)
class History:
    """Everything that was done, in any order, and whose cameo is whose.

    Attributes:
        owners: account ids by cameo.
        done: what everybody did; the first values too, written at `ALWAYS`.
    """

    owners: Mapping[str, str]
    done: tuple[Done, ...]


def at_first(*writes: Write) -> Done:
    """The values that registers have before anybody does anything."""
    return Done(-1, "at_first", "", *ALWAYS, Outcome.DONE, writes=writes)
