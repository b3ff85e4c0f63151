"""An owner's inbox is nobody's to fill."""

from __future__ import annotations

from datetime import timedelta

import pytest

from consent.approvals import MAX_WAITING
from consent.errors import ApprovalsFull
from consent.interface import Outputs, RenderRequest, decide_approval
from consent.models import Approval
from tests.consent.conftest import NOW, Cast


def test_nobody_fills_somebodys_inbox(cast: Cast) -> None:
    cast.grant(terms={"purposes": ["personal"], "approval_each_time": True})

    def numbered(number: int) -> RenderRequest:
        return cast.request(outputs=Outputs(1, float(number)))

    first = cast.ask(request=numbered(0)).approvals[0]
    for number in range(1, MAX_WAITING):
        cast.ask(request=numbered(number))
    with pytest.raises(ApprovalsFull):
        cast.ask(request=numbered(MAX_WAITING))
    assert cast.ask(request=numbered(0)).approvals == (first,)
    decide_approval(approval=first, approve=False, now=NOW, by=cast.alice)
    cast.ask(request=numbered(MAX_WAITING))
    # What came to its end takes no place.
    cast.ask(request=numbered(MAX_WAITING + 1), now=NOW + timedelta(days=7))
    assert Approval.objects.count() == MAX_WAITING + 2
