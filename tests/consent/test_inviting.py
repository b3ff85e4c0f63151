"""Invites: four codes, each for one friend, kept nowhere."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

import audit.interface as audit
from accounts.models import User
from common.canonical import sha256_hex
from common.errors import Unauthenticated
from consent.interface import (
    InviteRecord,
    ask_friendship,
    block_account,
    lift_block,
    list_friendships,
    list_invites,
    redeem_invite,
    revoke_invite,
)
from consent.models import Friendship, Invite
from events.models import Event
from tests.consent.between import LATER, NOBODY, befriended, code_of, epochs, ledger, told
from tests.consent.conftest import NOW, Cast, user

CODE = re.compile(r"(?:[0-9A-HJKMNP-TV-Z]{4}-){4}[0-9A-HJKMNP-TV-Z]{4}")


def invites(cast: Cast) -> tuple[InviteRecord, ...]:
    return list_invites(inviter=cast.alice, now=NOW)


def code(cast: Cast, place: int = 0) -> str:
    text = invites(cast)[place].code
    assert text is not None
    return text


def redeem(cast: Cast, text: str, by: str | None = None) -> Any:
    return redeem_invite(code=text, now=LATER, by=by or cast.bob)


def test_everybody_has_four_for_good(cast: Cast) -> None:
    mine = invites(cast)
    codes = {one.code or "" for one in mine}
    assert len(mine) == len(codes) == 4
    assert all(CODE.fullmatch(text) for text in codes)
    assert {one.state for one in mine} == {"open"}
    assert list_invites(inviter=cast.alice, now=LATER) == mine
    assert not codes & {one.code for one in list_invites(inviter=cast.bob, now=NOW)}
    revoke_invite(invite=mine[0].id, now=LATER, by=cast.alice)
    redeem(cast, code(cast, 1))
    assert sorted(one.state for one in invites(cast)) == ["open", "open", "revoked", "used"]


def test_a_code_is_kept_and_shown_nowhere_else(cast: Cast) -> None:
    shown = code(cast)
    (row,) = (row for row in Invite.objects.all() if row.id == invites(cast)[0].id)
    plain = shown.replace("-", "")
    assert row.digest == sha256_hex(plain.encode())
    stored = repr(list(Invite.objects.values_list())) + repr(invites(cast))
    redeem(cast, shown)
    stored += repr(list(Event.objects.values_list())) + repr(audit.read_chain(cast.cameo))
    for text in (shown, plain, plain.lower()):
        assert text not in stored
    assert invites(cast)[0].code is None


def test_a_code_makes_friends_once(cast: Cast) -> None:
    before = epochs(cast.cameo)
    mine = invites(cast)[0]
    friends = redeem(cast, mine.code or "")
    assert (friends.account, friends.friend, friends.asked_by) == (
        cast.bob,
        cast.alice,
        cast.alice,
    )
    assert (friends.state, friends.asked, friends.accepted) == ("accepted", LATER, LATER)
    assert epochs(cast.cameo) == [before[0] + 1]
    (entry,) = audit.read_chain(cast.cameo)
    assert (entry.kind, entry.body["invite"]) == ("friendship.accepted", mine.id)
    assert [kind for kind, _ in told()] == ["friendship.accepted"] * 2
    used = invites(cast)[0]
    assert (used.id, used.state, used.used, used.used_by) == (mine.id, "used", LATER, cast.bob)
    for person in (cast.bob, cast.mallory):
        again = code_of(lambda person=person: redeem(cast, mine.code or "", person))
        assert again == "invite_unknown"


@pytest.mark.parametrize(
    "rewrite",
    [
        str.lower,
        lambda text: text.replace("-", ""),
        lambda text: f" {text.replace('-', ' ')}\n",
        lambda text: text.replace("1", "l").replace("0", "o"),
        lambda text: text.replace("1", "I").replace("0", "O"),
        lambda text: "-".join(text),
    ],
)
def test_a_code_may_be_written_in_many_ways(cast: Cast, rewrite: Any) -> None:
    for place in range(4):
        assert redeem(cast, rewrite(code(cast, place)), user(f"p{place}").id).state == "accepted"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "0" * 19,
        "0" * 21,
        "0000-0000-0000-0000-0000",
        "U" * 20,
        "0" * 19 + "é",
        "٠" * 20,
        "ı" * 20,
        "\x00" * 20,
        "0000-0000-0000-0000-000\x00",
        "0" * 1_000_000,
        "-" * 1_000_000,
        "inv_" + "a" * 26,
    ],
)
def test_what_is_no_code_is_refused(cast: Cast, text: str) -> None:
    invites(cast)
    assert code_of(lambda: redeem(cast, text)) == "invite_unknown"


def test_whatever_the_reason_the_refusal_is_the_same(cast: Cast) -> None:
    codes = [code(cast, place) for place in range(4)]
    redeem(cast, codes[0], user("first").id)
    revoke_invite(invite=invites(cast)[1].id, now=NOW, by=cast.alice)
    closed = list_invites(inviter=cast.mallory, now=NOW)[0].code or ""
    User.objects.filter(id=cast.mallory).update(is_active=False)
    for text in (codes[0], codes[1], closed):
        assert code_of(lambda text=text: redeem(cast, text)) == "invite_unknown"
    for blocker, blocked in ((cast.alice, cast.bob), (cast.bob, cast.alice)):
        block = block_account(account=blocked, now=NOW, by=blocker)
        assert code_of(lambda: redeem(cast, codes[2])) == "invite_unknown"
        lift_block(block=block.id, now=NOW, by=blocker)
    # None of this used it up.
    assert redeem(cast, codes[2]).state == "accepted"


def test_ones_own_code_is_for_others(cast: Cast) -> None:
    assert code_of(lambda: redeem(cast, code(cast), cast.alice)) == "person_is_oneself"
    assert invites(cast)[0].state == "open"
    assert not Friendship.objects.exists()


def test_friends_do_not_use_a_code_up(cast: Cast) -> None:
    friends = befriended(cast.bob, cast.alice)
    assert redeem(cast, code(cast)).id == friends.id
    assert invites(cast)[0].state == "open"
    assert ledger(cast.cameo) == ["friendship.accepted"]


@pytest.mark.parametrize("asker", ["alice", "bob"])
def test_a_code_answers_an_open_ask(cast: Cast, asker: str) -> None:
    one, other = (cast.alice, cast.bob) if asker == "alice" else (cast.bob, cast.alice)
    asked = ask_friendship(account=other, now=NOW, by=one)
    friends = redeem(cast, code(cast))
    assert (friends.id, friends.state, friends.asked_by) == (asked.id, "accepted", one)
    assert len(list_friendships(account=cast.alice).items) == 1


def test_revoking(cast: Cast) -> None:
    first, second = invites(cast)[:2]
    revoked = revoke_invite(invite=first.id, now=LATER, by=cast.alice)
    assert (revoked.state, revoked.revoked, revoked.code) == ("revoked", LATER, None)
    again = revoke_invite(invite=first.id, now=LATER + timedelta(1), by=cast.alice)
    assert again == revoked
    redeem(cast, second.code or "")
    used = code_of(lambda: revoke_invite(invite=second.id, now=LATER, by=cast.alice))
    assert used == "invite_used"


def test_nobody_revokes_anothers(cast: Cast) -> None:
    for name in (invites(cast)[0].id, "inv_" + "a" * 26, "", "inv_\x00", "x" * 9999):
        refused = code_of(lambda name=name: revoke_invite(invite=name, now=NOW, by=cast.bob))
        assert refused == "not_found"
    assert invites(cast)[0].state == "open"


def test_who_is_not_there_has_none(cast: Cast) -> None:
    with pytest.raises(Unauthenticated):
        list_invites(inviter=NOBODY, now=NOW)
    assert not Invite.objects.exists()


def test_a_code_that_would_not_work_is_not_shown(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    invites(cast)
    monkeypatch.setattr("consent.inviting._INFO", b"another deployment's keyring")
    assert {(one.code, one.state) for one in invites(cast)} == {(None, "open")}
