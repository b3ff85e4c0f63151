"""Fresh captures of a dispute, what those who decide it see, and what deciding does."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection, connections

from accounts.models import User
from audit.interface import CursorUnknown, Page, read_chain, verify_all
from common.errors import CameoError, InvalidInput
from events.models import Event
from identity import interface as identity
from identity.models import Cameo, CaptureSession, Dispute, Review, StoredTrack, Template
from identity.protection.templates import read_template
from identity.session_errors import (
    CameoHeld,
    DisputeChanged,
    DisputeDecided,
    FreshCaptureMissing,
    NoSuchDispute,
    NotEnrolled,
    NotStaff,
    OwnReview,
    TrackGone,
)
from identity.types import Outcome, Verdict
from tests.identity.verification.disputing import Quarrel, answer_of
from tests.identity.verification.people import ALICE, BOB, NOW, Booth, doubtful


def failing(verdict: Verdict) -> Verdict:
    return replace(verdict, outcome=Outcome.FAIL, reasons=("depth:flat",))


@pytest.fixture
def quarrel(alice: User, mallory: User, sam: User, booth: Booth) -> Quarrel:
    """An open dispute between Alice, who holds, and Mallory, who claims."""
    found = Quarrel.between(booth, alice, mallory, sam)
    found.by_claimant()
    return found


def index_of(quarrel: Quarrel) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("select cameo_id from identity_duplicate_index where projected is not null")
        return {name for (name,) in cursor.fetchall()}


def listed(by: User, *, as_staff: bool = True, **asked: Any) -> Page[identity.DisputeView]:
    wanted: dict[str, Any] = {"after": None, "before": None, "limit": 10} | asked
    return identity.list_disputes(by=by.id, as_staff=as_staff, **wanted)


@pytest.mark.parametrize("side", ["holder", "claimant"])
def test_a_fresh_capture_changes_nothing_by_itself(quarrel: Quarrel, side: str) -> None:
    who = getattr(quarrel, side)
    before = (quarrel.held(), quarrel.cameo(who).epoch, Template.objects.count())
    session = quarrel.fresh(who)
    assert answer_of(session) == ("pass", [])
    assert (quarrel.held(), quarrel.cameo(who).epoch, Template.objects.count()) == before
    assert StoredTrack.objects.filter(session_id=session).exists()
    assert Review.objects.count() == 1


@pytest.mark.parametrize("side", ["holder", "claimant"])
def test_nobody_learns_from_a_fresh_capture_whom_it_resembles(quarrel: Quarrel, side: str) -> None:
    """No oracle of the holder's template: any live face gives one answer, any other another."""
    who = getattr(quarrel, side)
    assert {answer_of(quarrel.fresh(who, face))[0] for face in (ALICE, BOB)} == {"pass"}
    answers = {
        str(answer_of(quarrel.fresh(who, face, change)))
        for face in (ALICE, BOB)
        for change in (failing, doubtful)
    }
    assert answers == {str(("fail", ["try_again"]))}
    assert not Review.objects.filter(state="open").exists()


def test_staff_sees_both_sides_captures_and_their_scores(quarrel: Quarrel) -> None:
    sessions = [
        quarrel.fresh(quarrel.holder, BOB),
        quarrel.fresh(quarrel.claimant, ALICE),
        quarrel.fresh(quarrel.claimant, ALICE, failing),
    ]
    found = quarrel.detail()
    sides = found.dispute.sides
    assert sides is not None
    assert sides.holder_id == quarrel.cameo(quarrel.holder).id
    assert (sides.opened_by, sides.by, found.dispute.cameo_id) == ("claimant", None, "")
    assert found.captures is not None
    shown = {one.session_id: one for one in found.captures}
    assert [shown[one].side for one in sessions] == ["holder", "claimant", "claimant"]
    assert [shown[one].outcome for one in sessions] == ["pass", "pass", "fail"]
    for one, matches in zip(sessions, [False, True, True], strict=True):
        score, threshold = shown[one].score, shown[one].threshold
        assert score is not None
        assert threshold is not None
        assert (score >= threshold) is matches
        record: Any = shown[one].record
        assert record["judged"]["signals"]
        assert shown[one].series is not None
    StoredTrack.objects.all().delete()
    gone = identity.read_dispute(
        by=quarrel.staff.id, as_staff=True, dispute_id=found.dispute.id, now=NOW
    )
    assert {(c.series, c.series_missing) for c in gone.captures or ()} == {(None, "track_gone")}


