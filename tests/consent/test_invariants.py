"""Random histories through the door: what PostgreSQL then permits is what the model permits.

After each step the decision is asked about everybody's use of everybody's likeness, alone and
together, and so are bulk and search (invariants 1, 2, 4 and, one after the other, 7). That it
holds with several at once is tests/interleaving's business; replay (invariant 6) is that of
`consent.replaying`.
"""

from __future__ import annotations

from contextlib import ExitStack, suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.models import User
from common.errors import CameoError
from consent.interface import (
    DecisionRequest,
    Effect,
    accept_friendship,
    accept_guardianship,
    ask_friendship,
    ask_guardian,
    block_account,
    change_grant,
    co_approve_grant,
    create_grant,
    decide_for,
    end_friendship,
    end_guardianship,
    evaluate_many,
    lift_block,
    set_audience,
    set_restrictions,
    who_may_use,
    whom_may_i_use,
    withdraw_grant,
)
from consent.models import Approval, Tally
from consent.searching import Template
from identity.models import Cameo
from tests.consent.conftest import NOW, cameo_of, generator, user
from tests.consent.kept import KeptWorld, Shape
from tests.reference.changes import WIDTHS, text
from tests.reference.differential import told
from tests.reference.model import World, answer

PEOPLE = ("alice", "bob", "carol", "dave")
OWNERS = ("alice", "bob", "carol")
BORN = {"carol": date(2012, 5, 18), "dave": date(1980, 1, 1)}
"""Carol comes of age a day after the histories begin; Dave is her guardian."""
EVERY = 4
"""Searches are compared after every so many steps."""
UNKNOWN: World = {"active": True, "of_age_on": None, "adult_on": None, "guarded": False}

people = st.sampled_from(PEOPLE)
owners = st.sampled_from(OWNERS)
others = st.integers(1, 3)
picks = st.integers(0, 10**6)
shapes = st.sampled_from(
    [
        {"purpose": "personal", "labels": [], "inputs": False, "count": 1},
        {"purpose": "personal", "labels": ["violence"], "inputs": False, "count": 2},
        {"purpose": "parody", "labels": [], "inputs": True, "count": 1},
    ]
)


@st.composite
def terms(draw: st.DrawFn, now: datetime) -> World:
    """Terms that can be granted at `now`."""
    later = now + draw(st.sampled_from([timedelta(microseconds=1), timedelta(hours=1)]))
    some: World = draw(
        st.sampled_from(
            [
                {},
                {},
                {"not_after": text(later)},
                {"not_before": text(later)},
                {"max_uses": 1},
                {"max_uses_per_day": 1},
                {"approval_each_time": True},
                {"generators": ["gen"]},
                {"generators": {"refuse": ["gen"]}},
                {"max_outputs": 1, "attribution": True},
                {"forbid_labels": ["violence"]},
                {"co_appear": "friends"},
                {"co_appear": "nobody", "price": {"amount": 5, "currency": "EUR"}},
                {"remix": False},
            ]
        )
    )
    purposes = draw(st.sampled_from([["personal"], ["parody", "personal"]]))
    return {**some, "purposes": purposes}


def born(name: str) -> World:
    """What a date of birth means: birthdays count from when they have begun everywhere."""
    if name not in BORN:
        return dict(UNKNOWN)
    day = datetime(BORN[name].year, BORN[name].month, BORN[name].day, 12, tzinfo=UTC)
    ages = {key: day.replace(year=day.year + years) for key, years in _AGES.items()}
    return {**UNKNOWN, **ages}


_AGES = {"of_age_on": 16, "adult_on": 18}


