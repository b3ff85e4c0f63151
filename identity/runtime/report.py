"""What an analysis says, as plain JSON values. No picture, mesh or embedding goes in."""

from __future__ import annotations

from typing import Any

import numpy as np

from identity.liveness.events import Event, Events, find_events
from identity.liveness.geometry import Series, eye_distance, motion_of
from identity.liveness.signals import good_samples, seconds_of_others
from identity.runtime.analysis import Analysis
from identity.types import MeasuredPrompt, Track


def report(analysis: Analysis) -> dict[str, Any]:
    """Returns the report of docs/analyse-clip.md, ready for `json.dumps`."""
    track = analysis.track
    seen = bool(track.present.any())
    events = find_events(motion_of(track), analysis.script) if seen else None
    return {
        "clip": _clip(analysis),
        "track": _track(track),
        "pose": _pose(track, events),
        "blinks": [] if events is None else [_event(e, "opening") for e in events.blinks],
        "mouth_openings": [] if events is None else [_event(e, "opening") for e in events.mouths],
        "turns": [] if events is None else _turns(events),
        "samples": _samples(track),
        "prompts": [_prompt(measured) for measured in analysis.verdict.prompts],
        "signals": [signal.to_json() for signal in analysis.verdict.signals],
        "outcome": analysis.verdict.outcome.value,
        "reasons": list(analysis.verdict.reasons),
        "template": None if analysis.template is None else {"samples": analysis.template.samples},
        "pack": analysis.pack,
        "template_format": analysis.template_format,
        "timings": {stage: round(value, 4) for stage, value in analysis.timings.items()},
    }


def _clip(analysis: Analysis) -> dict[str, Any]:
    info, times = analysis.info, analysis.track.times
    seconds = float(times[-1]) if times.size else 0.0
    rate = (times.size - 1) / seconds if seconds > 0 else None
    return {
        "container": info.container,
        "codec": info.codec,
        "width": info.width,
        "height": info.height,
        "working_width": info.working_width,
        "working_height": info.working_height,
        "frames": int(times.size),
        "seconds": round(seconds, 3),
        "frame_rate": None if rate is None else round(rate, 2),
    }


def _track(track: Track) -> dict[str, Any]:
    share = float(track.present.mean()) if track.times.size else 0.0
    distance = None
    if track.present.any():
        middle = float(np.median(eye_distance(track.meshes[track.present])))
        distance = round(middle / track.scale, 1)
    return {
        "frames_with_face": int(track.present.sum()),
        "face_share": round(share, 4),
        "eye_distance_px": distance,
        "looks": len(track.passes),
        "looks_with_second_face": sum(1 for look in track.passes if look.others),
        "second_face_seconds": round(seconds_of_others(track), 3),
        "jumps": [
            {"time": round(j.time_s, 3), "kind": j.kind, "size": round(j.size, 3)}
            for j in track.jumps
        ],
    }


def _pose(track: Track, events: Events | None) -> dict[str, Any] | None:
    if events is None:
        return None
    motion, neutral = motion_of(track), events.neutral

    def extreme(values: Series, at: int) -> dict[str, float]:
        return {
            "time": round(float(motion.times[at]), 3),
            "degrees": round(float(values[at]), 2),
        }

    yaw, pitch = motion.yaw - neutral.yaw, motion.pitch - neutral.pitch
    return {
        "neutral": {
            "yaw": round(neutral.yaw, 2),
            "pitch": round(neutral.pitch, 2),
            "from": "clip" if neutral.spread is None else "hold",
        },
        "left": extreme(yaw, int(yaw.argmax())),
        "right": extreme(-yaw, int(yaw.argmin())),
        "up": extreme(pitch, int(pitch.argmax())),
        "down": extreme(-pitch, int(pitch.argmin())),
    }


def _event(event: Event, name: str) -> dict[str, float]:
    return {"time": round(event.time_s, 3), name: round(event.size, 3)}


def _turns(events: Events) -> list[dict[str, Any]]:
    turns = [
        {"direction": side.value, **_event(event, "degrees")}
        for side, found in events.turns.items()
        for event in found
    ]
    return sorted(turns, key=lambda turn: float(turn["time"]))


def _samples(track: Track) -> dict[str, Any]:
    return {
        "count": len(track.samples),
        "good": len(good_samples(track)),
        "taken": [
            {
                "time": round(s.time_s, 3),
                "yaw": round(s.yaw, 1),
                "pitch": round(s.pitch, 1),
                "brightness": round(s.brightness, 1),
                "contrast": round(s.contrast, 1),
                "sharpness": round(s.sharpness, 5),
                "margin": round(s.margin, 3),
            }
            for s in track.samples
        ],
    }


def _prompt(measured: MeasuredPrompt) -> dict[str, Any]:
    """A prompt as it was asked, with what was measured; `time` is that of the first event."""
    found = [round(time, 3) for time in measured.times]
    value = None if measured.measured is None else round(measured.measured, 3)
    body = measured.prompt.to_json()
    body.update(
        found=measured.found, time=found[0] if found else None, times=found, why=measured.why
    )
    names = {"turn": "degrees", "hold": "spread_degrees"}
    body[names.get(measured.prompt.kind.value, "opening")] = value
    return body
