"""What docs/models.md says was measured on real clips."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest

from models.engine import Engines, Region, Vector, region_from_detection, region_from_points

pytestmark = [pytest.mark.real_clips, pytest.mark.pack, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
DETECT_EVERY = 15
SAMPLE_EVERY = 12

Sample = list[Vector]


@dataclass(frozen=True)
class Track:
    frames: int
    with_face: int
    most_faces: int
    samples: list[Sample]


@pytest.fixture(scope="module")
def tracks(engines: Engines) -> dict[str, Track]:
    folder = Path(os.environ.get("CAMEO_REAL_CLIPS", ROOT.parent / "shared" / "clips"))
    clips = sorted(folder.glob("*.mp4"))
    if len(clips) < 2:
        pytest.skip("the real clips are not there ($CAMEO_REAL_CLIPS)")
    return {clip.stem: _track(engines, clip) for clip in clips}


def _track(engines: Engines, clip: Path) -> Track:
    region: Region | None = None
    frames = with_face = most_faces = 0
    samples = []
    with av.open(str(clip)) as container:
        for frame in container.decode(video=0):
            picture = np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)
            if region is None or frames % DETECT_EVERY == 0:
                faces = engines.detector.detect(picture)
                most_faces = max(most_faces, len(faces))
                if region is None and faces:
                    region = region_from_detection(faces[0])
            frames += 1
            if region is None:
                continue
            mesh = engines.mesh.landmarks(picture, region)
            region = region_from_points(mesh.points) if mesh.presence > 0.5 else None
            with_face += region is not None
            if region is not None and frames % SAMPLE_EVERY == 0:
                samples.append([e.embed(picture, mesh.points) for e in engines.embedders])
    return Track(frames, with_face, most_faces, samples)


def _template(samples: list[Sample]) -> Sample:
    means = [np.mean(vectors, axis=0) for vectors in zip(*samples, strict=True)]
    return [np.asarray(mean / np.linalg.norm(mean), dtype=np.float32) for mean in means]


def _score(engines: Engines, a: Sample, b: Sample) -> float:
    c = engines.calibration
    weighted = zip(c.weights, a, b, strict=True)
    return sum(weight * float(x @ y) for weight, x, y in weighted) + c.bias


def test_one_face_is_seen_in_every_clip_all_the_time(tracks: dict[str, Track]) -> None:
    for name, track in tracks.items():
        assert track.with_face >= 0.99 * track.frames, name
        assert track.most_faces == 1, name


def test_two_halves_of_a_clip_match_and_two_people_do_not(
    engines: Engines, tracks: dict[str, Track]
) -> None:
    for name, track in tracks.items():
        middle = len(track.samples) // 2
        first, second = _template(track.samples[:middle]), _template(track.samples[middle:])
        assert _score(engines, first, second) >= 10.6, name
    templates = {name: _template(track.samples) for name, track in tracks.items()}
    for a, b in itertools.combinations(templates, 2):
        assert _score(engines, templates[a], templates[b]) <= 1.8, (a, b)


def test_a_sample_belongs_to_its_own_clip_and_to_no_other(
    engines: Engines, tracks: dict[str, Track]
) -> None:
    threshold = engines.calibration.continuity_threshold
    for name, track in tracks.items():
        for index, sample in enumerate(track.samples):
            rest = track.samples[:index] + track.samples[index + 1 :]
            assert _score(engines, sample, _template(rest)) > threshold, (name, index)
            for other, its_track in tracks.items():
                if other != name:
                    assert _score(engines, sample, _template(its_track.samples)) < threshold