def test_a_side_sees_its_own_and_nothing_of_the_other(quarrel: Quarrel) -> None:
    quarrel.fresh(quarrel.claimant)
    hers, his = quarrel.cameo(quarrel.holder), quarrel.cameo(quarrel.claimant)
    for who, own, other in (
        (quarrel.holder, hers, his),
        (quarrel.claimant, his, hers),
    ):
        found = quarrel.detail(who, as_staff=False)
        assert (found.dispute.cameo_id, found.captures, found.dispute.sides) == (own.id, None, None)
        assert other.id not in str(found)
        assert other.owner_id not in str(found)
        assert listed(who, as_staff=False).items == (found.dispute,)
    assert listed(quarrel.staff, as_staff=False).items == ()
    with pytest.raises(NoSuchDispute):
        quarrel.detail(quarrel.staff, as_staff=False)


def test_only_staff_decides_and_nobody_on_themselves(quarrel: Quarrel) -> None:
    bob = User.objects.create_user("bob@example.org")
    for who in (bob, quarrel.holder, quarrel.claimant):
        with pytest.raises(NotStaff):
            quarrel.decide("holder", who)
        with pytest.raises(NotStaff):
            quarrel.detail(who)
        with pytest.raises(NotStaff):
            listed(who)
    User.objects.update(is_staff=True)
    for who in (quarrel.holder, quarrel.claimant):
        with pytest.raises(OwnReview):
            quarrel.decide("holder", who)
        with pytest.raises(OwnReview):
            quarrel.detail(who)
        assert listed(who).items == ()
    assert len(listed(bob).items) == 1
    assert Dispute.objects.get().state == "open"


@pytest.mark.parametrize(
    ("favour", "note"), [("both", ""), ("", ""), ("holder", "x" * 2001), ("holder", "a\x00b")]
)
def test_a_ruling_that_makes_no_sense_is_refused(quarrel: Quarrel, favour: str, note: str) -> None:
    with pytest.raises(InvalidInput):
        quarrel.decide(favour, note=note)
    with pytest.raises(NoSuchDispute):
        identity.decide_dispute(
            by=quarrel.staff.id,
            dispute_id="dis_" + "a" * 26,
            ruling=identity.DisputeRuling("holder"),
            now=NOW,
        )
    assert Dispute.objects.get().state == "open"


@pytest.mark.parametrize("was", ["active", "suspended", "expired"])
def test_for_the_holder_all_is_as_it_was(quarrel: Quarrel, was: str) -> None:
    Dispute.objects.update(holder_was=was)
    hers, his = quarrel.cameo(quarrel.holder), quarrel.cameo(quarrel.claimant)
    decided = quarrel.decide("holder")
    assert (decided.state, decided.decision) == ("decided", "holder")
    assert decided.sides is not None
    assert (decided.sides.by, decided.sides.note) == (quarrel.staff.id, "seen both")
    assert quarrel.held() == {"alice": (was, ""), "mallory": ("pending", "")}
    for cameo, other in ((hers, his), (his, hers)):
        assert quarrel.cameo(cameo.owner).epoch == cameo.epoch + 1
        event = Event.objects.get(kind="cameo.dispute_ended", subject=cameo.id)
        assert event.data == {"cameo": cameo.id}
        entry = read_chain(cameo.id)[-1]
        assert (entry.body["by"], entry.body["for"]) == (quarrel.staff.id, "holder")
        assert "seen both" not in str(entry.body)
        assert other.id not in str(entry.body)
    assert quarrel.booth.begin(quarrel.claimant).state == "open"
    verify_all()


