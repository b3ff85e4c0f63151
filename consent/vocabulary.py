"""Reading terms from JSON: which there are, and what each may say."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from common.clock import from_rfc3339
from common.errors import FieldError
from consent.errors import TermsInvalid
from consent.request import MAX_COUNT, MAX_SECONDS, Label, Purpose
from consent.terms import (
    ApprovalEachTime,
    Attribution,
    CoAppear,
    ForbidLabels,
    Generators,
    MaxDuration,
    MaxOutputs,
    MaxUses,
    MaxUsesPerDay,
    NotAfter,
    NotBefore,
    Note,
    Price,
    Purposes,
    Remix,
    Term,
    Terms,
    Unknown,
    VisibleMark,
)

MAX_USES = 1_000_000
MAX_PRICE = 1_000_000_000
MAX_CLIENTS = 100
MAX_CLIENT = 100
MAX_NOTE = 500
COMPANY = ("anyone", "friends", "nobody")

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)")
_CURRENCY = re.compile(r"[A-Z]{3}")


def _words(value: object, known: frozenset[str], what: str) -> frozenset[str]:
    if not isinstance(value, list) or not value:
        raise ValueError(f"Name one {what} at least, in a list.")
    if not all(isinstance(item, str) and item in known for item in value):
        raise ValueError(f"Known are {', '.join(sorted(known))}.")
    if len(set(value)) != len(value):
        raise ValueError(f"Each {what} may be named once.")
    return frozenset(value)


def _purposes(value: object) -> Purposes:
    return Purposes(_words(value, frozenset(Purpose), "purpose"))


def _forbid_labels(value: object) -> ForbidLabels:
    return ForbidLabels(_words(value, frozenset(Label), "label"))


def _moment(value: object) -> datetime:
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise ValueError("An RFC 3339 time with an offset is taken.")
    try:
        return from_rfc3339(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError("There is no such time.") from error


def _count(value: object, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise ValueError(f"A whole number from 1 to {most} is taken.")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false is taken.")
    return value


def _generators(value: object) -> Generators:
    refused = isinstance(value, dict) and set(value) == {"refuse"}
    names = value["refuse"] if isinstance(value, dict) and refused else value
    if not isinstance(names, list) or not 1 <= len(names) <= MAX_CLIENTS:
        raise ValueError(
            f'A list of 1 to {MAX_CLIENTS} client ids is taken, or {{"refuse": [...]}}.'
        )
    for name in names:
        if not isinstance(name, str) or not 1 <= len(name) <= MAX_CLIENT or not name.isprintable():
            raise ValueError("A generator is named by its client id.")
    if len(set(names)) != len(names):
        raise ValueError("Each generator may be named once.")
    return Generators(frozenset(names), refused)


def _max_duration(value: object) -> MaxDuration:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("A number of seconds is taken.")
    if not math.isfinite(value) or not 0 <= value <= MAX_SECONDS:
        raise ValueError(f"0 to {MAX_SECONDS:.0f} seconds are taken.")
    return MaxDuration(float(value))


def _co_appear(value: object) -> CoAppear:
    if not isinstance(value, str) or value not in COMPANY:
        raise ValueError(f"One of {', '.join(COMPANY)} is taken.")
    return CoAppear(value)


def _price(value: object) -> Price:
    if not isinstance(value, dict) or set(value) != {"amount", "currency"}:
        raise ValueError("An object with amount and currency is taken.")
    if not isinstance(value["currency"], str) or not _CURRENCY.fullmatch(value["currency"]):
        raise ValueError("A currency is three capital letters (ISO 4217).")
    return Price(_count(value["amount"], MAX_PRICE), value["currency"])


def _note(value: object) -> Note:
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_NOTE:
        raise ValueError(f"A text of 1 to {MAX_NOTE} characters is taken.")
    if any(unicodedata.category(char) in ("Cc", "Cf", "Cs") and char != "\n" for char in value):
        raise ValueError("Characters that don't show aren't taken.")
    return Note(value)


READERS: Mapping[str, Callable[[object], Term]] = {
    Purposes.tag: _purposes,
    NotBefore.tag: lambda value: NotBefore(_moment(value)),
    NotAfter.tag: lambda value: NotAfter(_moment(value)),
    MaxUses.tag: lambda value: MaxUses(_count(value, MAX_USES)),
    MaxUsesPerDay.tag: lambda value: MaxUsesPerDay(_count(value, MAX_USES)),
    ApprovalEachTime.tag: lambda value: ApprovalEachTime(_flag(value)),
    Generators.tag: _generators,
    MaxDuration.tag: _max_duration,
    MaxOutputs.tag: lambda value: MaxOutputs(_count(value, MAX_COUNT)),
    ForbidLabels.tag: _forbid_labels,
    CoAppear.tag: _co_appear,
    Remix.tag: lambda value: Remix(_flag(value)),
    Attribution.tag: lambda value: Attribution(_flag(value)),
    VisibleMark.tag: lambda value: VisibleMark(_flag(value)),
    Price.tag: _price,
    Note.tag: _note,
}


def parse_terms(document: object, *, now: datetime) -> Terms:
    """Terms from the JSON object in which somebody grants them (docs/decision.md names all).

    Raises:
        TermsInvalid: for an unknown term, a value that can't be read, no purposes, an end that
            is past at `now`, or an end that isn't after the beginning; each with its field.
    """
    return _parse(document, now, purposes_needed=True)


def parse_restrictions(document: object, *, now: datetime) -> Terms:
    """The same of an owner's restrictions, which may name no purposes, or nothing at all."""
    return _parse(document, now, purposes_needed=False)


def _parse(document: object, now: datetime, *, purposes_needed: bool) -> Terms:
    if not isinstance(document, dict):
        raise TermsInvalid(fields=(FieldError("", "not_an_object", "An object is taken."),))
    fields: list[FieldError] = []
    found: list[Term] = []
    for name in sorted(document):
        if name not in READERS:
            pointer = "/" + name[:40].replace("~", "~0").replace("/", "~1")
            fields.append(FieldError(pointer, "term_unknown", "There is no such term."))
            continue
        try:
            found.append(READERS[name](document[name]))
        except ValueError as error:
            fields.append(FieldError(f"/{name}", "term_invalid", str(error)))
    if purposes_needed and "purposes" not in document:
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
            found.append(READERS[name](document[name]))
        except (ValueError, KeyError):
            found.append(Unknown())
    return Terms(tuple(found))
