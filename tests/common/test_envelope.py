"""Envelope encryption."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from common.envelope import SealBroken, new_key, seal, unseal

KEY = bytes(range(32))


@given(st.binary(max_size=200), st.binary(max_size=20))
def test_what_is_sealed_opens_with_the_same_key_and_owner(plain: bytes, owner: bytes) -> None:
    assert unseal(KEY, seal(KEY, plain, bound_to=owner), bound_to=owner) == plain


@given(st.binary(max_size=40), st.data())
def test_any_changed_bit_is_refused(plain: bytes, data: st.DataObject) -> None:
    sealed = bytearray(seal(KEY, plain, bound_to=b"alice"))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(SealBroken):
        unseal(KEY, bytes(sealed), bound_to=b"alice")


def test_another_owner_or_key_is_refused() -> None:
    sealed = seal(KEY, b"template", bound_to=b"alice")
    with pytest.raises(SealBroken):
        unseal(KEY, sealed, bound_to=b"mallory")
    with pytest.raises(SealBroken):
        unseal(new_key(), sealed, bound_to=b"alice")


@pytest.mark.parametrize("sealed", [b"", b"short", bytes(12), bytes(27)])
def test_what_is_too_short_to_be_sealed_is_refused(sealed: bytes) -> None:
    with pytest.raises(SealBroken):
        unseal(KEY, sealed, bound_to=b"alice")


def test_a_published_vector_opens() -> None:
    # NIST GCM test case 16 (AES-256, 96-bit nonce, 20 bytes of associated data).
    key = bytes.fromhex("feffe9928665731c6d6a8f9467308308" * 2)
    nonce = bytes.fromhex("cafebabefacedbaddecaf888")
    bound_to = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    plain = bytes.fromhex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
    )
    tag = bytes.fromhex("76fc6ece0f4e1768cddf8853bb2d551b")
    sealed = nonce + AESGCM(key).encrypt(nonce, plain, bound_to)
    assert sealed.endswith(tag)
    assert unseal(key, sealed, bound_to=bound_to) == plain
