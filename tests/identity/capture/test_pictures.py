"""Still pictures through the same sandbox."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from common.errors import CameoError
from identity.capture.sniff import is_picture
from identity.capture.stream import decode_picture
from identity.capture.types import PICTURE
from tests.adversarial import clips, corpus

FORMATS = ["JPEG", "PNG", "WEBP"]


def _file(form: str, size: tuple[int, int] = (160, 120), turned: int = 1) -> bytes:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = turned
    Image.fromarray(clips.corners(*size)(0)).save(out, form, exif=exif, lossless=True)
    return out.getvalue()


def _near(picture: NDArray[np.uint8], expected: NDArray[np.uint8]) -> bool:
    return float(np.abs(picture.astype(int) - expected).mean()) < 6


def _code(data: bytes, **limits: int) -> str:
    with pytest.raises(CameoError) as refusal:
        decode_picture(data, replace(PICTURE, **limits))
    return refusal.value.code


@pytest.mark.parametrize("form", FORMATS)
def test_a_picture_is_decoded_as_it_is(form: str) -> None:
    picture = decode_picture(_file(form))
    assert picture.dtype == np.uint8
    assert picture.flags.owndata
    assert _near(picture, clips.corners(160, 120)(0))


@pytest.mark.parametrize("turned", range(1, 9))
@pytest.mark.parametrize("form", FORMATS)
def test_exif_orientation_is_applied(form: str, turned: int) -> None:
    picture = decode_picture(_file(form, turned=turned))
    stored = clips.corners(160, 120)(0)
    expected = {
        1: stored,
        2: stored[:, ::-1],
        3: stored[::-1, ::-1],
        4: stored[::-1],
        5: stored.transpose(1, 0, 2),
        6: np.rot90(stored, -1),
        7: np.rot90(stored, 2).transpose(1, 0, 2),
        8: np.rot90(stored, 1),
    }[turned]
    assert picture.shape == expected.shape
    assert _near(picture, expected)


def test_a_large_picture_is_scaled_down() -> None:
    assert decode_picture(_file("JPEG", (4000, 3000)), working_side=800).shape == (600, 800, 3)


@pytest.mark.parametrize("form", FORMATS)
def test_half_a_picture_is_damaged(form: str) -> None:
    data = _file(form, (640, 480))
    assert _code(data[: len(data) // 2]) == "picture_damaged"


def test_bad_pictures_each_have_their_code() -> None:
    assert _code(b"") == "picture_empty"
    assert _code(b"GIF89a" + bytes(100)) == "not_a_picture"
    assert _code(clips.index_first(clips.clip())) == "not_a_picture"
    assert _code(b"<svg xmlns='http://www.w3.org/2000/svg'/>") == "not_a_picture"
    assert _code(corpus.archive()) == "not_a_picture"
    assert _code(b"\xff\xd8\xff" + bytes(500)) == "picture_damaged"
    assert _code(bytes(2000), max_bytes=1999) == "picture_too_large"


def test_a_picture_that_unfolds_to_gigabytes_is_refused() -> None:
    wide = clips.still("png", (60, 40), "rgb24", clips.corners(60, 40))
    # The header's word for width and height is all there is of this size.
    bomb = corpus.patched(wide, b"IHDR", 0, b"\0\0\x3f\xff\0\0\x3f\xff")
    assert _code(bomb) == "picture_too_many_pixels"
    for form in FORMATS:
        assert _code(_file(form, (300, 200)), max_pixels=59_999) == "picture_too_many_pixels"
    shrunk = corpus.patched(_file("PNG", (300, 200)), b"IHDR", 0, b"\0\0\0\x08\0\0\0\x08")
    assert _code(shrunk) == "picture_damaged"


def test_a_picture_is_told_from_a_clip_by_its_first_bytes() -> None:
    assert all(is_picture(_file(form)[:12]) for form in FORMATS)
    assert not is_picture(clips.clip(seconds=1)[:12])
    assert not is_picture(b"")


def test_an_unknown_working_side_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="working_side"):
        decode_picture(_file("PNG"), working_side=0)


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMATS)
def test_a_mutant_is_decoded_or_refused_and_nothing_else(form: str) -> None:
    outcomes = set()
    for mutant in corpus.mutants(_file(form), 80, seed=11):
        try:
            decode_picture(mutant)
            outcomes.add("decoded")
        except CameoError as error:
            outcomes.add(error.code)
    assert outcomes <= {
        "decoded", "picture_damaged", "not_a_picture", "picture_too_many_pixels",
        "decoder_memory", "decoder_timeout",
    }  # fmt: skip
