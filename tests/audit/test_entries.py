"""Ledger entries and chains, without a database."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.entries import GENESIS, ChainBroken, Entry, verify_chain


def chain_of(length: int) -> list[tuple[Entry, str]]:
    found: list[tuple[Entry, str]] = []
    previous = GENESIS
    for sequence in range(1, length + 1):
        entry = Entry(
            chain="cam_a",
            sequence=sequence,
            at="2026-01-01T00:00:00.000000Z",
            kind="grant.created",
            body={"grant": f"grt_{sequence}"},
            previous=previous,
        )
        previous = entry.hash()
        found.append((entry, previous))
    return found


def head_of(chain: list[tuple[Entry, str]]) -> tuple[int, str]:
    return len(chain), chain[-1][1] if chain else GENESIS


def test_a_whole_chain_holds() -> None:
    chain = chain_of(5)
    assert verify_chain("cam_a", chain, head_of(chain)) == 5
    assert verify_chain("cam_a", [], (0, GENESIS)) == 0


def test_the_hash_is_the_leaf_hash_of_rfc_6962() -> None:
    import hashlib

    entry, digest = chain_of(1)[0]
    assert digest == hashlib.sha256(b"\x00" + entry.leaf_bytes()).hexdigest()


@given(st.integers(0, 4), st.sampled_from(["at", "kind", "body", "previous", "sequence", "chain"]))
def test_any_changed_field_is_found(place: int, field: str) -> None:
    chain = chain_of(5)
    entry, digest = chain[place]
    changed: dict[str, Any] = {"sequence": 9, "body": {"grant": "grt_other"}}
    chain[place] = (replace(entry, **{field: changed.get(field, "other")}), digest)
    with pytest.raises(ChainBroken):
        verify_chain("cam_a", chain, head_of(chain_of(5)))


@given(st.integers(0, 4))
def test_a_dropped_entry_is_found(place: int) -> None:
    chain = chain_of(5)
    del chain[place]
    with pytest.raises(ChainBroken):
        verify_chain("cam_a", chain, head_of(chain_of(5)))


@given(st.integers(0, 3))
def test_two_exchanged_entries_are_found(place: int) -> None:
    chain = chain_of(5)
    chain[place], chain[place + 1] = chain[place + 1], chain[place]
    with pytest.raises(ChainBroken):
        verify_chain("cam_a", chain, head_of(chain_of(5)))


def test_a_chain_longer_than_its_head_is_found() -> None:
    chain = chain_of(5)
    with pytest.raises(ChainBroken):
        verify_chain("cam_a", chain, head_of(chain[:4]))


def test_an_entry_rewritten_with_its_hash_is_found_by_the_next() -> None:
    chain = chain_of(3)
    forged = replace(chain[1][0], body={"grant": "grt_forged"})
    chain[1] = (forged, forged.hash())
    with pytest.raises(ChainBroken) as found:
        verify_chain("cam_a", chain, head_of(chain_of(3)))
    assert found.value.sequence == 3
