"""Reviews: who may see and decide them, what that does, and what the person sees of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connections

from accounts.models import User
from audit.interface import CursorUnknown, read_chain, verify_all
from common.errors import InvalidInput
from events.models import Event
from identity import interface as identity
from identity.duplicates import Duplicates, Match
from identity.models import Cameo, CaptureSession, Review, StoredTrack, Template
from identity.session_errors import (
    CameoStateConflict,
    NoSuchReview,
    NotStaff,
    OwnReview,
    ReviewChanged,
    ReviewDecided,
    TrackGone,
)
from identity.summaries import ReviewView
from identity.verification.captures import CLIP_LIFE, forget_reviewed_clips
from tests.identity.verification.people import ALICE, BOB, NOW, Booth, doubtful, view

APPROVE = identity.Ruling("approve", "looks right")
REFUSE = identity.Ruling("refuse")


def decide(by: User, review: str, ruling: identity.Ruling = APPROVE) -> ReviewView:
    # What was measured is kept from the moment it was: the wall clock's.
    now = StoredTrack.objects.order_by("-created").values_list("created", flat=True).first() or NOW
    return identity.decide_review(by=by.id, review_id=review, ruling=ruling, now=now)


@pytest.fixture
def review(alice: User, booth: Booth) -> Review:
    booth.capture(alice, ALICE, change=doubtful)
    return Review.objects.get()


def test_a_doubtful_capture_waits_for_a_person(alice: User, review: Review) -> None:
    shown = view(alice, review.session_id)
    assert (shown.outcome, [a.code for a in shown.advice]) == ("review", ["wait_for_review"])
    assert (review.reasons, review.matched_id, review.state) == (["liveness"], None, "open")
    assert Cameo.objects.get().state == "in_review"
    assert len(list(Path(settings.CAMEO_CLIP_DIR).iterdir())) == 1


def test_approving_activates_from_what_was_measured(alice: User, sam: User, review: Review) -> None:
    decided = decide(sam, review.id)
    assert (decided.state, decided.decision, decided.by) == ("decided", "approve", sam.id)
    cameo = Cameo.objects.get()
    assert (cameo.state, cameo.assurance) == ("active", "standard")
    assert Template.objects.count() == 1
    shown = view(alice, review.session_id)
    assert (shown.outcome, shown.advice) == ("pass", ())
    row = CaptureSession.objects.get()
    assert (row.clip_file, row.clip_key) == ("", None)
    entry = read_chain(cameo.id)[-1]
    assert entry.kind == "review.decided"
    assert (entry.body["by"], entry.body["decision"]) == (sam.id, "approve")
    assert "looks right" not in str(entry.body)
    verify_all()


def test_refusing_looks_like_any_other_failure(alice: User, sam: User, review: Review) -> None:
    decide(sam, review.id, REFUSE)
    shown = view(alice, review.session_id)
    assert (shown.outcome, [a.code for a in shown.advice]) == ("fail", ["try_again"])
    assert Cameo.objects.get().state == "pending"
    assert not Template.objects.exists()
    assert identity.create_session(account_id=alice.id, now=NOW).state == "open"


@pytest.mark.parametrize("ruling", [APPROVE, REFUSE])
def test_a_review_is_decided_once(sam: User, review: Review, ruling: identity.Ruling) -> None:
    decide(sam, review.id, ruling)
    for again in (APPROVE, REFUSE):
        with pytest.raises(ReviewDecided):
            decide(sam, review.id, again)


def test_only_staff_decides_and_nobody_on_themselves(
    alice: User, mallory: User, sam: User, review: Review
) -> None:
    for who in (alice, mallory):
        with pytest.raises(NotStaff):
            decide(who, review.id)
        with pytest.raises(NotStaff):
            identity.read_review(by=who.id, review_id=review.id, now=NOW)
        with pytest.raises(NotStaff):
            identity.list_reviews(by=who.id, state=None, after=None, before=None, limit=10)
    User.objects.filter(id=alice.id).update(is_staff=True)
    with pytest.raises(OwnReview):
        decide(alice, review.id)
    User.objects.filter(id=sam.id).update(is_active=False)
    with pytest.raises(NotStaff):
        decide(sam, review.id)
    assert Review.objects.get().state == "open"


@pytest.mark.parametrize(
    "ruling",
    [
        identity.Ruling("perhaps"),
        identity.Ruling(""),
        identity.Ruling("refuse", "x" * 2001),
        identity.Ruling("refuse", "a\x00b"),
        identity.Ruling("approve", "", True),
        identity.Ruling("refuse", "", True),  # there is nobody whom it matched
    ],
)
def test_a_ruling_that_makes_no_sense_is_refused(
    sam: User, review: Review, ruling: identity.Ruling
) -> None:
    with pytest.raises(InvalidInput):
        decide(sam, review.id, ruling)
    assert Review.objects.get().state == "open"
    with pytest.raises(NoSuchReview):
        decide(sam, "rev_" + "a" * 26)


def test_the_other_owner_hears_of_a_confirmed_duplicate_and_not_who(
    alice: User, mallory: User, sam: User, booth: Booth
) -> None:
    booth.capture(alice, ALICE)
    booth.capture(mallory, ALICE)
    review, hers = Review.objects.get(), Cameo.objects.get(owner=alice)
    decide(sam, review.id, identity.Ruling("refuse", "", duplicate_confirmed=True))
    event = Event.objects.get(kind="likeness.attempted")
    assert (event.subject, event.data) == (hers.id, {"cameo": hers.id})
    assert Cameo.objects.get(owner=mallory).state == "pending"


def test_approving_a_duplicate_is_possible_and_tells_nobody(
    alice: User, mallory: User, sam: User, booth: Booth
) -> None:
    booth.capture(alice, ALICE)
    booth.capture(mallory, ALICE)
    decide(sam, Review.objects.get().id)
    assert Cameo.objects.get(owner=mallory).state == "active"
    assert not Event.objects.filter(kind="likeness.attempted").exists()


def test_somebody_who_enrolled_meanwhile_is_found_on_approving(
    mallory: User, sam: User, review: Review, booth: Booth
) -> None:
    booth.capture(mallory, ALICE)
    with pytest.raises(ReviewChanged):
        decide(sam, review.id)
    review.refresh_from_db()
    assert (review.state, review.reasons) == ("open", ["liveness", "duplicate"])
    assert review.matched_id == Cameo.objects.get(owner=mallory).id
    decide(sam, review.id)
    assert Cameo.objects.get(owner=review.cameo.owner).state == "active"


def test_a_doubtful_renewal_leaves_the_cameo_as_it_is_until_it_is_approved(
    alice: User, sam: User, booth: Booth
) -> None:
    booth.capture(alice, ALICE)
    session = booth.capture(alice, ALICE, "re-enrol", doubtful)
    assert view(alice, session).outcome == "review"
    assert (Cameo.objects.get().state, Template.objects.count()) == ("active", 1)
    decide(sam, Review.objects.get().id)
    assert Template.objects.count() == 2
    assert view(alice, booth.capture(alice, BOB, "re-enrol", doubtful)).outcome == "fail"


def test_what_is_gone_cannot_be_approved_but_refused(sam: User, review: Review) -> None:
    StoredTrack.objects.all().delete()
    with pytest.raises(TrackGone):
        decide(sam, review.id)
    assert decide(sam, review.id, REFUSE).state == "decided"


def test_an_erased_cameo_leaves_no_review_to_approve(
    alice: User, sam: User, review: Review
) -> None:
    identity.erase_cameo(account_id=alice.id, cameo_id=review.cameo_id, now=NOW)
    with pytest.raises((TrackGone, CameoStateConflict)):
        decide(sam, review.id)
    with pytest.raises(NoSuchReview):
        identity.read_review(by=sam.id, review_id=review.id, now=NOW)
    page = identity.list_reviews(by=sam.id, state=None, after=None, before=None, limit=10)
    assert page.items == ()


def test_the_clip_goes_after_a_day_and_the_review_stays(review: Review) -> None:
    received = CaptureSession.objects.get().received
    assert received is not None
    assert forget_reviewed_clips(now=received + CLIP_LIFE) == 0
    assert forget_reviewed_clips(now=received + CLIP_LIFE + timedelta(seconds=1)) == 1
    assert list(Path(settings.CAMEO_CLIP_DIR).iterdir()) == []
    assert Review.objects.get().state == "open"


def test_a_reviewer_sees_everything_but_a_picture(sam: User, review: Review) -> None:
    at = StoredTrack.objects.get().created
    found = identity.read_review(by=sam.id, review_id=review.id, now=at)
    assert found.clip_kept
    assert found.record is not None
    assert {s["name"] for s in found.record["judged"]["signals"]} >= {"quality", "continuity"}
    assert found.record["judged"]["prompts"]
    series: Any = found.series
    assert {len(column) for column in series.values()} == {len(series["time"])}
    assert 100 < len(series["time"]) <= 400
    assert max(abs(yaw) for yaw in series["yaw"]) > 15
    assert (series["red"][0], series["red"][1]) == (None, 0.25)
    StoredTrack.objects.all().delete()
    gone = identity.read_review(by=sam.id, review_id=review.id, now=at)
    assert (gone.series, gone.series_missing) == (None, "track_gone")


def test_pages_go_forth_and_back(alice: User, sam: User, booth: Booth) -> None:
    people = [User.objects.create_user(f"p{n}@example.org") for n in range(3)]
    for place, person in enumerate(people):
        booth.capture(person, 10 + place, change=doubtful)

    def page(**asked: Any) -> Any:
        wanted: dict[str, Any] = {"state": None, "after": None, "before": None, "limit": 2} | asked
        return identity.list_reviews(by=sam.id, **wanted)

    first = page()
    second = page(after=first.next)
    assert [len(first.items), len(second.items)] == [2, 1]
    assert (first.previous, second.next) == (None, None)
    assert page(before=second.previous).items == first.items
    decide(sam, first.items[0].id, REFUSE)
    assert len(page(state="open").items) == 2
    assert [r.id for r in page(state="decided").items] == [first.items[0].id]
    for wrong in ({"after": "x"}, {"after": "rev_" + "a" * 26}, {"limit": 0}, {"limit": 101}):
        with pytest.raises(CursorUnknown):
            page(**wrong)
    with pytest.raises(CursorUnknown):
        page(after=first.next, before=first.next)
    with pytest.raises(InvalidInput):
        page(state="lost")


def test_a_search_that_is_not_whole_approves_nobody(
    sam: User, review: Review, monkeypatch: pytest.MonkeyPatch
) -> None:
    from identity.session_errors import DuplicateCheckPending

    monkeypatch.setattr(
        "identity.verification.activation.find_duplicates",
        lambda **_: Duplicates(False, (Match("cam_x", 9.0),)),
    )
    with pytest.raises(DuplicateCheckPending):
        decide(sam, review.id)
    assert Review.objects.get().state == "open"


@pytest.mark.django_db(transaction=True)
def test_of_two_reviewers_who_decide_at_once_one_does(
    alice: User, sam: User, review: Review
) -> None:
    other = User.objects.create_user("rita@example.org", is_staff=True)

    def attempt(who: User) -> str:
        try:
            return decide(who, review.id, APPROVE if who is sam else REFUSE).decision
        except ReviewDecided:
            return "late"
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(attempt, [sam, other]))
    assert answers[1:] == ["late"] or answers == ["late", "refuse"]
    expected = "active" if "approve" in answers else "pending"
    assert Cameo.objects.get().state == expected
    assert len([e for e in read_chain(review.cameo_id) if e.kind == "review.decided"]) == 1
