"""Tokens that were tampered with, each refused by the step that it is meant to slip past."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from consent.errors import TokenRefused
from consent.tokens import from_claims, mint
from tests.consent.signing import (
    DETAIL,
    GOOD,
    GROUP_ORDER,
    HEADER,
    IAT,
    KEY,
    PARTS,
    STRANGER,
    TOKEN,
    b64,
    check,
    claims,
    code_of,
    detail,
    sign,
    unb64,
)


def _nonzero_tail(part: str) -> str:
    """The same bytes in another spelling: bits left over in the last character aren't zero."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return part[:-1] + alphabet[alphabet.index(part[-1]) + 1]


@pytest.mark.parametrize(
    "text",
    [
        None,
        b"bytes",
        3,
        "",
        ".",
        "..",
        "a.b.c.d.e",
        GOOD + "=",
        GOOD + "==",
        GOOD + "\n",
        " " + GOOD,
        GOOD + ".",
        GOOD.replace(".", ".."),
        f"{PARTS[0]}.{PARTS[1]}",
        f"{PARTS[0]}.{PARTS[1]}.",
        f"{PARTS[0]}..{PARTS[2]}",
        f"{PARTS[0]}.{PARTS[1]}.{PARTS[2][:-4]}",
        f"{PARTS[0]}.{PARTS[1]}.{PARTS[2]}AAAA",
        f"{PARTS[0]}.{PARTS[1]}.{_nonzero_tail(PARTS[2])}",
        f"{PARTS[0]}.{PARTS[1]}.{PARTS[2][:-1]}ä",
        f"{PARTS[0]}\x00.{PARTS[1]}.{PARTS[2]}",
        json.dumps({"protected": PARTS[0], "payload": PARTS[1], "signature": PARTS[2]}),
        "A" * 8193,
        "A" * 4000 + "." + "A" * 4001 + "." + "A" * 190,
        sign(b"{}{}", TOKEN.claims()),
        sign(b"[]", TOKEN.claims()),
        sign(b'"alg"', TOKEN.claims()),
        sign(b"\xff\xfe", TOKEN.claims()),
        sign(HEADER, b"[]"),
        sign(HEADER, b"null"),
        sign(HEADER, b"not json"),
        sign(HEADER, b'{"iss":"https://cameo.example","iss":"https://cameo.example"}'),
        sign(HEADER, b'{"iat":NaN}'),
        sign(HEADER, b'{"iat":1e999,"x":Infinity}'),
        sign(HEADER, b'{"iss":"\\ud800"}'),
        sign(HEADER, b"[" * 200 + b"]" * 200),
        sign(HEADER, b'{"iat":' + b"9" * 5000 + b"}"),
        sign(b'{"alg":"Ed25519","alg":"none","kid":"key_one","typ":"likeness+jwt"}', claims()),
        sign(b'{"alg":"none","alg":"Ed25519","kid":"key_one","typ":"likeness+jwt"}', claims()),
    ],
)
def test_what_is_not_strictly_a_token_is_malformed(text: Any) -> None:
    assert code_of(text) == "token_malformed"


@pytest.mark.parametrize(
    "header",
    [
        HEADER | {"alg": "none"},
        HEADER | {"alg": "EdDSA"},
        HEADER | {"alg": "ed25519"},
        HEADER | {"alg": "HS256"},
        HEADER | {"alg": "Ed448"},
        HEADER | {"alg": ["Ed25519"]},
        HEADER | {"alg": None},
        {"kid": "key_one", "typ": "likeness+jwt"},
        HEADER | {"typ": "JWT"},
        HEADER | {"typ": "at+jwt"},
        HEADER | {"typ": "LIKENESS+JWT"},
        HEADER | {"typ": "application/likeness+jwt"},
        {"kid": "key_one", "alg": "Ed25519"},
        HEADER | {"crit": ["exp"]},
        HEADER | {"crit": []},
        HEADER | {"crit": ["b64"], "b64": False},
        HEADER | {"b64": True},
        HEADER | {"unheard-of": 1},
    ],
)
def test_headers_of_another_kind_are_refused(header: dict[str, Any]) -> None:
    assert code_of(sign(header, TOKEN.claims())) == "token_header_refused"


@pytest.mark.parametrize("kid", ["key_two", "", None, 3, ["key_one"], {"key_one": 1}])
def test_only_pinned_keys_count(kid: Any) -> None:
    assert code_of(sign(HEADER | {"kid": kid}, TOKEN.claims())) == "token_key_unknown"


def test_a_key_that_the_token_brings_is_never_used() -> None:
    jwk = STRANGER.as_dict(private=False)
    brought = HEADER | {"jwk": jwk, "jku": "https://evil.example/jwks.json"}
    text = f"{b64(json.dumps(brought).encode())}.{PARTS[1]}"
    signature = Ed25519PrivateKey.from_private_bytes(bytes(32)).sign(text.encode())
    assert code_of(f"{text}.{b64(signature)}") == "token_signature_invalid"
    own_kid = brought | {"kid": "key_two"}
    text = f"{b64(json.dumps(own_kid).encode())}.{PARTS[1]}"
    signature = Ed25519PrivateKey.from_private_bytes(bytes(32)).sign(text.encode())
    assert code_of(f"{text}.{b64(signature)}") == "token_key_unknown"


