"""What would change if I saved this: just what changes once it is saved; nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from common.errors import CameoError, InvalidInput, NotFound
from consent import comparing
from consent.blocking import block_account
from consent.comparing import (
    Blocking,
    Change,
    NewGrant,
    ToAudience,
    ToRestrictions,
    ToTerms,
    Withdrawal,
    probe,
)
from consent.interface import (
    Comparison,
    Difference,
    Effect,
    Purpose,
    change_grant,
    compare,
    create_grant,
    decide_for,
    parse_change,
    set_audience,
    withdraw_grant,
)
from consent.models import Audience, Friendship, Grant, Restrictions
from consent.restricting import set_restrictions
from consent.vocabulary import parse_restrictions, parse_terms
from identity.models import Cameo
from tests.consent.conftest import NOW, SECOND, Cast, user
from tests.consent.populations import RESTRICTIONS, TERMS, Population, population
from tests.consent.test_searching import befriend, open_to

SEEDS = 200
GROUP = 100
PERMIT, PENDING, DENY = Effect.PERMIT, Effect.PENDING, Effect.DENY

Effects = dict[tuple[str, str], Effect]
Apply = Callable[[], object]


def effects(world: Population, cameo: str, generator: str) -> Effects:
    """What each is answered now, for every purpose."""
    return {
        (account, purpose.value): decide_for(
            generator=generator,
            requester=account,
            request=probe(cameo, purpose.value),
            now=NOW,
        ).effect
        for account in world.people
        for purpose in Purpose
    }


def _pick(random: Random, world: Population, owner: str) -> tuple[Change, Apply]:
    """A change of the owner's, and how it is saved."""
    cameo = world.cameos[owner]
    now, other = NOW, random.choice([one for one in world.people if one != owner])
    document = random.choice([terms for terms in TERMS if "from_a_newer_version" not in terms])
    document = {name: value for name, value in document.items() if name != "not_after"}
    terms = parse_terms(document, now=now)
    grants = list(Grant.objects.filter(cameo_id=cameo, withdrawn=None).order_by("grantee_id"))
    restrictions = random.choice(RESTRICTIONS)
    audience = random.choice(["only_me", "granted", "mutuals", "anyone"])
    choices: list[tuple[Change, Apply]] = [
        (
            ToAudience(audience),
            lambda: set_audience(cameo=cameo, audience=audience, now=now, by=owner),
        ),
        (
            ToRestrictions(parse_restrictions(restrictions, now=now)),
            lambda: set_restrictions(cameo=cameo, terms=restrictions, now=now, by=owner),
        ),
        (Blocking(other), lambda: block_account(account=other, now=now, by=owner)),
        (
            NewGrant(other, terms),
            lambda: create_grant(
                cameo=cameo, grantee=other, terms=document, now=now, by=owner, widen_audience=True
            ),
        ),
    ]
    if grants:
        grant = random.choice(grants).id
        choices += [
            (Withdrawal(grant), lambda: withdraw_grant(grant=grant, now=now, by=owner)),
            (
                ToTerms(grant, terms),
                lambda: change_grant(grant=grant, terms=document, now=now, by=owner),
            ),
        ]
    return random.choice(choices)


def _holds(seed: int) -> int:
    random = Random(seed)
    with population(seed) as world:
        if not world.cameos:
            return 0
        owner = random.choice(sorted(world.cameos))
        cameo, generator = world.cameos[owner], world.generators[0]
        change, save = _pick(random, world, owner)
        before = effects(world, cameo, generator)
        try:
            found = compare(cameo=cameo, change=change, now=NOW, by=owner, generator=generator)
        except CameoError as error:
            with pytest.raises(type(error)):
                save()
            return 0
        assert effects(world, cameo, generator) == before
        try:
            save()
        except CameoError:
            # Who may save it at all (a closed account, say) isn't what is compared.
            return 0
        after = effects(world, cameo, generator)
        changes = {
            (item.account, item.purpose): (item.before, item.after)
            for item in found.items
            if item.account is not None
        }
        strangers = {
            item.purpose: (item.before, item.after) for item in found.items if item.account is None
        }
        assert len(changes) == len([item for item in found.items if item.account is not None])
        for key, effect in after.items():
            # What this finds of people whom the owner doesn't know stands under None.
            if key in changes:
                assert changes[key] == (before[key], effect), (seed, change, key)
            elif effect is not before[key]:
                assert strangers[key[1]] == (before[key], effect), (seed, change, key)
        return len(changes)


