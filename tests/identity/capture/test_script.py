from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import InvalidInput
from identity.capture.script import Without, generate_script, script_bits, told_apart_bits
from identity.prompts import Direction, Kind, Script

nonces = st.binary(min_size=16, max_size=64)


KINDS = (None, Without.LIGHT, Without.MOTION)
withouts = st.sampled_from(KINDS)


def told_apart(script: Script) -> tuple[tuple[object, ...], ...]:
    """What a checker can tell apart of a script."""
    return tuple((p.kind, p.direction, p.count, p.colours) for p in script.prompts)


@given(nonces, withouts)
def test_a_nonce_always_gives_the_same_script(nonce: bytes, without: Without | None) -> None:
    assert generate_script(nonce, without) == generate_script(nonce, without)


@given(nonces, withouts)
def test_a_script_keeps_the_rules(nonce: bytes, without: Without | None) -> None:
    script = generate_script(nonce, without)
    first, *others = script.prompts
    assert (first.kind, first.start, first.end) == (Kind.HOLD, 0.0, 1.0)
    assert 10.0 <= script.seconds <= 14.0
    turns = [p for p in others if p.kind is Kind.TURN]
    assert len(turns) == {None: 2, "light": 4, "motion": 0}[without]
    assert all(a.direction is not b.direction for a, b in pairwise(turns))
    to_a_side = {Direction.LEFT, Direction.RIGHT} & {p.direction for p in turns}
    assert bool(to_a_side) == bool(turns)
    assert all(1.4 <= round(p.end - p.start, 6) <= 2.0 for p in turns)
    kinds = Counter(p.kind for p in others)
    assert (kinds[Kind.BLINK], kinds[Kind.OPEN_MOUTH]) == (1, 1)
    assert kinds[Kind.LIGHT] == {None: 1, "light": 0, "motion": 2}[without]
    for before, after in pairwise(script.prompts):
        assert 0.1 < after.start - before.end < 0.4


@given(nonces, st.sampled_from([None, Without.MOTION]))
def test_light_shows_five_or_six_colours_for_0_8_s_each(
    nonce: bytes, without: Without | None
) -> None:
    lights = [p for p in generate_script(nonce, without).prompts if p.kind is Kind.LIGHT]
    assert all(5 <= len(p.colours) <= 6 for p in lights)
    assert all(round(p.end - p.start, 6) == round(0.8 * len(p.colours), 6) for p in lights)
    shown = [colour for p in lights for colour in p.colours]
    assert all(one != other for one, other in pairwise(shown))


@given(nonces, withouts)
def test_a_script_is_one_that_a_file_could_hold(nonce: bytes, without: Without | None) -> None:
    script = generate_script(nonce, without)
    assert Script.from_json(script.to_json()) == script


def test_scripts_with_light_have_at_least_twenty_bits_and_those_without_twelve() -> None:
    for without, least in ((None, 20), (Without.LIGHT, 12), (Without.MOTION, 20)):
        assert script_bits(without) >= least
        assert told_apart_bits(without) >= least


@pytest.mark.parametrize("without", KINDS)
def test_every_draw_is_as_likely(without: Without | None) -> None:
    """Counts of 6,000 scripts lie within five standard deviations of what is expected."""
    scripts = [generate_script(k.to_bytes(16, "big"), without) for k in range(6000)]
    blinks = Counter(next(p.count for p in s.prompts if p.count) for s in scripts)
    places = Counter([p.kind for p in s.prompts].index(Kind.BLINK) for s in scripts)
    counted: list[tuple[Counter[object], int]] = [
        (Counter(blinks), 2),
        (Counter(places), len(scripts[0].prompts) - 1),
    ]
    if without is not Without.MOTION:
        turns = Counter(tuple(p.direction for p in s.prompts if p.direction) for s in scripts)
        counted.append((Counter(turns), 10 if without is None else 106))
    if without is not Without.LIGHT:
        lights = [next(p.colours for p in s.prompts if p.colours) for s in scripts]
        counted.append((Counter(light[0] for light in lights), 6))
        counted.append((Counter(light[:2] for light in lights), 30))
        if without is None:
            counted.append((Counter(len(light) for light in lights), 2))
    for counts, ways in counted:
        expected = 6000 / ways
        assert len(counts) == ways
        assert all(
            abs(n - expected) < 5 * (expected * (1 - 1 / ways)) ** 0.5 for n in counts.values()
        )


def test_the_bits_are_those_of_the_likeliest_script_with_light() -> None:
    """Counted by hand: 60 orders, 2 counts, 10 pairs of turns, 2 lengths, 6 · 5⁴ colours."""
    assert 2 ** script_bits() == pytest.approx(60 * 2 * 10 * 2 * 3750)


def test_thousands_of_sessions_hardly_ever_get_the_same_script() -> None:
    scripts = Counter(told_apart(generate_script(k.to_bytes(16, "big"))) for k in range(3000))
    assert len(scripts) > 2990
    motion = (generate_script(k.to_bytes(16, "big"), Without.LIGHT) for k in range(3000))
    without_light = Counter(told_apart(script) for script in motion)
    assert len(without_light) > 2000
    assert max(without_light.values()) <= 8


def test_a_short_nonce_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        generate_script(b"short")
    assert caught.value.code == "nonce_too_short"
