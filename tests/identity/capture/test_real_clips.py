"""The real clips, where they are at hand."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from identity.capture.stream import open_clip

ROOT = Path(__file__).resolve().parents[3]
CLIPS = Path(os.environ.get("CAMEO_REAL_CLIPS") or ROOT.parent / "shared" / "clips")
FILES = sorted(CLIPS.glob("*.mp4")) if CLIPS.is_dir() else []


@pytest.mark.real_clips
@pytest.mark.skipif(not FILES, reason=f"no real clips at {CLIPS}")
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_real_clip_is_decoded_to_its_end(file: Path) -> None:
    with file.open("rb") as data, open_clip(data) as clip:
        times = [frame.time_s for frame in clip]
    assert clip.info.codec == "h264"
    assert clip.info.duration_s == pytest.approx(times[-1] + times[1], abs=0.1)
    assert len(times) > 100


@pytest.mark.real_clips
@pytest.mark.skipif(not FILES, reason=f"no real clips at {CLIPS}")
def test_every_labelled_clip_is_there() -> None:
    labels = json.loads((CLIPS / "labels.json").read_text(encoding="utf-8"))
    assert labels
