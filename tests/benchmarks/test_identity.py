from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
from django.conf import settings
from numpy.typing import NDArray

from benchmarks import identity
from benchmarks.identity_peers import networks
from benchmarks.identity_peers.frames import over_chosen
from benchmarks.identity_peers.jobs import Job, Mark, Measured, evenly, mark_of
from benchmarks.identity_peers.one_to_one import comparison
from benchmarks.identity_peers.results import (
    DECODING,
    DLIB,
    INSIGHTFACE,
    PIPELINE,
    goals,
    ratios,
    row,
)
from benchmarks.identity_peers.steady import slope_kib, steady
from benchmarks.identity_peers.weights import DLIB_WEIGHTS, InsightFaceFolder, dlib_weights
from benchmarks.identity_peers.workers import Worker, WorkerFailed
from benchmarks.synthetic_clip import synthetic_clip

PAGE = Path(__file__).parents[2] / "docs" / "evaluation" / "identity.md"
TOP = {
    "machine",
    "packages",
    "clip",
    "repeats",
    "contenders",
    "ratios",
    "goals",
    "steady",
    "comparison",
    "duplicates",
}
ROW = {"median_s", "min_s", "per_frame_ms", "frames_measured", "cpu_s", "peak_mb"}
SECONDS = {DECODING: 1.0, PIPELINE: 2.0, DLIB: 50.0, INSIGHTFACE: 80.0}


def _measured(seconds: float, **facts: float | int | str) -> Measured:
    return Measured(seconds, 2 * seconds, 60, 5, 100.0, facts)


class StandIn(Worker):
    """A contender that only says how long it took."""

    def __init__(self, name: str, build: Callable[[], Any]) -> None:
        self.name = name

    def __enter__(self) -> Self:
        return self

    def run(self, job: Job) -> Measured:
        facts: dict[str, float | int | str] = {}
        if self.name == PIPELINE:
            facts = {"decoder_peak_mb": 50.0, "width": 64, "height": 64, "clip_seconds": 2.0}
        return _measured(SECONDS[self.name], **facts)

    def marks(self) -> tuple[int, dict[int, Mark]]:
        return 0, {}

    def resident_mb(self) -> tuple[float, float]:
        return 200.0, 50.0

    def close(self) -> None:
        pass


@pytest.fixture
def no_processes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(identity, "Worker", StandIn)
    folder = InsightFaceFolder(tmp_path, random_weights=True, facts={"weights": "random"})
    monkeypatch.setattr(identity, "insightface_folder", lambda *_: folder)
    monkeypatch.setattr(identity, "dlib_weights", lambda: tmp_path / DLIB_WEIGHTS)
    monkeypatch.setattr(identity, "duplicates", lambda sizes: [{"size": size} for size in sizes])


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"not looked into")
    return path


def _json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert identity.main([*arguments, "--json"]) == 0
    body: dict[str, Any] = json.loads(capsys.readouterr().out)
    return body


