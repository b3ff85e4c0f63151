from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.conf import settings

from benchmarks import pipeline
from benchmarks.synthetic_clip import synthetic_clip

pytestmark = [pytest.mark.pack, pytest.mark.slow]


def test_a_clip_is_measured_beside_bare_decoding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "short.mp4"
    path.write_bytes(synthetic_clip(640, 360, 3.2, 1_000_000))
    models = ["--models-dir", str(settings.CAMEO_MODELS_DIR)]
    assert pipeline.main([str(path), "--json", "--rounds", "1", *models]) == 0
    body = json.loads(capsys.readouterr().out)
    assert set(body) == {"machine", "clips"}
    (row,) = body["clips"]
    assert (row["clip"], row["frames"], row["width"]) == ("short.mp4", 96, 640)
    assert row["ratio"] == pytest.approx(row["total_s"] / row["decode_s"], abs=0.02)
    assert set(row["cpu_s"]) == set(pipeline.STAGES)
    assert 0 < row["peak_mb"] <= 600


def test_a_file_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        pipeline.main([str(tmp_path / "none.mp4")])
