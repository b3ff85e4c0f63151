"""Decoders for the tests of this folder: the real ones, and ones that do what they are told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from identity.capture.pool import DecoderPool
from identity.capture.stream import close_decoders
from tests.adversarial import clips


@pytest.fixture(scope="package", autouse=True)
def stopped_decoders() -> Iterator[None]:
    yield
    close_decoders()


@pytest.fixture(scope="package")
def hostile() -> Iterator[DecoderPool]:
    """Confined like any other, but a decoder of this pool runs the experiment its file names."""
    with DecoderPool("tests.identity.capture.hostile_zygote") as pool:
        yield pool


@pytest.fixture
def own_pool() -> Iterator[DecoderPool]:
    """The real decoders, from a zygote that only this test uses."""
    with DecoderPool() as pool:
        yield pool


@pytest.fixture(scope="package")
def honest_clip() -> bytes:
    """Four seconds, 60 frames, 160 × 120, H.264 in MP4."""
    return clips.index_first(clips.clip())
