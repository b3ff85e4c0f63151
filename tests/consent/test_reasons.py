"""docs/reasons.md explains every code there is, and no others."""

from __future__ import annotations

import re
from pathlib import Path

from consent import errors
from consent.errors import ConsentChanged, TokenAlreadyRedeemed, TokenRefused
from consent.reasons import OWN_FAULTS, Reason

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reasons.md").read_text("utf-8")
BEFORE, AFTER = PAGE.split("## When a token is redeemed")


def explained(text: str) -> list[str]:
    return re.findall(r"^\| `(\w+)` \|", text, flags=re.MULTILINE)


def test_every_reason_is_explained_once() -> None:
    assert sorted(explained(BEFORE)) == sorted(reason.value for reason in Reason)


def test_the_requests_own_faults_are_explained_as_such() -> None:
    section = BEFORE.split("## The request's own faults")[1].split("\n## ")[0]
    assert set(explained(section)) == {reason.value for reason in OWN_FAULTS}


def test_every_refusal_of_a_token_is_explained_once() -> None:
    refusals = [
        kind.code
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, TokenRefused)
    ]
    codes = [*refusals, TokenAlreadyRedeemed.code, ConsentChanged.code]
    assert sorted(explained(AFTER)) == sorted(codes)
