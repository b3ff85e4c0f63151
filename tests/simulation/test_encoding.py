from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import pairwise
from typing import get_args

import av
import numpy as np
import pytest

from tests.simulation.encoding import Codec, SensorNoise, Timing, encode, frame_times
from tests.simulation.portrait import Picture, as_picture

CODECS = get_args(Codec)


def gradients(count: int, width: int = 160, height: int = 120) -> Iterator[Picture]:
    """Pictures that say by their brightness which one they are."""
    noise = SensorNoise((width, height), seed=1, sigma=6.0)
    for index in range(count):
        picture = np.full((height, width, 3), 40 + 2 * index, dtype=np.uint8)
        picture[:, : width // 2] += 20
        yield noise(picture)


def decoded(clip: bytes) -> tuple[list[float], list[Picture], str, float]:
    with av.open(io.BytesIO(clip), mode="r") as container:
        stream = container.streams.video[0]
        name, rate = stream.codec_context.name, float(stream.average_rate or 0)
        frames = list(container.decode(stream))
        times = [float(frame.time or 0.0) for frame in frames]
        return times, [as_picture(f.to_ndarray(format="rgb24")) for f in frames], name, rate


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("fps", [15, 24, 60])
def test_every_codec_decodes_back_with_its_size_rate_and_order(codec: Codec, fps: int) -> None:
    times, pictures, name, rate = decoded(encode(gradients(20), fps=fps, codec=codec))
    assert name.removeprefix("lib") in (codec, codec.replace("vp8", "vpx"))
    assert rate == pytest.approx(fps, rel=0.02)
    assert times == pytest.approx([index / fps for index in range(20)], abs=0.0011)
    assert {picture.shape for picture in pictures} == {(120, 160, 3)}
    means = [float(picture.mean()) for picture in pictures]
    assert all(now > before for before, now in pairwise(means))
    assert means == pytest.approx([50 + 2 * index for index in range(20)], abs=3.0)


@pytest.mark.parametrize("codec", CODECS)
def test_a_worse_factor_or_a_lower_rate_makes_a_smaller_clip(codec: Codec) -> None:
    good, worse, meagre = (
        len(encode(gradients(30, 320, 240), fps=30, codec=codec, crf=crf, bit_rate=rate))
        for crf, rate in ((12, None), (40, None), (None, 150_000))
    )
    assert worse < 0.7 * good
    assert meagre < 0.7 * good


@pytest.mark.parametrize("codec", CODECS)
def test_uneven_times_are_kept_by_every_container(codec: Codec) -> None:
    asked = frame_times(1.0, 30, Timing(jitter_s=0.004, dropped=0.1), seed=3)
    clip = encode(gradients(len(asked)), fps=30, codec=codec, times=asked)
    times, pictures, _, _ = decoded(clip)
    assert times == pytest.approx(asked, abs=0.0011)
    assert len(pictures) == len(asked)


def test_times_are_even_unless_told_and_the_same_for_the_same_seed() -> None:
    assert frame_times(1.0, 4) == [0.0, 0.25, 0.5, 0.75]
    timing = Timing(jitter_s=0.01, dropped=0.2)
    one, same, other = (frame_times(20.0, 30, timing, seed) for seed in (1, 1, 2))
    assert one == same
    assert one != other
    assert one[0] == 0.0
    assert 0.15 < 1 - len(one) / 600 < 0.25
    assert min(np.diff(one)) >= 0.004 - 1e-9
    whole = np.array(frame_times(20.0, 30, Timing(jitter_s=0.005)))
    assert np.std(whole - np.arange(600) / 30) == pytest.approx(0.005, rel=0.1)


def test_no_frames_have_no_times() -> None:
    assert frame_times(0.0, 30, Timing(jitter_s=0.01)) == []


@pytest.mark.parametrize("bad", [{"jitter_s": -0.1}, {"dropped": 0.6}, {"dropped": -0.1}])
def test_timing_that_cannot_be_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="jitter"):
        Timing(**bad)


def test_a_frame_without_a_time_is_refused() -> None:
    with pytest.raises(ValueError, match="time"):
        encode(gradients(3), fps=30, times=[0.0, 0.1])


def test_noise_lets_light_through_that_is_weaker_than_a_step() -> None:
    noise = SensorNoise((200, 200), seed=5, offset=-10.0)
    flat = np.full((200, 200, 3), 110.3, dtype=np.float32)
    assert noise.onto(flat).mean() == pytest.approx(100.3, abs=0.05)
