"""Blocks: one-sided, at once, silent; what sleeps under them wakes when they are lifted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

import audit.interface as audit
from accounts.models import User
from consent.interface import (
    block_account,
    decide_for,
    lift_block,
    list_blocks,
    list_friendships,
    list_grants_received,
    read_block,
    read_grant,
)
from consent.models import Block
from tests.consent.between import (
    LATER,
    NOT_ACCOUNTS,
    befriended,
    code_of,
    epochs,
    ledger,
    told,
)
from tests.consent.conftest import NOW, Cast, cameo_of, user


def permitted(cast: Cast, requester: str, *cameos: str) -> bool:
    request = cast.request(likenesses=cameos or (cast.cameo,))
    return decide_for(generator=cast.gen, requester=requester, request=request, now=NOW).permitted


def test_a_block_stops_a_grant_at_once_and_lifting_wakes_it(cast: Cast) -> None:
    grant = cast.grant()
    issued = cast.issue()
    assert permitted(cast, cast.bob)
    block = block_account(account=cast.bob, now=NOW, by=cast.alice)
    assert (block.blocked, block.since, block.lifted, block.state) == (cast.bob, NOW, None, "live")
    assert not permitted(cast, cast.bob)
    assert code_of(lambda: cast.redeem(issued)) in {"consent_changed", "not_permitted"}
    assert code_of(cast.issue) == "not_permitted"
    assert read_grant(grant=grant.id, by=cast.bob).state == "live"
    lifted = lift_block(block=block.id, now=LATER, by=cast.alice)
    assert (lifted.state, lifted.lifted) == ("lifted", LATER)
    assert permitted(cast, cast.bob)
    # What was issued before the block stays dead.
    assert code_of(lambda: cast.redeem(issued)) == "consent_changed"


def test_it_counts_in_the_ledger_and_tells_the_generators(cast: Cast) -> None:
    before = epochs(cast.cameo)
    block = block_account(account=cast.mallory, now=NOW, by=cast.alice)
    assert epochs(cast.cameo) == [before[0] + 1]
    (entry,) = audit.read_chain(cast.cameo)
    body = {"block": block.id, "blocked": cast.mallory, "by": cast.alice}
    assert (entry.kind, entry.body) == ("block.made", body)
    assert told() == [("consent.withdrawn", {"cameo": cast.cameo, "block": block.id})]
    lift_block(block=block.id, now=LATER, by=cast.alice)
    assert epochs(cast.cameo) == [before[0] + 2]
    assert ledger(cast.cameo) == ["block.made", "block.lifted"]


def test_blocking_or_lifting_twice_changes_nothing(cast: Cast) -> None:
    first = block_account(account=cast.mallory, now=NOW, by=cast.alice)
    assert block_account(account=cast.mallory, now=LATER, by=cast.alice) == first
    lifted = lift_block(block=first.id, now=LATER, by=cast.alice)
    assert lift_block(block=first.id, now=LATER + timedelta(1), by=cast.alice) == lifted
    assert ledger(cast.cameo) == ["block.made", "block.lifted"]
    assert len(told()) == 1
    anew = block_account(account=cast.mallory, now=LATER, by=cast.alice)
    assert anew.id != first.id
    assert [one.state for one in list_blocks(blocker=cast.alice).items] == ["live", "lifted"]


def test_who_has_no_cameo_blocks_all_the_same(cast: Cast) -> None:
    block = block_account(account=cast.alice, now=NOW, by=cast.bob)
    lift_block(block=block.id, now=LATER, by=cast.bob)
    assert ledger(audit.SERVICE_CHAIN) == ["block.made", "block.lifted"]
    assert (ledger(cast.cameo), told()) == ([], [])


def test_the_blocked_one_notices_nothing(cast: Cast) -> None:
    """Own cameo, own tokens, own lists: all as before."""
    mallorys = cameo_of(User.objects.get(id=cast.mallory))
    own = cast.request(likenesses=(mallorys,))
    cast.grant(to=cast.mallory)
    befriended(cast.mallory, cast.alice)

    def seen() -> list[Any]:
        return [
            list_friendships(account=cast.mallory),
            list_grants_received(grantee=cast.mallory),
            list_blocks(blocker=cast.mallory),
            epochs(mallorys),
            ledger(mallorys),
            told(mallorys),
            told(cast.mallory),
        ]

    issued = cast.issue(requester=cast.mallory, request=own)
    before = seen()
    block_account(account=cast.mallory, now=NOW, by=cast.alice)
    assert seen() == before
    assert cast.redeem(issued, request=own).id.startswith("lse_")


def test_it_is_one_sided(cast: Cast) -> None:
    mallorys = cameo_of(User.objects.get(id=cast.mallory))
    cast.grant(cameo=mallorys, to=cast.alice, by=cast.mallory)
    cast.grant(to=cast.mallory)
    block_account(account=cast.mallory, now=NOW, by=cast.alice)
    assert not permitted(cast, cast.mallory)
    assert permitted(cast, cast.alice, mallorys)


def test_who_blocked_does_not_appear_beside_the_blocked(cast: Cast) -> None:
    mallorys = cameo_of(User.objects.get(id=cast.mallory))
    cast.grant()
    cast.grant(cameo=mallorys, by=cast.mallory)
    both = cast.request(likenesses=(mallorys, cast.cameo))
    assert permitted(cast, cast.bob, mallorys, cast.cameo)
    issued = cast.issue(request=both)
    block = block_account(account=cast.mallory, now=NOW, by=cast.alice)
    assert not permitted(cast, cast.bob, mallorys, cast.cameo)
    assert permitted(cast, cast.bob)
    assert permitted(cast, cast.bob, mallorys)
    refused = {"consent_changed", "not_permitted"}
    assert code_of(lambda: cast.redeem(issued, request=both)) in refused
    # Lifted or not, what was issued before can't be redeemed: the blocker's epoch went on.
    lift_block(block=block.id, now=NOW, by=cast.alice)
    assert code_of(lambda: cast.redeem(issued, request=both)) == "consent_changed"


@pytest.mark.parametrize("account", NOT_ACCOUNTS)
def test_who_is_not_there_cannot_be_blocked(cast: Cast, account: str) -> None:
    assert code_of(lambda: block_account(account=account, now=NOW, by=cast.bob)) == (
        "person_unknown"
    )
    assert not Block.objects.exists()


def test_oneself_and_closed_accounts_are_refused(cast: Cast) -> None:
    own = code_of(lambda: block_account(account=cast.bob, now=NOW, by=cast.bob))
    assert own == "person_is_oneself"
    User.objects.filter(id=cast.mallory).update(is_active=False)
    closed = code_of(lambda: block_account(account=cast.mallory, now=NOW, by=cast.bob))
    assert closed == "person_unknown"


def test_blocks_are_their_makers_business(cast: Cast) -> None:
    block = block_account(account=cast.mallory, now=NOW, by=cast.alice)
    for person in (cast.mallory, cast.bob):
        for name in (block.id, "blk_" + "a" * 26, "", "blk_\x00", "x" * 9999):
            for action in (
                lambda name=name, person=person: read_block(block=name, by=person),
                lambda name=name, person=person: lift_block(block=name, now=NOW, by=person),
            ):
                assert code_of(action) == "not_found"
        assert list_blocks(blocker=person).items == ()
    assert read_block(block=block.id, by=cast.alice) == block


def test_the_list_is_paged(cast: Cast) -> None:
    people = [user(f"pest{index}").id for index in range(5)]
    for index, person in enumerate(people):
        block_account(account=person, now=NOW + timedelta(seconds=index), by=cast.alice)
    first = list_blocks(blocker=cast.alice, limit=2)
    second = list_blocks(blocker=cast.alice, limit=2, after=first.next)
    third = list_blocks(blocker=cast.alice, limit=2, after=second.next)
    found = [one.blocked for page in (first, second, third) for one in page.items]
    assert (found, third.next) == (people[::-1], None)
    assert list_blocks(blocker=cast.alice, limit=2, before=third.previous) == second
