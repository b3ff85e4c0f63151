from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.pad.cache import Cache, code_digest, digest
from identity.prompts import Kind, Prompt, Script
from identity.types import Track

SCRIPT = Script((Prompt(Kind.HOLD, 0.0, 1.0),))


def cache(folder: Path, **more: bool) -> Cache:
    return Cache(folder, "making", "judging", **more)


def track() -> Track:
    return Track(
        times=np.arange(3.0),
        meshes=np.zeros((3, 468, 3), np.float32),
        present=np.ones(3, np.bool_),
        passes=(),
        jumps=(),
        samples=(),
        width=64,
        height=48,
        scale=1.0,
    )


def test_a_kept_result_is_found_again(tmp_path: Path) -> None:
    key = cache(tmp_path).clip_key({"face": "alice", "number": 1})
    assert cache(tmp_path).result(key) is None
    cache(tmp_path).keep(key, {"outcome": "fail"})
    assert cache(tmp_path).result(key) == {"outcome": "fail"}


def test_other_parameters_and_other_code_are_other_clips(tmp_path: Path) -> None:
    one = cache(tmp_path)
    assert one.clip_key({"n": 1}) != one.clip_key({"n": 2})
    assert one.clip_key({"n": 1}) != Cache(tmp_path, "other", "judging").clip_key({"n": 1})
    assert one.clip_key({"a": 1, "b": 2}) == one.clip_key({"b": 2, "a": 1})


def test_a_result_under_other_judging_code_does_not_count(tmp_path: Path) -> None:
    cache(tmp_path).keep("k", {"outcome": "fail"})
    assert Cache(tmp_path, "making", "changed").result("k") is None


def test_half_a_result_counts_as_none(tmp_path: Path) -> None:
    cache(tmp_path).keep("k", {"outcome": "fail"})
    (path,) = tmp_path.rglob("k.json")
    path.write_text('{"outcome": "fa')
    assert cache(tmp_path).result("k") is None
    path.write_text("[]")
    assert cache(tmp_path).result("k") is None


def test_tracks_are_kept_only_where_asked_for(tmp_path: Path) -> None:
    cache(tmp_path).keep_track("k", track(), SCRIPT)
    assert not list(tmp_path.rglob("*.track"))
    cache(tmp_path, tracks=True).keep_track("k", track(), SCRIPT)
    assert cache(tmp_path, tracks=True).track("k") is None
    kept = cache(tmp_path, tracks=True, rejudge=True).track("k")
    assert kept is not None
    assert kept[1] == SCRIPT
    assert kept[0].times.tolist() == [0.0, 1.0, 2.0]


def test_a_broken_track_counts_as_none(tmp_path: Path) -> None:
    again = cache(tmp_path, tracks=True, rejudge=True)
    again.keep_track("k", track(), SCRIPT)
    (path,) = tmp_path.rglob("*.track")
    path.write_bytes(b"broken")
    assert again.track("k") is None


def test_codes_digest_follows_content_and_leaves_tests_out(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    file = tmp_path / "code" / "a.py"
    file.write_text("x = 1")
    before = code_digest(["code"], tmp_path)
    (tmp_path / "code" / "test_a.py").write_text("y = 1")
    assert code_digest(["code"], tmp_path) == before
    file.write_text("x = 2")
    assert code_digest(["code"], tmp_path) != before
    assert digest({"a": 1}) != digest({"a": 2})
