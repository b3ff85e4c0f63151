"""Says which of the things that happened answers which prompt.

Each prompt takes an event of its own, prompts of one kind take theirs in the order of the
script, and of the assignments that answer most prompts the one with the events nearest to the
middle of their windows is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from identity.liveness.events import HOLD_SPREAD, Event, Events
from identity.prompts import Direction, Kind, Prompt, Script
from identity.types import MeasuredPrompt

TOLERANCE: Final = 0.7
"""Seconds a window is widened by at both ends: recording and script start at about once."""
ORDER_APART: Final = 0.5
"""Prompts whose windows' middles are this many seconds apart have an order; windows may overlap."""
ORDER_SLACK: Final = 0.1
NEARER_FACTOR: Final = 0.9
NEARER_SECONDS: Final = 0.3
BLOCKED_FACTOR: Final = 1.2
BLOCKED_SECONDS: Final = 0.25
OPPOSITE_FACTOR: Final = 1.3
OPPOSITE_EXTRA: Final = 2.0
ACROSS_FACTOR: Final = 2.0
ACROSS_EXTRA: Final = 5.0
NEARLY: Final = 0.6
"""From this part of the degrees asked for on, a turn is one that didn't go far enough."""

OK: Final = "ok"
NOT_DONE: Final = "not_done"
TOO_SMALL: Final = "too_small"
WRONG_DIRECTION: Final = "wrong_direction"
OUT_OF_ORDER: Final = "out_of_order"
NOT_STILL: Final = "not_still"
NOT_SEEN: Final = "not_seen"

_OPPOSITE: Final = {
    Direction.LEFT: Direction.RIGHT,
    Direction.RIGHT: Direction.LEFT,
    Direction.UP: Direction.DOWN,
    Direction.DOWN: Direction.UP,
}
_ACROSS: Final = {
    Direction.LEFT: (Direction.UP, Direction.DOWN),
    Direction.RIGHT: (Direction.UP, Direction.DOWN),
    Direction.UP: (Direction.LEFT, Direction.RIGHT),
    Direction.DOWN: (Direction.LEFT, Direction.RIGHT),
}


@dataclass(frozen=True, slots=True)
class _Slot:
    """One event that is wanted: a prompt for two blinks makes two."""

    place: int
    low: float
    high: float
    middle: float
    candidates: tuple[Event, ...]


def measure_prompts(script: Script, events: Events) -> tuple[MeasuredPrompt, ...]:
    """Returns how each prompt was answered, in the order of the script.

    Args:
        script: what was asked.
        events: what happened.
    """
    found: dict[int, tuple[Event, ...]] = {}
    for kind in (Kind.TURN, Kind.BLINK, Kind.OPEN_MOUTH):
        found.update(_assign(_slots(script, events, kind)))
    used = {event for answers in found.values() for event in answers}
    measured = [
        _judge(place, prompt, found.get(place, ()), events, used)
        for place, prompt in enumerate(script.prompts)
    ]
    return tuple(_in_order(measured))


def _slots(script: Script, events: Events, kind: Kind) -> list[_Slot]:
    slots = []
    for place, prompt in enumerate(script.prompts):
        if prompt.kind is not kind:
            continue
        low, high = prompt.start - TOLERANCE, prompt.end + TOLERANCE
        inside = tuple(e for e in _wanted(prompt, events) if low <= e.time_s <= high)
        count = prompt.count or 1
        width = (prompt.end - prompt.start) / count
        for k in range(count):
            middle = prompt.start + width * (k + 0.5)
            slots.append(_Slot(place, prompt.start, prompt.end, middle, inside))
    return slots


def _wanted(prompt: Prompt, events: Events) -> Sequence[Event]:
    if prompt.kind is Kind.TURN and prompt.direction is not None:
        enough = prompt.min_degrees or 0.0
        return [e for e in events.turns[prompt.direction] if e.size >= enough]
    return events.blinks if prompt.kind is Kind.BLINK else events.mouths


def _cost(slot: _Slot, event: Event) -> float:
    """Seconds from the window's middle, and twice the seconds outside it."""
    outside = max(slot.low - event.time_s, event.time_s - slot.high, 0.0)
    return abs(event.time_s - slot.middle) + 2 * outside


def _assign(slots: Sequence[_Slot]) -> dict[int, tuple[Event, ...]]:
    """Returns the events of each prompt's place: most slots filled first, then least cost.

    A shortest path over slots in order, the state being the time of the last event taken.
    """
    # Time of the last event taken -> (slots left empty, cost, events taken by place).
    best: dict[float, tuple[int, float, tuple[tuple[int, Event], ...]]] = {
        float("-inf"): (0, 0, ())
    }
    for slot in slots:
        following: dict[float, tuple[int, float, tuple[tuple[int, Event], ...]]] = {}
        for last, (empty, cost, taken) in best.items():
            options = [(last, (empty + 1, cost, taken))]
            options += [
                (e.time_s, (empty, cost + _cost(slot, e), (*taken, (slot.place, e))))
                for e in slot.candidates
                if e.time_s > last
            ]
            for time, option in options:
                if time not in following or option[:2] < following[time][:2]:
                    following[time] = option
        best = following
    taken = min(best.values(), key=lambda option: option[:2])[2]
    places: dict[int, tuple[Event, ...]] = {}
    for place, event in taken:
        places[place] = (*places.get(place, ()), event)
    return places


