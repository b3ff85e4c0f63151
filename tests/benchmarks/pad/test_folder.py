from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.pad.errors import FolderUnusable, LabelsUnusable
from benchmarks.pad.folder import Label, read_folder, read_labels
from identity.prompts import Direction, Kind, Script


def labelled(folder: Path, body: Any) -> Path:
    (folder / "alice.mp4").write_bytes(b"clip")
    text = body if isinstance(body, str) else json.dumps(body)
    (folder / "labels.json").write_text(text, encoding="utf-8")
    return folder


ALICE = {
    "turns": [{"direction": "left", "peak": 5.0, "yaw": 16}],
    "blinks": [1.6],
    "mouth_open": [8.0],
}


def test_labels_become_a_script_of_windows_round_each_event(tmp_path: Path) -> None:
    (clip,) = read_folder(labelled(tmp_path, {"clips": {"alice.mp4": ALICE}}))
    script = clip.label.script(12.0)
    blink, turn, mouth = script.prompts
    assert (blink.kind, blink.start, blink.end, blink.count) == (Kind.BLINK, 0.6, 2.6, 1)
    assert (turn.direction, turn.min_degrees, turn.start) == (Direction.LEFT, 13.0, 4.0)
    assert mouth.kind is Kind.OPEN_MOUTH
    assert Script.from_json(script.to_json()) == script
    assert (clip.label.turns, clip.label.deep) == (True, True)


def test_what_lies_beyond_the_clip_is_not_asked(tmp_path: Path) -> None:
    (clip,) = read_folder(labelled(tmp_path, {"clips": {"alice.mp4": ALICE}}))
    assert [p.kind for p in clip.label.script(6.0).prompts] == [Kind.BLINK, Kind.TURN]


def test_without_events_a_seen_mouth_or_a_hold_is_asked() -> None:
    (mouth,) = Label(mouth_seen=True).script(7.0).prompts
    assert (mouth.kind, mouth.start, mouth.end) == (Kind.OPEN_MOUTH, 0.0, 7.0)
    (hold,) = Label().script(7.0).prompts
    assert hold.kind is Kind.HOLD


def test_a_folder_without_labels_has_clips_without_events(tmp_path: Path) -> None:
    (tmp_path / "bob.webm").write_bytes(b"clip")
    (tmp_path / "notes.txt").write_text("no clip")
    (clip,) = read_folder(tmp_path)
    assert (clip.name, clip.label) == ("bob", Label())


def test_a_folder_that_is_not_there_or_empty_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path / "none", tmp_path):
        with pytest.raises(FolderUnusable):
            read_folder(folder)


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "[" * 100_000,
        [],
        {"clips": []},
        {"clips": {"alice.mp4": []}},
        {"clips": {"alice.mp4": {"turns": {}}}},
        {"clips": {"alice.mp4": {"turns": [7]}}},
        {"clips": {"alice.mp4": {"turns": [{"direction": "sideways", "peak": 1, "yaw": 9}]}}},
        {"clips": {"alice.mp4": {"turns": [{"direction": ["left"], "peak": 1, "yaw": 9}]}}},
        {"clips": {"alice.mp4": {"turns": [{"direction": "left", "peak": 1}]}}},
        {"clips": {"alice.mp4": {"blinks": [-1]}}},
        {"clips": {"alice.mp4": {"blinks": [True]}}},
        {"clips": {"alice.mp4": {"blinks": ["1"]}}},
        {"clips": {"alice.mp4": {"mouth_open": [1e9]}}},
        '{"clips": {"alice.mp4": {"blinks": [NaN]}}}',
        {"clips": {"alice.mp4": {"mouth_open_seen": "yes"}}},
        {"clips": {"mallory.mp4": {}}},
    ],
)
def test_labels_that_cannot_be_understood_are_refused(tmp_path: Path, body: Any) -> None:
    with pytest.raises(LabelsUnusable):
        read_folder(labelled(tmp_path, body))


def test_no_labels_are_no_error(tmp_path: Path) -> None:
    assert read_labels(tmp_path / "labels.json") == {}