@pytest.mark.parametrize("first", range(0, SEEDS, GROUP))
def test_it_says_just_what_saving_it_changes(
    db: None, first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consent.restricting.stepped_up", lambda **_: True)
    assert sum(_holds(seed) for seed in range(first, first + GROUP)) > 0


def difference(cast: Cast, change: Change, **changes: Any) -> Comparison:
    given: dict[str, Any] = {"cameo": cast.cameo, "change": change, "now": NOW, "by": cast.alice}
    return compare(**(given | {"generator": cast.gen} | changes))


def terms(**document: Any) -> Any:
    return parse_terms({"purposes": ["personal"], **document}, now=NOW)


def test_a_new_grant_gains_its_purposes(cast: Cast) -> None:
    found = difference(cast, NewGrant(cast.bob, terms()))
    item = Difference(cast.bob, cast.gen, "personal", DENY, PERMIT)
    assert found == Comparison((item,), truncated=False)
    assert not Grant.objects.exists()


def test_a_new_grant_that_would_wake_others_names_them(cast: Cast) -> None:
    cast.grant(to=cast.mallory)
    set_audience(cameo=cast.cameo, audience="only_me", now=NOW, by=cast.alice)
    found = difference(cast, NewGrant(cast.bob, terms()))
    assert {item.account for item in found.items} == {cast.bob, cast.mallory}


def test_a_withdrawal_loses_them(cast: Cast) -> None:
    grant = cast.grant(terms={"purposes": ["personal", "news"]})
    found = difference(cast, Withdrawal(grant.id))
    assert [(item.account, item.purpose) for item in found.items] == [
        (cast.bob, "personal"),
        (cast.bob, "news"),
    ]
    assert {(item.before, item.after) for item in found.items} == {(PERMIT, DENY)}
    withdraw_grant(grant=grant.id, now=NOW, by=cast.alice)
    assert difference(cast, Withdrawal(grant.id)).items == ()


def test_other_terms_gain_and_lose(cast: Cast) -> None:
    grant = cast.grant(terms={"purposes": ["news", "personal"]})
    change = ToTerms(grant.id, parse_terms({"purposes": ["parody", "personal"]}, now=NOW))
    found = {item.purpose: (item.before, item.after) for item in difference(cast, change).items}
    assert found == {"news": (PERMIT, DENY), "parody": (DENY, PERMIT)}


def test_asking_each_time_turns_permits_into_pending(cast: Cast) -> None:
    cast.grant()
    (item,) = difference(cast, ToRestrictions(terms(approval_each_time=True))).items
    assert (item.before, item.after) == (PERMIT, PENDING)
    assert not Restrictions.objects.exists()


def test_an_opened_audience_lets_in_friends_and_people_nobody_knows(cast: Cast) -> None:
    befriend(cast.alice, cast.bob)
    mutuals = difference(cast, ToAudience("mutuals")).items
    assert {item.account for item in mutuals} == {cast.bob}
    anyone = difference(cast, ToAudience("anyone")).items
    assert {item.account for item in anyone} == {cast.bob, None}
    assert {item.after for item in anyone} == {PERMIT}
    assert not Audience.objects.exists()


def test_a_block_takes_from_the_blocked_alone(cast: Cast) -> None:
    cast.grant()
    cast.grant(to=cast.mallory)
    found = difference(cast, Blocking(cast.bob))
    assert {item.account for item in found.items} == {cast.bob}


def test_a_block_of_somebody_whom_the_audience_let_in_is_seen(cast: Cast) -> None:
    open_to(cast.cameo, "anyone")
    found = difference(cast, Blocking(cast.mallory))
    assert {item.account for item in found.items} == {cast.mallory}


def test_without_a_generator_those_are_asked_that_used_it_lately(cast: Cast) -> None:
    grant = cast.grant()
    change = Withdrawal(grant.id)
    assert [item.generator for item in difference(cast, change, generator=None).items] == [None]
    cast.redeem(cast.issue())
    later = {"generator": None, "now": NOW + SECOND}
    assert [item.generator for item in difference(cast, change, **later).items] == [cast.gen]
    long_after = {"generator": None, "now": NOW + timedelta(days=200)}
    assert [item.generator for item in difference(cast, change, **long_after).items] == [None]


def test_a_generator_that_no_terms_name_stands_for_any(cast: Cast) -> None:
    cast.grant()
    refused = ToRestrictions(parse_terms({"purposes": ["personal"], "generators": ["x"]}, now=NOW))
    (item,) = difference(cast, refused, generator=None).items
    assert (item.before, item.after) == (PERMIT, DENY)


def test_more_people_than_are_looked_at_are_told_of(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing, "MAX_ACCOUNTS", 2)
    for number in range(3):
        cast.grant(to=user(f"friend{number}").id)
    found = difference(cast, ToAudience("only_me"))
    assert found.truncated
    assert len(found.items) == 2


def test_it_only_reads(cast: Cast) -> None:
    grant = cast.grant()
    for change in (Withdrawal(grant.id), NewGrant(cast.mallory, terms()), Blocking(cast.bob)):
        with CaptureQueriesContext(connection) as queries:
            difference(cast, change)
        statements = [query["sql"].lstrip().lower() for query in queries.captured_queries]
        assert statements
        assert all(sql.startswith(("select", "with")) for sql in statements)


def test_what_saving_would_refuse_is_refused(cast: Cast) -> None:
    grant = cast.grant()
    for change, code in (
        (NewGrant(cast.alice, terms()), "grantee_is_owner"),
        (NewGrant("acc_" + "b" * 26, terms()), "grantee_unknown"),
        (NewGrant(cast.bob, terms()), "grant_exists"),
        (Withdrawal("grt_" + "b" * 26), "not_found"),
        (ToTerms("grt_" + "b" * 26, terms()), "not_found"),
    ):
        with pytest.raises(CameoError) as raised:
            difference(cast, change)
        assert raised.value.code == code
    with pytest.raises(CameoError):
        difference(cast, Blocking(cast.alice))
    withdraw_grant(grant=grant.id, now=NOW, by=cast.alice)
    with pytest.raises(CameoError) as withdrawn:
        difference(cast, ToTerms(grant.id, terms()))
    assert withdrawn.value.code == "grant_withdrawn"
    Cameo.objects.update(state="erased")
    with pytest.raises(CameoError) as erased:
        difference(cast, ToAudience("granted"))
    assert erased.value.code == "cameo_not_enrolled"


def test_only_the_owner_may_ask(cast: Cast) -> None:
    cast.grant()
    for changes in ({"by": cast.bob}, {"cameo": "cam_" + "b" * 26}, {"cameo": "nonsense"}):
        with pytest.raises(NotFound):
            difference(cast, ToAudience("only_me"), **changes)


def test_a_grant_of_another_owner_isnt_there(cast: Cast) -> None:
    from tests.consent.conftest import make_cast

    other = make_cast("2", cast)
    grant = other.grant()
    with pytest.raises(NotFound):
        difference(cast, Withdrawal(grant.id))


GRANT = "grt_" + "a" * 26
ACCOUNT = "acc_" + "a" * 26


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        ({"audience": "granted"}, ToAudience),
        ({"restrictions": {}}, ToRestrictions),
        ({"grant": GRANT, "terms": {"purposes": ["news"]}}, ToTerms),
        ({"grantee": ACCOUNT, "terms": {"purposes": ["news"]}}, NewGrant),
        ({"withdraw": GRANT}, Withdrawal),
        ({"block": ACCOUNT}, Blocking),
    ],
)
def test_changes_are_read(document: dict[str, Any], kind: type) -> None:
    assert isinstance(parse_change(document, now=NOW), kind)


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "audience",
        7,
        {},
        {"audience": "everybody"},
        {"audience": None},
        {"audience": ["granted"]},
        {"audience": "granted", "block": ACCOUNT},
        {"grant": GRANT},
        {"terms": {"purposes": ["news"]}},
        {"grant": GRANT, "terms": None},
        {"grant": GRANT, "terms": {}},
        {"grant": ACCOUNT, "terms": {"purposes": ["news"]}},
        {"grantee": GRANT, "terms": {"purposes": ["news"]}},
        {"grantee": 7, "terms": {"purposes": ["news"]}},
        {"restrictions": []},
        {"restrictions": {"no_such": 1}},
        {"withdraw": "x" * 5000},
        {"block": {}},
        {"surprise": 1},
    ],
)
def test_what_is_no_change_is_refused(document: object) -> None:
    with pytest.raises(InvalidInput):
        parse_change(document, now=NOW)


def test_a_fault_points_to_where_it_is() -> None:
    with pytest.raises(InvalidInput) as raised:
        parse_change({"grant": GRANT, "terms": {"purposes": ["x"]}}, now=NOW)
    assert [field.pointer for field in raised.value.fields] == ["/terms/purposes"]


def test_friends_are_looked_at_too(cast: Cast) -> None:
    befriend(cast.alice, cast.bob)
    open_to(cast.cameo, "mutuals")
    found = difference(cast, ToAudience("granted"))
    assert {item.account for item in found.items} == {cast.bob}
    assert Friendship.objects.count() == 1