@pytest.mark.usefixtures("no_processes")
def test_the_object_has_the_keys_that_the_page_names(
    clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = _json(capsys, str(clip), "--repeats", "1", "--steady", "3")
    assert set(body) == TOP
    assert set(body["contenders"]) == set(SECONDS)
    assert all(set(values) >= ROW for values in body["contenders"].values())
    page = PAGE.read_text()
    keys = TOP | ROW | set(body["contenders"]) | set(body["steady"]) | set(body["ratios"])
    assert [key for key in sorted(keys) if f"`{key}`" not in page] == []


@pytest.mark.usefixtures("no_processes")
def test_ratios_are_those_of_the_medians(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = _json(capsys, str(clip), "--repeats", "3")
    to_decode = {PIPELINE: 2.0, DLIB: 50.0, INSIGHTFACE: 80.0}
    to_this = {DLIB: 25.0, INSIGHTFACE: 40.0}
    assert body["ratios"] == {
        "to_decode": to_decode,
        "peers_to_this": to_this,
        "cpu_to_decode": to_decode,
        "cpu_peers_to_this": to_this,
    }
    assert [goal["met"] for goal in body["goals"]] == [True, True, True, None]


@pytest.mark.usefixtures("no_processes")
def test_without_json_tables_are_printed(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert identity.main([str(clip), "--repeats", "1", "--steady", "1"]) == 0
    assert "200.0 … 200.0" in capsys.readouterr().out
    assert identity.main([str(clip), "--repeats", "1"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in SECONDS)
    assert "not measured" in out


def test_one_slow_run_moves_no_ratio() -> None:
    runs = {
        DECODING: [_measured(1.0), _measured(1.0), _measured(9.0)],
        PIPELINE: [_measured(3.0), _measured(30.0), _measured(2.0)],
    }
    found = ratios(runs)
    assert found["to_decode"] == found["cpu_to_decode"] == {PIPELINE: 3.0}
    assert found["peers_to_this"] == found["cpu_peers_to_this"] == {}
    values = row(runs[PIPELINE], frames=60)
    assert (values["median_s"], values["min_s"], values["per_frame_ms"]) == (3.0, 2.0, 50.0)


def test_goals_that_are_missed_are_said_to_be() -> None:
    found = {"to_decode": {PIPELINE: 3.6}, "peers_to_this": {DLIB: 19.9}}
    rows = {PIPELINE: {"peak_mb": 500.0, "decoder_peak_mb": 101.0}}
    rising = {"largest_mb": 300.0, "flat": False}
    assert [goal["met"] for goal in goals(rows, found, rising)] == [False] * 4
    peerless = {"to_decode": {PIPELINE: 3.5}, "peers_to_this": {}}
    assert [goal["met"] for goal in goals(rows, peerless, None)] == [True, None, False, None]


def test_absent_weights_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    no_processes: None, clip: Path,
) -> None:  # fmt: skip
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty"))
    assert dlib_weights() is None
    monkeypatch.setattr(identity, "dlib_weights", dlib_weights)
    body = _json(capsys, str(clip), "--repeats", "1")
    assert DLIB_WEIGHTS in body["contenders"][DLIB]["absent"]
    assert DLIB not in body["ratios"]["peers_to_this"]
    assert body["goals"][1]["found"] is None


@pytest.mark.usefixtures("no_processes")
def test_a_peer_that_breaks_is_left_out_and_the_others_go_on(
    clip: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Breaks(StandIn):
        def run(self, job: Job) -> Measured:
            if self.name == INSIGHTFACE:
                raise WorkerFailed("insightface_style: RuntimeError")
            return super().run(job)

    monkeypatch.setattr(identity, "Worker", Breaks)
    assert identity.main([str(clip), "--repeats", "2", "--json"]) == 0
    output = capsys.readouterr()
    body = json.loads(output.out)
    assert body["contenders"][INSIGHTFACE] == {"absent": "insightface_style: RuntimeError"}
    assert "is left out" in output.err
    assert body["ratios"]["peers_to_this"] == {DLIB: 25.0}


@pytest.mark.usefixtures("no_processes")
def test_a_million_templates_are_searched_only_when_asked_for(
    clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    usual = _json(capsys, str(clip), "--repeats", "1")
    asked = _json(capsys, str(clip), "--repeats", "1", "--million")
    without = _json(capsys, str(clip), "--repeats", "1", "--no-duplicates")
    assert [row["size"] for row in usual["duplicates"]] == [1_000, 100_000]
    assert [row["size"] for row in asked["duplicates"]] == [1_000, 100_000, 1_000_000]
    assert without["duplicates"] == []


def test_a_gallery_that_cannot_be_measured_is_said_to_be_absent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def breaks(size: int) -> None:
        raise SystemExit(f"The gallery of {size} could not be measured.")

    monkeypatch.setattr("benchmarks.duplicates.measure", breaks)
    (values,) = identity.duplicates([1_000])
    assert values == {"size": 1_000, "absent": "The gallery of 1000 could not be measured."}


def test_a_file_that_is_not_there_is_said_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert identity.main([str(tmp_path / "none.mp4"), "--json"]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert "none.mp4 can't be read" in output.err


@pytest.mark.usefixtures("no_processes")
def test_a_clip_that_the_pipeline_refuses_is_an_error(
    clip: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Refuses(StandIn):
        def run(self, job: Job) -> Measured:
            raise WorkerFailed("this_pipeline: not_a_video: This is no video.")

    monkeypatch.setattr(identity, "Worker", Refuses)
    assert identity.main([str(clip), "--json"]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert "not_a_video" in output.err


def test_frames_are_spread_evenly() -> None:
    assert evenly(300, 3) == (50, 150, 250)
    assert evenly(4, 30) == (0, 1, 2, 3)


def test_a_frame_without_a_face_has_no_mark() -> None:
    mesh = np.full((468, 3), np.nan, dtype=np.float32)
    assert mark_of(mesh, 0.5) is None
    mesh[:] = 10.0
    mark = mark_of(mesh, 0.5)
    assert mark is not None
    assert mark.dlib_five == mark.arcface_five == ((20.0, 20.0),) * 5


def test_only_chosen_frames_are_worked_on_and_turned_upright() -> None:
    data = synthetic_clip(64, 96, 0.4, 100_000)
    seen: list[tuple[int, tuple[int, ...]]] = []

    def work(index: int, picture: NDArray[np.uint8]) -> None:
        seen.append((index, picture.shape))

    measured = over_chosen(Job(data, rotation=90, chosen=(2, 8)), "rgb24", work)
    assert seen == [(2, (64, 96, 3)), (8, (64, 96, 3))]
    assert (measured.frames, measured.frames_measured) == (12, 2)


def test_the_chosen_frames_time_is_scaled_to_the_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]

    def work(index: int, picture: NDArray[np.uint8]) -> None:
        now[0] += 1.0

    monkeypatch.setattr("benchmarks.identity_peers.frames.time.perf_counter", lambda: now[0])
    data = synthetic_clip(64, 64, 0.4, 100_000)
    assert over_chosen(Job(data, chosen=(0, 5, 9)), "rgb24", work).seconds == pytest.approx(12.0)


def test_the_slope_is_that_of_the_fitted_line() -> None:
    assert slope_kib([50, 100, 150], [200.0, 200.5, 201.0]) == pytest.approx(10.24)
    assert slope_kib([50], [200.0]) == 0.0


def test_rising_memory_is_not_called_flat() -> None:
    class Leaks(StandIn):
        clips = 0

        def run(self, job: Job) -> Measured:
            self.clips += 1
            return super().run(job)

        def resident_mb(self) -> tuple[float, float]:
            return 200.0 + self.clips, 50.0

    leaking = steady(Leaks(PIPELINE, dict), Job(b""), 30, every=10)
    assert (leaking["at"], leaking["flat"]) == ([10, 20, 30], False)
    assert leaking["slope_kib_per_clip"] == pytest.approx(1024.0)
    level = steady(StandIn(PIPELINE, dict), Job(b""), 25, every=10)
    assert (level["at"], level["flat"], level["largest_mb"]) == ([10, 20, 25], True, 250.0)


def test_one_comparison_is_measured_in_microseconds() -> None:
    body = comparison(repeats=1, calls=3)
    assert body["dimensions"] == [128, 1024]
    for name in ("this_templates", "this_inner_product", "dlib_distance"):
        assert 0 < body[name]["min_us"] <= body[name]["median_us"]


def test_the_random_detector_computes_as_much_as_scrfd_10g() -> None:
    content = networks.random_detector()
    assert networks.multiply_accumulates(content, 480, 640) == pytest.approx(10.0, rel=0.01)
    # The length of det_10g.onnx is 16,923,827 bytes.
    assert len(content) == pytest.approx(16_923_827, rel=0.001)


@pytest.mark.slow
def test_the_random_recogniser_is_as_large_as_w600k_r50() -> None:
    content = networks.random_recogniser()
    assert networks.multiply_accumulates(content, 112, 112) == pytest.approx(6.31, rel=0.01)
    # The length of w600k_r50.onnx is 174,383,860 bytes.
    assert len(content) == pytest.approx(174_383_860, rel=0.001)


@pytest.mark.pack
@pytest.mark.slow
def test_a_small_clip_is_measured_by_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "short.mp4"
    path.write_bytes(synthetic_clip(320, 240, 1.0, 300_000))
    models = ["--models-dir", str(settings.CAMEO_MODELS_DIR)]
    body = _json(capsys, str(path), "--repeats", "1", "--frames", "1", "--no-duplicates", *models)
    assert (body["clip"]["frames"], body["clip"]["width"]) == (30, 320)
    assert body["contenders"][PIPELINE]["frames_measured"] == 30
    insightface = body["contenders"][INSIGHTFACE]
    assert (insightface["frames_measured"], insightface["descriptors"]) == (1, 1)
    if "absent" not in body["contenders"][DLIB]:
        assert body["contenders"][DLIB]["frames_measured"] == 1
        assert body["ratios"]["peers_to_this"][DLIB] > 1


@pytest.mark.pack
@pytest.mark.slow
def test_a_file_that_is_no_video_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"no video at all" * 100)
    models = ["--models-dir", str(settings.CAMEO_MODELS_DIR)]
    assert identity.main([str(path), "--json", *models]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert "this_pipeline: not_a_video" in output.err
