"""What an owner allows: a closed vocabulary of tagged, frozen terms that check themselves.

Each term verifies a request and names its reason. consent.vocabulary reads them from JSON and
says which there are; a term that isn't among them is refused when it is granted, and denies
where it is found stored (written by a newer version).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol

from common.clock import rfc3339
from consent.reasons import Reason
from consent.request import DecisionRequest


@dataclass(frozen=True, slots=True)
class Satisfied:
    """The term allows the request."""


@dataclass(frozen=True, slots=True)
class Unmet:
    """The term doesn't allow the request, and why; `APPROVAL_NEEDED` alone can still be had."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a term may ask for beside the request.

    Attributes:
        uses: uses so far of what the terms belong to (a grant, or a whole cameo).
        uses_today: those of the request's UTC day.
        company: owners of the request's other likenesses, without the terms' own owner.
        friends: of the terms' owner, among the people the request concerns.
        approved: whether an approval of this very request holds.
    """

    uses: int = 0
    uses_today: int = 0
    company: frozenset[str] = frozenset()
    friends: frozenset[str] = frozenset()
    approved: bool = False


class Term(Protocol):
    """One condition. `tag` is its name in the JSON form, `document()` its value there."""

    tag: ClassVar[str]

    def verify(self, request: DecisionRequest, around: Circumstances) -> Satisfied | Unmet: ...

    def document(self) -> Any: ...


def _met(condition: bool, reason: Reason) -> Satisfied | Unmet:
    return Satisfied() if condition else Unmet(reason)


@dataclass(frozen=True, slots=True)
class Purposes:
    """Only for these purposes."""

    tag: ClassVar[str] = "purposes"
    allowed: frozenset[str]

    def verify(self, request: DecisionRequest, around: Circumstances) -> Satisfied | Unmet:
        return _met(request.render.purpose in self.allowed, Reason.PURPOSE_NOT_GRANTED)

    def document(self) -> list[str]:
        return sorted(self.allowed)


@dataclass(frozen=True, slots=True)
class NotBefore:
    """From this moment on."""

    tag: ClassVar[str] = "not_before"
    moment: datetime

    def verify(self, request: DecisionRequest, around: Circumstances) -> Satisfied | Unmet:
        return _met(request.at >= self.moment, Reason.GRANT_NOT_YET_VALID)

    def document(self) -> str:
        return rfc3339(self.moment)


@dataclass(frozen=True, slots=True)
class NotAfter:
    """Until this moment, which itself is too late."""

    tag: ClassVar[str] = "not_after"
    moment: datetime

    def verify(self, request: DecisionRequest, around: Circumstances) -> Satisfied | Unmet:
        return _met(request.at < self.moment, Reason.GRANT_ENDED)

    def document(self) -> str:
        return rfc3339(self.moment)


@dataclass(frozen=True, slots=True)
class MaxUses:
    """So many uses in all."""

    tag: ClassVar[str] = "max_uses"
    most: int

    def verify(self, request: DecisionRequest, around: Circumstances) -> Satisfied | Unmet:
        return _met(around.uses < self.most, Reason.USES_SPENT)

    def document(self) -> int:
        return self.most


@dataclass(frozen=True, slots=True)
class MaxUsesPerDay:
    """So many uses in a UTC day."""

    tag: ClassVar[str] = "max_uses_per_day"
    most: int

    def verify(self, request: DecisionRequest, around: Circumstances) -> Satisfied | Unmet:
        return _met(around.uses_today < self.most, Reason.USES_OF_TODAY_SPENT)

    def document(self) -> int:
        return self.most


@dataclass(frozen=True, slots=True)
class ApprovalEachTime:
    """The owner is asked about every request."""

    tag: ClassVar[str] = "approval_each_time"
    asked: bool = True

    def verify(self, request: DecisionRequest, around: Circumstances) -> Satisfied | Unmet:
        return _met(around.approved or not self.asked, Reason.APPROVAL_NEEDED)

    def document(self) -> bool:
        return self.asked


@dataclass(frozen=True, slots=True)
class Generators:
    """Only through these generators, or through any but these."""

    tag: ClassVar[str] = "generators"
    clients: frozenset[str]
    refused: bool = False

    def verify(self, request: DecisionRequest, around: Circumstances) -> Satisfied | Unmet:
        named = request.generator in self.clients
        return _met(named is not self.refused, Reason.GENERATOR_NOT_ALLOWED)

    def document(self) -> list[str] | dict[str, list[str]]:
        names = sorted(self.clients)
        return {"refuse": names} if self.refused else names


@dataclass(frozen=True, slots=True)
class MaxDuration:
    """No output longer than this."""

    tag: ClassVar[str] = "max_duration_s"
    most: float

    def verify(self, request: DecisionRequest, around: Circumstances) -> Satisfied | Unmet:
        return _met(request.render.outputs.seconds <= self.most, Reason.TOO_LONG)

    def document(self) -> float:
        return self.most


@dataclass(frozen=True, slots=True)
class MaxOutputs:
    """No more outputs than this of one request."""

    tag: ClassVar[str] = "max_outputs"
    most: int

    def verify(self, request: DecisionRequest, around: Circumstances) -> Satisfied | Unmet:
        return _met(request.render.outputs.count <= self.most, Reason.TOO_MANY_OUTPUTS)

    def document(self) -> int:
        return self.most


@dataclass(frozen=True, slots=True)
class ForbidLabels:
    """Nothing that shows one of these."""

    tag: ClassVar[str] = "forbid_labels"
    labels: frozenset[str]

    def verify(self, request: DecisionRequest, around: Circumstances) -> Satisfied | Unmet:
        declared = request.render.labels
        return _met(declared is not None and not declared & self.labels, Reason.LABEL_FORBIDDEN)

    def document(self) -> list[str]:
        return sorted(self.labels)


@dataclass(frozen=True, slots=True)
class CoAppear:
    """With whom the likeness may be in one request: `anyone`, `friends`, `nobody`."""

    tag: ClassVar[str] = "co_appear"
    whom: str

    def verify(self, request: DecisionRequest, around: Circumstances) -> Satisfied | Unmet:
        if self.whom == "anyone":
            return Satisfied()
        allowed = around.friends if self.whom == "friends" else frozenset()
        return _met(around.company <= allowed, Reason.CO_APPEARANCE_NOT_ALLOWED)

    def document(self) -> str:
        return self.whom


@dataclass(frozen=True, slots=True)
class Remix:
    """Whether something that exists already may go in beside the prompt."""

    tag: ClassVar[str] = "remix"
    allowed: bool

    def verify(self, request: DecisionRequest, around: Circumstances) -> Satisfied | Unmet:
        plain = request.render.inputs_digest is None
        return _met(self.allowed or plain, Reason.REMIX_NOT_ALLOWED)

    def document(self) -> bool:
        return self.allowed


@dataclass(frozen=True, slots=True)
class Attribution:
    """The output names whose likeness it shows, if `asked`; forbids nothing."""

    tag: ClassVar[str] = "attribution"
    asked: bool

    def verify(self, request: DecisionRequest, around: Circumstances) -> Satisfied | Unmet:
        return Satisfied()

    def document(self) -> bool:
        return self.asked


@dataclass(frozen=True, slots=True)
class VisibleMark:
    """The output carries a visible mark that it was generated, if `asked`; forbids nothing."""

    tag: ClassVar[str] = "visible_mark"
    asked: bool

    def verify(self, request: DecisionRequest, around: Circumstances) -> Satisfied | Unmet:
        return Satisfied()

    def document(self) -> bool:
        return self.asked


@dataclass(frozen=True, slots=True)
class Price:
    """What a use costs, in minor units of an ISO 4217 currency; forbids nothing."""

    tag: ClassVar[str] = "price"
    amount: int
    currency: str

    def verify(self, request: DecisionRequest, around: Circumstances) -> Satisfied | Unmet:
        return Satisfied()

    def document(self) -> dict[str, Any]:
        return {"amount": self.amount, "currency": self.currency}


@dataclass(frozen=True, slots=True)
class Note:
    """Words for people; never decides."""

    tag: ClassVar[str] = "note"
    text: str

    def verify(self, request: DecisionRequest, around: Circumstances) -> Satisfied | Unmet:
        return Satisfied()

    def document(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Unknown:
    """A stored term that this version can't read; never satisfied."""

    tag: ClassVar[str] = "unknown"

    def verify(self, request: DecisionRequest, around: Circumstances) -> Satisfied | Unmet:
        return Unmet(Reason.TERM_UNKNOWN)

    def document(self) -> Any:
        raise ValueError("an unknown term has no JSON form")


