from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import InvalidInput
from identity.capture.script import generate_script, script_bits, told_apart_bits
from identity.types import Kind, Script

nonces = st.binary(min_size=16, max_size=64)


def told_apart(script: Script) -> tuple[tuple[object, ...], ...]:
    """What a checker can tell apart of a script."""
    return tuple((p.kind, p.direction, p.count) for p in script.prompts)


@given(nonces)
def test_a_nonce_always_gives_the_same_script(nonce: bytes) -> None:
    assert generate_script(nonce) == generate_script(nonce)


@given(nonces)
def test_a_script_keeps_the_rules(nonce: bytes) -> None:
    script = generate_script(nonce)
    first, *others = script.prompts
    assert (first.kind, first.start, first.end) == (Kind.HOLD, 0.0, 1.0)
    assert 10.0 <= script.seconds <= 14.0
    turns = [p for p in others if p.kind is Kind.TURN]
    assert len(turns) == 4
    assert all(a.direction is not b.direction for a, b in pairwise(turns))
    assert all(1.4 <= round(p.end - p.start, 6) <= 2.0 for p in turns)
    kinds = Counter(p.kind for p in others)
    assert (kinds[Kind.BLINK], kinds[Kind.OPEN_MOUTH]) == (1, 1)
    for before, after in pairwise(script.prompts):
        assert 0.1 < after.start - before.end < 0.4


@given(nonces)
def test_a_script_is_one_that_a_file_could_hold(nonce: bytes) -> None:
    script = generate_script(nonce)
    assert Script.from_json(script.to_json()) == script


def test_scripts_have_at_least_twelve_bits() -> None:
    assert script_bits() >= 12
    assert told_apart_bits() >= 12


def test_every_draw_is_as_likely() -> None:
    """Counts of 6,000 scripts lie within five standard deviations of what is expected."""
    scripts = [generate_script(k.to_bytes(16, "big")) for k in range(6000)]
    first = Counter(next(p.direction for p in s.prompts if p.direction) for s in scripts)
    blinks = Counter(next(p.count for p in s.prompts if p.count) for s in scripts)
    places = Counter([p.kind for p in s.prompts].index(Kind.BLINK) for s in scripts)
    for counts, ways in ((first, 4), (blinks, 2), (places, 6)):
        expected = 6000 / ways
        assert len(counts) == ways
        assert all(
            abs(n - expected) < 5 * (expected * (1 - 1 / ways)) ** 0.5 for n in counts.values()
        )


def test_thousands_of_sessions_hardly_ever_get_the_same_script() -> None:
    scripts = Counter(told_apart(generate_script(k.to_bytes(16, "big"))) for k in range(3000))
    assert len(scripts) > 2000
    assert max(scripts.values()) <= 8


def test_a_short_nonce_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        generate_script(b"short")
    assert caught.value.code == "nonce_too_short"
