"""What an owner allows: a closed vocabulary of tagged, frozen terms that check themselves.

Each term verifies a request and names its reason. A term this version doesn't know is refused
when it is granted, and denies where it is found stored (written by a newer version).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Protocol

from common.clock import from_rfc3339, rfc3339
from common.errors import FieldError
from consent.errors import TermsInvalid
from consent.reasons import Reason
from consent.request import DecisionRequest, Purpose

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)")


@dataclass(frozen=True, slots=True)
class Satisfied:
    """The term allows the request."""


@dataclass(frozen=True, slots=True)
class Unmet:
    """The term doesn't allow the request, and why."""

    reason: Reason


class Term(Protocol):
    """One condition. `tag` is its name in the JSON form."""

    tag: ClassVar[str]

    def verify(self, request: DecisionRequest) -> Satisfied | Unmet: ...


@dataclass(frozen=True, slots=True)
class Purposes:
    """Only for these purposes."""

    tag: ClassVar[str] = "purposes"
    allowed: frozenset[str]

    def verify(self, request: DecisionRequest) -> Satisfied | Unmet:
        if request.render.purpose in self.allowed:
            return Satisfied()
        return Unmet(Reason.PURPOSE_NOT_GRANTED)


@dataclass(frozen=True, slots=True)
class NotBefore:
    """From this moment on."""

    tag: ClassVar[str] = "not_before"
    moment: datetime

    def verify(self, request: DecisionRequest) -> Satisfied | Unmet:
        return Satisfied() if request.at >= self.moment else Unmet(Reason.GRANT_NOT_YET_VALID)


@dataclass(frozen=True, slots=True)
class NotAfter:
    """Until this moment, which itself is too late."""

    tag: ClassVar[str] = "not_after"
    moment: datetime

    def verify(self, request: DecisionRequest) -> Satisfied | Unmet:
        return Satisfied() if request.at < self.moment else Unmet(Reason.GRANT_ENDED)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A stored term that this version can't read; never satisfied."""

    tag: ClassVar[str] = "unknown"

    def verify(self, request: DecisionRequest) -> Satisfied | Unmet:
        return Unmet(Reason.TERM_UNKNOWN)


@dataclass(frozen=True, slots=True)
class Terms:
    """A set of terms, each tag at most once. All must be satisfied; no terms satisfy nothing."""

    terms: tuple[Term, ...]

    def verify(self, request: DecisionRequest) -> tuple[Unmet, ...]:
        """Every term that isn't satisfied; `TERMS_EMPTY` unless purposes are named."""
        unmet = [
            answer
            for answer in (term.verify(request) for term in self.terms)
            if not isinstance(answer, Satisfied)
        ]
        if not any(isinstance(term, Purposes | Unknown) for term in self.terms):
            unmet.append(Unmet(Reason.TERMS_EMPTY))
        return tuple(unmet)

    @property
    def not_after(self) -> datetime | None:
        """When they end, if they do."""
        ends = [term.moment for term in self.terms if isinstance(term, NotAfter)]
        return min(ends, default=None)

    def document(self) -> dict[str, Any]:
        """The JSON form, in one spelling for equal terms.

        Raises:
            ValueError: if there is an unknown term, which has none.
        """
        found: dict[str, Any] = {}
        for term in self.terms:
            if isinstance(term, Purposes):
                found[term.tag] = sorted(term.allowed)
            elif isinstance(term, NotBefore | NotAfter):
                found[term.tag] = rfc3339(term.moment)
            else:
                raise ValueError("an unknown term has no JSON form")
        return found


def _purposes(value: object) -> Purposes:
    known = {purpose.value for purpose in Purpose}
    if not isinstance(value, list) or not value:
        raise ValueError("Name one purpose at least, in a list.")
    if not all(isinstance(item, str) and item in known for item in value):
        raise ValueError(f"Purposes are {', '.join(sorted(known))}.")
    if len(set(value)) != len(value):
        raise ValueError("Each purpose may be named once.")
    return Purposes(frozenset(value))


def _moment(value: object) -> datetime:
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise ValueError("An RFC 3339 time with an offset is taken.")
    try:
        return from_rfc3339(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError("There is no such time.") from error


def _not_before(value: object) -> NotBefore:
    return NotBefore(_moment(value))


def _not_after(value: object) -> NotAfter:
    return NotAfter(_moment(value))


_READERS: dict[str, Callable[[object], Term]] = {
    Purposes.tag: _purposes,
    NotBefore.tag: _not_before,
    NotAfter.tag: _not_after,
}


def parse_terms(document: object, *, now: datetime) -> Terms:
    """Terms from the JSON object in which somebody grants them.

    Members: `purposes` (required, one at least), `not_before`, `not_after` (RFC 3339).

    Raises:
        TermsInvalid: for an unknown term, a value that can't be read, no purposes, an end that
            is past at `now`, or an end that isn't after the beginning; each with its field.
    """
    if not isinstance(document, dict):
        raise TermsInvalid(fields=(FieldError("", "not_an_object", "An object is taken."),))
    fields: list[FieldError] = []
    found: list[Term] = []
    for name in sorted(document):
        if name not in _READERS:
            pointer = "/" + name[:40].replace("~", "~0").replace("/", "~1")
            fields.append(FieldError(pointer, "term_unknown", "There is no such term."))
            continue
        try:
            found.append(_READERS[name](document[name]))
        except ValueError as error:
            fields.append(FieldError(f"/{name}", "term_invalid", str(error)))
    if "purposes" not in document:
        fields.append(FieldError("/purposes", "missing", "Say what for."))
    begins = [term.moment for term in found if isinstance(term, NotBefore)]
    ends = [term.moment for term in found if isinstance(term, NotAfter)]
    if ends and ends[0] <= now:
        fields.append(FieldError("/not_after", "in_the_past", "This end is past."))
    if begins and ends and ends[0] <= begins[0]:
        fields.append(FieldError("/not_after", "before_beginning", "It ends before it begins."))
    if fields:
        raise TermsInvalid(fields=tuple(fields))
    return Terms(tuple(found))


def read_terms(document: object) -> Terms:
    """Stored terms. Never raises: what can't be read becomes `Unknown`, which denies."""
    if not isinstance(document, Mapping):
        return Terms((Unknown(),))
    found: list[Term] = []
    for name in sorted(document, key=str):
        try:
            found.append(_READERS[name](document[name]))
        except (ValueError, KeyError):
            found.append(Unknown())
    return Terms(tuple(found))