def test_for_the_claimant_a_fresh_capture_must_have_passed(quarrel: Quarrel) -> None:
    before = quarrel.held()
    with pytest.raises(FreshCaptureMissing):
        quarrel.decide("claimant")
    quarrel.fresh(quarrel.claimant, ALICE, failing)
    quarrel.fresh(quarrel.claimant, ALICE, doubtful)
    quarrel.fresh(quarrel.holder)
    with pytest.raises(FreshCaptureMissing):
        quarrel.decide("claimant")
    session = quarrel.fresh(quarrel.claimant)
    StoredTrack.objects.filter(session_id=session).delete()
    with pytest.raises(TrackGone):
        quarrel.decide("claimant")
    assert quarrel.held() == before
    assert Dispute.objects.get().state == "open"


def test_for_the_claimant_the_holder_loses_the_template_for_good(quarrel: Quarrel) -> None:
    reached = CaptureSession.objects.get(id=quarrel.fresh(quarrel.claimant)).assurance
    hers, his = quarrel.cameo(quarrel.holder), quarrel.cameo(quarrel.claimant)
    assert quarrel.decide("claimant").decision == "claimant"
    assert quarrel.held() == {
        "alice": ("suspended", "dispute_lost"),
        "mallory": ("active", ""),
    }
    now_hers, now_his = quarrel.cameo(quarrel.holder), quarrel.cameo(quarrel.claimant)
    assert (now_hers.expires, now_his.assurance) == (None, reached)
    assert now_hers.epoch > hers.epoch
    assert now_his.epoch > his.epoch
    assert list(Template.objects.values_list("cameo_id", flat=True)) == [his.id]
    assert read_template(his.id)[1].size
    assert index_of(quarrel) == {his.id}
    kinds = set(Event.objects.filter(subject=his.id).values_list("kind", flat=True))
    assert kinds >= {"cameo.activated", "cameo.dispute_ended"}
    assert Event.objects.filter(subject=hers.id, kind="cameo.dispute_ended").exists()
    alice = quarrel.holder
    with pytest.raises(CameoHeld):
        identity.resume_cameo(account_id=alice.id, cameo_id=hers.id, now=NOW)
    for purpose in ("re-enrol", "step-up"):
        with pytest.raises(NotEnrolled):
            quarrel.booth.begin(alice, purpose)
    verify_all()
    identity.erase_cameo(account_id=alice.id, cameo_id=hers.id, now=NOW)
    quarrel.booth.capture(alice, ALICE)
    assert quarrel.held() == {"alice": ("in_review", ""), "mallory": ("active", "")}


def test_a_third_account_of_the_same_face_is_shown_before_anybody_is_let_in(
    quarrel: Quarrel,
) -> None:
    trudy = User.objects.create_user("trudy@example.org")
    quarrel.booth.capture(trudy, ALICE)
    review = Review.objects.get(state="open")
    identity.decide_review(
        by=quarrel.staff.id,
        review_id=review.id,
        ruling=identity.Ruling("approve"),
        now=StoredTrack.objects.get(session=review.session).created,
    )
    quarrel.fresh(quarrel.claimant)
    with pytest.raises(DisputeChanged):
        quarrel.decide("claimant")
    assert quarrel.held()["mallory"] == ("pending", "dispute")
    sides = quarrel.detail().dispute.sides
    assert sides is not None
    assert sides.also_matched_id == quarrel.cameo(trudy).id
    assert quarrel.decide("claimant").state == "decided"
    assert quarrel.held()["mallory"] == ("active", "")


def test_a_dispute_is_decided_once(quarrel: Quarrel) -> None:
    quarrel.fresh(quarrel.claimant)
    quarrel.decide("holder")
    for favour in ("holder", "claimant"):
        with pytest.raises(DisputeDecided):
            quarrel.decide(favour)
    assert listed(quarrel.staff).items == ()
    assert len(listed(quarrel.holder, as_staff=False).items) == 1


def test_what_was_withdrawn_is_decided_by_nobody(quarrel: Quarrel) -> None:
    his = quarrel.cameo(quarrel.claimant)
    identity.erase_cameo(account_id=quarrel.claimant.id, cameo_id=his.id, now=NOW)
    with pytest.raises(DisputeDecided):
        quarrel.decide("holder")
    assert quarrel.held() == {"alice": ("active", "")}


