"""What a person is told after a capture that didn't pass."""

from __future__ import annotations

from identity.liveness.fusion import KNOTS
from identity.liveness.verdict import WHY
from identity.verification.advice import BY_REASON, BY_WHY, TRY_AGAIN, advise

NOTHING_WRONG = {"ok", "no_script", "not_applicable"}


def test_every_reason_has_its_advice_and_no_other_has() -> None:
    reasons = {
        (signal, why)
        for signal, codes in WHY.items()
        for why in codes
        # A soft signal stands in nobody's way, so nobody is advised about it.
        if signal not in KNOTS and why not in NOTHING_WRONG
    }
    own = {tuple(reason.split(":")) for reason in BY_REASON}
    assert own <= reasons
    assert {why for _, why in reasons} == set(BY_WHY)


def test_advice_comes_once_and_never_not_at_all() -> None:
    assert advise(["quality:too_dark", "single_face:too_dark"]) == advise(["quality:too_dark"])
    assert advise([]) == (TRY_AGAIN,)
    assert advise(["unheard:of"]) == (TRY_AGAIN,)


def test_advice_names_no_signal_and_no_number() -> None:
    for advice in (*BY_WHY.values(), *BY_REASON.values()):
        assert advice.code not in WHY
        assert not any(character.isdigit() for character in advice.message)