class Histories(RuleBasedStateMachine):
    """Alice, Bob and Carol own a likeness, Dave asks as well; each does what people do."""

    def __init__(self) -> None:
        super().__init__()
        self.undo = ExitStack()
        self.undo.enter_context(transaction.atomic())
        # Whether a person showed themselves lately is identity's to know; here it is drawn.
        self.shown = True
        shown = patch("consent.restricting.stepped_up", lambda **_: self.shown)
        self.undo.enter_context(shown)
        self.now = NOW
        self.checked = 0
        self.shape: Shape = {"purpose": "personal", "labels": [], "inputs": False, "count": 1}
        self.id = {name: user(name).id for name in PEOPLE}
        for name, day in BORN.items():
            User.objects.filter(id=self.id[name]).update(birth_date=day)
        self.cameo = {name: cameo_of(User.objects.get(id=self.id[name])) for name in OWNERS}
        self.guardianship: str | None = None
        self.friendships: dict[tuple[str, str], str] = {}
        self.blocks: dict[tuple[str, str], str] = {}
        self.kept = KeptWorld(
            {self.id[name]: born(name) for name in PEOPLE},
            {self.cameo[name]: self.id[name] for name in OWNERS},
            generator("gen").client_id,
        )

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.undo.close()

    def pair(self, one: str, step: int) -> tuple[str, str]:
        """Ids of somebody and somebody else."""
        return self.id[one], self.id[PEOPLE[(PEOPLE.index(one) + step) % len(PEOPLE)]]

    def pick(self, known: Any, number: int) -> Any:
        # In the order they came: ids are random, and a history must run the same way again.
        return list(known)[number % len(known)]

    @initialize(kind=st.sampled_from(["granted", "mutuals", "anyone"]), guarded=st.booleans())
    def some_trust_some(self, kind: str, guarded: bool) -> None:
        """A history begins with something that can be taken away."""
        self.narrow_or_widen("alice", kind, shown=True)
        self.befriend("alice", 1)
        self.grant_to("alice", 1, {"purposes": ["personal"], "max_uses": 2}, widen=True)
        asks = {"purposes": ["personal", "parody"], "approval_each_time": True}
        self.grant_to("bob", 3, asks, widen=True)
        if guarded:
            self.guard(stands=True)
            self.grant_to("carol", 3, {"purposes": ["personal"]}, widen=True)

    @rule(owner=owners, step=others, data=st.data(), widen=st.booleans())
    def grant(self, owner: str, step: int, data: st.DataObject, widen: bool) -> None:
        self.grant_to(owner, step, data.draw(terms(self.now)), widen=widen)

    def grant_to(self, owner: str, step: int, said: World, *, widen: bool) -> None:
        by, grantee = self.pair(owner, step)
        cameo = self.cameo[owner]
        with suppress(CameoError):
            made = create_grant(
                cameo=cameo, grantee=grantee, terms=said, now=self.now, by=by, widen_audience=widen
            )
            adult_on = self.kept.accounts[by]["adult_on"]
            self.kept.grants[made.id] = {
                "cameo": cameo,
                "grantee": grantee,
                "terms": said,
                "while_minor": adult_on is not None and self.now < adult_on,
                "co_approved": False,
                "version": 1,
            }
            if self.kept.cameos[cameo]["audience"] == "only_me":
                self.kept.cameos[cameo]["audience"] = "granted"

    @precondition(lambda self: self.kept.grants)
    @rule(number=picks, data=st.data())
    def regrant(self, number: int, data: st.DataObject) -> None:
        name = self.pick(self.kept.grants, number)
        grant, said = self.kept.grants[name], data.draw(terms(self.now))
        with suppress(CameoError):
            by = self.kept.owner(grant["cameo"])
            made = change_grant(grant=name, terms=said, now=self.now, by=by)
            if made.version != grant["version"]:
                adult_on = self.kept.accounts[by]["adult_on"]
                minor = adult_on is not None and self.now < adult_on
                grant |= {"terms": said, "version": made.version}
                grant |= {"co_approved": False, "while_minor": grant["while_minor"] or minor}

    @precondition(lambda self: self.kept.grants)
    @rule(number=picks)
    def withdraw(self, number: int) -> None:
        name = self.pick(self.kept.grants, number)
        by = self.kept.owner(self.kept.grants[name]["cameo"])
        withdraw_grant(grant=name, now=self.now, by=by)
        del self.kept.grants[name]

    @precondition(lambda self: self.kept.grants)
    @rule(number=picks)
    def co_approve(self, number: int) -> None:
        name = self.pick(self.kept.grants, number)
        grant = self.kept.grants[name]
        with suppress(CameoError):
            co_approve_grant(
                grant=name,
                decision="approve",
                version=grant["version"],
                now=self.now,
                by=self.id["dave"],
            )
            grant |= {"co_approved": True, "while_minor": True}

    @rule(owner=owners, kind=st.sampled_from(WIDTHS), shown=st.booleans())
    def narrow_or_widen(self, owner: str, kind: str, shown: bool) -> None:
        self.shown = shown
        known = self.kept.cameos[self.cameo[owner]]
        with suppress(CameoError):
            set_audience(cameo=self.cameo[owner], audience=kind, now=self.now, by=self.id[owner])
            assert shown or WIDTHS.index(kind) <= WIDTHS.index(known["audience"])
            known["audience"] = kind
        self.shown = True

    @rule(owner=owners, data=st.data(), names_purposes=st.booleans(), none=st.booleans())
    def restrict(self, owner: str, data: st.DataObject, names_purposes: bool, none: bool) -> None:
        said = {} if none else data.draw(terms(self.now))
        if not names_purposes:
            said.pop("purposes", None)
        with suppress(CameoError):
            set_restrictions(cameo=self.cameo[owner], terms=said, now=self.now, by=self.id[owner])
            self.kept.cameos[self.cameo[owner]]["restrictions"] = said

    @rule(one=people, step=others)
    def block(self, one: str, step: int) -> None:
        blocker, blocked = self.pair(one, step)
        with suppress(CameoError):
            made = block_account(account=blocked, now=self.now, by=blocker)
            self.blocks[blocker, blocked] = made.id
            self.kept.blocks.add((blocker, blocked))

    @precondition(lambda self: self.blocks)
    @rule(number=picks)
    def lift(self, number: int) -> None:
        pair = self.pick(self.blocks, number)
        lift_block(block=self.blocks.pop(pair), now=self.now, by=pair[0])
        self.kept.blocks.discard(pair)

    @rule(one=people, step=others)
    def befriend(self, one: str, step: int) -> None:
        asker, asked = self.pair(one, step)
        with suppress(CameoError):
            made = ask_friendship(account=asked, now=self.now, by=asker)
            accept_friendship(friendship=made.id, now=self.now, by=asked)
            if frozenset((asker, asked)) not in self.kept.friends:
                self.friendships[asker, asked] = made.id
            self.kept.friends.add(frozenset((asker, asked)))

    @precondition(lambda self: self.friendships)
    @rule(number=picks, first=st.booleans())
    def end(self, number: int, first: bool) -> None:
        pair = self.pick(self.friendships, number)
        by = pair[0 if first else 1]
        with suppress(CameoError):
            end_friendship(friendship=self.friendships[pair], now=self.now, by=by)
            del self.friendships[pair]
            self.kept.friends.discard(frozenset(pair))

    @rule(stands=st.booleans())
    def guard(self, stands: bool) -> None:
        carol, dave = self.id["carol"], self.id["dave"]
        with suppress(CameoError):
            if stands:
                made = ask_guardian(guardian=dave, now=self.now, by=carol)
                accept_guardianship(guardianship=made.id, now=self.now, by=dave)
                self.guardianship = made.id
            elif self.guardianship is not None:
                end_guardianship(guardianship=self.guardianship, now=self.now, by=carol)
                self.guardianship = None
            else:
                return
            self.kept.accounts[carol]["guarded"] = stands

    @rule(owner=owners, state=st.sampled_from(["active"] * 4 + ["suspended", "erased"]))
    def cameo_becomes(self, owner: str, state: str) -> None:
        Cameo.objects.filter(id=self.cameo[owner]).update(state=state)
        self.kept.cameos[self.cameo[owner]]["state"] = state

    @rule(name=st.sampled_from(["alice", "bob"]), is_open=st.sampled_from([True, True, False]))
    def account_is(self, name: str, is_open: bool) -> None:
        User.objects.filter(id=self.id[name]).update(is_active=is_open)
        self.kept.accounts[self.id[name]]["active"] = is_open

    @precondition(lambda self: self.kept.grants)
    @rule(number=picks)
    def use(self, number: int) -> None:
        name = self.pick(self.kept.grants, number)
        for subject in (name, self.kept.grants[name]["cameo"]):
            used = self.kept.uses.setdefault(subject, [])
            used.append(self.now)
            today = sum(moment.date() == self.now.date() for moment in used)
            Tally.objects.update_or_create(
                subject=subject,
                defaults={"uses": len(used), "day": self.now.date(), "uses_of_day": today},
            )

    @rule(owner=owners, step=others, lasts=st.sampled_from([0, 1, 3600]))
    def approve(self, owner: str, step: int, lasts: int) -> None:
        by, requester = self.pair(owner, step)
        cameo = self.cameo[owner]
        render, _ = self.kept.of(requester, (cameo,), self.shape, self.now)
        key, until = (cameo, requester, render.digest()), self.now + timedelta(seconds=lasts)
        found, _ = Approval.objects.update_or_create(
            cameo_id=cameo,
            requester_id=requester,
            generator=self.kept.generator,
            request_hash=render.digest(),
            defaults={
                "owner_id": by, "request": render.document(), "state": "approved",
                "asked": self.now, "expires": until,
            },
        )  # fmt: skip
        self.kept.approvals[key] = {"id": found.id, "until": until}

    @rule(shape=shapes)
    def ask_otherwise(self, shape: Shape) -> None:
        self.shape = shape

    @rule(hours=st.sampled_from([0.5, 1, 12, 24]))
    def wait(self, hours: float) -> None:
        self.now += timedelta(hours=hours)

    @rule()
    def wait_a_tick(self) -> None:
        self.now += timedelta(microseconds=1)

    @invariant()
    def everybody_is_answered_as_the_model_answers(self) -> None:
        alone = {(self.id[name], (self.cameo[owner],)) for name in PEOPLE for owner in OWNERS}
        together = {(self.id[name], tuple(self.cameo.values())) for name in PEOPLE}
        effects: dict[tuple[str, tuple[str, ...]], Effect] = {}
        asked: list[DecisionRequest] = []
        decisions = []
        for requester, cameos in sorted(alone | together):
            render, plain = self.kept.of(requester, cameos, self.shape, self.now)
            decision = decide_for(
                generator=self.kept.generator, requester=requester, request=render, now=self.now
            )
            assert told(decision) == answer(plain), plain
            effects[requester, cameos] = decision.effect
            asked.append(DecisionRequest(requester, self.kept.generator, self.now, render))
            decisions.append(decision)
        assert list(evaluate_many(asked)) == decisions
        self.checked += 1
        if self.checked % EVERY == 0:
            self.searches_find_just_these(effects)

    def searches_find_just_these(self, effects: dict[tuple[str, tuple[str, ...]], Effect]) -> None:
        found = {
            (requester, cameos[0]): effect
            for (requester, cameos), effect in effects.items()
            if len(cameos) == 1
            and effect is not Effect.DENY
            and self.kept.knows_of(requester, cameos[0])
        }
        render, _ = self.kept.of("", (), self.shape, self.now)
        template = Template(render)
        assert found == self.found_by_requesters(template)
        assert found == self.found_by_owners(template)

    def found_by_requesters(self, template: Template) -> dict[tuple[str, str], Effect]:
        pages = [
            whom_may_i_use(
                generator=self.kept.generator, requester=asker, template=template, now=self.now
            )
            for asker in self.id.values()
        ]
        return {
            (match.account, match.cameo): match.decision.effect
            for page in pages
            for match in page.items
        }

    def found_by_owners(self, template: Template) -> dict[tuple[str, str], Effect]:
        pages = [
            who_may_use(
                cameo=self.cameo[owner], by=self.id[owner], generator=self.kept.generator,
                template=template, now=self.now, own=True,
            )
            for owner in OWNERS
        ]  # fmt: skip
        return {
            (match.account, match.cameo): match.decision.effect
            for page in pages
            for match in page.items
        }


def run(examples: int, *, derandomize: bool = False) -> None:
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=examples,
            stateful_step_count=25,
            derandomize=derandomize,
            database=None,
            # A history is short enough to read as it is; shrinking one takes minutes.
            phases=[Phase.explicit, Phase.generate],
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_what_is_permitted_follows_from_what_was_done(db: None) -> None:
    run(examples=8)


def test_histories_find_a_decision_that_ignores_blocks(db: None) -> None:
    with patch("consent.decision._block_faults", lambda *_: ()), pytest.raises(AssertionError):
        run(examples=20, derandomize=True)
