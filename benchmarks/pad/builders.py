"""From an attacker's material to the frames of an attack, one function for each way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from benchmarks.pad.cues import cues
from benchmarks.pad.frames import Picture
from benchmarks.pad.material import Material
from benchmarks.pad.species import light, people, pictures, screen, timeline
from identity.prompts import Kind, Script

Parameters = Mapping[str, Any]
Made = tuple[Iterable[Picture], Script]
MAX_WINDOW = 4.0
"""Seconds: a prompt with a longer window asks for something at any time."""
Build = Callable[[Material, np.random.Generator, Parameters], Made]


class NothingTimed(Exception):
    """The clip's labels ask for nothing at a time of its own, so none can come wrongly timed."""


def _length(script: Script) -> float:
    return script.seconds + 0.4


def still(m: Material, chance: np.random.Generator, p: Parameters) -> Made:
    script = m.picture_script
    count = round(_length(script) * m.fps)
    if p.get("album"):
        return (m.album.at(cue) for cue in cues(script, m.fps, count)), script
    if p.get("breath"):
        return pictures.breathing(m.album.rest, count, m.fps, p["breath"]), script
    return pictures.still(m.album.rest, count), script


def moving(kind: str) -> Build:
    def build(m: Material, chance: np.random.Generator, p: Parameters) -> Made:
        script = m.picture_script
        what = cues(script, m.fps, round(_length(script) * m.fps))
        own = m.album
        album = own if p.get("album", True) else pictures.Album(own.rest, own.rest, own.rest)
        more = {k: v for k, v in p.items() if k not in ("album", "noise", "shake", "codec", "wall")}
        if p.get("wall"):
            more["wall"] = np.full_like(own.rest, 120)
        if kind == "panned":
            return pictures.panned(album, what, **more), script
        if kind == "turned":
            return pictures.turned(album, what, **more), script
        return pictures.bent(album, what, **more), script

    return build


def recaptured(m: Material, chance: np.random.Generator, p: Parameters) -> Made:
    base = m.answer if p.get("live") else m.unlit
    shown = screen.recaptured(base, m.fps, chance, screen.Screen(**p["screen"]))
    return shown, m.script


def frozen(m: Material, chance: np.random.Generator, p: Parameters) -> Made:
    seconds = len(m.answer) / m.fps
    out = m.answer
    for part in p["at"]:
        start = part * max(0.0, seconds - p["seconds"])
        how = timeline.waiting if p.get("waits") else timeline.frozen
        out = how(out, m.fps, start, p["seconds"])
    return out, m.script


def looped(m: Material, chance: np.random.Generator, p: Parameters) -> Made:
    seconds = len(m.answer) / m.fps
    start = p["at"] * max(0.0, seconds - p["seconds"] * (p["times"] + 1))
    out = timeline.looped(
        m.answer, m.fps, start, p["seconds"], p["times"], bounce=p.get("bounce", False)
    )
    return out, m.script


def _needs_times(m: Material) -> None:
    """Raises NothingTimed where a clip's labels ask for nothing at a time of its own."""
    kinds = (Kind.TURN, Kind.BLINK, Kind.OPEN_MOUTH)
    if not any(x.kind in kinds and x.end - x.start <= MAX_WINDOW for x in m.script.prompts):
        raise NothingTimed


def reordered(m: Material, chance: np.random.Generator, p: Parameters) -> Made:
    _needs_times(m)
    script = m.piece_script
    if not any(prompt.kind is Kind.TURN for prompt in script.prompts):
        length = max(1, round(m.fps))
        starts = list(range(0, len(m.answer), length))
        chance.shuffle(starts)
        return [f for at in starts for f in m.answer[at : at + length]], script
    return timeline.spliced(m.recording, script, _length(script), fade=p["fade"]), script


def turned_round(m: Material, chance: np.random.Generator, p: Parameters) -> Made:
    _needs_times(m)
    how = p["how"]
    if how == "all":
        return m.answer[::-1], m.script
    if how == "pieces" and any(x.kind is Kind.TURN for x in m.piece_script.prompts):
        script = m.piece_script
        length = _length(script)
        return timeline.spliced(m.recording, script, length, fade=2, backwards=True), script
    windows = [(x.start, x.end) for x in m.script.prompts if x.kind not in (Kind.LIGHT, Kind.HOLD)]
    return timeline.reversed_windows(m.answer, m.fps, windows or [(0.0, 2.0)]), m.script


def swap_in(m: Material, first: int, count: int, which: int, how: str) -> list[Picture]:
    """The answer with somebody else from frame `first` on, for `count` frames.

    Args:
        which: of the guests. how: "cut" (whole frames), "mesh" or "similar" (the face only).
    """
    guest = m.guest(which, first, count)
    if how == "cut":
        return people.cut_to(m.answer, guest, first)
    out = list(m.answer)
    for index, picture in enumerate(guest):
        at = first + index
        here, there = m.points(out[at]), m.points(picture)
        if here is not None and there is not None:
            out[at] = people.pasted_face(out[at], picture, here, there, by_mesh=how == "mesh")
    return out


def swapped(m: Material, chance: np.random.Generator, p: Parameters) -> Made:
    count = min(round(p["seconds"] * m.fps), len(m.answer) // 2)
    first = int(chance.integers(0, len(m.answer) - count))
    return swap_in(m, first, count, int(chance.integers(100)), p["how"]), m.script


def poster(m: Material, chance: np.random.Generator, p: Parameters) -> Made:
    picture = m.album.rest if p.get("own") else m.guest(int(chance.integers(100)), 0, 1)[0]
    points = m.points(picture)
    face = picture if points is None else people.head_of(picture, points)
    seconds = len(m.answer) / m.fps
    start = float(chance.uniform(0, max(0.1, seconds - p["seconds"])))
    frames = people.with_poster(
        m.answer,
        m.fps,
        face,
        scale=p["scale"],
        place=p["place"],
        during=(start, start + p["seconds"]),
    )
    return frames, m.script


def wrong_light(m: Material, chance: np.random.Generator, p: Parameters) -> Made:
    if p["how"] == "whole_frame":
        return light.tinted(m.unlit, m.fps, m.script, strength=p["strength"]), m.script
    return m.lit_by(light.recoloured(m.script, p["how"], chance)), m.script


def no_light(m: Material, chance: np.random.Generator, p: Parameters) -> Made:
    if not p.get("scene"):
        return m.unlit, m.script
    from tests.simulation.scene import Scene

    room: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in p["scene"].items()
    }
    return m.lit_by(None, Scene(**room)), m.script


def late(m: Material, chance: np.random.Generator, p: Parameters) -> Made:
    _needs_times(m)
    return m.late(p["seconds"])


def avatar(m: Material, chance: np.random.Generator, p: Parameters) -> Made:
    return m.answer, m.script


def tinted_face(m: Material, chance: np.random.Generator, p: Parameters) -> Made:
    frames = list(timeline.spliced(m.recording, m.script, _length(m.script), fade=2))
    size = (frames[0].shape[1], frames[0].shape[0])
    masks, mask = [], np.zeros((size[1], size[0]), dtype=np.float32)
    for index, frame in enumerate(frames):
        points = m.points(frame) if index % 2 == 0 else None
        mask = mask if points is None else people.face_mask(points, size, 0.08)
        masks.append(mask)
    lit = light.tinted(frames, m.fps, m.script, strength=p["strength"], masks=masks)
    return lit, m.script
