"""Every hostile file is refused, each by its own code."""

from __future__ import annotations

import io
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from common.errors import CameoError, InvalidInput, TooLarge, UnsupportedMedia
from identity.capture.stream import open_clip
from identity.capture.types import INTAKE, OWN_FILES, ClipLimits
from identity.errors import ClipEmpty, ClipTooManyBytes, DecoderMemory, DecoderTimeout
from tests.adversarial import corpus


def take_all(data: bytes, limits: ClipLimits = INTAKE) -> int:
    with open_clip(data, limits) as clip:
        return sum(1 for _ in clip)


def open_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.mark.parametrize("case", corpus.refused(), ids=lambda case: case.name)
def test_a_hostile_file_is_refused_by_its_code(case: corpus.Hostile) -> None:
    data = case.make()
    with pytest.raises((InvalidInput, TooLarge, UnsupportedMedia)) as refusal:
        take_all(data)
    assert refusal.value.code in case.codes


def test_too_many_bytes_are_refused_before_they_are_all_read() -> None:
    class Endless(io.RawIOBase):
        taken = 0

        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            self.taken += size
            return bytes(size)

    source = Endless()
    limits = replace(INTAKE, max_bytes=3_000_000)
    with pytest.raises(ClipTooManyBytes):
        open_clip(source, limits)  # type: ignore[arg-type]
    assert source.taken < 5_000_000
    with pytest.raises(ClipTooManyBytes):
        open_clip(bytes(3_000_001), limits)


def test_an_empty_source_of_any_kind_is_empty() -> None:
    with tempfile.TemporaryFile() as file:
        for source in (b"", bytearray(), memoryview(b""), io.BytesIO(), file, file.fileno()):
            with pytest.raises(ClipEmpty):
                open_clip(source)


def test_an_unknown_working_side_is_a_mistake_of_the_caller(honest_clip: bytes) -> None:
    for side in (0, 63, 961):
        with pytest.raises(ValueError, match="working_side"):
            open_clip(honest_clip, working_side=side)


def test_a_clip_that_costs_too_much_memory_is_refused(honest_clip: bytes) -> None:
    limits = replace(INTAKE, memory_bytes=2_000_000)
    with pytest.raises(DecoderMemory):
        take_all(honest_clip, limits)


def test_a_clip_that_costs_too_much_time_is_refused(honest_clip: bytes) -> None:
    with pytest.raises(DecoderTimeout):
        open_clip(honest_clip, replace(INTAKE, wall_seconds=0.0))


def test_an_operator_may_look_at_short_clips() -> None:
    short = next(case for case in corpus.wrong_measures() if case.name == "too short")
    assert take_all(short.make(), OWN_FILES) == 30


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("container", ["mp4", "webm"])
def test_a_mutant_is_decoded_or_refused_and_nothing_else(container: str) -> None:
    seed = corpus.moved_to_front() if container == "mp4" else corpus.browser_recording()
    descriptors = open_descriptors()
    codes: dict[str, int] = {}
    for mutant in corpus.mutants(seed, 150, seed=7):
        try:
            take_all(mutant)
            code = "decoded"
        except CameoError as error:
            code = error.code
        codes[code] = codes.get(code, 0) + 1
    assert "sandbox_unavailable" not in codes
    assert len(codes) > 3
    assert open_descriptors() <= descriptors + 2