def _judge(
    place: int, prompt: Prompt, answers: tuple[Event, ...], events: Events, used: set[Event]
) -> MeasuredPrompt:
    if prompt.kind is Kind.HOLD:
        spread = events.neutral.spread
        if spread is None:
            return MeasuredPrompt(prompt, False, (), None, NOT_SEEN)
        still = spread <= HOLD_SPREAD
        return MeasuredPrompt(prompt, still, (), spread, OK if still else NOT_STILL)
    if prompt.kind is Kind.TURN:
        return _judge_turn(prompt, answers, events, used)
    if prompt.kind is Kind.LIGHT:
        # Nothing to do but to be lit: light_response says whether the person was.
        return MeasuredPrompt(prompt, True, (), None, OK)
    times = tuple(event.time_s for event in answers)
    sizes = [event.size for event in answers]
    if prompt.kind is Kind.BLINK:
        done = len(answers) == prompt.count
        return MeasuredPrompt(
            prompt, done, times, max(sizes, default=None), OK if done else NOT_DONE
        )
    return MeasuredPrompt(
        prompt, bool(answers), times, max(sizes, default=None), OK if answers else NOT_DONE
    )


def _judge_turn(
    prompt: Prompt, answers: tuple[Event, ...], events: Events, used: set[Event]
) -> MeasuredPrompt:
    """A turn counts when it was the movement there, not one beside a larger other one."""
    if prompt.direction is None or prompt.min_degrees is None:
        return MeasuredPrompt(prompt, False, (), None, NOT_DONE)
    opposite = _largest(prompt, _OPPOSITE[prompt.direction], events, used)
    across = max(_largest(prompt, side, events, used) for side in _ACROSS[prompt.direction])
    if answers:
        event = answers[0]
        wrong = (
            opposite > event.size * OPPOSITE_FACTOR + OPPOSITE_EXTRA
            or across > event.size * ACROSS_FACTOR + ACROSS_EXTRA
            or _nearer_opposite(prompt, event, events, used)
        )
        why = OK
        if wrong:
            why = WRONG_DIRECTION
        elif _blocked(prompt, event, prompt.direction, events, used):
            why = OUT_OF_ORDER
        return MeasuredPrompt(prompt, why == OK, (event.time_s,), event.size, why)
    own = [
        event
        for event in events.turns[prompt.direction]
        if prompt.start - TOLERANCE <= event.time_s <= prompt.end + TOLERANCE and event not in used
    ]
    furthest = max(own, key=lambda event: event.size, default=None)
    size = furthest.size if furthest is not None else 0.0
    why = NOT_DONE
    if max(opposite, across) >= max(size, NEARLY * prompt.min_degrees):
        why = WRONG_DIRECTION
    elif size >= prompt.min_degrees:
        why = OUT_OF_ORDER
    elif size >= NEARLY * prompt.min_degrees:
        why = TOO_SMALL
    times = () if furthest is None else (furthest.time_s,)
    return MeasuredPrompt(prompt, False, times, None if furthest is None else size, why)


def _largest(prompt: Prompt, side: Direction, events: Events, used: set[Event]) -> float:
    """Degrees of the largest turn to that side inside the window that answers no prompt."""
    inside = [
        event.size
        for event in events.turns[side]
        if prompt.start <= event.time_s <= prompt.end and event not in used
    ]
    return max(inside, default=0.0)


def _nearer_opposite(prompt: Prompt, taken: Event, events: Events, used: set[Event]) -> bool:
    """Whether a turn the other way, as large, stands nearer to the middle of the window."""
    if prompt.direction is None:
        return False
    reach = abs(taken.time_s - _middle(prompt)) - NEARER_SECONDS
    return any(
        event.size >= NEARER_FACTOR * taken.size and abs(event.time_s - _middle(prompt)) <= reach
        for event in events.turns[_OPPOSITE[prompt.direction]]
        if event not in used
    )


def _blocked(
    prompt: Prompt, taken: Event, side: Direction, events: Events, used: set[Event]
) -> bool:
    """Whether the natural answer was another, larger turn, which only the order forbade."""
    middle = _middle(prompt)
    reach = abs(taken.time_s - middle) + BLOCKED_SECONDS
    return any(
        event.size > BLOCKED_FACTOR * taken.size
        and prompt.start - TOLERANCE <= event.time_s <= prompt.end + TOLERANCE
        and abs(event.time_s - middle) <= reach
        for event in events.turns[side]
        if event not in used
    )


def _middle(prompt: Prompt) -> float:
    return (prompt.start + prompt.end) / 2


def _in_order(measured: Sequence[MeasuredPrompt]) -> list[MeasuredPrompt]:
    """Refuses an answer that comes before the answer to a prompt that was to come first."""
    result = list(measured)
    for j, later in enumerate(measured):
        for earlier in measured[:j]:
            apart = _middle(earlier.prompt) + ORDER_APART <= _middle(later.prompt)
            if not (apart and earlier.found and later.found and earlier.times and later.times):
                continue
            if earlier.times[0] > later.times[-1] + ORDER_SLACK:
                result[j] = MeasuredPrompt(
                    later.prompt, False, later.times, later.measured, OUT_OF_ORDER
                )
    return result