def test_addresses_of_keys_are_ignored() -> None:
    header = HEADER | {"jku": "https://evil.example/jwks.json", "x5u": "https://evil.example/c"}
    assert check(sign(header, TOKEN.claims())) == TOKEN


def test_the_public_key_is_no_shared_secret() -> None:
    public = unb64(str(KEY.as_dict(private=False)["x"]))
    for algorithm in ("HS256", "Ed25519"):
        header = b64(json.dumps(HEADER | {"alg": algorithm}).encode())
        mac = hmac.new(public, f"{header}.{PARTS[1]}".encode(), hashlib.sha512).digest()
        with pytest.raises(TokenRefused):
            check(f"{header}.{PARTS[1]}.{b64(mac)}")


def test_a_signature_has_one_spelling() -> None:
    """S + L signs as well as S where a verifier forgets RFC 8032, 5.1.7."""
    raw = unb64(PARTS[2])
    scalar = int.from_bytes(raw[32:], "little") + GROUP_ORDER
    other = raw[:32] + scalar.to_bytes(32, "little")
    assert code_of(f"{PARTS[0]}.{PARTS[1]}.{b64(other)}") == "token_signature_invalid"


def test_parts_of_two_tokens_make_none() -> None:
    other = mint(replace(TOKEN, jti="lkt_y"), KEY).split(".")
    assert code_of(f"{PARTS[0]}.{other[1]}.{PARTS[2]}") == "token_signature_invalid"
    assert code_of(f"{PARTS[0]}.{PARTS[1]}.{other[2]}") == "token_signature_invalid"


@settings(max_examples=400, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.integers(0, 127))
def test_any_changed_character_is_refused(place: int, character: int) -> None:
    text = GOOD[:place] + chr(character) + GOOD[place + 1 :]
    if text != GOOD:
        with pytest.raises(TokenRefused):
            check(text)


def test_every_flipped_bit_of_the_signature_is_refused() -> None:
    raw = unb64(PARTS[2])
    for bit in range(512):
        flipped = bytearray(raw)
        flipped[bit // 8] ^= 1 << bit % 8
        text = f"{PARTS[0]}.{PARTS[1]}.{b64(bytes(flipped))}"
        assert code_of(text) == "token_signature_invalid"


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300) | st.binary(max_size=300).map(b64))
def test_noise_is_refused(text: str) -> None:
    with pytest.raises(TokenRefused):
        check(text)


WRONG: list[Any] = [None, True, "", [], {}, -1, 1.5, 2**53, "x" * 257]


@pytest.mark.parametrize("name", sorted(TOKEN.claims()))
def test_every_claim_must_be_there(name: str) -> None:
    payload = {key: value for key, value in TOKEN.claims().items() if key != name}
    assert code_of(sign(HEADER, payload)) == "token_claims_invalid"


@pytest.mark.parametrize("name", ["iss", "aud", "sub", "iat", "nbf", "exp", "jti", "request_hash"])
@pytest.mark.parametrize("value", WRONG)
def test_every_claim_has_its_type(name: str, value: Any) -> None:
    assert code_of(sign(HEADER, claims(**{name: value}))) == "token_claims_invalid"


@pytest.mark.parametrize("name", sorted(DETAIL.claim()))
def test_every_detail_has_its_members_and_types(name: str) -> None:
    entry = {key: value for key, value in DETAIL.claim().items() if key != name}
    payload = claims(authorization_details=[entry])
    assert code_of(sign(HEADER, payload)) == "token_claims_invalid"
    for value in WRONG:
        assert code_of(sign(HEADER, detail(**{name: value}))) == "token_claims_invalid"


@pytest.mark.parametrize(
    "payload",
    [
        claims(scope="everything"),
        claims(aud=["gen"]),
        claims(aud=["gen", "other"]),
        claims(iat=float(IAT) + 0.5),
        claims(iat=str(IAT)),
        claims(exp=IAT + 121),
        claims(exp=IAT),
        claims(nbf=IAT - 1),
        claims(nbf=IAT + 120),
        claims(iat=IAT - 1),
        claims(request_hash="A" * 64),
        claims(obligations="attribution"),
        claims(obligations=[{}]),
        claims(authorization_details=[]),
        claims(authorization_details=[DETAIL.claim()] * 2),
        claims(authorization_details=[DETAIL.claim() | {"identifier": f"c{n}"} for n in range(9)]),
        claims(authorization_details=[[]]),
        claims(authorization_details={"0": DETAIL.claim()}),
        detail(actions=["generate", "train"]),
        detail(privileges=["face", "voice"]),
        detail(type="likeness2"),
        detail(locations=["https://evil.example"]),
    ],
)
def test_claims_of_another_kind_are_refused(payload: dict[str, Any]) -> None:
    assert code_of(sign(HEADER, payload)) == "token_claims_invalid"


def test_stored_claims_are_read_back() -> None:
    assert from_claims(json.loads(json.dumps(TOKEN.claims()))) == TOKEN