@dataclass(frozen=True, slots=True)
class Terms:
    """A set of terms, each tag at most once. All must be satisfied."""

    terms: tuple[Term, ...]

    def verify(self, request: DecisionRequest, around: Circumstances) -> tuple[Unmet, ...]:
        """Every term that isn't satisfied."""
        answers = [term.verify(request, around) for term in self.terms]
        return tuple(answer for answer in answers if isinstance(answer, Unmet))

    @property
    def allow_nothing(self) -> bool:
        """Whether no purpose is named: as a grant, such terms permit nothing."""
        return not any(isinstance(term, Purposes | Unknown) for term in self.terms)

    @property
    def not_after(self) -> datetime | None:
        """When they end, if they do."""
        ends = [term.moment for term in self.terms if isinstance(term, NotAfter)]
        return min(ends, default=None)

    @property
    def price(self) -> Price | None:
        """What a use costs by them, if anything."""
        return next((term for term in self.terms if isinstance(term, Price)), None)

    @property
    def obligations(self) -> tuple[str, ...]:
        """What the generator must do with what it renders."""
        kinds = Attribution | VisibleMark
        return tuple(term.tag for term in self.terms if isinstance(term, kinds) and term.asked)

    def document(self) -> dict[str, Any]:
        """The JSON form, in one spelling for equal terms.

        Raises:
            ValueError: if there is an unknown term, which has none.
        """
        return {term.tag: term.document() for term in self.terms}


NO_TERMS = Terms(())
