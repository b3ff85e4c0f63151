"""Minors: what is permitted of them follows their age, their guardian, and the guardian's word."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pytest_django.fixtures import Settings

import audit.interface as audit
from accounts.models import User
from audit.models import LedgerEntry
from common.errors import CameoError
from consent.decision import Effect
from consent.interface import (
    accept_guardianship,
    ask_guardian,
    co_approve_grant,
    decide_for,
    declare_birth_date,
    end_guardianship,
    list_grants_to_co_approve,
    mend_birth_date,
    withdraw_grant,
)
from consent.models import Grant
from events.models import Event
from identity.models import Cameo
from tests.consent.conftest import NOW, SECOND, Cast, cameo_of, user

LATER = NOW + SECOND
TICK = timedelta(microseconds=1)
MINOR = "2013-08-23"
SIXTEEN, EIGHTEEN = (datetime(year, 8, 23, 12, tzinfo=UTC) for year in (2029, 2031))


@dataclass(frozen=True)
class Family:
    """Alice, who is a minor, and Carol, who is asked to stand by her."""

    cast: Cast
    carol: str
    guardianship: str

    def accept(self, **changes: Any) -> Any:
        given: dict[str, Any] = {"guardianship": self.guardianship, "now": NOW, "by": self.carol}
        return accept_guardianship(**(given | changes))

    def end(self, **changes: Any) -> Any:
        given: dict[str, Any] = {"guardianship": self.guardianship, "now": NOW, "by": self.carol}
        return end_guardianship(**(given | changes))

    def approve(self, grant: str, **changes: Any) -> Any:
        given: dict[str, Any] = {"grant": grant, "decision": "approve", "version": 1}
        return co_approve_grant(**(given | {"now": NOW, "by": self.carol} | changes))

    def decline(self, grant: str, **changes: Any) -> Any:
        return self.approve(grant, **({"decision": "decline", "version": None} | changes))


def grown_up(name: str) -> str:
    row = user(name)
    User.objects.filter(id=row.id).update(birth_date=date(1990, 1, 1))
    return row.id


def make_family(cast: Cast, *, accepted: bool = True) -> Family:
    declare_birth_date(birth_date=MINOR, now=NOW, by=cast.alice)
    carol = grown_up("carol")
    asked = ask_guardian(guardian=carol, now=NOW, by=cast.alice)
    family = Family(cast, carol, asked.id)
    if accepted:
        family.accept()
    return family


@pytest.fixture
def family(cast: Cast) -> Family:
    return make_family(cast)


def effect(cast: Cast, who: str | None = None, now: datetime = NOW) -> Effect:
    """What `who` (the owner herself, where nobody is named) would be answered."""
    return decide_for(
        generator=cast.gen, requester=who or cast.alice, request=cast.request(), now=now
    ).effect


def epoch(cast: Cast) -> int:
    return Cameo.objects.get(id=cast.cameo).epoch


def kinds(chain: str) -> list[str]:
    entries = LedgerEntry.objects.filter(chain_id=chain).order_by("sequence")
    return [entry.kind for entry in entries]


def code_of(action: Any) -> str:
    with pytest.raises(CameoError) as refused:
        action()
    return refused.value.code


def test_a_minor_is_permitted_nothing_without_a_guardian(cast: Cast) -> None:
    assert effect(cast) is Effect.PERMIT
    family = make_family(cast, accepted=False)
    assert effect(cast) is Effect.DENY
    family.accept()
    assert effect(cast) is Effect.PERMIT
    assert effect(cast, now=SIXTEEN - TICK) is Effect.DENY
    assert effect(cast, now=SIXTEEN) is Effect.PERMIT


@pytest.mark.parametrize("side", ["carol", "alice"])
def test_an_ended_guardianship_denies_at_once(family: Family, side: str) -> None:
    cast = family.cast
    family.approve(cast.grant().id)
    assert effect(cast, cast.bob) is Effect.PENDING
    family.end(by=family.carol if side == "carol" else cast.alice)
    assert effect(cast) is Effect.DENY
    assert effect(cast, cast.bob) is Effect.DENY
    # What was decided at 18 needs nobody.
    assert effect(cast, now=EIGHTEEN) is Effect.PERMIT


def test_a_guardian_whose_account_is_closed_is_none(family: Family) -> None:
    User.objects.filter(id=family.carol).update(is_active=False)
    assert effect(family.cast) is Effect.DENY


def test_every_change_counts_and_the_same_again_does_not(cast: Cast) -> None:
    family, first = make_family(cast, accepted=False), epoch(cast)
    declare_birth_date(birth_date=MINOR, now=NOW, by=cast.alice)
    assert epoch(cast) == first
    for action, counted in ((family.accept, 1), (family.accept, 1), (family.end, 2)):
        action()
        assert epoch(cast) == first + counted
    family.end()
    assert epoch(cast) == first + 2
    assert code_of(family.accept) == "guardianship_ended"


def test_a_date_of_birth_is_declared_by_its_account_once(cast: Cast) -> None:
    before = epoch(cast)
    declare_birth_date(birth_date=MINOR, now=NOW, by=cast.alice)
    assert epoch(cast) == before + 1
    for other in ("2000-01-01", "2013-08-24"):
        given: Any = {"birth_date": other, "now": NOW, "by": cast.alice}
        assert code_of(lambda given=given: declare_birth_date(**given)) == "birth_date_declared"
    for wrong in ("2013-02-30", 20130823, None, "2031-01-01", ""):
        given = {"birth_date": wrong, "now": NOW, "by": cast.alice}
        assert code_of(lambda given=given: declare_birth_date(**given)) == "birth_date_invalid"
    User.objects.filter(id=cast.bob).update(is_active=False)
    given = {"birth_date": MINOR, "now": NOW, "by": cast.bob}
    assert code_of(lambda: declare_birth_date(**given)) == "unauthenticated"
    assert epoch(cast) == before + 1


def test_staff_mends_somebody_elses_date_and_nobody_else_does(cast: Cast) -> None:
    declare_birth_date(birth_date=MINOR, now=NOW, by=cast.alice)
    sam = user("sam")
    User.objects.filter(id=sam.id).update(is_staff=True)
    given: Any = {"account": cast.alice, "birth_date": "2000-01-01", "now": NOW}
    for person in (cast.alice, cast.mallory, "", "acc_" + "a" * 26, "nul\x00"):
        assert code_of(lambda by=person: mend_birth_date(**given, by=by)) == "not_staff"
    own: Any = given | {"account": sam.id, "by": sam.id}
    assert code_of(lambda: mend_birth_date(**own)) == "not_staff"
    before = epoch(cast)
    mend_birth_date(**given, by=sam.id)
    assert (effect(cast), epoch(cast)) == (Effect.PERMIT, before + 1)
    mend_birth_date(**(given | {"birth_date": None}), by=sam.id)
    assert User.objects.get(id=cast.alice).birth_date is None
    wrong: Any = given | {"birth_date": "2000-02-30", "by": sam.id}
    assert code_of(lambda: mend_birth_date(**wrong)) == "birth_date_invalid"
    for nobody in ("acc_" + "a" * 26, "nul\x00", ""):
        gone: Any = given | {"account": nobody, "by": sam.id}
        assert code_of(lambda gone=gone: mend_birth_date(**gone)) == "not_found"
    User.objects.filter(id=sam.id).update(is_active=False)
    assert code_of(lambda: mend_birth_date(**given, by=sam.id)) == "not_staff"


def test_the_ledger_and_the_outbox_tell_who_and_never_when_somebody_was_born(
    cast: Cast,
) -> None:
    family = make_family(cast)
    family.end(by=cast.alice)
    assert kinds(cast.cameo) == ["guardian.asked", "guardian.accepted", "guardian.ended"]
    assert kinds(audit.SERVICE_CHAIN) == ["account.birth_date_declared"]
    last = LedgerEntry.objects.get(kind="guardian.ended")
    sides = {"guardianship": family.guardianship, "minor": cast.alice, "guardian": family.carol}
    assert last.body == {**sides, "by": cast.alice}
    told = Event.objects.filter(kind__startswith="guardian.")
    assert [event.subject for event in told] == [cast.alice] * 3
    assert [event.data for event in told] == [sides] * 3
    text = str([entry.body for entry in LedgerEntry.objects.all()]) + str(
        [event.data for event in Event.objects.all()]
    )
    assert "2013" not in text
    assert audit.verify_all() == {cast.cameo: 3, audit.SERVICE_CHAIN: 1}


def test_who_has_no_cameo_yet_is_remembered_by_the_service(cast: Cast) -> None:
    Cameo.objects.filter(id=cast.cameo).update(state="erased")
    make_family(cast)
    assert kinds(audit.SERVICE_CHAIN) == [
        "account.birth_date_declared",
        "guardian.asked",
        "guardian.accepted",
    ]
    assert kinds(cast.cameo) == []


def test_nobody_accepts_for_somebody_else(cast: Cast) -> None:
    family, mallory = make_family(cast, accepted=False), grown_up("mallory2")
    for person in (mallory, cast.alice, cast.bob, "", "nul\x00"):
        assert code_of(lambda by=person: family.accept(by=by)) == "not_found"
    for person in (mallory, cast.bob, ""):
        assert code_of(lambda by=person: family.end(by=by)) == "not_found"
    assert effect(cast) is Effect.DENY


def test_a_guardian_who_is_a_minor_cannot_accept(cast: Cast) -> None:
    declare_birth_date(birth_date=MINOR, now=NOW, by=cast.alice)
    declare_birth_date(birth_date="2012-05-18", now=NOW, by=cast.mallory)
    asked = ask_guardian(guardian=cast.mallory, now=NOW, by=cast.alice)
    given: Any = {"guardianship": asked.id, "by": cast.mallory}
    birthday = datetime(2030, 5, 18, 12, tzinfo=UTC)
    for moment in (NOW, birthday - TICK):
        assert code_of(lambda m=moment: accept_guardianship(**given, now=m)) == "guardian_not_adult"
    assert accept_guardianship(**given, now=birthday).state == "accepted"


def test_a_grant_waits_for_the_guardian(family: Family) -> None:
    cast = family.cast
    grant = cast.grant()
    assert effect(cast, cast.bob) is Effect.DENY
    (waiting,) = list_grants_to_co_approve(guardian=family.carol, now=NOW).items
    assert (waiting.grant.id, waiting.co_approved) == (grant.id, None)
    before = epoch(cast)
    approved = family.approve(grant.id, now=LATER)
    assert approved.co_approved == LATER
    assert epoch(cast) == before + 1
    # The strict set still asks for an approval each time.
    assert effect(cast, cast.bob) is Effect.PENDING
    assert list_grants_to_co_approve(guardian=family.carol, now=NOW).items == ()
    assert family.approve(grant.id, now=LATER + SECOND) == approved
    assert epoch(cast) == before + 1
    assert kinds(cast.cameo)[-1] == "grant.co_approved"
    entry = LedgerEntry.objects.get(kind="grant.co_approved")
    assert (entry.body["by"], entry.body["version"]) == (family.carol, 1)
    told = Event.objects.get(kind="consent.co_approved")
    assert (told.subject, told.data["grant"]) == (cast.cameo, grant.id)


def test_declining_withdraws_before_and_after_an_approval(family: Family) -> None:
    cast = family.cast
    first = cast.grant()
    declined = family.decline(first.id, now=LATER)
    assert (declined.grant.state, declined.grant.withdrawn) == ("withdrawn", LATER)
    assert family.decline(first.id, now=LATER + SECOND) == declined
    assert code_of(lambda: family.approve(first.id)) == "grant_withdrawn"
    second = cast.grant()
    family.approve(second.id)
    before = epoch(cast)
    family.decline(second.id)
    assert (effect(cast, cast.bob), epoch(cast)) == (Effect.DENY, before + 1)
    withdrawn = LedgerEntry.objects.filter(kind="grant.withdrawn").order_by("sequence")
    assert [entry.body["by"] for entry in withdrawn] == [family.carol] * 2
    assert Event.objects.filter(kind="consent.withdrawn").count() == 2


def test_only_what_was_read_is_approved(family: Family) -> None:
    grant = family.cast.grant()
    Grant.objects.filter(id=grant.id).update(version=2)
    assert code_of(lambda: family.approve(grant.id)) == "grant_changed"
    for wrong in ({"version": None}, {"decision": "yes"}, {"decision": ""}):
        assert code_of(lambda wrong=wrong: family.approve(grant.id, **wrong)) == "invalid_input"
    assert effect(family.cast, family.cast.bob) is Effect.DENY
    assert family.approve(grant.id, version=2).co_approved == NOW


def test_a_grant_of_an_erased_cameo_can_only_be_declined(family: Family) -> None:
    grant = family.cast.grant()
    Cameo.objects.filter(id=family.cast.cameo).update(state="erased")
    assert list_grants_to_co_approve(guardian=family.carol, now=NOW).items == ()
    assert code_of(lambda: family.approve(grant.id)) == "cameo_not_enrolled"
    assert family.decline(grant.id).grant.state == "withdrawn"


def test_to_anybody_but_the_guardian_the_grant_is_not_there(family: Family) -> None:
    cast, fake = family.cast, grown_up("fake")
    grant = cast.grant().id
    # Fake stands by somebody, only not by Alice.
    other = user("other").id
    declare_birth_date(birth_date=MINOR, now=NOW, by=other)
    asked = ask_guardian(guardian=fake, now=NOW, by=other)
    accept_guardianship(guardianship=asked.id, now=NOW, by=fake)
    for person in (fake, cast.mallory, cast.alice, cast.bob, "", "nul\x00"):
        for action in (family.approve, family.decline):
            assert code_of(lambda a=action, by=person: a(grant, by=by)) == "not_found"
        assert list_grants_to_co_approve(guardian=person, now=NOW).items == ()
    for unknown in ("grt_" + "a" * 26, "nul\x00", ""):
        assert code_of(lambda u=unknown: family.approve(u)) == "not_found"
    assert code_of(lambda: family.approve(grant, now=EIGHTEEN)) == "not_found"
    assert list_grants_to_co_approve(guardian=family.carol, now=EIGHTEEN).items == ()
    family.end()
    assert code_of(lambda: family.approve(grant)) == "not_found"
    assert list_grants_to_co_approve(guardian=family.carol, now=NOW).items == ()


def test_who_was_only_asked_decides_nothing(cast: Cast) -> None:
    grant = cast.grant().id
    family = make_family(cast, accepted=False)
    assert code_of(lambda: family.approve(grant)) == "not_found"
    assert list_grants_to_co_approve(guardian=family.carol, now=NOW).items == ()


def test_a_grant_from_before_an_age_was_known_waits_too_and_ends_at_18(cast: Cast) -> None:
    grant = cast.grant().id
    family = make_family(cast)
    assert effect(cast, cast.bob) is Effect.DENY
    family.approve(grant)
    assert Grant.objects.get(id=grant).while_minor
    assert effect(cast, cast.bob) is Effect.PENDING
    assert effect(cast, cast.bob, now=EIGHTEEN) is Effect.DENY
    assert effect(cast, now=EIGHTEEN) is Effect.PERMIT


def test_what_waits_is_listed_in_pages_of_all_ones_minors(family: Family) -> None:
    cast = family.cast
    other = user("other")
    cameo = cameo_of(other)
    declare_birth_date(birth_date=MINOR, now=NOW, by=other.id)
    asked = ask_guardian(guardian=family.carol, now=NOW, by=other.id)
    accept_guardianship(guardianship=asked.id, now=NOW, by=family.carol)
    grants = [
        cast.grant(now=NOW).id,
        cast.grant(to=cast.mallory, now=NOW + SECOND).id,
        cast.grant(cameo=cameo, by=other.id, now=NOW + 2 * SECOND).id,
    ]
    listed: Any = {"guardian": family.carol, "now": NOW, "limit": 2}
    first = list_grants_to_co_approve(**listed)
    assert [one.grant.id for one in first.items] == grants[:0:-1]
    # The place stays known though what stood there was decided meanwhile.
    family.decline(grants[1])
    rest = list_grants_to_co_approve(**listed, after=first.next)
    assert [one.grant.id for one in rest.items] == grants[:1]
    withdraw_grant(grant=grants[0], now=NOW, by=cast.alice)
    assert len(list_grants_to_co_approve(**listed).items) == 1
    stranger: Any = listed | {"guardian": cast.bob, "after": first.next}
    assert code_of(lambda: list_grants_to_co_approve(**stranger)) == "cursor_unknown"


def knows_minors(account_id: str) -> date:
    return date(2013, 8, 23)


def fails(account_id: str) -> date | None:
    raise RuntimeError("2013-08-23")


def test_what_the_deployment_knows_goes_before_what_is_declared(
    cast: Cast, settings: Settings
) -> None:
    settings.CAMEO_AGE_SIGNAL = f"{__name__}.knows_minors"
    before = epoch(cast)
    given: Any = {"birth_date": "2000-01-01", "now": NOW, "by": cast.alice}
    assert code_of(lambda: declare_birth_date(**given)) == "birth_date_declared"
    # Refused, and known all the same.
    assert User.objects.get(id=cast.alice).birth_date == date(2013, 8, 23)
    assert (effect(cast), epoch(cast)) == (Effect.DENY, before + 1)
    declare_birth_date(birth_date=MINOR, now=NOW, by=cast.alice)
    (entry,) = LedgerEntry.objects.filter(kind="account.birth_date_declared")
    assert entry.body == {"account": cast.alice, "by": "age_signal"}


def test_a_guardians_age_is_asked_of_the_deployment_too(cast: Cast, settings: Settings) -> None:
    declare_birth_date(birth_date=MINOR, now=NOW, by=cast.alice)
    asked = ask_guardian(guardian=cast.mallory, now=NOW, by=cast.alice)
    given: Any = {"guardianship": asked.id, "now": NOW, "by": cast.mallory}
    settings.CAMEO_AGE_SIGNAL = f"{__name__}.fails"
    assert code_of(lambda: accept_guardianship(**given)) == "age_unknown"
    settings.CAMEO_AGE_SIGNAL = f"{__name__}.knows_minors"
    assert code_of(lambda: accept_guardianship(**given)) == "guardian_not_adult"
    assert effect(cast) is Effect.DENY


def test_a_failing_signal_lets_nobody_declare(cast: Cast, settings: Settings) -> None:
    settings.CAMEO_AGE_SIGNAL = f"{__name__}.fails"
    given: Any = {"birth_date": "2000-01-01", "now": NOW, "by": cast.alice}
    assert code_of(lambda: declare_birth_date(**given)) == "age_unknown"
    assert User.objects.get(id=cast.alice).birth_date is None


def declares_meanwhile(account_id: str) -> date:
    User.objects.filter(id=account_id).update(birth_date=date(1990, 1, 1))
    return date(2013, 8, 23)


def test_what_is_declared_while_the_signal_is_asked_stands(cast: Cast, settings: Settings) -> None:
    settings.CAMEO_AGE_SIGNAL = f"{__name__}.declares_meanwhile"
    given: Any = {"birth_date": MINOR, "now": NOW, "by": cast.alice}
    assert code_of(lambda: declare_birth_date(**given)) == "birth_date_declared"
    assert User.objects.get(id=cast.alice).birth_date == date(1990, 1, 1)
