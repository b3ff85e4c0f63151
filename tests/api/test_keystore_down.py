"""What the interface says while the keystore doesn't answer."""

from __future__ import annotations

import pytest

from identity.interface import erasure_receipt
from identity.keystore.models import DataKey
from identity.models import Cameo
from identity.protection.data_keys import seal_for
from tests.api.conftest import Cast
from tests.identity.keystores import take_down


@pytest.mark.django_db(transaction=True)
def test_an_erasure_is_taken_and_its_receipt_says_that_it_is_pending(
    cast: Cast, alice_cameo: Cameo, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal_for(alice_cameo.id, b"1", b"a")
    alice = cast.api(cast.alice)
    with monkeypatch.context() as patch:
        take_down(patch)
        answer = alice("POST", f"/v1/cameos/{alice_cameo.id}/erase")
        assert (answer.status, answer.json["state"]) == (200, "erased")
    receipt = erasure_receipt(
        account_id=cast.alice.id, cameo_id=alice_cameo.id, now=alice_cameo.created
    )
    assert receipt.state == "pending"
    assert DataKey.objects.get().wrapped is not None
