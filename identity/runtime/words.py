"""A report for reading: the same facts as its JSON, a line each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def in_words(body: Mapping[str, Any]) -> str:
    """Returns the report of `runtime.report` as text."""
    return "\n".join(_lines(body))


def _lines(body: Mapping[str, Any]) -> Iterator[str]:
    clip, track = body["clip"], body["track"]
    yield (
        f"clip      {clip['container']}/{clip['codec']} {clip['width']}×{clip['height']}, "
        f"{clip['frames']} frames, {clip['seconds']:.1f} s"
    )
    yield (
        f"face      in {track['face_share']:.1%} of frames, eyes {track['eye_distance_px']} px "
        f"apart, second face for {track['second_face_seconds']:.1f} s, "
        f"{len(track['jumps'])} jumps"
    )
    pose = body["pose"]
    if pose is not None:
        sides = ", ".join(
            f"{side} {pose[side]['degrees']:.0f}° at {pose[side]['time']:.1f} s"
            for side in ("left", "right", "up", "down")
        )
        yield f"pose      {sides} (neutral of the {pose['neutral']['from']})"
    yield f"blinks    {_times(body['blinks'])}"
    yield f"mouth     {_times(body['mouth_openings'])}"
    yield f"samples   {body['samples']['count']}, {body['samples']['good']} of them good"
    for prompt in body["prompts"]:
        when = "" if prompt["time"] is None else f" at {prompt['time']:.2f} s"
        what = " ".join(filter(None, (prompt["kind"], prompt.get("direction"))))
        mark = "answered" if prompt["found"] else prompt["why"]
        yield f"prompt    {what} {prompt['start']:g}–{prompt['end']:g} s: {mark}{when}"
    for signal in body["signals"]:
        numbers = ""
        if signal["value"] is not None:
            numbers = f" {signal['value']:g}"
            if signal["threshold"] is not None:
                numbers += f" against {signal['threshold']:g}"
        yield (
            f"signal    {signal['name']}: {signal['outcome']} ({signal['why']}{numbers}, "
            f"n = {signal['n']})"
        )
    yield f"outcome   {body['outcome']}" + (
        f": {', '.join(body['reasons'])}" if body["reasons"] else ""
    )
    stages = ", ".join(f"{stage} {value:.2f} s" for stage, value in body["timings"].items())
    yield f"timings   {stages}"


def _times(events: list[Mapping[str, Any]]) -> str:
    return ", ".join(f"{event['time']:.2f} s" for event in events) or "none"
