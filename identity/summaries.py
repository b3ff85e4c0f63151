"""What other rooms see of cameos and captures: frozen, nothing a checked person may not know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class CameoState:
    """What a decision needs to know of a cameo: one consistent read of its row."""

    id: str
    owner_id: str
    state: str
    epoch: int
    assurance: str
    expires: datetime | None

    def is_active(self, now: datetime) -> bool:
        """Active and not past its expiry."""
        return self.state == "active" and (self.expires is None or now < self.expires)


@dataclass(frozen=True, slots=True)
class CameoView:
    """A cameo as its owner sees it."""

    id: str
    state: str
    assurance: str
    created: datetime
    activated: datetime | None
    expires: datetime | None
    epoch: int


@dataclass(frozen=True, slots=True)
class Advice:
    """What a person can do better; says nothing of scores or of which signal objected."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class SessionView:
    """A capture session as the person who answers it sees it.

    `script` is a list of prompts as `identity.types.Script.to_json` writes them; `progress` runs
    from 0 to 1 over the named `stage`; `outcome` is empty until it is decided. `nonce_hash` is
    what an attestation of the clip must name; `without` is what the person asked to be left out.
    """

    id: str
    cameo_id: str
    purpose: str
    state: str
    script: list[dict[str, Any]]
    created: datetime
    expires: datetime
    stage: str
    nonce_hash: str
    without: tuple[str, ...]
    progress: float
    outcome: str
    advice: tuple[Advice, ...]


@dataclass(frozen=True, slots=True)
class ReviewView:
    """A review as members of staff see it in their queue.

    `matched_id` is another account's cameo that the capture matches; nobody else may see it.
    """

    id: str
    session_id: str
    cameo_id: str
    purpose: str
    reasons: tuple[str, ...]
    matched_id: str | None
    state: str
    decision: str
    duplicate_confirmed: bool
    by: str | None
    note: str
    created: datetime
    decided: datetime | None


@dataclass(frozen=True, slots=True)
class ReviewDetail:
    """Everything that a reviewer has to decide by.

    `record` is the decision record; `series` has columns of one length, what was measured over
    time, or is None, and `series_missing` says why.
    """

    review: ReviewView
    record: dict[str, Any] | None
    series: dict[str, list[float | None]] | None
    series_missing: str | None
    clip_kept: bool


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a reviewer decides.

    Attributes:
        decision: `approve` or `refuse`.
        note: why, for other reviewers.
        duplicate_confirmed: that the capture shows the person of the cameo it matched.
    """

    decision: str
    note: str = ""
    duplicate_confirmed: bool = False


@dataclass(frozen=True, slots=True)
class DisputeSides:
    """What only members of staff see of a dispute.

    `opened_by` is `claimant` or `holder`, `by` the account of who decided; `also_matched_id` is a
    third account's cameo that the claimant's capture matches.
    """

    claimant_id: str
    holder_id: str
    opened_by: str
    by: str | None
    note: str
    also_matched_id: str | None


@dataclass(frozen=True, slots=True)
class DisputeView:
    """A dispute; a person sees their own side of it and nothing of the other.

    `cameo_id` and `side` (`claimant` or `holder`) are of who asks, empty for staff; `sides` is
    None for everybody else. `decision` is empty unless it was decided.
    """

    id: str
    cameo_id: str
    side: str
    state: str
    decision: str
    created: datetime
    decided: datetime | None
    sides: DisputeSides | None = None


@dataclass(frozen=True, slots=True)
class DisputeCapture:
    """A fresh capture of one side, as members of staff see it.

    `score` compares it with the holder's template, in the scale of `threshold`; both are None
    where that couldn't be done. `record`, `series` and `series_missing` as in `ReviewDetail`.
    """

    session_id: str
    side: str
    state: str
    outcome: str
    created: datetime
    decided: datetime | None
    score: float | None
    threshold: float | None
    record: dict[str, Any] | None
    series: dict[str, list[float | None]] | None
    series_missing: str | None


@dataclass(frozen=True, slots=True)
class DisputeDetail:
    """One dispute; `captures` is None for everybody but staff."""

    dispute: DisputeView
    captures: tuple[DisputeCapture, ...] | None


@dataclass(frozen=True, slots=True)
class DisputeRuling:
    """What a member of staff decides: in whose favour, `holder` or `claimant`, and a note."""

    favour: str
    note: str = ""
