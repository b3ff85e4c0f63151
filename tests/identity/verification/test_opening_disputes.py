"""Opening disputes: who may, what is held meanwhile, and what an erasure does to it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections

from accounts.models import User
from audit.interface import read_chain, verify_all
from common.errors import CameoError
from events.models import Event
from identity import interface as identity
from identity.models import Cameo, CaptureSession, Dispute, Review, Template
from identity.session_errors import (
    CameoHeld,
    CameoStateConflict,
    DisputeUnavailable,
    NoSuchDispute,
    NotEnrolled,
)
from tests.identity.verification.disputing import DUPLICATE, Quarrel, answer_of
from tests.identity.verification.people import ALICE, BOB, NOW, Booth


@pytest.fixture
def quarrel(alice: User, mallory: User, sam: User, booth: Booth) -> Quarrel:
    return Quarrel.between(booth, alice, mallory, sam)


def named(value: Any) -> str:
    return str(value)


def test_a_refused_claimant_opens_one_and_both_are_held(quarrel: Quarrel) -> None:
    hers, his = quarrel.cameo(quarrel.holder), quarrel.cameo(quarrel.claimant)
    opened = quarrel.by_claimant()
    assert (opened.cameo_id, opened.side, opened.state) == (his.id, "claimant", "open")
    assert quarrel.held() == {
        "alice": ("suspended", "dispute"),
        "mallory": ("pending", "dispute"),
    }
    for cameo, other, account in (
        (hers, his, quarrel.claimant.id),
        (his, hers, quarrel.holder.id),
    ):
        assert quarrel.cameo(cameo.owner).epoch == cameo.epoch + 1
        event = Event.objects.get(kind="cameo.disputed", subject=cameo.id)
        assert event.data == {"cameo": cameo.id}
        entry = read_chain(cameo.id)[-1]
        assert (entry.kind, entry.body["dispute"]) == ("cameo.disputed", opened.id)
        assert other.id not in named(entry.body)
        assert account not in named(entry.body)
    assert hers.id not in named(opened)
    verify_all()


def test_the_holder_opens_one_about_their_own_cameo(quarrel: Quarrel) -> None:
    hers, his = quarrel.cameo(quarrel.holder), quarrel.cameo(quarrel.claimant)
    opened = quarrel.by_holder()
    assert (opened.cameo_id, opened.side) == (hers.id, "holder")
    assert his.id not in named(opened)
    assert quarrel.held()["alice"] == ("suspended", "dispute")


def test_opening_twice_gives_the_same_one_to_either_side(quarrel: Quarrel) -> None:
    first = quarrel.by_claimant()
    epochs = dict(Cameo.objects.values_list("id", "epoch"))
    assert quarrel.by_claimant() == first
    assert quarrel.by_holder().id == first.id
    assert Dispute.objects.count() == 1
    assert dict(Cameo.objects.values_list("id", "epoch")) == epochs
    assert Event.objects.filter(kind="cameo.disputed").count() == 2


def test_others_things_and_things_that_are_not_there_look_alike(
    quarrel: Quarrel,
    sam: User,
    booth: Booth,
) -> None:
    bob = User.objects.create_user("bob@example.org")
    honest = booth.capture(bob, BOB)
    hers = quarrel.cameo(quarrel.holder).id
    tries: list[tuple[User, dict[str, str]]] = [
        (bob, {"session_id": quarrel.session}),  # another's
        (bob, {"session_id": honest}),  # nothing to dispute
        (bob, {"session_id": "cap_" + "a" * 26}),  # nothing at all
        (bob, {"cameo_id": hers}),
        (quarrel.claimant, {"cameo_id": hers}),
        (bob, {"cameo_id": Cameo.objects.get(owner=bob).id}),
        (bob, {"cameo_id": "cam_" + "a" * 26}),
        (sam, {"session_id": quarrel.session}),
        (bob, {}),
    ]
    answers = set()
    for who, what in tries:
        with pytest.raises(NoSuchDispute) as caught:
            identity.open_dispute(account_id=who.id, now=NOW, **what)
        answers.add((caught.value.code, str(caught.value)))
    assert len(answers) == 1
    assert not Dispute.objects.exists()


def test_what_a_reviewer_did_not_confirm_cannot_be_disputed(
    alice: User,
    mallory: User,
    sam: User,
    booth: Booth,
) -> None:
    booth.capture(alice, ALICE)
    session = booth.capture(mallory, ALICE)
    review = Review.objects.get()
    for ruled in (False, True):
        if ruled:
            refuse = identity.Ruling("refuse")
            identity.decide_review(by=sam.id, review_id=review.id, ruling=refuse, now=NOW)
        with pytest.raises(NoSuchDispute):
            identity.open_dispute(account_id=mallory.id, session_id=session, now=NOW)
        with pytest.raises(NoSuchDispute):
            identity.open_dispute(
                account_id=alice.id, cameo_id=Cameo.objects.get(owner=alice).id, now=NOW
            )


def test_while_it_is_held_an_owner_can_neither_resume_nor_enrol(quarrel: Quarrel) -> None:
    quarrel.by_claimant()
    hers, his = quarrel.cameo(quarrel.holder), quarrel.cameo(quarrel.claimant)
    with pytest.raises(CameoHeld):
        identity.resume_cameo(account_id=quarrel.holder.id, cameo_id=hers.id, now=NOW)
    with pytest.raises(CameoStateConflict):
        identity.resume_cameo(account_id=quarrel.claimant.id, cameo_id=his.id, now=NOW)
    with pytest.raises(CameoHeld):
        quarrel.booth.begin(quarrel.claimant)
    for who in (quarrel.holder, quarrel.claimant):
        with pytest.raises(NotEnrolled):
            quarrel.booth.begin(who, "step-up")
        assert quarrel.booth.begin(who, "re-enrol").state == "open"
    bound = CaptureSession.objects.exclude(dispute="")
    assert set(bound.values_list("dispute", flat=True)) == {Dispute.objects.get().id}


def test_an_enrolment_that_waited_as_it_began_enrols_nobody(quarrel: Quarrel) -> None:
    session = quarrel.booth.begin(quarrel.claimant).id
    quarrel.booth.send(quarrel.claimant, session)
    quarrel.by_holder()
    quarrel.booth.look(session, BOB)
    assert answer_of(session) == ("retry", ["could_not_check"])
    assert quarrel.held()["mallory"] == ("pending", "dispute")
    assert Template.objects.count() == 1


def test_a_claimant_in_review_again_is_held_and_cannot_be_approved(quarrel: Quarrel) -> None:
    quarrel.booth.capture(quarrel.claimant, ALICE)
    review = Review.objects.get(state="open")
    quarrel.by_holder()
    with pytest.raises(CameoStateConflict):
        identity.decide_review(
            by=quarrel.staff.id, review_id=review.id, ruling=identity.Ruling("approve"), now=NOW
        )
    assert quarrel.held()["mallory"] == ("in_review", "dispute")


def test_one_cameo_is_in_one_dispute_at_a_time(quarrel: Quarrel, booth: Booth) -> None:
    trudy = User.objects.create_user("trudy@example.org")
    other = Quarrel.between(booth, quarrel.holder, trudy, quarrel.staff)
    quarrel.by_claimant()
    with pytest.raises(DisputeUnavailable):
        other.by_claimant()
    assert quarrel.held()["trudy"] == ("pending", "")
    identity.erase_cameo(
        account_id=quarrel.claimant.id, cameo_id=quarrel.cameo(quarrel.claimant).id, now=NOW
    )
    assert other.by_holder().state == "open"
    assert quarrel.held()["trudy"] == ("pending", "dispute")


def test_whoever_was_let_in_after_all_is_disputed_by_nobody(quarrel: Quarrel) -> None:
    quarrel.booth.capture(quarrel.claimant, ALICE)
    identity.decide_review(
        by=quarrel.staff.id,
        review_id=Review.objects.get(state="open").id,
        ruling=identity.Ruling("approve"),
        now=Review.objects.get(state="open").created,
    )
    assert quarrel.held()["mallory"] == ("active", "")
    with pytest.raises(NoSuchDispute):
        quarrel.by_holder()
    with pytest.raises(DisputeUnavailable):
        quarrel.by_claimant()


@pytest.mark.parametrize("was", ["active", "suspended", "expired"])
def test_if_the_claimant_erases_the_holder_is_as_before(quarrel: Quarrel, was: str) -> None:
    Cameo.objects.filter(owner=quarrel.holder).update(state=was)
    opened = quarrel.by_claimant()
    his = quarrel.cameo(quarrel.claimant)
    identity.erase_cameo(account_id=quarrel.claimant.id, cameo_id=his.id, now=NOW)
    row = Dispute.objects.get()
    assert (row.id, row.state, row.decision, row.decided) == (opened.id, "withdrawn", "", NOW)
    assert quarrel.held() == {"alice": (was, "")}
    hers = quarrel.cameo(quarrel.holder)
    assert Event.objects.get(kind="cameo.dispute_ended").data == {"cameo": hers.id}
    assert his.id not in named(read_chain(hers.id)[-1].body)
    verify_all()


def test_if_the_holder_erases_the_claimant_may_enrol(quarrel: Quarrel) -> None:
    quarrel.by_holder()
    hers = quarrel.cameo(quarrel.holder)
    identity.erase_cameo(account_id=quarrel.holder.id, cameo_id=hers.id, now=NOW)
    assert Dispute.objects.get().state == "withdrawn"
    assert Cameo.objects.get(id=hers.id).held_by == ""
    assert quarrel.held() == {"mallory": ("pending", "")}
    quarrel.booth.capture(quarrel.claimant, ALICE)
    assert quarrel.held() == {"mallory": ("active", "")}
    with pytest.raises(DisputeUnavailable):
        quarrel.by_claimant()


def test_an_owner_who_suspends_meanwhile_stays_suspended(quarrel: Quarrel) -> None:
    quarrel.by_claimant()
    hers, his = quarrel.cameo(quarrel.holder), quarrel.cameo(quarrel.claimant)
    identity.suspend_cameo(account_id=quarrel.holder.id, cameo_id=hers.id, now=NOW)
    identity.erase_cameo(account_id=quarrel.claimant.id, cameo_id=his.id, now=NOW)
    assert quarrel.held() == {"alice": ("suspended", "")}
    identity.resume_cameo(account_id=quarrel.holder.id, cameo_id=hers.id, now=NOW)
    assert quarrel.held() == {"alice": ("active", "")}


def side_by_side(*calls: Any) -> list[str]:
    def run(call: Any) -> str:
        try:
            return str(call().state)
        except CameoError as error:
            return error.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


@pytest.mark.django_db(transaction=True)
def test_both_sides_open_at_once_and_there_is_one(quarrel: Quarrel) -> None:
    answers = side_by_side(quarrel.by_claimant, quarrel.by_holder, quarrel.by_claimant)
    assert answers == ["open"] * 3
    assert Dispute.objects.count() == 1
    assert Event.objects.filter(kind="cameo.disputed").count() == 2
    verify_all()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_", range(3))
def test_opening_beside_an_erasure_leaves_nobody_held(quarrel: Quarrel, round_: int) -> None:
    hers = quarrel.cameo(quarrel.holder)
    his = quarrel.cameo(quarrel.claimant)
    gone, stays = (hers, "mallory") if round_ % 2 else (his, "alice")

    def erase() -> Any:
        return identity.erase_cameo(account_id=gone.owner_id, cameo_id=gone.id, now=NOW)

    opened, erased = side_by_side(quarrel.by_claimant, erase)
    assert erased == "erased"
    assert opened in {"open", "dispute_unavailable"}
    assert quarrel.held()[stays][1] == ""
    assert quarrel.held()["alice" if stays == "alice" else "mallory"][0] in {"active", "pending"}
    assert not Dispute.objects.filter(state="open").exists()
    verify_all()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_", range(3))
def test_opening_beside_a_capture_that_begins(quarrel: Quarrel, round_: int) -> None:
    opened, begun, renewed = side_by_side(
        quarrel.by_claimant,
        lambda: quarrel.booth.begin(quarrel.claimant),
        lambda: quarrel.booth.begin(quarrel.holder, "re-enrol"),
    )
    assert (opened, renewed) == ("open", "open")
    assert begun in {"open", "cameo_held"}
    for session in CaptureSession.objects.filter(state="open"):
        quarrel.booth.send(session.account, session.id)
        quarrel.booth.look(session.id, ALICE)
    assert quarrel.held()["mallory"] == ("pending", "dispute")
    assert Template.objects.count() == 1
    verify_all()


@pytest.mark.django_db(transaction=True)
def test_both_sides_erase_at_once(quarrel: Quarrel) -> None:
    quarrel.by_claimant()
    cameos = list(Cameo.objects.all())
    answers = side_by_side(
        *(
            lambda cameo=cameo: identity.erase_cameo(
                account_id=cameo.owner_id, cameo_id=cameo.id, now=NOW
            )
            for cameo in cameos
        )
    )
    assert answers == ["erased", "erased"]
    assert Dispute.objects.get().state == "withdrawn"
    assert quarrel.held() == {}
    verify_all()


def test_a_new_confirmed_attempt_can_be_disputed_again_and_the_old_one_not(
    quarrel: Quarrel,
) -> None:
    quarrel.by_claimant()
    quarrel.decide("holder")
    for again in (quarrel.by_claimant, quarrel.by_holder):
        with pytest.raises(DisputeUnavailable):
            again()
    session = quarrel.booth.capture(quarrel.claimant, ALICE)
    later = Dispute.objects.get().created.replace(year=2027)
    identity.decide_review(
        by=quarrel.staff.id,
        review_id=Review.objects.get(session_id=session).id,
        ruling=DUPLICATE,
        now=later,
    )
    assert quarrel.by_holder().state == "open"
    assert Dispute.objects.count() == 2
