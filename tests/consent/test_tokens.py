"""Likeness tokens: what is signed comes back, and everything else is refused by its own step."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import OKPKey

from consent.errors import TokenRefused
from consent.tokens import LikenessDetail, LikenessToken, from_claims, mint, verify

ISSUER = "https://cameo.example"
NOW = datetime(2030, 1, 1, 12, 0, 0, tzinfo=UTC)
IAT = int(NOW.timestamp())
# Order of the group that Ed25519 signs in (RFC 8032, section 5.1).
GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def okp(seed: bytes, kid: str) -> OKPKey:
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    jwk: dict[str, str | list[str]] = {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": b64(public),
        "d": b64(seed),
        "kid": kid,
    }
    return OKPKey.import_key(jwk)


SEED = bytes(range(32))
KEY = okp(SEED, "key_one")
STRANGER = okp(bytes(32), "key_two")
KEYS = {"key_one": KEY}

DETAIL = LikenessDetail("cam_a", "personal", 3, "grt_a", 1)
TOKEN = LikenessToken(
    issuer=ISSUER,
    audience="gen",
    requester="acc_bob",
    issued=IAT,
    not_before=IAT,
    expires=IAT + 120,
    jti="lkt_x",
    details=(DETAIL,),
    request_hash="0" * 64,
    obligations=(),
)
HEADER = {"alg": "Ed25519", "kid": "key_one", "typ": "likeness+jwt"}


def check(text: Any, *, now: datetime = NOW, audience: str = "gen") -> LikenessToken:
    return verify(text, KEYS, issuer=ISSUER, audience=audience, now=now)


def sign(header: bytes | dict[str, Any], payload: bytes | dict[str, Any]) -> str:
    """A token signed with the real key, whatever it says: the signature is never what saves us."""
    parts = [
        b64(part if isinstance(part, bytes) else json.dumps(part).encode())
        for part in (header, payload)
    ]
    text = ".".join(parts)
    signature = Ed25519PrivateKey.from_private_bytes(SEED).sign(text.encode())
    return f"{text}.{b64(signature)}"


def claims(**changes: Any) -> dict[str, Any]:
    return TOKEN.claims() | changes


def detail(**changes: Any) -> dict[str, Any]:
    return claims(authorization_details=[DETAIL.claim() | changes])


def code_of(text: Any, **given: Any) -> str:
    with pytest.raises(TokenRefused) as refused:
        check(text, **given)
    return refused.value.code


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


# --- step 1: the form ---------------------------------------------------------------------------
GOOD = mint(TOKEN, KEY)
PARTS = GOOD.split(".")


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


# --- steps 2 to 4: header, key, signature -------------------------------------------------------
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


# --- step 5: the claims -------------------------------------------------------------------------
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


# --- steps 6 and 7: whose, for whom, when -------------------------------------------------------
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