def test_a_fresh_capture_that_ends_after_the_dispute_changes_nothing(quarrel: Quarrel) -> None:
    session = quarrel.booth.begin(quarrel.claimant, "re-enrol").id
    quarrel.booth.send(quarrel.claimant, session)
    quarrel.decide("holder")
    quarrel.booth.look(session, ALICE)
    assert answer_of(session) == ("pass", [])
    assert quarrel.held()["mallory"] == ("pending", "")
    assert Template.objects.count() == 1


def test_pages_go_forth_and_back(quarrel: Quarrel) -> None:
    for name in ("p1", "p2"):
        people = [User.objects.create_user(f"{name}{side}@example.org") for side in "hc"]
        cameos = [Cameo.objects.create(owner=person, created=NOW) for person in people]
        Dispute.objects.create(
            holder=cameos[0],
            claimant=cameos[1],
            opened_by=people[0],
            holder_was="active",
            created=NOW,
        )
    first = listed(quarrel.staff, limit=2)
    second = listed(quarrel.staff, limit=2, after=first.next)
    assert [len(first.items), len(second.items)] == [2, 1]
    assert (first.previous, second.next) == (None, None)
    assert listed(quarrel.staff, limit=2, before=second.previous).items == first.items
    for wrong in ({"after": "x"}, {"after": "dis_" + "a" * 26}, {"limit": 0}, {"limit": 101}):
        with pytest.raises(CursorUnknown):
            listed(quarrel.staff, **wrong)
    others = next(one.id for one in first.items + second.items if _not_of(quarrel, one))
    with pytest.raises(CursorUnknown):
        listed(quarrel.holder, as_staff=False, after=others)


def _not_of(quarrel: Quarrel, view: identity.DisputeView) -> bool:
    return view.sides is not None and view.sides.holder_id != quarrel.cameo(quarrel.holder).id


def side_by_side(*calls: Any) -> list[str]:
    def run(call: Any) -> str:
        try:
            found = call()
            return str(getattr(found, "decision", "") or found.state)
        except CameoError as error:
            return error.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


@pytest.mark.django_db(transaction=True)
def test_of_two_who_decide_at_once_one_does(quarrel: Quarrel) -> None:
    rita = User.objects.create_user("rita@example.org", is_staff=True)
    quarrel.fresh(quarrel.claimant)
    answers = side_by_side(
        lambda: quarrel.decide("holder"), lambda: quarrel.decide("claimant", rita)
    )
    assert sorted(answers) in (
        ["dispute_decided", "holder"],
        ["claimant", "dispute_decided"],
    )
    won = quarrel.held()
    if "holder" in answers:
        assert won == {"alice": ("active", ""), "mallory": ("pending", "")}
        assert index_of(quarrel) == {quarrel.cameo(quarrel.holder).id}
    else:
        assert won == {"alice": ("suspended", "dispute_lost"), "mallory": ("active", "")}
        assert index_of(quarrel) == {quarrel.cameo(quarrel.claimant).id}
    assert Event.objects.filter(kind="cameo.dispute_ended").count() == 2
    verify_all()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("gone", ["holder", "claimant"])
def test_a_decision_beside_an_erasure_is_one_or_the_other(quarrel: Quarrel, gone: str) -> None:
    quarrel.fresh(quarrel.claimant)
    cameo = quarrel.cameo(getattr(quarrel, gone))
    decided, erased = side_by_side(
        lambda: quarrel.decide("claimant"),
        lambda: identity.erase_cameo(account_id=cameo.owner_id, cameo_id=cameo.id, now=NOW),
    )
    assert erased == "erased"
    left = quarrel.held()
    if gone == "holder":
        assert decided in {"claimant", "dispute_decided"}
        expected = ("active", "") if decided == "claimant" else ("pending", "")
        assert left == {"mallory": expected}
    else:
        assert decided in {"claimant", "dispute_decided", "fresh_capture_missing", "track_gone"}
        lost = ("suspended", "dispute_lost") if decided == "claimant" else ("active", "")
        assert left == {"alice": lost}
    assert not Dispute.objects.filter(state="open").exists()
    assert not CaptureSession.objects.filter(state="processing").exists()
    verify_all()
