"""Likeness tokens: what is signed comes back, to whom it is for, while it lives."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from consent.tokens import LikenessDetail, LikenessToken, mint
from tests.consent.signing import (
    DETAIL,
    GOOD,
    HEADER,
    IAT,
    ISSUER,
    KEY,
    NOW,
    TOKEN,
    b64,
    check,
    code_of,
    okp,
    unb64,
)


def test_what_was_minted_is_verified() -> None:
    text = mint(TOKEN, KEY)
    assert check(text) == TOKEN
    assert text == mint(TOKEN, KEY)
    header = json.loads(unb64(text.split(".")[0]))
    assert header == HEADER
    assert json.loads(unb64(text.split(".")[1])) == TOKEN.claims()


def test_eight_likenesses_fit() -> None:
    many = tuple(replace(DETAIL, identifier=f"cam_{'x' * 26}{n}") for n in range(8))
    token = replace(TOKEN, details=many)
    assert check(mint(token, KEY)) == token


def test_owners_tokens_name_no_grant() -> None:
    token = replace(TOKEN, details=(replace(DETAIL, grant=None, grant_version=None),))
    assert check(mint(token, KEY)) == token


@pytest.mark.parametrize(
    ("seed", "public", "message", "signature"),
    [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bac"
            "c61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e"
            "458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
    ],
)
def test_the_key_form_signs_as_rfc_8032_says(
    seed: str, public: str, message: str, signature: str
) -> None:
    """Vectors 1 and 2 of RFC 8032, section 7.1."""
    key = okp(bytes.fromhex(seed), "vector")
    assert b64(bytes.fromhex(public)) == key.as_dict(private=False)["x"]
    private = key.get_op_key("sign")
    assert isinstance(private, Ed25519PrivateKey)
    assert private.sign(bytes.fromhex(message)).hex() == signature


def test_another_issuer_is_refused() -> None:
    for issuer in ("https://cameo.example/", "https://cameo.example.evil", "HTTPS://CAMEO.EXAMPLE"):
        text = mint(replace(TOKEN, issuer=issuer), KEY)
        assert code_of(text) == "token_wrong_issuer"


def test_another_audience_is_refused() -> None:
    assert code_of(GOOD, audience="other") == "token_wrong_audience"
    assert code_of(GOOD, audience="GEN") == "token_wrong_audience"
    assert code_of(GOOD, audience="ge") == "token_wrong_audience"


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (-5.001, "token_not_yet_valid"),
        (-5, None),
        (0, None),
        (124.999, None),
        (125, "token_expired"),
        (10**8, "token_expired"),
        (-(10**8), "token_not_yet_valid"),
    ],
)
def test_a_token_lives_its_time_and_five_seconds(seconds: float, code: str | None) -> None:
    now = NOW + timedelta(seconds=seconds)
    if code is None:
        assert check(GOOD, now=now) == TOKEN
    else:
        assert code_of(GOOD, now=now) == code


def test_a_token_begins_when_it_says() -> None:
    later = mint(replace(TOKEN, not_before=IAT + 60), KEY)
    assert code_of(later, now=NOW + timedelta(seconds=54)) == "token_not_yet_valid"
    assert check(later, now=NOW + timedelta(seconds=55)).not_before == IAT + 60


words = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FFF), min_size=1, max_size=40)


@st.composite
def tokens(draw: Callable[[st.SearchStrategy[Any]], Any]) -> LikenessToken:
    issued = IAT - draw(st.integers(0, 60))
    owned = draw(st.booleans())
    names = draw(st.lists(words, min_size=1, max_size=8, unique=True))
    return LikenessToken(
        issuer=ISSUER,
        audience="gen",
        requester=draw(words),
        issued=issued,
        not_before=issued,
        expires=issued + draw(st.integers(61, 120)),
        jti=draw(words),
        details=tuple(
            LikenessDetail(
                identifier=name,
                purpose=draw(words),
                epoch=draw(st.integers(0, 2**53 - 1)),
                grant=None if owned else draw(words),
                grant_version=None if owned else draw(st.integers(1, 99)),
            )
            for name in names
        ),
        request_hash=hashlib.sha256(draw(st.binary())).hexdigest(),
        obligations=tuple(draw(st.lists(words, max_size=3))),
    )


@settings(max_examples=100, deadline=None)
@given(tokens())
def test_round_trip(token: LikenessToken) -> None:
    assert check(mint(token, KEY)) == token
