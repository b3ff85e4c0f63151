"""The pipeline on real people: clips that aren't part of the project, labelled by others.

Nothing of a clip is written anywhere; what is cut out of one stays in memory.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from functools import cache
from itertools import combinations, permutations
from pathlib import Path
from typing import Any

import av
import pytest
from av.video.frame import VideoFrame
from django.conf import settings

from identity.comparison import compare
from identity.liveness.verdict import judge
from identity.prompts import Script
from identity.runtime.analysis import Analysis, analyse
from identity.runtime.faces import likeness_of
from identity.types import Outcome, Verdict
from models.engine import Engines
from models.runtime import load_engines
from tests.conftest import REAL_CLIPS

pytestmark = [pytest.mark.real_clips, pytest.mark.pack, pytest.mark.slow]

Prompts = list[dict[str, Any]]
MIRROR = {"left": "right", "right": "left"}
AROUND = 1.0


def labels() -> dict[str, Any]:
    path = REAL_CLIPS / "labels.json"
    if not path.is_file():
        return {}
    clips: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["clips"]
    return clips


CLIPS = sorted(labels())
TURNING = [name for name in CLIPS if labels()[name]["turns"]]


@cache
def engines() -> Engines:
    return load_engines("open", Path(settings.CAMEO_MODELS_DIR))


@cache
def analysed(name: str) -> Analysis:
    return analyse((REAL_CLIPS / name).read_bytes(), None, engines())


def prompts_of(name: str) -> Prompts:
    """A script made from the labels: windows of a second around each peak."""
    label = labels()[name]
    prompts: Prompts = [
        {"kind": "turn", "direction": t["direction"], "min_degrees": t["yaw"] - 3, "at": t["peak"]}
        for t in label["turns"]
    ]
    prompts += [{"kind": "blink", "at": at} for at in label["blinks"]]
    prompts += [{"kind": "open_mouth", "at": at} for at in label.get("mouth_open", [])]
    return sorted(prompts, key=lambda p: float(p["at"]))


def script_of(prompts: Prompts) -> Script:
    body = []
    for prompt in prompts:
        window = {"start": max(0.0, prompt["at"] - AROUND), "end": prompt["at"] + AROUND}
        body.append({**{k: v for k, v in prompt.items() if k != "at"}, **window})
    return Script.from_json(body)


def judged(name: str, prompts: Prompts) -> Verdict:
    return judge(analysed(name).track, script_of(prompts), engines().calibration)


def compliance(verdict: Verdict) -> str:
    return next(s.outcome.value for s in verdict.signals if s.name == "compliance")


@pytest.mark.parametrize("name", CLIPS)
def test_one_face_is_in_nearly_every_frame_and_never_a_second_one(name: str) -> None:
    track = analysed(name).track
    assert track.times.size == labels()[name]["frames"]
    assert track.present.mean() >= 0.99
    assert not any(look.others for look in track.passes)


@pytest.mark.parametrize("name", CLIPS)
def test_a_real_person_passes_every_signal_that_asks_nothing_of_them(name: str) -> None:
    verdict = analysed(name).verdict
    assert verdict.outcome is Outcome.REVIEW
    assert verdict.reasons == ("compliance:no_script",)


@pytest.mark.parametrize("name", TURNING)
def test_every_labelled_movement_is_found(name: str) -> None:
    prompts = prompts_of(name)
    verdict = judged(name, prompts)
    assert verdict.outcome is Outcome.PASS
    answers = {(m.prompt.kind.value, round(m.prompt.end - AROUND, 2)): m for m in verdict.prompts}
    label = labels()[name]
    for turn in label["turns"]:
        answer = answers["turn", turn["peak"]]
        assert answer.found
        assert answer.measured == pytest.approx(turn["yaw"], abs=3)
        assert answer.times[0] == pytest.approx(turn["peak"], abs=0.2)
    for kind, times in (("blink", label["blinks"]), ("open_mouth", label["mouth_open"])):
        for time in times:
            answer = answers[kind, time]
            assert answer.found
            assert answer.times[0] == pytest.approx(time, abs=0.2)


@pytest.mark.parametrize("name", CLIPS)
def test_a_mouth_is_open_where_it_was_seen_to_be(name: str) -> None:
    label = labels()[name]
    seen = label.get("mouth_open_seen", bool(label.get("mouth_open")))
    body = [{"kind": "open_mouth", "start": 0, "end": label["frames"] / label["fps"]}]
    verdict = judge(analysed(name).track, Script.from_json(body), engines().calibration)
    assert (compliance(verdict) == "pass") == seen


def mirrored(prompts: Prompts) -> Prompts:
    return [
        {**p, "direction": MIRROR[p["direction"]]} if p["kind"] == "turn" else p for p in prompts
    ]


def reversed_in_place(prompts: Prompts) -> Prompts:
    turned = [{**p, "at": q["at"]} for p, q in zip(reversed(prompts), prompts, strict=True)]
    return sorted(turned, key=lambda p: float(p["at"]))


def turned_on_by_one(prompts: Prompts) -> Prompts:
    moved = [*prompts[1:], prompts[0]]
    return [{**p, "at": q["at"]} for p, q in zip(moved, prompts, strict=True)]


@pytest.mark.parametrize("name", TURNING)
@pytest.mark.parametrize("change", [mirrored, reversed_in_place, turned_on_by_one])
def test_a_changed_script_fails(name: str, change: Callable[[Prompts], Prompts]) -> None:
    verdict = judged(name, change(prompts_of(name)))
    assert compliance(verdict) == "fail"
    assert verdict.outcome is Outcome.FAIL


@pytest.mark.parametrize("name", TURNING)
def test_turns_in_any_other_order_fail(name: str) -> None:
    turns = [p for p in prompts_of(name) if p["kind"] == "turn"]
    sides = [t["direction"] for t in turns]
    for order in permutations(turns):
        if [t["direction"] for t in order] == sides:
            continue
        moved = [{**t, "at": at["at"]} for t, at in zip(order, turns, strict=True)]
        assert compliance(judged(name, moved)) == "fail"


@pytest.mark.parametrize("name", CLIPS)
def test_two_halves_of_a_clip_match(name: str) -> None:
    data = (REAL_CLIPS / name).read_bytes()
    one, other = (likeness_of(cut(data, half), engines()) for half in (0, 1))
    assert compare(one.template, other.template, engines().calibration) >= 10.6


def test_no_two_people_match() -> None:
    templates = [analysed(name).template for name in CLIPS]
    for one, other in combinations(templates, 2):
        assert one is not None
        assert other is not None
        assert compare(one, other, engines().calibration) <= 1.8


@pytest.mark.parametrize("name", TURNING)
@pytest.mark.parametrize("count", [15, 12, 3])
def test_a_short_swap_is_seen(name: str, count: int) -> None:
    """Frames of somebody else take the place of some in the middle: 0.5, 0.4 or 0.1 s."""
    host = frames_of((REAL_CLIPS / name).read_bytes())
    guest_name = next(n for n in CLIPS if n != name)
    guest = frames_of((REAL_CLIPS / guest_name).read_bytes())
    at = len(host) // 2
    mixed = [*host[:at], *guest[:count], *host[at + count :]]
    verdict = analyse(encoded(mixed), None, engines()).verdict
    assert verdict.outcome is Outcome.FAIL
    assert any(reason.startswith("continuity:") for reason in verdict.reasons)


def frames_of(data: bytes) -> list[VideoFrame]:
    with av.open(io.BytesIO(data), mode="r") as container:
        return list(container.decode(video=0))


def cut(data: bytes, half: int) -> bytes:
    frames = frames_of(data)
    middle = len(frames) // 2
    return encoded(frames[:middle] if half == 0 else frames[middle:])


def encoded(frames: list[VideoFrame]) -> bytes:
    """An MP4 of the frames at 30 a second, all of the size of the first."""
    out = io.BytesIO()
    options = {"preset": "veryfast", "crf": "18"}
    with av.open(out, mode="w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=30, options=options)
        stream.width, stream.height = frames[0].width, frames[0].height
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            plain = frame.reformat(stream.width, stream.height, "rgb24").to_ndarray()
            container.mux(stream.encode(VideoFrame.from_ndarray(plain, format="rgb24")))
        container.mux(stream.encode(None))
    return out.getvalue()
