from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.converters import minifasnet
from models.engine import Engines, PadEngine
from models.errors import MalformedModel, ManifestError, UnusablePicture, UnusableRegion
from models.manifest import PackFile, load_manifest
from models.minifasnet import Box, MiniFasNetPad, grown_box, network_input
from models.runtime import load_pad
from tests.models.torch_files import random_minifasnet, torch_file

Picture = NDArray[np.uint8]
ROOT = Path(__file__).parents[2]
FILES = load_manifest("minifasnet").files
NETWORKS = tuple(
    minifasnet.convert(torch_file(random_minifasnet(seed, squeeze_excite=bool(seed))))
    for seed in range(2)
)


@pytest.fixture(scope="module")
def engine() -> MiniFasNetPad:
    return MiniFasNetPad("minifasnet", list(zip(FILES, NETWORKS, strict=True)))


def _noise(height: int = 120, width: int = 160) -> Picture:
    rng = np.random.default_rng(4)
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_a_score_is_the_mean_of_what_the_networks_say(engine: MiniFasNetPad) -> None:
    pad: PadEngine = engine
    box = (60.0, 40.0, 90.0, 80.0)
    alone = [
        MiniFasNetPad("one", [(file, content)]).score(_noise(), box)
        for file, content in zip(FILES, NETWORKS, strict=True)
    ]

    assert pad.name == "minifasnet"
    assert all(0 <= score <= 1 for score in alone)
    assert alone[0] != alone[1]
    assert pad.score(_noise(), box) == pytest.approx(np.mean(alone))


def test_a_box_grows_about_its_centre() -> None:
    assert grown_box((300.0, 200.0, 340.0, 240.0), 2.5, width=640, height=480) == (
        270,
        170,
        371,
        271,
    )


def test_a_box_near_the_edge_is_shifted_inside_and_keeps_its_size() -> None:
    x0, y0, x1, y1 = grown_box((0.0, 430.0, 40.0, 470.0), 2.5, width=640, height=480)

    assert (x0, y0, x1, y1) == (0, 379, 101, 480)


def test_a_box_too_large_for_the_picture_is_shrunk_on_both_axes() -> None:
    x0, y0, x1, y1 = grown_box((250.0, 100.0, 350.0, 300.0), 4.0, width=640, height=480)

    assert (y0, y1) == (0, 480)
    assert x1 - x0 == pytest.approx(240, abs=1)
    assert (x0 + x1) / 2 == pytest.approx(300, abs=1)


@given(
    box=st.tuples(*[st.floats(-200, 900)] * 4),
    growth=st.floats(1, 8),
    width=st.integers(1, 700),
    height=st.integers(1, 700),
)
def test_a_crop_always_lies_inside_the_picture(
    box: Box, growth: float, width: int, height: int
) -> None:
    try:
        x0, y0, x1, y1 = grown_box(box, growth, width=width, height=height)
    except UnusableRegion:
        return
    assert 0 <= x0 < x1 <= width
    assert 0 <= y0 < y1 <= height


def test_the_networks_see_bgr_from_0_to_255_stretched() -> None:
    picture = np.zeros((40, 20, 3), dtype=np.uint8)
    picture[:] = (200, 100, 50)

    values = network_input(picture, 80)

    assert values.shape == (1, 3, 80, 80)
    assert values.dtype == np.float32
    assert [float(values[0, channel].mean()) for channel in range(3)] == [50, 100, 200]


@pytest.mark.parametrize(
    "box",
    [
        (50.0, 50.0, 50.0, 80.0),
        (80.0, 50.0, 50.0, 80.0),
        (50.0, 50.0, 50.5, 80.0),
        (float("nan"), 50.0, 60.0, 80.0),
        (50.0, 50.0, float("inf"), 80.0),
        (-1e308, 50.0, 1e308, 80.0),
        (160.0, 50.0, 190.0, 80.0),
        (-40.0, 50.0, 0.0, 80.0),
        (50.0, 120.0, 80.0, 150.0),
    ],
)
def test_a_box_that_is_none_is_a_typed_error(engine: MiniFasNetPad, box: Box) -> None:
    with pytest.raises(UnusableRegion):
        engine.score(_noise(), box)


def test_a_picture_that_is_none_is_a_typed_error(engine: MiniFasNetPad) -> None:
    box = (50.0, 50.0, 90.0, 90.0)
    for picture in (_noise()[:, :, 0], np.zeros((0, 9, 3), dtype=np.uint8)):
        with pytest.raises(UnusablePicture):
            engine.score(picture, box)
    with pytest.raises(UnusableRegion):
        engine.score(_noise()[:1, :1], (0.0, 0.0, 1.0, 1.0))


def test_a_view_of_a_picture_scores_as_its_copy(engine: MiniFasNetPad) -> None:
    box = (60.0, 40.0, 90.0, 80.0)
    turned = _noise()[::-1, :, ::-1]

    assert engine.score(turned, box) == engine.score(np.ascontiguousarray(turned), box)


@pytest.mark.parametrize(
    "change",
    [
        {"alignment": "letter_box"},
        {"colour_order": "rgb"},
        {"scale": 0.5},
        {"mean": (1.0, 0.0, 0.0)},
    ],
)
def test_another_preparation_stops_the_start(change: dict[str, object]) -> None:
    preparation = replace(FILES[0].preparation, **change)  # type: ignore[arg-type]
    file: PackFile = replace(FILES[0], preparation=preparation)

    with pytest.raises(ManifestError):
        MiniFasNetPad("minifasnet", [(file, NETWORKS[0])])


def test_no_network_or_another_stops_the_start() -> None:
    with pytest.raises(ManifestError):
        MiniFasNetPad("minifasnet", [])
    with pytest.raises(MalformedModel):
        MiniFasNetPad("minifasnet", [(FILES[0], b"no network")])


@pytest.fixture(scope="module")
def medians(engines: Engines, models_dir: Path) -> dict[str, float]:
    folder = Path(os.environ.get("CAMEO_REAL_CLIPS", ROOT.parent / "shared" / "clips"))
    clips = sorted(folder.glob("*.mp4"))
    if not clips:
        pytest.skip("the real clips are not there ($CAMEO_REAL_CLIPS)")
    if not (models_dir / "minifasnet").is_dir():
        pytest.skip("model pack `minifasnet` is not installed (manage.py models install)")
    pad = load_pad("minifasnet", models_dir)
    return {clip.stem: _median(engines, pad, clip) for clip in clips}


def _median(engines: Engines, pad: PadEngine, clip: Path, every: int = 30) -> float:
    scores = []
    with av.open(str(clip)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number % every:
                continue
            picture = np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)
            for face in engines.detector.detect(picture)[:1]:
                scores.append(pad.score(picture, face.box))
    return float(np.median(scores))


@pytest.mark.real_clips
@pytest.mark.pack
@pytest.mark.slow
def test_bona_fide_clips_score_as_the_docs_say(medians: dict[str, float]) -> None:
    for name, median in medians.items():
        low, high = (0.2, 0.5) if name == "studio-man-mouth" else (0.8, 1.0)
        assert low <= median <= high, (name, median)
