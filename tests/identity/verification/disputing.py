"""Alice enrolled; Mallory tried to with her face, and a reviewer confirmed it."""

from __future__ import annotations

from dataclasses import dataclass

from accounts.models import User
from identity import interface as identity
from identity.models import Cameo, CaptureSession, Dispute, Review, StoredTrack
from tests.identity.verification.people import ALICE, NOW, Booth, Change, passing

DUPLICATE = identity.Ruling("refuse", "", duplicate_confirmed=True)


@dataclass
class Quarrel:
    """The holder, the claimant, who decides, and what was refused."""

    booth: Booth
    holder: User
    claimant: User
    staff: User
    session: str

    @classmethod
    def between(cls, booth: Booth, holder: User, claimant: User, staff: User) -> Quarrel:
        if not Cameo.objects.filter(owner=holder).exists():
            booth.capture(holder, ALICE)
        session = booth.capture(claimant, ALICE)
        review = Review.objects.get(session_id=session)
        identity.decide_review(by=staff.id, review_id=review.id, ruling=DUPLICATE, now=NOW)
        return cls(booth, holder, claimant, staff, session)

    def cameo(self, of: User) -> Cameo:
        return Cameo.objects.exclude(state="erased").get(owner=of)

    def by_claimant(self) -> identity.DisputeView:
        return identity.open_dispute(account_id=self.claimant.id, session_id=self.session, now=NOW)

    def by_holder(self) -> identity.DisputeView:
        return identity.open_dispute(
            account_id=self.holder.id, cameo_id=self.cameo(self.holder).id, now=NOW
        )

    def fresh(self, of: User, person: int = ALICE, change: Change = passing) -> str:
        return self.booth.capture(of, person, "re-enrol", change)

    def decide(
        self, favour: str, by: User | None = None, note: str = "seen both"
    ) -> identity.DisputeView:
        # What was measured is kept from the moment it was: the wall clock's.
        newest = StoredTrack.objects.order_by("-created").first()
        return identity.decide_dispute(
            by=(by or self.staff).id,
            dispute_id=Dispute.objects.get().id,
            ruling=identity.DisputeRuling(favour, note),
            now=newest.created if newest else NOW,
        )

    def detail(self, by: User | None = None, *, as_staff: bool = True) -> identity.DisputeDetail:
        newest = StoredTrack.objects.order_by("-created").first()
        return identity.read_dispute(
            by=(by or self.staff).id,
            as_staff=as_staff,
            dispute_id=Dispute.objects.get().id,
            now=newest.created if newest else NOW,
        )

    def held(self) -> dict[str, tuple[str, str]]:
        """State and hold of each, by e-mail's first name."""
        rows = Cameo.objects.exclude(state="erased").select_related("owner")
        return {row.owner.email.partition("@")[0]: (row.state, row.held_by) for row in rows}


def answer_of(session: str) -> tuple[str, list[str]]:
    row = CaptureSession.objects.get(id=session)
    return row.outcome, [one["code"] for one in row.advice]
