"""Decisions that had an effect, kept so that anybody entitled can have them decided again.

What was read of a cameo is sealed under that cameo's data key; with the key it is gone. The
ledger holds a salted digest over all of it, which says nothing once the salt is gone, and still
proves what it was to who has it.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from common.canonical import canonical_bytes
from common.errors import CameoError
from common.ids import is_id
from consent.decision import Decision, decide
from consent.errors import DecisionNotFound
from consent.facts import Snapshot
from consent.kept import decision_bytes, read_case, write_case, write_likeness
from consent.models import KeptDecision, KeptPart
from consent.request import DecisionRequest
from identity.interface import data_keys, open_with, seal_for

_SALT_BYTES = 32


class ReplayState(StrEnum):
    """What became of a kept decision."""

    SAME = "same"
    DIFFERENT = "different"
    ERASED = "erased"


@dataclass(frozen=True, slots=True)
class Replay:
    """A kept decision, decided again.

    Attributes:
        id: of the kept decision.
        token: the `jti` of the token it led to.
        digest: what the ledger holds.
        state: `same` where the stored case gives the same bytes again and its digest holds;
            `erased` where a cameo in it was erased.
        decision: the bytes it gives again, as text; None where it is erased.
    """

    id: str
    token: str
    digest: str
    state: ReplayState
    decision: str | None


def keep_decision(
    *, token: str, request: DecisionRequest, snapshot: Snapshot, decision: Decision, now: datetime
) -> KeptDecision:
    """Keep a decision in the caller's transaction; its `digest` belongs into the ledger.

    Args:
        token: the `jti` of the token it leads to.
        request, snapshot: what was decided.
        decision: how.
        now: when.

    Raises:
        KeystoreUnavailable, SealBroken: what was read can't be sealed; then there is no token.
    """
    common = {
        "case": write_case(request, snapshot),
        "decision": decision_bytes(decision).decode(),
        "salt": secrets.token_hex(_SALT_BYTES),
    }
    facts = {fact.cameo: write_likeness(fact) for fact in snapshot.likenesses}
    kept = KeptDecision.objects.create(
        token=token, effect=decision.effect.value, digest=_digest(common, facts), at=now
    )
    # Every part has the whole case beside its own facts: any one that is gone makes it erased.
    KeptPart.objects.bulk_create(
        KeptPart(
            decision=kept,
            cameo_id=cameo,
            sealed=seal_for(
                cameo, canonical_bytes({"common": common, "fact": fact}), _bound(kept.id)
            ),
        )
        for cameo, fact in facts.items()
    )
    return kept


def replay(*, decision: str) -> Replay:
    """Decide a kept decision (its id, or the `jti` of its token) again.

    Raises:
        DecisionNotFound: none is kept under this id.
        KeystoreUnavailable: the data keys can't be reached.
    """
    rows = KeptDecision.objects.filter(id=decision) if is_id("dec", decision) else None
    if rows is None:
        rows = KeptDecision.objects.filter(token=decision if is_id("lkt", decision) else "")
    row = rows.first()
    if row is None:
        raise DecisionNotFound
    sealed = {part.cameo_id: bytes(part.sealed) for part in row.parts.order_by("cameo_id")}
    keys = data_keys(sealed)
    if set(keys) != set(sealed):
        return Replay(row.id, row.token, row.digest, ReplayState.ERASED, None)
    return _again(row, sealed, keys)


def _again(row: KeptDecision, sealed: dict[str, bytes], keys: dict[str, bytes]) -> Replay:
    state, text = ReplayState.DIFFERENT, None
    try:
        parts = {
            cameo: json.loads(open_with(keys[cameo], cameo, body, _bound(row.id)))
            for cameo, body in sealed.items()
        }
        common = next(iter(parts.values()))["common"]
        facts = {cameo: part["fact"] for cameo, part in parts.items()}
        if _digest(common, facts) == row.digest:
            ordered = [facts[name] for name in common["case"]["likenesses"] if name in facts]
            text = decision_bytes(decide(*read_case(common["case"], ordered))).decode()
            state = ReplayState.SAME if text == common["decision"] else ReplayState.DIFFERENT
    except (CameoError, KeyError, StopIteration, TypeError, ValueError):
        # A case that can't be read gives no decision, least of all the same.
        state = ReplayState.DIFFERENT
    return Replay(row.id, row.token, row.digest, state, text)


def _digest(common: object, facts: object) -> str:
    return hashlib.sha256(canonical_bytes({"common": common, "facts": facts})).hexdigest()


def _bound(decision: str) -> bytes:
    return b"decision " + decision.encode()
