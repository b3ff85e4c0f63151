"""`analyse_clip` and `compare_faces`, as somebody types them."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from django.core.management import CommandError, call_command

from tests.simulation.motion import Moment
from tests.simulation.person import SimulatedPerson

pytestmark = [pytest.mark.pack, pytest.mark.slow]

SCRIPT = [{"kind": "turn", "direction": "left", "start": 1.0, "end": 3.0}]


def run(*arguments: str) -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command(*arguments, stdout=out, stderr=io.StringIO())
    except SystemExit as stop:
        return int(stop.code or 0), out.getvalue()
    return 0, out.getvalue()


def told(*arguments: str) -> tuple[int, Any]:
    code, out = run(*arguments)
    return code, json.loads(out)


@pytest.fixture(scope="module")
def folder(
    tmp_path_factory: pytest.TempPathFactory, alice: SimulatedPerson, mallory: SimulatedPerson
) -> Path:
    folder = tmp_path_factory.mktemp("files")
    (folder / "script.json").write_text(json.dumps(SCRIPT))
    (folder / "alice.mp4").write_bytes(alice.answer(SCRIPT, seconds=4.0))
    for name, picture in (
        ("alice", alice.picture()),
        ("alice-turned", alice.picture(Moment(yaw=12.0))),
        ("mallory", mallory.picture()),
        ("wall", np.full((480, 640, 3), 128, dtype=np.uint8)),
        ("both", np.hstack([alice.picture(), mallory.picture()])),
        ("on-her-side", np.rot90(alice.picture())),
    ):
        done, data = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        assert done
        (folder / f"{name}.png").write_bytes(data.tobytes())
    return folder


def test_a_clip_with_its_script_passes(folder: Path) -> None:
    clip, script = str(folder / "alice.mp4"), str(folder / "script.json")
    code, body = told("analyse_clip", clip, "--script", script, "--json")
    assert code == 0
    assert body["outcome"] == "pass"
    assert body["clip"]["frames"] == 120
    assert set(body["signals"][0]) == {"name", "value", "threshold", "outcome", "why", "n"}
    (prompt,) = body["prompts"]
    assert prompt["found"]
    assert 1.0 <= prompt["time"] <= 3.0
    assert prompt["degrees"] >= 15


def test_a_clip_in_words(folder: Path) -> None:
    code, out = run("analyse_clip", str(folder / "alice.mp4"))
    assert code == 0
    assert "outcome   review: compliance:no_script" in out


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "clip_empty"), (b"GIF89a nothing of the kind", "not_a_video")],
)
def test_what_is_no_clip_is_an_error_object(content: bytes, code: str, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    exit_code, body = told("analyse_clip", str(path), "--json")
    assert exit_code == 1
    assert body["error"]["code"] == code


def test_a_file_that_is_not_there_is_an_error_object(tmp_path: Path) -> None:
    exit_code, body = told("analyse_clip", str(tmp_path / "none.mp4"), "--json")
    assert (exit_code, body["error"]["code"]) == (1, "file_not_readable")


@pytest.mark.parametrize("content", ["", "{", "{}", '[{"kind": "dance"}]', "[" * 100_000])
def test_a_script_that_is_none_is_an_error_object(
    content: str, folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "script.json"
    path.write_text(content)
    clip = str(folder / "alice.mp4")
    exit_code, body = told("analyse_clip", clip, "--script", str(path), "--json")
    assert (exit_code, body["error"]["code"]) == (1, "script_invalid")
    assert run("analyse_clip", clip, "--script", str(path))[0] == 1


def test_two_pictures_of_one_person_match(folder: Path) -> None:
    a, b = str(folder / "alice.png"), str(folder / "alice-turned.png")
    code, body = told("compare_faces", a, b, "--json")
    assert (code, body["decision"], body["threshold"]) == (0, "match", 1.84)
    assert "match" in run("compare_faces", a, b)[1]


def test_a_clip_and_a_picture_are_held_against_the_pictures_threshold(folder: Path) -> None:
    _, body = told("compare_faces", str(folder / "alice.mp4"), str(folder / "alice.png"), "--json")
    assert (body["decision"], body["threshold"]) == ("match", 1.84)
    clip = str(folder / "alice.mp4")
    assert told("compare_faces", clip, clip, "--json")[1]["threshold"] == 3.0


def test_a_picture_of_nobody_is_an_error(folder: Path) -> None:
    a, b = str(folder / "wall.png"), str(folder / "alice.png")
    code, body = told("compare_faces", a, b, "--json")
    assert (code, body["error"]["code"]) == (1, "no_usable_face")
    assert run("compare_faces", a, b)[0] == 1


def test_pairs_are_answered_line_by_line_in_order(folder: Path, tmp_path: Path) -> None:
    pairs = folder / "pairs.csv"
    lines = [
        "a,b",
        "alice.png,on-her-side.png",
        "alice.png,mallory.png",
        "wall.png,alice.png",
        "alice.png,none.png",
        "pairs.csv,alice.png",
        f"both.png,{folder / 'alice.png'}",
    ]
    pairs.write_text("\n".join(lines))
    code, out = run("compare_faces", "--pairs", str(pairs), "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [f"{row['a']},{row['b']}" for row in rows] == lines[1:]
    assert rows[0]["decision"] == "match"
    # Mallory is a morph of the same portrait: single pictures of the two may still match.
    assert rows[1]["score"] < rows[0]["score"]
    assert (rows[1]["decision"] == "match") == (rows[1]["score"] >= rows[1]["threshold"])
    assert [row["error"]["code"] for row in rows[2:5]] == [
        "no_usable_face",
        "file_not_readable",
        "not_a_picture",
    ]
    assert rows[5]["faces"] == [2, 1]
    assert "no_usable_face" in run("compare_faces", "--pairs", str(pairs))[1]


@pytest.mark.parametrize("content", [b"a,b,c", b"alone", b"\xff\xfe\x00,b"])
def test_a_list_of_pairs_that_is_none_is_an_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_bytes(content)
    code, body = told("compare_faces", "--pairs", str(path), "--json")
    assert (code, body["error"]["code"]) == (1, "pairs_invalid")


@pytest.mark.parametrize("arguments", [(), ("a",), ("a", "b", "c"), ("a", "b", "--pairs", "c")])
def test_anything_but_two_files_or_a_list_is_a_usage_error(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        call_command("compare_faces", *arguments)
