"""Whether anything was permitted after an acknowledged end of it; pure.

For each register and each set of values that permit, the moments are found at which it *may*
have held one of them: from the beginning of every operation that wrote one, until a later
operation that wrote another has answered. What is left out is certain: an end was acknowledged,
and nothing that could restore it had begun. A claim is a violation if no moment between its
question and its answer is left at which all that it needs may have been so; or, of a token, if
none is that reaches back to its issue without a break.

Doubt is for the service throughout: an unsure operation may have had its effect at any time
since it began, and never counts as an end.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import permutations

from tests.interleaving.history import (
    Claim,
    Done,
    History,
    Outcome,
    Register,
    Span,
    Write,
    at_first,
)

Moments = tuple[tuple[float, float], ...]
"""Closed spans, in order, none touching the next."""

ACTIVE = frozenset({"active"})
USABLE = frozenset({"usable"})
OFF = frozenset({"off"})
ON = frozenset({"on"})
OPEN = frozenset({"open"})
ASKING = frozenset({"open", "asks"})
APPROVED = frozenset({"approved"})
NAMED = frozenset({"granted", "mutuals", "anyone"})
MUTUALS = frozenset({"mutuals"})
ANYONE = frozenset({"anyone"})
WITH_IDS = frozenset({"grant", "block", "friends", "approval"})


@dataclass(frozen=True, slots=True)
class Violation:
    """A claim that nothing allowed any more.

    Attributes:
        lacking: registers that could hold no permitting value at any moment of the claim, or
            empty where each could, but not all at once.
    """

    done: Done
    lacking: tuple[Register, ...]


def violations(history: History) -> tuple[Violation, ...]:
    """Every claim of `history` that followed an acknowledged end of what it needs."""
    possible = _Possible(history)
    claims = (done for done in history.done if done.claim is not None)
    return tuple(found for done in claims if (found := possible.judge(done)) is not None)


@dataclass(slots=True)
class _Possible:
    """What may have been when, worked out once for each register and set of values."""

    history: History
    _written: dict[Register, list[tuple[Done, Write]]] = field(init=False)
    _named: dict[Register, set[Register]] = field(init=False)
    _moments: dict[tuple[Register, frozenset[str]], Moments] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._written = defaultdict(list)
        self._named = defaultdict(set)
        for done in self.history.done:
            if done.outcome is Outcome.REFUSED:
                continue
            for write in done.writes:
                self._write(done, write)

    def _write(self, done: Done, write: Write) -> None:
        register = write.register
        if register[0] in WITH_IDS and register not in self._written:
            self._named[register[:-1]].add(register)
            if register[0] == "block":
                # Until it was made, it blocked nobody.
                before = Write(register, "off")
                self._written[register].append((at_first(before), before))
        self._written[register].append((done, write))

    def judge(self, done: Done) -> Violation | None:
        claim = done.claim
        if claim is None:
            return None
        earliest = done.began if claim.issued is None else min(claim.issued[0], done.began)
        window = (float(earliest), float(done.ended))
        allowed = self._allowed(claim, window)
        for span in allowed:
            asked = claim.issued is None or _meet(span, claim.issued)
            if asked and _meet(span, done.span):
                return None
        return Violation(done, tuple(self._lacking(claim, done.span)))

    def _allowed(self, claim: Claim, window: tuple[float, float]) -> Moments:
        found: Moments = (window,)
        for register, values in self._conditions(claim):
            found = _both(found, self._within(register, values, window))
        for cameo in claim.cameos:
            if self.history.owners[cameo] != claim.requester:
                found = _both(found, self._covered(claim, cameo, window))
        return found

    def _conditions(self, claim: Claim) -> Iterable[tuple[Register, frozenset[str]]]:
        """What must be so whatever covers the requester."""
        yield ("generator", claim.generator), USABLE
        owners = {self.history.owners[cameo] for cameo in claim.cameos}
        for cameo in claim.cameos:
            owner = self.history.owners[cameo]
            yield ("state", cameo), ACTIVE
            if owner != claim.requester:
                yield ("restrictions", cameo), ASKING
        for one, other in permutations(sorted(owners | {claim.requester}), 2):
            if one in owners:
                for block in self._named.get(("block", one, other), ()):
                    yield block, OFF

    def _covered(self, claim: Claim, cameo: str, window: tuple[float, float]) -> Moments:
        """When a grant or the audience may have covered the requester."""
        owner = self.history.owners[cameo]
        asked = ("approval", cameo, claim.requester, claim.generator, claim.request)
        approved = self._any(asked, APPROVED, window)
        named = self._within(("audience", cameo), NAMED, window)
        ways: list[Moments] = [self._within(("audience", cameo), ANYONE, window)]
        friends = self._any(("friends", *sorted((owner, claim.requester))), ON, window)
        ways.append(_both(self._within(("audience", cameo), MUTUALS, window), friends))
        grant = ("grant", cameo, claim.requester)
        ways.append(_both(named, self._any(grant, OPEN, window)))
        ways.append(_both(_both(named, self._any(grant, ASKING, window)), approved))
        restrictions = self._within(("restrictions", cameo), OPEN, window)
        return _both(_either(ways), _either([restrictions, approved]))

    def _any(self, pair: Register, values: frozenset[str], window: tuple[float, float]) -> Moments:
        """When any one of what has ids of its own may have held one of the values."""
        return _either(
            self._within(register, values, window) for register in self._named.get(pair, ())
        )

    def _lacking(self, claim: Claim, span: Span) -> Iterable[Register]:
        window = (float(span[0]), float(span[1]))
        for register, values in self._conditions(claim):
            if not self._within(register, values, window):
                yield register
        for cameo in claim.cameos:
            foreign = self.history.owners[cameo] != claim.requester
            if foreign and not self._covered(claim, cameo, window):
                yield ("covered", cameo, claim.requester)

    def _within(
        self, register: Register, values: frozenset[str], window: tuple[float, float]
    ) -> Moments:
        key = (register, values)
        if key not in self._moments:
            self._moments[key] = moments(self._written.get(register, ()), values)
        found = self._moments[key]
        first = bisect_left(found, window[0], key=lambda span: span[1])
        last = bisect_right(found, window[1], key=lambda span: span[0])
        return tuple(
            (max(span[0], window[0]), min(span[1], window[1])) for span in found[first:last]
        )


def moments(written: Sequence[tuple[Done, Write]], values: frozenset[str]) -> Moments:
    """When a register may have held one of `values`, from all that was written to it.

    A value may be there from the beginning of the operation that wrote it, until the first
    answer of one that began after that operation's own answer and certainly wrote another.
    """
    ends = sorted(
        done.span
        for done, write in written
        if write.value not in values and done.outcome is Outcome.DONE and not write.implied
    )
    final = min(
        (
            done.ended
            for done, write in written
            if write.final and write.value not in values and done.outcome is Outcome.DONE
        ),
        default=math.inf,
    )
    soonest: list[float] = [math.inf] * (len(ends) + 1)
    for place in range(len(ends) - 1, -1, -1):
        soonest[place] = min(soonest[place + 1], ends[place][1])
    spans: list[tuple[float, float]] = []
    for done, write in written:
        if write.value not in values:
            continue
        answered = done.ended if done.outcome is Outcome.DONE else math.inf
        after = bisect_right(ends, answered, key=lambda span: span[0])
        until = min(soonest[after], final)
        if until >= done.began:
            spans.append((float(done.began), until))
    return _merged(spans)


def _merged(spans: Iterable[tuple[float, float]]) -> Moments:
    found: list[tuple[float, float]] = []
    for begin, end in sorted(spans):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((begin, end))
    return tuple(found)


def _either(many: Iterable[Moments]) -> Moments:
    return _merged(span for spans in many for span in spans)


def _both(one: Moments, other: Moments) -> Moments:
    found = []
    here = there = 0
    while here < len(one) and there < len(other):
        begin = max(one[here][0], other[there][0])
        end = min(one[here][1], other[there][1])
        if begin <= end:
            found.append((begin, end))
        if one[here][1] < other[there][1]:
            here += 1
        else:
            there += 1
    return tuple(found)


def _meet(span: tuple[float, float], other: Span) -> bool:
    return span[0] <= other[1] and other[0] <= span[1]
